"""OpenRouter's documented request rules, as an oracle: a model of somebody's, whole tool turns, details of known types.

It is lenient about parameters, as the vendor is: what a host does not take is left out.
"""

from __future__ import annotations

from gammainfra.simulate.refusal import Refusal
from gammainfra.simulate.validate_openai import check_messages_present, check_pairing, check_positive, check_range
from gammainfra.simulate.vendor import Body

_ROLES = ("system", "developer", "user", "assistant", "tool")
_DETAILS = {"reasoning.text": "text", "reasoning.summary": "summary", "reasoning.encrypted": "data"}


def _refuse(message: str) -> Refusal:
    return Refusal(400, "invalid_request_error", message)


def check_openrouter(body: Body) -> None:
    """Raises Refusal (400) unless OpenRouter would accept the request."""
    model = body.get("model")
    if not isinstance(model, str) or "/" not in model:
        raise _refuse(f"{model} is not a valid model ID")
    check_messages_present(body)
    for at, message in enumerate(body["messages"]):
        if message.get("role") not in _ROLES:
            raise _refuse(f"messages[{at}].role: Invalid option")
        if message.get("content") is None and not message.get("tool_calls"):
            raise _refuse(f"messages[{at}].content: Invalid input")
        for detail in message.get("reasoning_details") or ():
            _check_detail(at, detail)
    check_pairing(body["messages"])
    check_positive(body, ("max_tokens",))
    check_range(body, "temperature", 2)
    check_range(body, "top_p", 1)


def _check_detail(at: int, detail: object) -> None:
    kind = detail.get("type") if isinstance(detail, dict) else None
    if not isinstance(detail, dict) or kind not in _DETAILS:
        raise _refuse(f"messages[{at}].reasoning_details: Invalid discriminator value")
    if kind != "reasoning.text" and not isinstance(detail.get(_DETAILS[str(kind)]), str):
        raise _refuse(f"messages[{at}].reasoning_details.{_DETAILS[str(kind)]}: Required")
