"""Amazon Bedrock as a simulated vendor: Converse and ConverseStream of Claude, with AWS's framing and errors.

A Converse request is judged by its own shape here and, once it is translated, by Anthropic's rules, since it is Claude
that answers. It frames event streams by AWS's description.
"""

from __future__ import annotations

import binascii
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import unquote

import msgspec

from gammainfra.simulate.anthropic import STOP_WORDS, Anthropic
from gammainfra.simulate.blocks_anthropic import refuse
from gammainfra.simulate.faults import Fault
from gammainfra.simulate.ids import Mint
from gammainfra.simulate.pace import Pace
from gammainfra.simulate.refusal import Refusal
from gammainfra.simulate.reply import Piece, Stage
from gammainfra.simulate.tokens import count_tokens
from gammainfra.simulate.vendor import Answer, Body, Moment

_PATH = re.compile(r"/model/([^/]+)/(converse|converse-stream)$")
_MODEL = re.compile(r"(?:(?:us|eu|apac|global)\.)?anthropic\.(claude-[a-z0-9-]+?)(?:-v\d+(?::\d+)?)?$")
_CREDENTIAL = re.compile(r"AWS4-HMAC-SHA256 Credential=([^/]+)/\d{8}/[a-z0-9-]+/bedrock/aws4_request, SignedHeaders=")
_TOP_LEVEL = frozenset(
    {
        "messages",
        "system",
        "inferenceConfig",
        "toolConfig",
        "additionalModelRequestFields",
        "additionalModelResponseFieldPaths",
        "outputConfig",
        "guardrailConfig",
        "requestMetadata",
        "performanceConfig",
        "serviceTier",
    }
)
_NAMES: Mapping[int, str] = {
    400: "ValidationException",
    401: "UnrecognizedClientException",
    402: "AccessDeniedException",
    403: "AccessDeniedException",
    404: "ResourceNotFoundException",
    429: "ThrottlingException",
    500: "InternalServerException",
    503: "ServiceUnavailableException",
}


class _Paths(frozenset[str]):
    """Every path of the form ``/model/<id>/<method>``."""

    def __contains__(self, path: object) -> bool:
        return isinstance(path, str) and _PATH.match(path) is not None


@dataclass(frozen=True, slots=True)
class Bedrock(Anthropic):
    """``POST /model/{id}/converse`` and ``/converse-stream``."""

    name: str = "bedrock"
    generate_paths: frozenset[str] = _Paths()
    model_paths: frozenset[str] = frozenset()
    count_paths: frozenset[str] = frozenset()
    stream_type: str = "application/vnd.amazon.eventstream"

    def read_key(self, headers: Mapping[str, str]) -> str:
        """A bearer token, or the id of the access key that signed."""
        said = headers.get("Authorization", "")
        signed = _CREDENTIAL.match(said)
        return signed[1] if signed else said.removeprefix("Bearer ")

    def translate(self, path: str, body: Body) -> Body:
        """The request as Anthropic's, with the model of its address. Raises Refusal for another shape."""
        found = _PATH.match(path)
        model = _MODEL.match(unquote(found[1])) if found else None
        if found is None or model is None:
            raise refuse("The provided model identifier is invalid.")
        unknown = sorted(set(body) - _TOP_LEVEL)
        if unknown:
            raise refuse(f"Malformed input request: extraneous key [{unknown[0]}] is not permitted")
        return _as_messages(body, model[1], stream=found[2] == "converse-stream")

    def check(self, body: Body, headers: Mapping[str, str]) -> None:
        """Anthropic's rules; the version is Bedrock's own business."""
        Anthropic.check(self, body, {**headers, "anthropic-version": "2023-06-01"})

    def refuse_by_fault(self, fault: Fault, model: str, pace: Pace) -> Refusal:
        """The error answer of a fault, under AWS's name."""
        refusal = Anthropic.refuse_by_fault(self, fault, model, pace)
        if fault is Fault.BILLING_402:
            refusal = Refusal(403, refusal.kind, "Model access is denied due to INVALID_PAYMENT_INSTRUMENT")
        status = 503 if refusal.status == 529 else refusal.status  # noqa: PLR2004
        name = ("x-amzn-errortype", f"{_NAMES.get(status, 'ValidationException')}:http://internal.amazon.com/coral/")
        return Refusal(status, refusal.kind, refusal.message, headers=(*refusal.headers, name))

    def make_request_id(self, mint: Mint) -> str:
        """Letters and digits."""
        return mint.base62(32)

    def make_call_id(self, mint: Mint, at: int) -> str:
        """``tooluse_`` and 22 letters and digits."""
        del at
        return "tooluse_" + mint.base62(22)

    def render_refusal(self, refusal: Refusal, request_id: str) -> bytes:
        """``{"message"}``."""
        del request_id
        return msgspec.json.encode({"message": refusal.message})

    def render_error_event(self, request_id: str) -> bytes:
        """An exception inside a stream."""
        del request_id
        headers = {":exception-type": "serviceUnavailableException", ":message-type": "exception"}
        return frame(headers, msgspec.json.encode({"message": "Bedrock is unable to process your request."}))

    def render_headers(self, moment: Moment) -> tuple[tuple[str, str], ...]:
        """The request id."""
        return (("x-amzn-requestid", moment.request_id),)

    def render_stream(self, answer: Answer) -> list[Piece]:
        """messageStart, blocks, messageStop, and the counts at last."""
        pieces = [Piece(_event("messageStart", role="assistant"), Stage.OPEN)]
        blocks = _blocks(answer, Anthropic._signature(self, answer) if answer.thinking else "")  # noqa: SLF001
        for index, block in enumerate(blocks):
            pieces += block(index)
        if answer.finish is not None:
            pieces.append(Piece(_event("messageStop", stopReason=STOP_WORDS[answer.finish]), Stage.FINISH))
        counted = _event("metadata", usage=_counts(answer), metrics={"latencyMs": 1})
        pieces.append(Piece(counted, Stage.END))
        return pieces

    def render_whole(self, answer: Answer) -> bytes:
        """The answer's JSON. Arguments that do not parse are written as they are, which breaks the body."""
        content: list[Body] = []
        if answer.thinking:
            said = {"text": answer.thinking, "signature": Anthropic._signature(self, answer)}  # noqa: SLF001
            content.append({"reasoningContent": {"reasoningText": said}})
        if answer.text:
            content.append({"text": answer.text})
        for call in answer.calls:
            tool = {"name": call.name, "input": msgspec.Raw(call.arguments.encode())}
            content.append({"toolUse": {**({"toolUseId": call.call_id} if call.call_id else {}), **tool}})
        body: Body = {"output": {"message": {"role": "assistant", "content": content}}, "usage": _counts(answer)}
        if answer.finish is not None:
            body["stopReason"] = STOP_WORDS[answer.finish]
        return msgspec.json.encode(body)


