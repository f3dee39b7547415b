"""Gemini's request rules, as an oracle: unknown fields, turns, pairing, signatures, declarations, configuration.

Sources: https://ai.google.dev/api/generate-content, /gemini-api/docs/function-calling, /thought-signatures, and the
refusals quoted. Stricter than the vendor in one thing: the validator sentinel on a sibling of a parallel call is
refused, where the vendor answers with nothing.
"""

from __future__ import annotations

import base64
import hashlib
import re
from collections.abc import Iterable, Sequence
from typing import Any

from gammainfra.simulate.refusal import Refusal
from gammainfra.simulate.tokens import canonical
from gammainfra.simulate.vendor import Body

SENTINEL = "skip_thought_signature_validator"
_MODEL = re.compile(r"gemini-(\d+)")
_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_.:-]{0,127}\Z")
_TOP = frozenset(
    {
        "model", "stream", "contents", "systemInstruction", "tools", "toolConfig", "safetySettings",
        "generationConfig", "cachedContent", "labels",
    }
)  # fmt: skip
_CONFIG = frozenset(
    {
        "stopSequences", "responseMimeType", "responseSchema", "responseJsonSchema", "responseModalities",
        "candidateCount", "maxOutputTokens", "temperature", "topP", "topK", "seed", "presencePenalty",
        "frequencyPenalty", "responseLogprobs", "logprobs", "speechConfig", "thinkingConfig", "mediaResolution",
    }
)  # fmt: skip
_PART_VALUES = frozenset(
    {"text", "inlineData", "fileData", "functionCall", "functionResponse", "executableCode", "codeExecutionResult"}
)
_PART = _PART_VALUES | {"thought", "thoughtSignature", "videoMetadata"}
_SCHEMA = frozenset(
    {
        "$id", "$defs", "$ref", "$anchor", "type", "format", "title", "description", "enum", "items", "prefixItems",
        "minItems", "maxItems", "minimum", "maximum", "anyOf", "oneOf", "properties", "additionalProperties",
        "required", "propertyOrdering",
    }
)  # fmt: skip
_MODES = frozenset({"AUTO", "ANY", "NONE", "VALIDATED"})
_RANGES = (("temperature", 0, 2), ("topP", 0, 1), ("candidateCount", 1, 8), ("maxOutputTokens", 1, 1_048_576))
_STOPS = 5
_THREE = 3


def refuse(message: str) -> Refusal:
    """A 400 in Google's words."""
    return Refusal(400, "INVALID_ARGUMENT", message)


def is_three(model: str) -> bool:
    """Whether a model is of Gemini 3 or later: it signs its calls and demands the signatures."""
    found = _MODEL.match(model)
    return found is not None and int(found[1]) >= _THREE


def sign(service: str, part: Body) -> str:
    """The signature of a part that a model at this service made; it can be checked, and hides nothing."""
    made = {name: value for name, value in part.items() if name != "thoughtSignature"}
    call = made.get("functionCall")
    if isinstance(call, dict):
        made["functionCall"] = {"name": call["name"], "args": call.get("args") or {}}
    return base64.b64encode(f"{service}:".encode() + hashlib.sha256(canonical(made)).digest()).decode()


def check_gemini(body: Body, service: str) -> None:
    """Raises Refusal (400, 404) unless Gemini would accept the request."""
    if not _MODEL.match(body["model"]):
        message = f"models/{body['model']} is not found for API version v1beta, or is not supported for generateContent"
        raise Refusal(404, "NOT_FOUND", message)
    _check_fields("", body, _TOP)
    contents = body.get("contents")
    if not isinstance(contents, list) or not contents:
        raise refuse("* GenerateContentRequest.contents: contents is not specified")
    system = body.get("systemInstruction")
    for content in [*contents, *([system] if system is not None else [])]:
        _check_content(content)
    _check_pairing(contents)
    if is_three(body["model"]):
        _check_signatures(contents, service)
    names = _check_tools(body.get("tools") or ())
    _check_tool_config(body.get("toolConfig") or {}, names)
    _check_config(body, has_tools=bool(names))


