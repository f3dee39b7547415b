"""xAI's documented request rules, as an oracle: reasoning models refuse stops, penalties and most efforts.

Source: https://docs.x.ai/docs/guides/reasoning and the API reference.
"""

from __future__ import annotations

import re

from gammainfra.simulate.refusal import Refusal
from gammainfra.simulate.validate_openai import check_messages_present, check_pairing, check_positive, check_range
from gammainfra.simulate.vendor import Body

_MODEL = re.compile(r"(grok-|sim-)[^/]*\Z")
_NOT_WHILE_REASONING = ("presence_penalty", "frequency_penalty", "stop")
_ROLES = ("system", "developer", "user", "assistant", "tool", "function")
_EFFORTS = (None, "none", "low", "medium", "high")


def is_reasoning(model: str) -> bool:
    """Every model since Grok 4, but those that say that they are not."""
    return "non-reasoning" not in model and not model.startswith(("grok-2", "grok-3"))


def _refuse(message: str) -> Refusal:
    return Refusal(400, "invalid_request_error", message)


def check_xai(body: Body) -> None:
    """Raises Refusal (400, or 404 for no model) unless xAI would accept the request."""
    model = body.get("model")
    if not isinstance(model, str) or not _MODEL.match(model):
        raise Refusal(404, "not_found", f"The model {model} does not exist or your team does not have access to it.")
    check_messages_present(body)
    for at, message in enumerate(body["messages"]):
        if message.get("role") not in _ROLES:
            raise _refuse(f"messages[{at}].role: unknown variant `{message.get('role')}`")
        if message.get("content") is None and not message.get("tool_calls"):
            raise _refuse("Each message must have at least one content element.")
    check_pairing(body["messages"])
    for name in _NOT_WHILE_REASONING:
        if body.get(name) is not None and is_reasoning(model):
            raise _refuse(f"Model {model} does not support parameter {name}.")
    if body.get("reasoning_effort") not in _EFFORTS or (body.get("reasoning_effort") and "fast" in model):
        raise _refuse(f"Model {model} does not support parameter reasoning_effort.")
    if body.get("logit_bias") is not None:
        raise _refuse("Argument not supported: logit_bias")
    check_positive(body, ("max_tokens", "max_completion_tokens", "n"))
    check_range(body, "temperature", 2)
    check_range(body, "top_p", 1)