def frame(headers: Mapping[str, str], payload: bytes) -> bytes:
    """One message of ``application/vnd.amazon.eventstream``."""
    head = b"".join(
        bytes([len(name)]) + name.encode() + b"\x07" + len(value).to_bytes(2, "big") + value.encode()
        for name, value in headers.items()
    )
    prelude = (16 + len(head) + len(payload)).to_bytes(4, "big") + len(head).to_bytes(4, "big")
    message = prelude + binascii.crc32(prelude).to_bytes(4, "big") + head + payload
    return message + binascii.crc32(message).to_bytes(4, "big")


def _event(kind: str, **fields: object) -> bytes:
    headers = {":event-type": kind, ":content-type": "application/json", ":message-type": "event"}
    return frame(headers, msgspec.json.encode(fields))


def _delta(index: int, stage: Stage, tokens: int = 0, **delta: object) -> Piece:
    return Piece(_event("contentBlockDelta", contentBlockIndex=index, delta=delta), stage, tokens)


def _blocks(answer: Answer, signature: str) -> list[Any]:
    """The blocks of an answer, each a function of its index."""

    def thinking(index: int) -> Iterator[Piece]:
        for words in answer.pace.split_words(answer.thinking):
            yield _delta(index, Stage.THINKING, count_tokens(words), reasoningContent={"text": words})
        yield _delta(index, Stage.THINKING, reasoningContent={"signature": signature})
        yield Piece(_event("contentBlockStop", contentBlockIndex=index), Stage.THINKING)

    def text(index: int) -> Iterator[Piece]:
        for words in answer.pace.split_words(answer.text):
            yield _delta(index, Stage.TEXT, count_tokens(words), text=words)
        yield Piece(_event("contentBlockStop", contentBlockIndex=index), Stage.TEXT)

    def called(at: int) -> Any:  # noqa: ANN401 - a function of the index
        call = answer.calls[at]

        def block(index: int) -> Iterator[Piece]:
            tool = {**({"toolUseId": call.call_id} if call.call_id else {}), "name": call.name}
            head = _event("contentBlockStart", contentBlockIndex=index, start={"toolUse": tool})
            yield Piece(head, Stage.CALL, count_tokens(call.name), call.call_id or "")
            for part in answer.pace.split_arguments(call.arguments):
                yield _delta(index, Stage.ARGUMENTS, count_tokens(part), toolUse={"input": part})
            yield Piece(_event("contentBlockStop", contentBlockIndex=index), Stage.CALL_END)

        return block

    made = ([thinking] if answer.thinking else []) + ([text] if answer.text else [])
    return [*made, *(called(at) for at in range(len(answer.calls)))]


