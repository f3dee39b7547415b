"""What an error of a Google API means: its cause, how long to wait, and whether a changed request avoids it.

It decides from the error's reason, quota and status word, then from its words, then from the HTTP status; it never
decides what happens next. Shapes: https://cloud.google.com/apis/design/errors (google.rpc.Status with ErrorInfo,
QuotaFailure, RetryInfo) and https://ai.google.dev/gemini-api/docs/troubleshooting.
"""

from __future__ import annotations

import math
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from http import HTTPStatus
from typing import Any, Final

import msgspec

from gammainfra.domain.failure import Cause, Failure, Fix
from gammainfra.wire.sanitise import sanitise

_BY_REASON: Final = {
    "API_KEY_INVALID": Cause.CREDENTIALS_REJECTED,
    "API_KEY_EXPIRED": Cause.CREDENTIALS_REJECTED,
    "API_KEY_SERVICE_BLOCKED": Cause.CREDENTIALS_REJECTED,
    "ACCESS_TOKEN_EXPIRED": Cause.CREDENTIALS_REJECTED,
    "ACCESS_TOKEN_TYPE_UNSUPPORTED": Cause.CREDENTIALS_REJECTED,
    "CREDENTIALS_MISSING": Cause.CREDENTIALS_REJECTED,
    "SERVICE_DISABLED": Cause.CREDENTIALS_REJECTED,
    "CONSUMER_SUSPENDED": Cause.CREDENTIALS_REJECTED,
    "BILLING_DISABLED": Cause.BILLING,
    "RATE_LIMIT_EXCEEDED": Cause.RATE_LIMIT,
}
_BY_WORD: Final = {
    "INVALID_ARGUMENT": Cause.INVALID_REQUEST,
    "FAILED_PRECONDITION": Cause.INVALID_REQUEST,
    "OUT_OF_RANGE": Cause.INVALID_REQUEST,
    "UNAUTHENTICATED": Cause.CREDENTIALS_REJECTED,
    "PERMISSION_DENIED": Cause.CREDENTIALS_REJECTED,
    "NOT_FOUND": Cause.MODEL_NOT_FOUND,
    "UNIMPLEMENTED": Cause.MODEL_NOT_FOUND,
    "ABORTED": Cause.CONFLICT,
    "RESOURCE_EXHAUSTED": Cause.RATE_LIMIT,
    "INTERNAL": Cause.SERVER_ERROR,
    "UNKNOWN": Cause.SERVER_ERROR,
    "DATA_LOSS": Cause.SERVER_ERROR,
    "UNAVAILABLE": Cause.OVERLOADED,
    "CANCELLED": Cause.UNAVAILABLE,
    "DEADLINE_EXCEEDED": Cause.UNAVAILABLE,
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
    499: Cause.UNAVAILABLE,
    502: Cause.UNAVAILABLE,
    503: Cause.OVERLOADED,
    504: Cause.UNAVAILABLE,
}
# A page instead of JSON is a proxy or a wrong address speaking: it says nothing about key, model or request.
_SAID_BY_A_PROXY: Final = frozenset({Cause.CREDENTIALS_REJECTED, Cause.MODEL_NOT_FOUND, Cause.INVALID_REQUEST})

