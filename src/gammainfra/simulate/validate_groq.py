"""Groq's documented request rules, as an oracle: some of OpenAI's parameters and every unknown message field are a 400.

Source: https://console.groq.com/docs/openai, "Currently Unsupported OpenAI Features", and its errors as users report
them.
"""

from __future__ import annotations

from collections.abc import Mapping

from gammainfra.simulate.refusal import Refusal
from gammainfra.simulate.validate_openai import check_messages_present, check_pairing, check_positive, check_range
from gammainfra.simulate.vendor import Body

_UNSUPPORTED = ("logprobs", "top_logprobs", "logit_bias", "store", "metadata", "stream_tools")
_FIELDS: Mapping[str, frozenset[str]] = {
    "system": frozenset({"role", "content"}),
    "developer": frozenset({"role", "content"}),
    "user": frozenset({"role", "content"}),
    "assistant": frozenset({"role", "content", "tool_calls", "reasoning"}),
    "tool": frozenset({"role", "content", "tool_call_id", "name"}),
}
_EFFORTS: Mapping[str, tuple[str, ...]] = {"gpt-oss": ("low", "medium", "high"), "qwen": ("none", "default")}


def _refuse(message: str) -> Refusal:
    return Refusal(400, "invalid_request_error", message)


def check_groq(body: Body) -> None:
    """Raises Refusal (400, or 404 for no model) unless Groq would accept the request."""
    model = body.get("model")
    if not isinstance(model, str) or not model or model.startswith(("grok", "claude", "gpt-4", "gpt-5")):
        message = f"The model `{model}` does not exist or you do not have access to it."
        raise Refusal(404, "invalid_request_error", message, code="model_not_found")
    for name in _UNSUPPORTED:
        if body.get(name) is not None:
            raise _refuse(f"property '{name}' is unsupported")
    if body.get("n") not in {None, 1}:
        raise _refuse("'n' : number must be at most 1")
    check_messages_present(body)
    for at, message in enumerate(body["messages"]):
        _check_message(at, message)
    check_pairing(body["messages"])
    check_positive(body, ("max_tokens", "max_completion_tokens"))
    check_range(body, "temperature", 2)
    check_range(body, "top_p", 1)
    _check_reasoning(model, body)


def _check_message(at: int, message: Body) -> None:
    role = message.get("role")
    fields = _FIELDS.get(role) if isinstance(role, str) else None
    if fields is None:
        raise _refuse(f"'messages.{at}' : discriminator property 'role' has invalid value")
    for name in message:
        if name not in fields:
            must = f"for 'role:{role}' the following must be satisfied"
            raise _refuse(f"'messages.{at}' : {must}[('messages.{at}' : property '{name}' is unsupported)]")
    if not isinstance(message.get("content"), str | list) and not message.get("tool_calls"):
        raise _refuse(f"'messages.{at}.content' : value must be a string")
    for call in message.get("tool_calls") or ():
        if not isinstance(call.get("id"), str) or call.get("type") != "function":
            raise _refuse(f"'messages.{at}.tool_calls' : a call needs an id and its type")


def _check_reasoning(model: str, body: Body) -> None:
    effort = body.get("reasoning_effort")
    for family, efforts in _EFFORTS.items():
        if family in model and effort is not None and effort not in efforts:
            raise _refuse(f"`reasoning_effort` must be one of {', '.join(efforts)}")
    if effort is not None and not any(family in model for family in _EFFORTS):
        raise _refuse("`reasoning_effort` is not supported with this model")