def _counts(answer: Answer) -> Body:
    usage = answer.usage
    total = usage.input_tokens + usage.cache_read_tokens + usage.cache_write_tokens + usage.output_tokens
    return {
        "inputTokens": usage.input_tokens,
        "outputTokens": usage.output_tokens,
        "totalTokens": total,
        "cacheReadInputTokens": usage.cache_read_tokens,
        "cacheWriteInputTokens": usage.cache_write_tokens,
        "cacheDetails": [
            {"ttl": "5m", "inputTokens": usage.cache_write_5m_tokens},
            {"ttl": "1h", "inputTokens": usage.cache_write_1h_tokens},
        ],
    }


# A Converse request as Anthropic's.


def _as_messages(body: Body, model: str, *, stream: bool) -> Body:
    inference, tools = body.get("inferenceConfig") or {}, body.get("toolConfig") or {}
    names = {
        "maxTokens": "max_tokens",
        "temperature": "temperature",
        "topP": "top_p",
        "stopSequences": "stop_sequences",
    }
    wrong = sorted(set(inference) - set(names))
    if wrong:
        raise refuse(f"Malformed input request: extraneous key [{wrong[0]}] is not permitted")
    made: Body = {"model": model, "max_tokens": 4096, "stream": stream}
    made |= {names[name]: value for name, value in inference.items()}
    made |= body.get("additionalModelRequestFields") or {}
    made["messages"] = [
        {"role": message.get("role"), "content": _content(message.get("content"))}
        for message in body.get("messages") or ()
    ]
    if body.get("system"):
        made["system"] = _content(body["system"])
    if tools:
        made["tools"] = _marked(tools.get("tools"), _tool)
        choice = tools.get("toolChoice") or {}
        for kind in ("auto", "any", "tool"):
            if kind in choice:
                made["tool_choice"] = {"type": kind, **choice[kind]}
    form = ((body.get("outputConfig") or {}).get("textFormat") or {}).get("structure")
    if form is not None:
        schema = msgspec.json.decode(form["jsonSchema"]["schema"])
        made["output_config"] = {**made.get("output_config", {}), "format": {"type": "json_schema", "schema": schema}}
    return made


def _marked(items: object, write: Any) -> list[Body]:  # noqa: ANN401 - a function of one item
    """Items with the cache points behind them laid on as marks."""
    made: list[Body] = []
    for item in items if isinstance(items, list) else ():
        if "cachePoint" in item:
            if not made:
                raise refuse("Malformed input request: a cachePoint must follow content")
            ttl = item["cachePoint"].get("ttl", "5m")
            made[-1]["cache_control"] = {"type": "ephemeral", "ttl": ttl}
        else:
            made.append(write(item))
    return made


def _content(blocks: object) -> list[Body]:
    return _marked(blocks, _block)


def _tool(tool: Body) -> Body:
    spec = tool.get("toolSpec") or {}
    described = {"description": spec["description"]} if "description" in spec else {}
    return {"name": spec.get("name"), **described, "input_schema": (spec.get("inputSchema") or {}).get("json")}


def _block(block: Body) -> Body:
    match block:
        case {"text": text}:
            return {"type": "text", "text": text}
        case {"image": {"format": str(kind), "source": {"bytes": str(encoded)}}}:
            return {"type": "image", "source": {"type": "base64", "media_type": f"image/{kind}", "data": encoded}}
        case {"document": {"format": str(), "name": str(name), "source": {"bytes": str(encoded)}}}:
            return {"type": "document", "title": name, "source": {"type": "base64", "data": encoded}}
        case {"toolUse": {"toolUseId": call_id, "name": name, "input": given}}:
            return {"type": "tool_use", "id": call_id, "name": name, "input": given}
        case {"toolResult": {"toolUseId": call_id, "content": content, **rest}}:
            failed = {"is_error": True} if rest.get("status") == "error" else {}
            return {"type": "tool_result", "tool_use_id": call_id, "content": _content(content), **failed}
        case {"reasoningContent": {"reasoningText": {"text": text, **rest}}}:
            return {"type": "thinking", "thinking": text, "signature": rest.get("signature", "")}
        case {"reasoningContent": {"redactedContent": str(blob)}}:
            return {"type": "redacted_thinking", "data": blob}
        case _:
            raise refuse(f"Malformed input request: {sorted(block)} is no content block")
