"""OpenAI's documented request rules for chat completions, as an oracle: a translation that breaks one gets
the vendor's own 400. It never repairs and never reads what the rules do not speak of.

Where the vendor is known to be lenient (arguments that do not parse, ids repeated in later turns, unknown
fields inside a tool's schema) this module is lenient too.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Any

from gammainfra.simulate.refusal import Refusal
from gammainfra.simulate.vendor import Body

MAX_CALL_ID_LENGTH = 40
MAX_STOPS = 4
_MODEL = re.compile(r"(gpt-|o\d|chatgpt-|codex-|ft:|sim-)[^/]*$")
_NEW_LIMIT_MODEL = re.compile(r"gpt-5|o\d")
_FIXED_TEMPERATURE_MODEL = re.compile(r"(gpt-5(-mini|-nano)?(-20\d\d-\d\d-\d\d)?|o\d.*)$")
_FUNCTION_NAME = re.compile(r"[a-zA-Z0-9_-]{1,64}$")

_TOP_LEVEL = frozenset(
    [
        "messages",
        "model",
        "audio",
        "frequency_penalty",
        "function_call",
        "functions",
        "logit_bias",
        "logprobs",
        "max_completion_tokens",
        "max_tokens",
        "metadata",
        "modalities",
        "moderation",
        "n",
        "parallel_tool_calls",
        "prediction",
        "presence_penalty",
        "prompt_cache_key",
        "prompt_cache_options",
        "prompt_cache_retention",
        "reasoning_effort",
        "response_format",
        "safety_identifier",
        "seed",
        "service_tier",
        "stop",
        "store",
        "stream",
        "stream_options",
        "temperature",
        "tool_choice",
        "tools",
        "top_logprobs",
        "top_p",
        "user",
        "verbosity",
        "web_search_options",
    ]
)
_MESSAGE_FIELDS: Mapping[str, frozenset[str]] = {
    "system": frozenset({"role", "content", "name"}),
    "developer": frozenset({"role", "content", "name"}),
    "user": frozenset({"role", "content", "name"}),
    "assistant": frozenset(
        {"role", "content", "name", "refusal", "tool_calls", "function_call", "audio", "annotations"}
    ),
    "tool": frozenset({"role", "content", "tool_call_id"}),
    "function": frozenset({"role", "content", "name"}),
}
_PART_FIELDS: Mapping[str, frozenset[str]] = {
    "text": frozenset({"type", "text", "prompt_cache_breakpoint"}),
    "image_url": frozenset({"type", "image_url", "prompt_cache_breakpoint"}),
    "input_audio": frozenset({"type", "input_audio", "prompt_cache_breakpoint"}),
    "file": frozenset({"type", "file", "prompt_cache_breakpoint"}),
    "refusal": frozenset({"type", "refusal"}),
}
_PART_TYPES: Mapping[str, tuple[str, ...]] = {
    "user": ("text", "image_url", "input_audio", "file"),
    "assistant": ("text", "refusal"),
}


def refuse(message: str, param: str | None = None, code: str | None = None) -> Refusal:
    """A 400 in OpenAI's words."""
    return Refusal(400, "invalid_request_error", message, param=param, code=code)


def check_openai(body: Body) -> None:
    """Raises Refusal (400, or 404 for a foreign model) unless OpenAI would accept the request."""
    check_model(body, _MODEL)
    unknown = sorted(set(body) - _TOP_LEVEL)
    if unknown:
        raise refuse(f"Unrecognized request argument supplied: {unknown[0]}")
    check_messages_present(body)
    for at, message in enumerate(body["messages"]):
        _check_message(at, message)
    check_pairing(body["messages"])
    _check_tools(body)
    _check_limits(body)


def check_model(body: Body, pattern: re.Pattern[str]) -> None:
    """The model is named, and it is one of the vendor's."""
    model = body.get("model")
    if not isinstance(model, str) or not model:
        raise refuse("you must provide a model parameter")
    if not pattern.match(model):
        message = f"The model `{model}` does not exist or you do not have access to it."
        raise Refusal(404, "invalid_request_error", message, code="model_not_found")