def _check_fields(where: str, value: object, known: Iterable[str]) -> None:
    for name in value if isinstance(value, dict) else ():
        if name not in known:
            place = f" at '{where}'" if where else ""
            raise refuse(f'Invalid JSON payload received. Unknown name "{name}"{place}: Cannot find field.')


def _check_content(content: object) -> None:
    _check_fields("contents", content, {"role", "parts"})
    parts = content.get("parts") if isinstance(content, dict) else None
    if not isinstance(content, dict) or not isinstance(parts, list) or not parts:
        raise refuse("* GenerateContentRequest.contents.parts: contents.parts must not be empty.")
    if content.get("role") not in {None, "user", "model"}:
        raise refuse("Please use a valid role: user, model.")
    for part in parts:
        _check_fields("contents.parts", part, _PART)
        if len(part.keys() & _PART_VALUES) != 1:
            raise refuse("contents.parts[].data: required oneof field 'data' must have one initialized field")


def _calls(content: Body) -> list[Body]:
    return [part["functionCall"] for part in content["parts"] if "functionCall" in part]


def _results(content: Body) -> list[Body]:
    return [part["functionResponse"] for part in content["parts"] if "functionResponse" in part]


def _check_pairing(contents: Sequence[Body]) -> None:
    if contents[0].get("role") == "model" and _calls(contents[0]):
        raise refuse(
            "Please ensure that function call turn comes immediately after a user turn or after a function response "
            "turn."
        )
    open_calls: list[Body] = []
    for content in contents:
        results = _results(content)
        if results and not open_calls:
            raise refuse("Please ensure that function response turn comes immediately after a function call turn.")
        if len(results) != len(open_calls):
            raise refuse(
                "Please ensure that the number of function response parts is equal to the number of function call "
                "parts of the function call turn."
            )
        for call, result in zip(open_calls, results, strict=True):
            if result.get("name") != call["name"] or result.get("id", call.get("id")) != call.get("id"):
                raise refuse("Function response does not match its function call.")
            if not isinstance(result.get("response"), dict):
                raise refuse(
                    "Invalid value at 'function_response.response' (type.googleapis.com/google.protobuf.Struct)"
                )
        open_calls = _calls(content)
        for call in open_calls:
            _check_fields("function_call", call, {"id", "name", "args"})
            if not isinstance(call.get("name"), str) or not isinstance(call.get("args", {}), dict):
                raise refuse("Invalid value at 'function_call.args' (type.googleapis.com/google.protobuf.Struct)")
    if open_calls:
        raise refuse("Please ensure that function call turn is followed by a function response turn.")


def _check_signatures(contents: Sequence[Body], service: str) -> None:
    """Every step of the current turn begins with a signed call; whatever is signed was signed here."""
    spoken = [at for at, content in enumerate(contents) if content.get("role") != "model" and not _results(content)]
    current = spoken[-1] if spoken else 0
    for at, content in enumerate(contents):
        calling = [part for part in content["parts"] if "functionCall" in part]
        if calling and at > current and not calling[0].get("thoughtSignature"):
            name = calling[0]["functionCall"]["name"]
            raise refuse(
                "Function call is missing a thought_signature in functionCall parts. This is required for tools to "
                f"work correctly. Additional data, function call `default_api:{name}`, position {at}."
            )
        for part in content["parts"]:
            signature = part.get("thoughtSignature")
            may_skip = signature == SENTINEL and bool(calling) and part is calling[0]
            if signature and not may_skip and not _is_genuine(signature, part, service):
                raise refuse("Corrupted thought signature.")


def _is_genuine(signature: str, part: Body, service: str) -> bool:
    """A text's signature was made of the thoughts before it, so it names the service only."""
    if "functionCall" in part:
        return signature == sign(service, part)
    try:
        return base64.b64decode(signature, validate=True).startswith(f"{service}:".encode())
    except ValueError:
        return False