_KEY: Final = re.compile(r"api.?key (?:not valid|expired|not found|is missing)|pass a valid api key", re.IGNORECASE)
_BILLING: Final = re.compile(r"billing (?:is not|to be) enabled|enable billing|billing account|prepay", re.IGNORECASE)
_PLACE: Final = re.compile(r"location is not supported|not available in your (?:country|region)", re.IGNORECASE)
_OVERFLOW: Final = re.compile(
    r"token count.{0,40}exceeds|exceeds the maximum number of tokens|context (?:window|length|limit)", re.IGNORECASE
)
_TOO_LARGE: Final = re.compile(r"payload size exceeds|request (?:size|is) too large", re.IGNORECASE)
_SIGNATURE: Final = re.compile(r"thought.?signature", re.IGNORECASE)
_REFUSED: Final = re.compile(
    r"not supported|does not support|unsupported|not enabled|not allowed|no longer|is invalid|must be|only works"
    r"|out of range|supported (?:range|values)|unknown name|cannot find field|at most",
    re.IGNORECASE,
)
_PARAMETER: Final = re.compile(
    r"(?P<reasoning_effort>thinking|\bbudget\b|thought)|(?P<temperature>temperature)|(?P<top_p>\btop_?p\b)"
    r"|(?P<top_k>\btop_?k\b)|(?P<seed>\bseed\b)|(?P<stop>stop.?sequence)|(?P<n>multiple candidates|candidate_?count)"
    r"|(?P<response_format>json mode|response.?(?:mime.?type|schema|json.?schema))"
    r"|(?P<max_tokens>max_?output_?tokens)|(?P<strict>validated)"
    r"|(?P<tool_choice>function_?calling_?(?:config|mode)|allowed_?function_?names)",
    re.IGNORECASE,
)

_DAILY: Final = re.compile(r"per_?day", re.IGNORECASE)
_DAILY_WAIT_S: Final = 3600.0  # until midnight in California; nobody here knows what time it is there
_NONE_AT_ALL: Final = re.compile(r"\blimit: 0\b")
_DELAY: Final = re.compile(r"(\d{1,6}(?:\.\d{1,9})?)s\Z", re.ASCII)
_IN_WORDS: Final = re.compile(r"retry in (?:(\d{1,4})m)?(\d{1,6}(?:\.\d{1,9})?)(ms|s)\b")

_TITLE: Final = re.compile(r"<title[^>]*>([^<]*)", re.IGNORECASE)
_TAG: Final = re.compile(r"<[^>]*>")


@dataclass(frozen=True, slots=True)
class _Said:
    """What a body says about an error; all empty when it is no JSON (``is_json`` False)."""

    message: str = ""
    word: str = ""
    code: int | None = None
    details: tuple[Mapping[str, Any], ...] = ()
    is_json: bool = False


def read_error(status: int, headers: Mapping[str, str], body: bytes) -> Failure:
    """Classify a non-2xx answer; the message is sanitised. A wait is named in the body (RetryInfo), or the header."""
    said = _read(body)
    cause, fix, parameter = _classified(said, status)
    message = said.message or said.word or ("" if said.is_json else _page(body))
    return Failure(
        cause,
        sanitise(f"HTTP {status}: {message}" if message else f"HTTP {status} without a message"),
        status=status,
        retry_after_s=_wait_s(said, cause) or _seconds(headers.get("retry-after")),
        fix=fix,
        parameter=parameter,
    )


def in_band(body: bytes) -> Failure:
    """Classify an error inside a stream, or one that came with status 200."""
    said = _read(body)
    cause, fix, parameter = _classified(said, said.code)
    message = sanitise(said.message or said.word or "an error without a message")
    return Failure(cause, message, retry_after_s=_wait_s(said, cause), fix=fix, parameter=parameter)


def _read(body: bytes) -> _Said:
    """``{"error": {"code", "message", "status", "details"}}``, or the same in a list: the last one that is an error."""
    try:
        decoded = msgspec.json.decode(body)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return _Said()
    tops = decoded if isinstance(decoded, list) else [decoded]
    errors = [top["error"] for top in tops if isinstance(top, dict) and top.get("error")]
    error = errors[-1] if errors else {}
    if not isinstance(error, dict):
        return _Said(message=str(error), is_json=True)
    code, details = error.get("code"), error.get("details")
    return _Said(
        message=_text(error.get("message")),
        word=_text(error.get("status")),
        code=code if isinstance(code, int) and not isinstance(code, bool) else None,
        details=tuple(one for one in details if isinstance(one, dict)) if isinstance(details, list) else (),
        is_json=True,
    )


def _text(value: object) -> str:
    return value if isinstance(value, str) else ""


