"""Mistral's documented request rules, as an oracle: nothing extra anywhere, ids of nine characters, and roles in order.

Sources: the API's schema (every object forbids extra fields, 422), and its errors 3230 (order of roles), 3280 (ids and
names of calls) and 3001 as users report them.
"""

from __future__ import annotations

import itertools
import re
from collections.abc import Mapping, Sequence

from gammainfra.simulate.refusal import Refusal
from gammainfra.simulate.validate_openai import check_messages_present, check_positive, check_range
from gammainfra.simulate.vendor import Body

ORDER = "3230"
CALL = "3280"
MODEL = "1500"

_CALL_ID = re.compile(r"[a-zA-Z0-9]{9}\Z")
_NAME = re.compile(r"[a-zA-Z0-9_-]{1,64}\Z")
_MODEL = re.compile(r"(mistral|ministral|magistral|devstral|codestral|pixtral|open-mi|voxtral|sim-)[^/]*\Z")
_TOP_LEVEL = frozenset(
    [
        "model",
        "messages",
        "temperature",
        "top_p",
        "max_tokens",
        "stream",
        "stop",
        "random_seed",
        "response_format",
        "tools",
        "tool_choice",
        "presence_penalty",
        "frequency_penalty",
        "n",
        "prediction",
        "parallel_tool_calls",
        "prompt_mode",
        "prompt_cache_key",
        "reasoning_effort",
        "guardrails",
        "safe_prompt",
    ]
)
_FIELDS: Mapping[str, frozenset[str]] = {
    "system": frozenset({"role", "content"}),
    "user": frozenset({"role", "content"}),
    "assistant": frozenset({"role", "content", "tool_calls", "prefix"}),
    "tool": frozenset({"role", "content", "tool_call_id", "name"}),
}
_PARTS: Mapping[str, frozenset[str]] = {
    "system": frozenset({"text", "thinking"}),
    "user": frozenset({"text", "image_url", "document_url", "file", "input_audio", "reference"}),
    "assistant": frozenset({"text", "thinking", "reference"}),
    "tool": frozenset({"text", "image_url", "document_url", "file", "reference"}),
}
_AFTER: Mapping[str, frozenset[str]] = {
    "system": frozenset({"system", "user", "assistant"}),
    "user": frozenset({"system", "user", "assistant"}),
    "assistant": frozenset({"system", "user", "assistant", "tool"}),
    "tool": frozenset({"assistant", "tool"}),
}
_CHOICES = ("auto", "none", "any", "required")


def _extra(place: str) -> Refusal:
    return Refusal(422, "invalid_request_error", "Extra inputs are not permitted", param=f"body.{place}")


def _invalid(message: str, code: str | None = None, kind: str = "invalid_request_error") -> Refusal:
    return Refusal(400, kind, message, code=code)


def check_mistral(body: Body) -> None:
    """Raises Refusal (400 or 422) unless Mistral would accept the request."""
    model = body.get("model")
    if not isinstance(model, str) or not _MODEL.match(model):
        raise _invalid(f"Invalid model: {model}", MODEL, "invalid_model")
    for name in body:
        if name not in _TOP_LEVEL:
            raise _extra(name)
    check_messages_present(body)
    for at, message in enumerate(body["messages"]):
        _check_message(at, message)
    _check_order(body["messages"])
    _check_results(body["messages"])
    _check_tools(body)
    check_positive(body, ("max_tokens", "n"))
    check_range(body, "temperature", 1.5)
    check_range(body, "top_p", 1)
    if body.get("reasoning_effort") not in {None, "none", "high"}:
        raise Refusal(422, "invalid_request_error", "Input should be 'high' or 'none'", param="body.reasoning_effort")