def _check_tools(tools: Iterable[Body]) -> list[str]:
    names: list[str] = []
    for tool in tools:
        for declared in tool.get("functionDeclarations") or ():
            _check_fields(
                "tools[0].function_declarations[0]",
                declared,
                {"name", "description", "parameters", "parametersJsonSchema", "response", "behavior"},
            )
            name = declared.get("name")
            if not isinstance(name, str) or not _NAME.match(name):
                raise refuse("GenerateContentRequest.tools[0].function_declarations[0].name: Invalid function name.")
            if name in names:
                raise refuse(f"Duplicate function declaration found: {name}")
            names.append(name)
            _check_schema("parameters_json_schema", declared.get("parametersJsonSchema", {}))
    return names


def _check_schema(where: str, schema: object) -> None:
    """Only the keywords that are read, all the way down."""
    if isinstance(schema, bool):
        return
    _check_fields(where, schema, _SCHEMA)
    if not isinstance(schema, dict):
        raise refuse(f"Invalid value at '{where}'")
    if "$ref" in schema and any(not name.startswith("$") for name in schema):
        raise refuse(f"Invalid value at '{where}': only fields that start with $ may stand beside $ref")
    inner: list[Any] = [schema[name] for name in ("items", "additionalProperties") if name in schema]
    for name in ("anyOf", "oneOf", "prefixItems"):
        inner += schema.get(name) or ()
    for name in ("properties", "$defs"):
        inner += (schema.get(name) or {}).values()
    for one in inner:
        _check_schema(where, one)


def _check_tool_config(config: Body, names: Sequence[str]) -> None:
    calling = config.get("functionCallingConfig") or {}
    _check_fields("tool_config.function_calling_config", calling, {"mode", "allowedFunctionNames"})
    mode, allowed = calling.get("mode", "AUTO"), calling.get("allowedFunctionNames") or ()
    if mode not in _MODES:
        raise refuse(f"Invalid value at 'tool_config.function_calling_config.mode': {mode}")
    if allowed and mode not in {"ANY", "VALIDATED"}:
        raise refuse("Function calling config allowed_function_names may only be set when the mode is ANY or VALIDATED")
    if any(name not in names for name in allowed) or (mode == "ANY" and not names):
        raise refuse("Function calling config: allowed_function_names must be names of declared functions")


def _check_config(body: Body, *, has_tools: bool) -> None:
    config = body.get("generationConfig") or {}
    _check_fields("generation_config", config, _CONFIG)
    for name, least, most in _RANGES:
        value = config.get(name)
        if value is not None and not least <= value <= most:
            raise refuse(f"{name} {value} is out of range: the supported range is from {least} to {most}")
    stops = config.get("stopSequences") or ()
    if len(stops) > _STOPS or not all(stops):
        raise refuse("stop_sequences must be at most 5 strings that are not empty")
    if config.get("presencePenalty") or config.get("frequencyPenalty"):
        raise refuse("Penalty is not enabled for this model")
    three = is_three(body["model"])
    if config.get("responseMimeType") == "application/json" and has_tools and not three:
        raise refuse("Function calling with a response mime type: 'application/json' is unsupported")
    if "responseJsonSchema" in config:
        if config.get("responseMimeType") != "application/json":
            raise refuse("response_json_schema must be used with response_mime_type application/json")
        _check_schema("response_json_schema", config["responseJsonSchema"])
    thinking = config.get("thinkingConfig") or {}
    _check_fields("thinking_config", thinking, {"includeThoughts", "thinkingBudget", "thinkingLevel"})
    if "thinkingLevel" in thinking and not three:
        raise refuse("Thinking level is not supported for this model.")
    if "thinkingLevel" in thinking and "thinkingBudget" in thinking:
        raise refuse("You can only set only one of thinking budget and thinking level.")
    if thinking.get("thinkingLevel", "low") not in {"low", "medium", "high"}:
        raise refuse(f"Thinking level {thinking['thinkingLevel']} is not supported for this model.")
