"""What Bedrock says instead of an answer: exceptions by name, in a header or inside the stream, and their words.

It decides the cause, and whether a changed request avoids it; it never decides what happens next. Names: the errors of
https://docs.aws.amazon.com/bedrock/latest/APIReference/API_runtime_ConverseStream.html and AWS's common errors.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Final

import msgspec

from gammainfra.domain.failure import Cause, Failure, Fix
from gammainfra.wire.sanitise import sanitise

_BY_NAME: Final = {
    "throttlingexception": Cause.RATE_LIMIT,
    "servicequotaexceededexception": Cause.RATE_LIMIT,
    "toomanyrequestsexception": Cause.RATE_LIMIT,
    "serviceunavailableexception": Cause.OVERLOADED,
    "modelnotreadyexception": Cause.OVERLOADED,
    "internalserverexception": Cause.SERVER_ERROR,
    "internalfailure": Cause.SERVER_ERROR,
    "modelerrorexception": Cause.SERVER_ERROR,
    "modelstreamerrorexception": Cause.SERVER_ERROR,
    "modeltimeoutexception": Cause.REQUEST_TIMEOUT,
    "resourcenotfoundexception": Cause.MODEL_NOT_FOUND,
    "accessdeniedexception": Cause.CREDENTIALS_REJECTED,
    "expiredtokenexception": Cause.CREDENTIALS_REJECTED,
    "expiredtoken": Cause.CREDENTIALS_REJECTED,
    "invalidsignatureexception": Cause.CREDENTIALS_REJECTED,
    "incompletesignatureexception": Cause.CREDENTIALS_REJECTED,
    "missingauthenticationtokenexception": Cause.CREDENTIALS_REJECTED,
    "unrecognizedclientexception": Cause.CREDENTIALS_REJECTED,
    "notauthorizedexception": Cause.CREDENTIALS_REJECTED,
    "optinrequired": Cause.CREDENTIALS_REJECTED,
    "validationexception": Cause.INVALID_REQUEST,
}
_BY_STATUS: Final = {
    401: Cause.CREDENTIALS_REJECTED,
    402: Cause.BILLING,
    403: Cause.CREDENTIALS_REJECTED,
    404: Cause.MODEL_NOT_FOUND,
    408: Cause.REQUEST_TIMEOUT,
    413: Cause.REQUEST_TOO_LARGE,
    424: Cause.SERVER_ERROR,
    429: Cause.RATE_LIMIT,
    500: Cause.SERVER_ERROR,
    503: Cause.OVERLOADED,
    529: Cause.OVERLOADED,
}
# A page instead of JSON is a proxy or a wrong address speaking: it says nothing about key, model or request.
_SAID_BY_A_PROXY: Final = frozenset({Cause.CREDENTIALS_REJECTED, Cause.MODEL_NOT_FOUND, Cause.INVALID_REQUEST})

_NO_MODEL: Final = re.compile(
    r"model identifier is invalid|on-demand throughput isn.t supported|don.t have access to the model"
    r"|model .{0,80}(?:not found|end of its life|is not supported in)",
    re.IGNORECASE,
)
_BILLING: Final = re.compile(r"payment instrument|INVALID_PAYMENT|credit balance|usage limits?\b", re.IGNORECASE)
_OVERFLOW: Final = re.compile(
    r"input is too long|prompt is too long|too many input tokens|maximum (?:context|number of) .{0,20}tokens"
    r"|context (?:window|length|limit)|exceeds? the .{0,40}context",
    re.IGNORECASE,
)
_SIGNATURE: Final = re.compile(
    r"invalid `?signature|invalid `?data`? in `?redacted_thinking|bound to a different|expected `?thinking"
    r"|thinking`? blocks?[^.]* (?:cannot|must not) be modified",
    re.IGNORECASE,
)
_REFUSED: Final = re.compile(
    r"not support|doesn.t support|unsupported|deprecated|not permitted|not allowed|extraneous key|may only|cannot both",
    re.IGNORECASE,
)
_PARAMETER: Final = re.compile(
    r"(?P<cache_control>prompt caching|cachePoint|cache_control)|(?P<temperature>temperature)|(?P<top_p>top_?p\b)"
    r"|(?P<top_k>top_?k\b)|(?P<stop>stop_?sequences)|(?P<response_format>outputConfig|output_config\.format|textFormat)"
    r"|(?P<reasoning_effort>thinking|effort|budget_tokens|output_config)|(?P<tool_choice>tool_?choice)"
    r"|(?P<max_tokens>max_?tokens)|(?P<prefill>prefill)",
    re.IGNORECASE,
)


def read_error(status: int, headers: Mapping[str, str], body: bytes) -> Failure:
    """Classify a non-2xx answer; the exception's name comes in ``x-amzn-errortype`` or the body's ``__type``."""
    decoded = _decoded(body)
    name = headers.get("x-amzn-errortype") or str((decoded or {}).get("__type") or "")
    message = _words(decoded)
    cause, fix, parameter = _classified(_plain(name), message, status)
    if decoded is None and not name and cause in _SAID_BY_A_PROXY:
        cause = Cause.NOT_AN_ANSWER
    said = f"HTTP {status}: {message}" if message else f"HTTP {status} without a message"
    return Failure(
        cause, sanitise(said), status, fix=fix, parameter=parameter,
        upstream_request_id=headers.get("x-amzn-requestid"),
    )  # fmt: skip


def in_band(name: str, payload: bytes, message: str = "") -> Failure:
    """Classify an exception inside a stream."""
    message = message or _words(_decoded(payload)) or name or "an exception without a message"
    cause, fix, parameter = _classified(_plain(name), message, None)
    return Failure(cause, sanitise(message), fix=fix, parameter=parameter)


def read_body(body: bytes) -> str:
    """The message of an error that came as an answer, "" when there is none."""
    return sanitise(_words(_decoded(body)))


def _decoded(body: bytes) -> dict[str, object] | None:
    try:
        decoded = msgspec.json.decode(body)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return None
    return decoded if isinstance(decoded, dict) else {}


def _words(decoded: dict[str, object] | None) -> str:
    found = decoded or {}
    said = next((found[name] for name in ("message", "Message", "originalMessage") if found.get(name)), "")
    return said if isinstance(said, str) else ""


def _plain(name: str) -> str:
    """``namespace#Name:url`` as the name in lower case."""
    return name.partition(":")[0].rpartition("#")[2].lower()


