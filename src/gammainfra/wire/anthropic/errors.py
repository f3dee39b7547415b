"""What an Anthropic-dialect error means: its cause, and whether a changed request avoids it.

It decides from the error's type, code and words, then from the status alone; it never decides what happens next.
Types and codes: https://platform.claude.com/docs/en/api/errors; the quoted refusals are those the API sends.
"""

from __future__ import annotations

import math
import re
from collections.abc import Mapping
from dataclasses import dataclass
from http import HTTPStatus
from typing import Final

import msgspec

from gammainfra.domain.failure import Cause, Failure, Fix
from gammainfra.wire.anthropic import betas
from gammainfra.wire.sanitise import sanitise

_BY_TYPE: Final = {
    "invalid_request_error": Cause.INVALID_REQUEST,
    "authentication_error": Cause.CREDENTIALS_REJECTED,
    "billing_error": Cause.BILLING,
    "permission_error": Cause.CREDENTIALS_REJECTED,
    "not_found_error": Cause.MODEL_NOT_FOUND,
    "conflict_error": Cause.CONFLICT,
    "request_too_large": Cause.REQUEST_TOO_LARGE,
    "rate_limit_error": Cause.RATE_LIMIT,
    "api_error": Cause.SERVER_ERROR,
    "timeout_error": Cause.REQUEST_TIMEOUT,
    "overloaded_error": Cause.OVERLOADED,
}
_BY_STATUS: Final = {
    401: Cause.CREDENTIALS_REJECTED,
    402: Cause.BILLING,
    403: Cause.CREDENTIALS_REJECTED,
    404: Cause.MODEL_NOT_FOUND,
    408: Cause.REQUEST_TIMEOUT,
    409: Cause.CONFLICT,
    413: Cause.REQUEST_TOO_LARGE,
    429: Cause.RATE_LIMIT,
    502: Cause.UNAVAILABLE,
    503: Cause.UNAVAILABLE,
    504: Cause.UNAVAILABLE,
    529: Cause.OVERLOADED,
}
# A page instead of JSON is a proxy or a wrong address speaking: it says nothing about key, model or request.
_SAID_BY_A_PROXY: Final = frozenset({Cause.CREDENTIALS_REJECTED, Cause.MODEL_NOT_FOUND, Cause.INVALID_REQUEST})

_SPEND_LIMIT_CODES: Final = frozenset({"enforced_spend_limit_reached", "contract_spend_limit_reached"})
_BILLING: Final = re.compile(r"credit balance is too low|(?:spend|usage) limits?\b", re.IGNORECASE)
_OVERFLOW: Final = re.compile(
    r"prompt is too long|exceeds? (?:the )?(?:maximum )?context|context (?:window|length|limit)", re.IGNORECASE
)
_SIGNATURE: Final = re.compile(
    r"invalid `?signature|bound to a different|invalid `?data`? in `?redacted_thinking|expected `?thinking`?"
    r"|(?:redacted_)?thinking`? blocks?[^.]* (?:cannot|must not) be modified",
    re.IGNORECASE,
)

# A refused parameter is named in the message, by Anthropic's name, beside one of these words. The one named first
# is the one refused ("`temperature` may only be set to 1 when thinking is enabled").
_REFUSED: Final = re.compile(
    r"not support|unsupported|deprecated|not permitted|cannot both|may only|may not|not allowed|not available"
    r"|must be (?:greater|less)|must not come|maximum|too (?:complex|many)|no longer",
    re.IGNORECASE,
)
_PARAMETER: Final = re.compile(
    r"\b(?P<cache_control>cache_control)|\b(?P<temperature>temperature)\b|\b(?P<top_p>top_p)\b|\b(?P<top_k>top_k)\b"
    r"|\b(?P<stop>stop_sequences)\b|\b(?P<response_format>output_config\.format|output_format)\b"
    r"|\b(?P<reasoning_effort>(?:adaptive |extended )?thinking|output_config|effort|budget_tokens)\b"
    r"|\b(?P<parallel_tool_calls>disable_parallel_tool_use)\b|\b(?P<tool_choice>tool_choice)\b"
    r"|\b(?P<strict>strict|schema is too complex)\b|\b(?P<user>metadata)\b|\b(?P<max_tokens>max_tokens)\b"
    r"|\b(?P<prefill>prefill)",
    re.IGNORECASE,
)

_BETA: Final = re.compile(r"anthropic-beta`? header|beta (?:flag|header)", re.IGNORECASE)

_TITLE: Final = re.compile(r"<title[^>]*>([^<]*)", re.IGNORECASE)
_TAG: Final = re.compile(r"<[^>]*>")