def check_messages_present(body: Body) -> None:
    """``messages`` is a list of objects and not empty."""
    if "messages" not in body:
        raise refuse("Missing required parameter: 'messages'.", "messages", "missing_required_parameter")
    messages = body["messages"]
    if not isinstance(messages, list) or not all(isinstance(item, dict) for item in messages):
        raise _wrong_type("messages", "an array of objects", messages)
    if not messages:
        raise _empty_array("messages")


def _check_message(at: int, message: Body) -> None:
    where, role = f"messages[{at}]", message.get("role")
    fields = _MESSAGE_FIELDS.get(role) if isinstance(role, str) else None
    if fields is None or not isinstance(role, str):
        text = (
            f"Invalid value: '{role}'. Supported values are: 'system', 'assistant', 'user', 'function', "
            "'tool', and 'developer'."
        )
        raise refuse(text, f"{where}.role", "invalid_value")
    for name in message:
        if name not in fields:
            raise _unknown(f"{where}.{name}")
    _check_content(where, role, message)
    if role == "tool" and not isinstance(message.get("tool_call_id"), str):
        raise _missing(f"{where}.tool_call_id")
    if role == "tool":
        _check_call_id(f"{where}.tool_call_id", message["tool_call_id"])
    if role == "assistant" and message.get("tool_calls") is not None:
        _check_calls(where, message["tool_calls"])


def _check_content(where: str, role: str, message: Body) -> None:
    content = message.get("content")
    if content is None:
        if role != "assistant" or not (message.get("tool_calls") or message.get("function_call")):
            raise refuse(
                "Invalid value for 'content': expected a string, got null.",
                f"{where}.content",
                "invalid_type",
            )
        return
    if isinstance(content, str):
        return
    if not isinstance(content, list):
        raise _wrong_type(f"{where}.content", "one of a string or array of objects", content)
    if not content:
        raise _empty_array(f"{where}.content")
    for spot, part in enumerate(content):
        _check_part(f"{where}.content[{spot}]", part, _PART_TYPES.get(role, ("text",)))


def _check_part(where: str, part: object, allowed: Sequence[str]) -> None:
    if not isinstance(part, dict):
        raise _wrong_type(where, "an object", part)
    kind = str(part.get("type"))
    if kind not in allowed:
        listed = " and ".join(f"'{name}'" for name in allowed)
        text = f"Invalid value: '{kind}'. Supported values are: {listed}."
        raise refuse(text, f"{where}.type", "invalid_value")
    for name in part:
        if name not in _PART_FIELDS[kind]:
            raise _unknown(f"{where}.{name}")
    if kind == "text" and not isinstance(part.get("text"), str):
        raise _wrong_type(f"{where}.text", "a string", part.get("text"))
    if kind == "image_url" and not (
        isinstance(part.get("image_url"), dict) and isinstance(part["image_url"].get("url"), str)
    ):
        raise _wrong_type(f"{where}.image_url", "an object", part.get("image_url"))


def _check_calls(where: str, calls: object) -> None:
    if not isinstance(calls, list):
        raise _wrong_type(f"{where}.tool_calls", "an array of objects", calls)
    if not calls:
        raise _empty_array(f"{where}.tool_calls")
    for spot, call in enumerate(calls):
        path = f"{where}.tool_calls[{spot}]"
        if not isinstance(call, dict):
            raise _wrong_type(path, "an object", call)
        for name in ("id", "type"):
            if not isinstance(call.get(name), str):
                raise _missing(f"{path}.{name}")
        for name in call:
            if name not in {"id", "type", "function", "custom"}:
                raise _unknown(f"{path}.{name}")
        _check_call_id(f"{path}.id", call["id"])
        function = call.get("function")
        if not isinstance(function, dict) or not isinstance(function.get("name"), str):
            raise _missing(f"{path}.function.name")
        if not _FUNCTION_NAME.match(function["name"]):
            raise _bad_name(f"{path}.function.name")
        if not isinstance(function.get("arguments"), str):
            raise _wrong_type(f"{path}.function.arguments", "a string", function.get("arguments"))