def _classified(said: _Said, status: int | None) -> tuple[Cause, Fix | None, str | None]:
    reasons = (_BY_REASON.get(_text(detail.get("reason"))) for detail in said.details)
    cause = next((found for found in reasons if found is not None), None)
    cause = cause or _BY_WORD.get(said.word) or _by_status(status)
    if status is not None and not said.is_json and cause in _SAID_BY_A_PROXY:
        return Cause.NOT_AN_ANSWER, None, None
    if cause is Cause.RATE_LIMIT and _has_no_quota(said):
        return Cause.BILLING, None, None  # a model that this plan does not include
    if cause is Cause.CREDENTIALS_REJECTED and _BILLING.search(said.message):
        return Cause.BILLING, None, None
    return _invalid(said.message) if cause is Cause.INVALID_REQUEST else (cause, None, None)


def _by_status(status: int | None) -> Cause:
    if status is None:
        return Cause.IN_BAND_ERROR
    if status in _BY_STATUS:
        return _BY_STATUS[status]
    if status >= HTTPStatus.INTERNAL_SERVER_ERROR:
        return Cause.SERVER_ERROR
    return Cause.INVALID_REQUEST if status >= HTTPStatus.BAD_REQUEST else Cause.NOT_AN_ANSWER


def _invalid(message: str) -> tuple[Cause, Fix | None, str | None]:
    """A 400 tells apart by its words only: key, money, place, length, signatures, one parameter, or a wrong request."""
    for words, cause in (
        (_KEY, Cause.CREDENTIALS_REJECTED),
        (_BILLING, Cause.BILLING),
        (_PLACE, Cause.MODEL_NOT_FOUND),
        (_OVERFLOW, Cause.CONTEXT_OVERFLOW),
        (_TOO_LARGE, Cause.REQUEST_TOO_LARGE),
    ):
        if words.search(message):
            return cause, None, None
    if _SIGNATURE.search(message):
        return Cause.INVALID_SIGNATURE, Fix.DROP_THINKING, None
    parameter = _PARAMETER.search(message)
    if parameter is not None and _REFUSED.search(message):
        return Cause.UNSUPPORTED_PARAMETER, Fix.DROP_PARAMETER, parameter.lastgroup
    return Cause.INVALID_REQUEST, None, None


def _violations(said: _Said) -> Iterator[Mapping[str, Any]]:
    for detail in said.details:
        violations = detail.get("violations")
        yield from (one for one in violations if isinstance(one, dict)) if isinstance(violations, list) else ()


def _has_no_quota(said: _Said) -> bool:
    return bool(_NONE_AT_ALL.search(said.message)) or any(
        str(one.get("quotaValue")) == "0" for one in _violations(said)
    )


def _wait_s(said: _Said, cause: Cause) -> float | None:
    """What RetryInfo or the message says; a quota of the day is not filled again within the seconds it names."""
    if cause is Cause.RATE_LIMIT and any(_DAILY.search(_text(one.get("quotaId"))) for one in _violations(said)):
        return _DAILY_WAIT_S
    for detail in said.details:
        delay = _DELAY.match(_text(detail.get("retryDelay")))
        if delay is not None:
            return float(delay[1])
    found = _IN_WORDS.search(said.message)
    if found is None:
        return None
    minutes, number, unit = found.groups(default="0")
    return int(minutes) * 60 + float(number) / (1000 if unit == "ms" else 1)


def _seconds(text: str | None) -> float | None:
    """``retry-after`` as a number; a date is no use without a clock."""
    try:
        seconds = float(text or "")
    except ValueError:
        return None
    return seconds if math.isfinite(seconds) and seconds >= 0 else None


def _page(body: bytes) -> str:
    """What can be told of a body that is no JSON: a page's title, else its head without tags."""
    text = body.decode("utf-8", "replace")
    title = _TITLE.search(text)
    return title[1] if title else _TAG.sub(" ", text)