@dataclass(frozen=True, slots=True)
class _Said:
    """What a body says about an error; all empty when it is no JSON (``is_json`` False)."""

    kind: str = ""
    message: str = ""
    code: str = ""
    request_id: str | None = None
    is_json: bool = False


def read_error(status: int, headers: Mapping[str, str], body: bytes) -> Failure:
    """Classify a non-2xx answer; the message is sanitised, ``retry_after_s`` is the provider's number of seconds."""
    said = _read(body)
    cause, fix, parameter = _classified(said, status)
    message = said.message or ("" if said.is_json else _page(body))
    return Failure(
        cause,
        sanitise(f"HTTP {status}: {message}" if message else f"HTTP {status} without a message"),
        status=status,
        retry_after_s=_seconds(headers.get("retry-after")),
        fix=fix,
        parameter=parameter,
        upstream_request_id=headers.get("request-id") or said.request_id,
    )


def in_band(body: bytes) -> Failure:
    """Classify an ``error`` event, or an error object that came with status 200."""
    said = _read(body)
    cause, fix, parameter = _classified(said, None)
    message = sanitise(said.message or said.kind or "an error without a message")
    return Failure(cause, message, fix=fix, parameter=parameter, upstream_request_id=said.request_id)


def _read(body: bytes) -> _Said:
    """``{"error": {"type", "message", "details"}, "request_id"}``, and what compatible hosts make of it."""
    try:
        decoded = msgspec.json.decode(body)
    except (msgspec.DecodeError, RecursionError):
        return _Said()
    top = decoded if isinstance(decoded, dict) else {}
    error = top.get("error")
    inner = error if isinstance(error, dict) else {"message": error or top.get("message") or top.get("detail")}
    details = inner.get("details")
    code = details.get("error_code") if isinstance(details, dict) else None
    request_id = top.get("request_id")
    return _Said(
        kind=_text(inner.get("type")),
        message=_text(inner.get("message")),
        code=_text(code),
        request_id=request_id if isinstance(request_id, str) else None,
        is_json=True,
    )


def _text(value: object) -> str:
    return value if isinstance(value, str) else ""


def _classified(said: _Said, status: int | None) -> tuple[Cause, Fix | None, str | None]:
    cause = _BY_TYPE.get(said.kind) or _by_status(status)
    if status is not None and not said.is_json and cause in _SAID_BY_A_PROXY:
        return Cause.NOT_AN_ANSWER, None, None
    if said.code in _SPEND_LIMIT_CODES:
        return Cause.BILLING, None, None
    if cause is Cause.CREDENTIALS_REJECTED and _BILLING.search(said.message):
        return Cause.BILLING, None, None
    if cause is Cause.INVALID_REQUEST:
        return _invalid(said.message)
    return cause, None, None


def _by_status(status: int | None) -> Cause:
    if status is None:
        return Cause.IN_BAND_ERROR
    if status in _BY_STATUS:
        return _BY_STATUS[status]
    if status >= HTTPStatus.INTERNAL_SERVER_ERROR:
        return Cause.SERVER_ERROR
    return Cause.INVALID_REQUEST if status >= HTTPStatus.BAD_REQUEST else Cause.NOT_AN_ANSWER


def _invalid(message: str) -> tuple[Cause, Fix | None, str | None]:
    """A 400 tells apart by its words only: money, length, signatures, one parameter, or a plainly wrong request."""
    if _BILLING.search(message):
        return Cause.BILLING, None, None
    if _OVERFLOW.search(message):
        return Cause.CONTEXT_OVERFLOW, None, None
    if _SIGNATURE.search(message):
        return Cause.INVALID_SIGNATURE, Fix.DROP_THINKING, None
    if _BETA.search(message):  # its words name a beta, and betas have the names of parameters
        return Cause.UNSUPPORTED_PARAMETER, Fix.DROP_PARAMETER, betas.PARAMETER
    parameter = _PARAMETER.search(message)
    if parameter is not None and _REFUSED.search(message):
        return Cause.UNSUPPORTED_PARAMETER, Fix.DROP_PARAMETER, parameter.lastgroup
    return Cause.INVALID_REQUEST, None, None


def _page(body: bytes) -> str:
    """What can be told of a body that is no JSON: a page's title, else its head without tags."""
    text = body.decode("utf-8", "replace")
    title = _TITLE.search(text)
    return title[1] if title else _TAG.sub(" ", text)


def _seconds(text: str | None) -> float | None:
    """``retry-after`` as a number; a date is no use without a clock."""
    try:
        seconds = float(text or "")
    except ValueError:
        return None
    return seconds if math.isfinite(seconds) and seconds >= 0 else None
