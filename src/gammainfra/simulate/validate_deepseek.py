"""DeepSeek's request rules, as an oracle. It is lenient about unknown fields, as the vendor is, and strict
about the one rule that breaks agents: thinking must be handed back with every tool-call turn.
"""

from __future__ import annotations

import re

from gammainfra.simulate.refusal import Refusal
from gammainfra.simulate.validate_openai import check_messages_present, check_positive, check_range
from gammainfra.simulate.vendor import Body

_MODEL = re.compile(r"(deepseek-|sim-)[^/]*$")
_RETIRED = frozenset({"deepseek-chat", "deepseek-reasoner"})
_ROLES = ("system", "user", "assistant", "tool")
_UNREAD = "Failed to deserialize the JSON body into the target type: "


def refuse(message: str) -> Refusal:
    """A 400 in DeepSeek's words."""
    return Refusal(400, "invalid_request_error", message, code="invalid_request_error")


def is_thinking(body: Body) -> bool:
    """Thinking is on unless ``thinking: {"type": "disabled"}``."""
    thinking = body.get("thinking")
    return not (isinstance(thinking, dict) and thinking.get("type") == "disabled")


def check_deepseek(body: Body) -> None:
    """Raises Refusal (400) unless DeepSeek would accept the request."""
    model = body.get("model")
    if not isinstance(model, str) or not _MODEL.match(model) or model in _RETIRED:
        raise refuse("Model Not Exist")
    check_messages_present(body)
    for at, message in enumerate(body["messages"]):
        _check_message(at, message)
    _check_pairing(body["messages"])
    if is_thinking(body):
        _check_reasoning(body["messages"])
    _check_tools(body)
    check_positive(body, ("max_tokens",))
    check_range(body, "temperature", 2)
    check_range(body, "top_p", 1)


def _check_message(at: int, message: Body) -> None:
    role, content = message.get("role"), message.get("content")
    if role not in _ROLES:
        listed = ", ".join(f"`{name}`" for name in _ROLES)
        raise refuse(f"{_UNREAD}messages[{at}].role: unknown variant `{role}`, expected one of {listed}")
    if content is None and not (role == "assistant" and message.get("tool_calls")):
        raise refuse(f"{_UNREAD}messages[{at}]: missing field `content`")
    for part in content if isinstance(content, list) else ():
        kind = part.get("type") if isinstance(part, dict) else None
        if kind != "text":
            raise refuse(f"{_UNREAD}messages[{at}]: unknown variant `{kind}`, expected `text`")
    if role == "tool" and not isinstance(message.get("tool_call_id"), str):
        raise refuse(f"{_UNREAD}messages[{at}]: missing field `tool_call_id`")
    for call in message.get("tool_calls") or ():
        _check_call(at, call)


def _check_call(at: int, call: object) -> None:
    function = call.get("function") if isinstance(call, dict) else None
    if not isinstance(call, dict) or not isinstance(call.get("id"), str):
        raise refuse(f"{_UNREAD}messages[{at}]: missing field `id`")
    if call.get("type") != "function":
        raise refuse(f"{_UNREAD}messages[{at}]: missing field `type`")
    if not isinstance(function, dict) or not isinstance(function.get("name"), str):
        raise refuse(f"{_UNREAD}messages[{at}]: missing field `name`")
    if not isinstance(function.get("arguments"), str):
        raise refuse(f"{_UNREAD}messages[{at}]: invalid type for `arguments`, expected a string")


def _check_pairing(messages: list[Body]) -> None:
    waiting: set[str] = set()
    for message in messages:
        if message["role"] == "tool":
            if message["tool_call_id"] not in waiting:
                raise refuse("Messages with role 'tool' must be a response to a preceding message with 'tool_calls'")
            waiting.discard(message["tool_call_id"])
            continue
        _check_none_waiting(waiting)
        waiting = {call["id"] for call in message.get("tool_calls") or ()}
    _check_none_waiting(waiting)


def _check_none_waiting(waiting: set[str]) -> None:
    if waiting:
        raise refuse(
            "An assistant message with 'tool_calls' must be followed by tool messages responding to each "
            "'tool_call_id'. (insufficient tool messages following tool_calls message)"
        )


def _check_reasoning(messages: list[Body]) -> None:
    for message in messages:
        if message.get("tool_calls") and not message.get("reasoning_content"):
            raise refuse("The `reasoning_content` in the thinking mode must be passed back to the API.")


def _check_tools(body: Body) -> None:
    for at, tool in enumerate(body.get("tools") or ()):
        function = tool.get("function") if isinstance(tool, dict) else None
        if not isinstance(function, dict) or not isinstance(function.get("name"), str):
            raise refuse(f"{_UNREAD}tools[{at}].function: missing field `name`")