def check_pairing(messages: Sequence[Body]) -> None:
    """Every call has its result right after its turn, and every result its call."""
    open_ids: list[str] = []
    answered: set[str] = set()
    owner = 0
    for at, message in enumerate(messages):
        if message.get("role") == "tool":
            call_id = message["tool_call_id"]
            if call_id not in open_ids:
                text = (
                    "Invalid parameter: messages with role 'tool' must be a response to a preceeding message "
                    "with 'tool_calls'."
                )
                raise refuse(text, f"messages.[{at}].role")
            if call_id in answered:
                raise refuse(f"Duplicate value for 'tool_call_id' of '{call_id}'.", f"messages.[{at}]")
            answered.add(call_id)
            continue
        _check_answered(owner, open_ids, answered)
        open_ids = [call["id"] for call in message.get("tool_calls") or ()]
        answered, owner = set(), at
    _check_answered(owner, open_ids, answered)


def _check_answered(owner: int, open_ids: Sequence[str], answered: set[str]) -> None:
    missing = [call_id for call_id in open_ids if call_id not in answered]
    if missing:
        text = (
            "An assistant message with 'tool_calls' must be followed by tool messages responding to each "
            "'tool_call_id'. The following tool_call_ids did not have response messages: " + ", ".join(missing)
        )
        raise refuse(text, f"messages.[{owner}].role")


def _check_tools(body: Body) -> None:
    tools = body.get("tools")
    if tools is None:
        for name in ("tool_choice", "parallel_tool_calls"):
            if body.get(name) not in (None, "none"):
                raise refuse(f"Invalid value for '{name}': '{name}' is only allowed when 'tools' are specified.", name)
        return
    if not isinstance(tools, list):
        raise _wrong_type("tools", "an array of objects", tools)
    if not tools:
        raise _empty_array("tools")
    for at, tool in enumerate(tools):
        where = f"tools[{at}]"
        if not isinstance(tool, dict) or tool.get("type") not in {"function", "custom"}:
            raise _missing(f"{where}.type")
        for name in tool:
            if name not in {"type", "function", "custom"}:
                raise _unknown(f"{where}.{name}")
        if tool["type"] == "function":
            _check_function(where, tool.get("function"))


def _check_function(where: str, function: object) -> None:
    if not isinstance(function, dict) or not isinstance(function.get("name"), str):
        raise _missing(f"{where}.function.name")
    if not _FUNCTION_NAME.match(function["name"]):
        raise _bad_name(f"{where}.function.name")
    for name in function:
        if name not in {"name", "description", "parameters", "strict"}:
            raise _unknown(f"{where}.function.{name}")
    schema = function.get("parameters")
    if schema is not None and not (isinstance(schema, dict) and schema.get("type", "object") == "object"):
        raise _bad_schema(where, function["name"], 'schema must be a JSON Schema of type: "object"')
    if function.get("strict") and isinstance(schema, dict):
        _check_strict(where, function["name"], schema)


def _check_strict(where: str, name: str, schema: Mapping[str, Any]) -> None:
    if schema.get("additionalProperties") is not False:
        raise _bad_schema(where, name, "'additionalProperties' is required to be supplied and to be false.")
    required = schema.get("required") or []
    missing = [key for key in schema.get("properties") or {} if key not in required]
    if missing:
        why = (
            "'required' is required to be supplied and to be an array including every key in properties. "
            f"Missing '{missing[0]}'."
        )
        raise _bad_schema(where, name, why)


