"""How a Turn that could not be saved ends for the caller: one clear error with cause and remedy (C60..C68).

It decides status, code and whether a retry is announced, from what the attempts met. An agent treats 429 as death and
503 with ``Retry-After`` as a pause, so a chain that is exhausted is always the latter.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Final

from gammainfra.domain.attempt import Absorbed, Ending, LegFailed
from gammainfra.domain.endpoint import key_variable
from gammainfra.domain.failure import Cause, Failure, Fault, Refused
from gammainfra.domain.plan import Plan
from gammainfra.gateway.attempt import Attempt
from gammainfra.gateway.unfunded import STORE_SLOW, unaffordable
from gammainfra.providers import registry

Tried = Sequence[tuple[str, Failure]]  # endpoint name and what happened there, in order

GAVE_UP: Final = Refused(500, "internal_error", "The gateway failed. Its log names the cause.", retry=True)
_RETRY_AFTER_MAX_S: Final = 59.0  # SDKs obey a Retry-After below a minute only
_RETRY_AFTER_S: Final = 5.0
_OVERFLOW_WORDS: Final = re.compile(r"maximum\s+context\s+length", re.IGNORECASE)


def tried(attempts: Sequence[Attempt]) -> list[tuple[str, Failure]]:
    """What the attempts met, in order."""
    met = [(one.endpoint.name, one.outcome) for one in attempts]
    return [(name, outcome.failure) for name, outcome in met if isinstance(outcome, Absorbed | LegFailed)]


def refusal(ending: Ending, plan: Plan, met: Tried) -> Refused:
    """The error of a Turn that ended without an answer. ``met`` may be empty (nobody could be asked)."""
    if ending == "timed_out":
        message = "The latency budget (X-GammaInfra-Max-Latency-Ms) was spent before a first token came. Raise it."
        return Refused(504, "latency_budget_exceeded", message, retry=True, metadata=_metadata(met))
    if ending == "stopped":
        message = "This server is shutting down: ask again."
        return Refused(503, "shutting_down", message, retry=True, retry_after_s=1.0, metadata=_metadata(met))
    if ending == "abandoned":
        return Refused(499, "client_closed_request", "The caller hung up.", metadata=_metadata(met))
    return _failed(plan, met)


def _failed(plan: Plan, met: Tried) -> Refused:
    asked = [one for one in met if one[1].cause not in {Cause.NO_CREDIT, Cause.STORE_SLOW}]
    if met and not asked:
        shorts = [failure.short for _, failure in met if failure.short is not None]
        return unaffordable(min(shorts, key=lambda short: short.shortfall_nano)) if shorts else STORE_SLOW
    last = asked[-1][1] if asked else Failure(Cause.UNAVAILABLE, "no provider could be asked")
    overflow = next((failure for _, failure in met if failure.cause is Cause.CONTEXT_OVERFLOW), None)
    if overflow is not None:
        # Agents look for these words to shorten their history; no other error may hold them (C60).
        message = f"This conversation exceeds the model's maximum context length in tokens: {overflow.message}"
        code = "context_length_exceeded"
        return Refused(400, code, message, param="messages", retry=False, metadata=_metadata(met))
    if last.cause is Cause.REQUEST_TOO_LARGE:
        message = f"The provider refuses a request of this size: {_words(last)}"
        return Refused(413, "request_too_large", message, retry=False, metadata=_metadata(met))
    if last.cause.fault is Fault.CALLER:
        message = f"{asked[-1][0]} refuses this request: {_words(last)}"
        code = "invalid_request"
        return Refused(400, code, message, param=last.parameter, retry=False, metadata=_metadata(met))
    causes = {failure.cause for _, failure in asked}
    if causes == {Cause.CREDENTIALS_REJECTED}:
        return _credentials(asked)
    if causes == {Cause.MODEL_NOT_FOUND}:
        message = f"{asked[-1][0]} is not known there: {_words(last).rstrip('.')}. See GET /v1/models for what is."
        return Refused(404, "model_not_found", message, param="model", retry=False, metadata=_metadata(met))
    return _exhausted(plan, met)


def _credentials(met: Tried) -> Refused:
    providers = sorted({endpoint.partition("/")[0] for endpoint, _ in met})
    places = " and ".join(_place_of_key(provider) for provider in providers)
    message = f"{' and '.join(providers)} rejected our API key, or wants one. Check {places}."
    return Refused(503, "provider_credentials_rejected", message, retry=False, metadata=_metadata(met))


def _place_of_key(provider: str) -> str:
    setting = f"[providers.{provider}] api_key in gammainfra.toml"
    return f"{key_variable(provider)} or {setting}" if provider in registry.known() else setting


def _exhausted(plan: Plan, met: Tried) -> Refused:
    described = "; ".join(f"{endpoint}: {failure.cause} ({_words(failure)})" for endpoint, failure in met)
    permanent = bool(met) and all(failure.cause.permanent for _, failure in met)
    waits = [failure.retry_after_s for _, failure in met if failure.retry_after_s is not None]
    wait_s = None if permanent else min(max(min(waits, default=_RETRY_AFTER_S), 1.0), _RETRY_AFTER_MAX_S)
    remedy = "Configure another provider for this model" if len(plan.candidates) == 1 else "Try again"
    remedy = "Mend the provider accounts named here" if permanent else f"{remedy}; a retry may succeed"
    message = f"No provider could answer. {described or 'All are cooling down'}. {remedy}."
    return Refused(
        503, "all_providers_failed", message, retry=not permanent, retry_after_s=wait_s, metadata=_metadata(met)
    )


def _words(failure: Failure) -> str:
    """What a provider said, without the words that only a context overflow may hold (C60)."""
    return _OVERFLOW_WORDS.sub("context limit", failure.message)


def _metadata(met: Tried) -> dict[str, object]:
    if not met:
        return {}
    return {
        "attempts": [
            {"endpoint": endpoint, "cause": failure.cause.value, "status": failure.status, "message": _words(failure)}
            for endpoint, failure in met
        ]
    }