def _classified(name: str, message: str, status: int | None) -> tuple[Cause, Fix | None, str | None]:
    cause = _BY_NAME.get(name)
    if cause is None:
        cause = Cause.IN_BAND_ERROR if status is None else _by_status(status)
    if cause in {Cause.CREDENTIALS_REJECTED, Cause.INVALID_REQUEST, Cause.MODEL_NOT_FOUND}:
        if _BILLING.search(message):
            return Cause.BILLING, None, None
        if _NO_MODEL.search(message):
            return Cause.MODEL_NOT_FOUND, None, None
    return _invalid(message) if cause is Cause.INVALID_REQUEST else (cause, None, None)


def _by_status(status: int) -> Cause:
    if status in _BY_STATUS:
        return _BY_STATUS[status]
    if status >= 500:  # noqa: PLR2004
        return Cause.UNAVAILABLE
    return Cause.INVALID_REQUEST if status >= 400 else Cause.NOT_AN_ANSWER  # noqa: PLR2004


def _invalid(message: str) -> tuple[Cause, Fix | None, str | None]:
    """A validation error tells apart by its words only."""
    if _OVERFLOW.search(message):
        return Cause.CONTEXT_OVERFLOW, None, None
    if _SIGNATURE.search(message):
        return Cause.INVALID_SIGNATURE, Fix.DROP_THINKING, None
    parameter = _PARAMETER.search(message)
    if parameter is not None and _REFUSED.search(message):
        return Cause.UNSUPPORTED_PARAMETER, Fix.DROP_PARAMETER, parameter.lastgroup
    return Cause.INVALID_REQUEST, None, None