def _check_message(at: int, message: Body) -> None:
    role = message.get("role")
    fields = _FIELDS.get(role) if isinstance(role, str) else None
    if fields is None or not isinstance(role, str):
        raise Refusal(422, "invalid_request_error", "Input tag is not a role", param=f"body.messages.{at}.role")
    for name in message:
        if name not in fields:
            raise _extra(f"messages.{at}.{role}.{name}")
    content, calls = message.get("content"), message.get("tool_calls")
    if not content and not (role == "assistant" and calls) and not (role == "tool" and content == ""):
        raise _invalid(f"{role.capitalize()} message must have either content or tool_calls, but not none.", "3240")
    if role == "assistant" and content and calls is not None and not calls:
        raise _invalid("tool_calls must not be empty", CALL)
    for part in content if isinstance(content, list) else ():
        kind = part.get("type") if isinstance(part, dict) else None
        if kind not in _PARTS[role]:
            raise Refusal(
                422, "invalid_request_error", f"Input tag '{kind}' found", param=f"body.messages.{at}.content"
            )
    for call in calls or ():
        _check_call(at, call)


def _check_call(at: int, call: object) -> None:
    function = call.get("function") if isinstance(call, dict) else None
    if not isinstance(call, dict) or not isinstance(function, dict):
        raise _invalid("A tool call must have a function", CALL, "invalid_function_call")
    for name in call:
        if name not in {"id", "type", "function", "index"}:
            raise _extra(f"messages.{at}.assistant.tool_calls.{name}")
    _check_call_id(call.get("id"))
    if not isinstance(function.get("name"), str) or not _NAME.match(function["name"]):
        raise _invalid(f"Function name was {function.get('name')}: only letters, digits, _ and -", CALL)
    if not isinstance(function.get("arguments"), str | dict):
        raise _invalid("Function arguments must be text or an object", CALL)


def _check_call_id(call_id: object) -> None:
    if not isinstance(call_id, str) or not _CALL_ID.match(call_id):
        message = f"Tool call id was {call_id} but must be a-z, A-Z, 0-9, with a length of 9."
        raise _invalid(message, CALL, "invalid_function_call")


def _check_order(messages: Sequence[Body]) -> None:
    for before, message in itertools.pairwise(messages):
        role, previous = message["role"], before["role"]
        calls = previous != "assistant" or before.get("tool_calls")
        if role not in _AFTER[previous] or (role == "tool" and not calls):
            raise _invalid(f"Unexpected role '{role}' after role '{previous}'", ORDER)
    last = messages[-1]
    may_be_last = last["role"] in {"user", "tool"} or (last["role"] == "assistant" and last.get("prefix") is True)
    if not may_be_last or messages[0]["role"] == "tool":
        words = "Expected last role User or Tool (or Assistant with prefix True) for serving but got"
        raise _invalid(f"{words} {last['role']}", ORDER)


def _check_results(messages: Sequence[Body]) -> None:
    """Every call has one result right behind its turn."""
    waiting: list[str] = []
    for message in [*messages, {"role": "end"}]:
        if message["role"] == "tool":
            _check_call_id(message.get("tool_call_id"))
            if message["tool_call_id"] not in waiting:
                raise _invalid("Unexpected tool call id in tool results", CALL)
            waiting.remove(message["tool_call_id"])
            continue
        if waiting:
            raise _invalid("Not the same number of function calls and responses", ORDER)
        waiting = [call["id"] for call in message.get("tool_calls") or ()]
        if len(set(waiting)) != len(waiting):
            raise _invalid("Duplicate tool call id in assistant message", CALL)


def _check_tools(body: Body) -> None:
    tools = body.get("tools")
    if tools is not None and not tools:
        raise _extra("tools")
    for at, tool in enumerate(tools or ()):
        function = tool.get("function") if isinstance(tool, dict) else None
        if not isinstance(function, dict) or not _NAME.match(str(function.get("name", ""))):
            raise _invalid(f"Tool {at} has no function with a name", CALL)
        for name in function:
            if name not in {"name", "description", "parameters", "strict"}:
                raise _extra(f"tools.{at}.function.{name}")
        if not isinstance(function.get("parameters"), dict):
            raise Refusal(422, "invalid_request_error", "Field required", param=f"body.tools.{at}.function.parameters")
    choice = body.get("tool_choice")
    if choice is not None and not (choice in _CHOICES if isinstance(choice, str) else "function" in choice):
        raise Refusal(422, "invalid_request_error", "Input should be a tool choice", param="body.tool_choice")
