"""What happened, in sentences: why attempts failed, how a request was served, what became of a task.

It decides words only. They say what was absorbed as plainly as what it was absorbed by, and never call an absorbed
failure an error.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Final

from gammainfra.domain.failure import Cause
from gammainfra.store.rows import AttemptRow, RequestRow
from gammainfra.web.dashboard import format as show

CAUSES: Final[Mapping[str, str]] = {
    Cause.CONNECT_ERROR: "could not be reached",
    Cause.CONNECT_TIMEOUT: "took too long to connect",
    Cause.FIRST_TOKEN_TIMEOUT: "stalled before the first token",
    Cause.STALL: "stalled in the middle of its answer",
    Cause.TOTAL_TIMEOUT: "took too long",
    Cause.REQUEST_TIMEOUT: "timed out on its side",
    Cause.CONFLICT: "answered with a conflict",
    Cause.RATE_LIMIT: "throttled us",
    Cause.OVERLOADED: "was overloaded",
    Cause.SERVER_ERROR: "had an internal error",
    Cause.UNAVAILABLE: "was unavailable",
    Cause.NOT_AN_ANSWER: "sent something that is no answer",
    Cause.EMPTY_ANSWER: "sent an empty answer",
    Cause.MALFORMED_STREAM: "sent a broken stream",
    Cause.CUT: "cut the connection",
    Cause.IN_BAND_ERROR: "reported an error inside the stream",
    Cause.BAD_TOOL_CALL: "sent a broken tool call",
    Cause.ANSWER_TOO_LARGE: "sent an answer that is too large",
    Cause.CREDENTIALS_REJECTED: "rejected our key",
    Cause.BILLING: "wants to be paid first",
    Cause.MODEL_NOT_FOUND: "does not know the model",
    Cause.CONTEXT_OVERFLOW: "found the prompt too long",
    Cause.UNSUPPORTED_PARAMETER: "does not accept a parameter",
    Cause.INVALID_SIGNATURE: "does not accept foreign reasoning",
    Cause.INVALID_REQUEST: "called the request invalid",
    Cause.REQUEST_TOO_LARGE: "found the request too large",
    Cause.INTERNAL: "was asked wrongly by the gateway",
}
REMEDIES: Final[Mapping[str, str]] = {
    Cause.CREDENTIALS_REJECTED: "Put a valid key into the provider's variable or into gammainfra.toml, then restart.",
    Cause.BILLING: "Add credit at the provider.",
    Cause.MODEL_NOT_FOUND: "Choose a model that your account at the provider may use: see Models.",
    Cause.RATE_LIMIT: "Add a second provider or a second key, so that there is somewhere else to go.",
    Cause.CONNECT_ERROR: "Check the provider's address and this machine's network.",
    Cause.CONNECT_TIMEOUT: "Check the provider's address and this machine's network.",
    Cause.CONTEXT_OVERFLOW: "Shorten the conversation, or choose a model with a larger window.",
    Cause.INVALID_REQUEST: "The client sent something no provider accepts: the provider's words name it.",
}
ENDINGS: Final[Mapping[str, str]] = {
    "served": "served",
    "failed": "failed",
    "timed_out": "timed out",
    "abandoned": "cancelled by the client",
    "stopped": "stopped",
}
ROUTE_REASONS: Final[Mapping[str, str]] = {
    "pin": "the model was named",
    "auto": "chosen for the task",
    "fast": "chosen for speed",
    "sticky": "the task stays where its prompt is cached",
    "dial": "the dial between cost and quality decided",
    "chain": "the model's own chain",
    "alias": "a name of this installation's own",
    "fallback": "the first choice was not available",
}
CANCELLED_BY: Final[Mapping[str, str]] = {
    "hedge": "lost the race against another provider",
    "deadline": "the deadline came",
    "client": "the client left",
    "stop": "the gateway stopped it",
}
CLIENTS: Final[Mapping[str, str]] = {
    "roo": "Roo Code",
    "kilo": "Kilo Code",
    "cline": "Cline",
    "opencode": "opencode",
    "claude-code": "Claude Code",
    "codex": "Codex",
    "qwen": "Qwen Code",
    "continue": "Continue",
    "aider": "Aider",
    "mini-swe-agent": "mini-swe-agent",
    "anthropic-python": "Anthropic SDK (Python)",
    "anthropic-js": "Anthropic SDK (JS)",
    "openai-python": "OpenAI SDK (Python)",
    "openai-js": "OpenAI SDK (JS)",
    "curl": "curl",
    "other": "another client",
}


def cause(name: str) -> str:
    """Why an attempt failed, as what its provider did."""
    return CAUSES.get(name, name.replace("_", " ") or "failed")


def client(name: str) -> str:
    """Who asked."""
    return CLIENTS.get(name, name or "another client")


def headline(request: RequestRow, attempts: Sequence[AttemptRow]) -> str:
    """One request in a sentence."""
    failed = [one for one in attempts if one.outcome in {"absorbed", "failed"}]
    why = " and ".join(dict.fromkeys(f"{one.provider} {cause(one.cause)}" for one in failed))
    match request.ending:
        case "served" if failed:
            number = next((n for n, one in enumerate(attempts, 1) if one.outcome == "served"), len(attempts))
            return f"Served by {request.provider} on attempt {number} of {len(attempts)}, after {why}"
        case "served":
            return f"Served by {request.provider} on the first attempt"
        case "failed":
            return f"Failed: {why}" if why else f"Failed: {request.error_code.replace('_', ' ')}"
        case "timed_out":
            return f"No answer before the deadline: {why}" if why else "No answer before the deadline"
        case "abandoned":
            return "Cancelled: the client hung up before the answer was complete"
        case "stopped":
            return "Stopped by the gateway before the answer was complete"


def status(request: RequestRow) -> tuple[str, str]:
    """(class, word) of a request in a list."""
    match request.ending:
        case "served" if request.absorbed_attempts:
            return "rescued", "served by fallback"
        case "served":
            return "served", "served"
        case "failed" | "timed_out":
            return "failed", ENDINGS[request.ending]
        case "abandoned" | "stopped":
            return "cancelled", "cancelled"


def absorbed_story(failures: Sequence[tuple[str, str]]) -> str:
    """Which providers failed and how, from (provider, cause) pairs: "anthropic throttled us 3 times and ..."."""
    by_provider: dict[str, Counter[str]] = {}
    for provider, name in failures:
        by_provider.setdefault(provider, Counter())[name] += 1
    told = []
    for provider, causes in sorted(by_provider.items(), key=lambda pair: (-pair[1].total(), pair[0])):
        parts = [cause(name) + (f" {n} times" if n > 1 else "") for name, n in causes.most_common(3)]
        more = causes.total() - sum(n for _, n in causes.most_common(3))
        parts += [f"failed {show.plural(more, 'more time')}"] if more else []
        told.append(f"{provider} {_and(parts)}")
    return "; ".join(told)


def _and(parts: Sequence[str]) -> str:
    return parts[0] if len(parts) == 1 else ", ".join(parts[:-1]) + " and " + parts[-1]