def _check_limits(body: Body) -> None:
    model: str = body["model"]
    if body.get("max_tokens") is not None:
        if _NEW_LIMIT_MODEL.match(model):
            text = (
                "Unsupported parameter: 'max_tokens' is not supported with this model. Use "
                "'max_completion_tokens' instead."
            )
            raise refuse(text, "max_tokens", "unsupported_parameter")
        if body.get("max_completion_tokens") is not None:
            raise refuse("Setting 'max_tokens' and 'max_completion_tokens' at the same time is not supported.")
    check_positive(body, ("max_tokens", "max_completion_tokens"))
    temperature = body.get("temperature")
    if temperature is not None and _FIXED_TEMPERATURE_MODEL.match(model) and temperature != 1:
        text = (
            f"Unsupported value: 'temperature' does not support {temperature} with this model. Only the "
            "default (1) value is supported."
        )
        raise refuse(text, "temperature", "unsupported_value")
    check_range(body, "temperature", 2)
    check_range(body, "top_p", 1)
    if body.get("stream_options") is not None and not body.get("stream"):
        text = "The 'stream_options' parameter is only allowed when 'stream' is enabled."
        raise refuse(text, "stream_options")
    stop = body.get("stop")
    if isinstance(stop, list) and len(stop) > MAX_STOPS:
        text = f"Invalid 'stop': array too long. Expected an array with maximum length {MAX_STOPS}."
        raise refuse(text, "stop", "array_above_max_length")


def check_positive(body: Body, names: Sequence[str]) -> None:
    """Each of these is absent or an integer of at least 1."""
    for name in names:
        value = body.get(name)
        if value is None:
            continue
        if not isinstance(value, int) or isinstance(value, bool):
            raise _wrong_type(name, "an integer", value)
        if value < 1:
            text = f"Invalid '{name}': integer below minimum value. Expected a value >= 1, but got {value}."
            raise refuse(text, name, "integer_below_min_value")


def check_range(body: Body, name: str, top: float) -> None:
    """The number is absent or from 0 to ``top``."""
    value = body.get(name)
    if value is not None and not (isinstance(value, int | float) and 0 <= value <= top):
        text = f"Invalid '{name}': decimal out of range. Expected a value from 0 to {top}, but got {value}."
        raise refuse(text, name, "decimal_above_max_value")


def _check_call_id(where: str, call_id: str) -> None:
    if len(call_id) > MAX_CALL_ID_LENGTH:
        text = (
            f"Invalid '{where}': string too long. Expected a string with maximum length "
            f"{MAX_CALL_ID_LENGTH}, but got a string with length {len(call_id)} instead."
        )
        raise refuse(text, where, "string_above_max_length")


def _unknown(where: str) -> Refusal:
    return refuse(f"Unknown parameter: '{where}'.", where, "unknown_parameter")


def _missing(where: str) -> Refusal:
    return refuse(f"Missing required parameter: '{where}'.", where, "missing_required_parameter")


def _empty_array(where: str) -> Refusal:
    text = f"Invalid '{where}': empty array. Expected an array with minimum length 1, but got an empty array instead."
    return refuse(text, where, "empty_array")


def _wrong_type(where: str, expected: str, got: object) -> Refusal:
    names = {dict: "an object", list: "an array", str: "a string", bool: "a boolean", int: "an integer"}
    found = "null" if got is None else names.get(type(got), "a number")
    return refuse(f"Invalid type for '{where}': expected {expected}, but got {found} instead.", where, "invalid_type")


def _bad_name(where: str) -> Refusal:
    text = (
        f"Invalid '{where}': string does not match pattern. Expected a string that matches the pattern "
        "'^[a-zA-Z0-9_-]+$'."
    )
    return refuse(text, where, "invalid_value")


def _bad_schema(where: str, name: str, why: str) -> Refusal:
    text = f"Invalid schema for function '{name}': In context=(), {why}"
    return refuse(text, f"{where}.function.parameters", "invalid_function_parameters")
