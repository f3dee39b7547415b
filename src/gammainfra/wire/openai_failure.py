"""Classifies what an OpenAI-compatible provider says instead of an answer.

One table of words for each cause that has no code of its own, read in an order that keeps rate limits from being
taken for context overflows (both speak of tokens). Source of the codes: OpenAI's and the hosts' error pages, and
recorded answers. It never decides what happens next: Cause does.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

import msgspec

from gammainfra.domain.failure import Cause, Failure, Fix
from gammainfra.wire.lenient import decode
from gammainfra.wire.openai_retry_after import retry_after_s
from gammainfra.wire.sanitise import sanitise

_ANY: Final = msgspec.json.Decoder()
_ID_CHARS: Final = 128

_BILLING: Final = frozenset(
    {
        "insufficient_quota",
        "insufficient_balance",
        "insufficient_credits",
        "billing_error",
        "billing_not_active",
        "billing_hard_limit_reached",
        "payment_required",
        "exceeded_current_quota_error",
        "access_terminated",
    }
)
_CREDENTIALS: Final = frozenset(
    {
        "invalid_api_key",
        "authentication_error",
        "invalid_authentication_error",
        "permission_error",
        "account_deactivated",
    }
)
_NO_MODEL: Final = frozenset({"model_not_found", "deploymentnotfound", "model_not_available", "model_decommissioned"})
_OVERFLOW: Final = frozenset(
    {"context_length_exceeded", "too_many_prompt_tokens", "model_max_prompt_tokens_exceeded", "prompt_too_long"}
)
_RATE: Final = frozenset({"rate_limit_exceeded", "rate_limit_error", "rate_limit_reached_error", "resource_exhausted"})
_OVERLOADED: Final = frozenset(
    {"overloaded_error", "engine_overloaded_error", "overloaded", "server_overloaded", "insufficient_system_resource"}
)
_BAD_CALL: Final = frozenset({"tool_use_failed", "json_validate_failed", "output_parse_failed"})
_UNSUPPORTED: Final = frozenset({"unsupported_parameter", "unsupported_value", "unknown_parameter"})

_RATE_WORDS: Final = re.compile(r"rate.?limit|too many requests|per (?:minute|second|hour|day)|\b[rt]p[md]\b")
_BILLING_WORDS: Final = re.compile(
    r"insufficient (?:balance|credits?|quota|funds)|credit balance|exceeded your current quota|out of credits"
)
_KEY_WORDS: Final = re.compile(r"(?:invalid|incorrect|wrong|missing|expired) (?:\w+ )?api.?key|api key not valid")
_NO_MODEL_WORDS: Final = re.compile(
    r"model\b.{0,80}\b(?:does not exist|not found|not a valid model|deprecated|decommissioned)"
    r"|not a valid model id|no endpoints found|unknown model|invalid model"
)
_OVERFLOW_WORDS: Final = re.compile(
    r"context.?(?:length|window|limit|size)|prompt (?:is )?too long|input (?:is )?too long|too many (?:input )?tokens"
    r"|messages is too long|maximum (?:prompt|input) (?:length|tokens)|input token count.{0,40}exceeds"
    r"|reduce the length of the (?:messages|prompt|input)"
)
_OVERLOADED_WORDS: Final = re.compile(r"overloaded|at capacity|over capacity|no capacity|capacity exceeded")
_SIGNATURE_WORDS: Final = re.compile(
    r"signature.{0,40}thinking|thinking.{0,60}signature|thought.?signature|bound to a different conversation"
    r"|reasoning_content.{0,80}(?:must|passed back|missing)|expected .?thinking"
    r"|encrypted.content.{0,120}(?:verified|decrypted|parsed|invalid)|reasoning.{0,80}without its required"
)
_UNSUPPORTED_WORDS: Final = re.compile(
    r"(?:unsupported|unknown|unrecognized|unexpected) (?:request )?(?:parameter|value|argument|field|property)"
    r"|not supported|does not support|is unsupported|unknown name|extra inputs are not permitted|is deprecated for"
    r"|supports at most \d+ completion tokens|no longer supported"
)
_NAMED: Final = (
    re.compile(r"argument supplied: ([\w.]+)"),
    re.compile(r"(?:parameter|value|argument|field|property|name)s?:? ?['\"`]([\w.\[\]]+)['\"`]", re.IGNORECASE),
    re.compile(r"['\"`]([\w.\[\]]+)['\"`]\S* (?:is|are) (?:not supported|unsupported|deprecated|no longer)"),
    re.compile(r"^([\w.\[\]]+): Extra inputs"),
    re.compile(r"does not support (?:the )?(?:parameters?:? )?['\"`]?([a-z]+_[a-z_]+)"),
)
_STATUS: Final = re.compile(r"[45]\d\d\Z", re.ASCII)
_LAST_NAME: Final = re.compile(r"([A-Za-z_]\w*)(?:[\[.]\d+\]?)*\Z")
# Left out, these would change the request itself and not how it is answered.
_ESSENTIAL: Final = frozenset({"model", "messages", "tools", "stream", "role", "content", "name"})
_CLEARED_IN_LISTS: Final = frozenset({"strict", "cache_control"})
_TOO_MANY_TOKENS_OUT: Final = re.compile(r"max_tokens|max_completion_tokens|completion tokens")

_BY_STATUS: Final = {
    401: Cause.CREDENTIALS_REJECTED,
    402: Cause.BILLING,
    403: Cause.CREDENTIALS_REJECTED,
    404: Cause.MODEL_NOT_FOUND,
    408: Cause.REQUEST_TIMEOUT,
    409: Cause.CONFLICT,
    410: Cause.MODEL_NOT_FOUND,
    413: Cause.REQUEST_TOO_LARGE,
    425: Cause.UNAVAILABLE,
    429: Cause.RATE_LIMIT,
    498: Cause.OVERLOADED,
    500: Cause.SERVER_ERROR,
    502: Cause.UNAVAILABLE,
    503: Cause.OVERLOADED,
    504: Cause.UNAVAILABLE,
    529: Cause.OVERLOADED,
}


@dataclass(frozen=True, slots=True)
class Told:
    """What a provider said, whatever shape it said it in. ``codes`` are its code, type and status words, lower case."""

    message: str
    codes: frozenset[str] = frozenset()
    param: str = ""
    status: int | None = None
    request_id: str = ""


def read_error(status: int, headers: Mapping[str, str], body: bytes) -> Failure:
    """Classify a non-2xx answer. ``headers`` has lower-case names; the message is sanitised."""
    try:
        told = read_told(decode(body, _ANY))
    except (ValueError, RecursionError):
        told = None
    if told is None:
        told = Told(_plain(status, body))
    named = headers.get("x-request-id") or headers.get("request-id") or headers.get("apim-request-id")
    return classify(told, status, retry_after_s(headers, told.message), _printable(named or told.request_id))


def read_told(body: object) -> Told | None:
    """The error in a decoded body or event, None when it holds none."""
    if isinstance(body, list):
        body = body[0] if body else None
    if not isinstance(body, dict):
        return None
    error = body.get("error")
    if isinstance(error, list):
        error = error[0] if error else None
    if isinstance(error, str) and error:
        error = {"message": error}
    if not isinstance(error, dict) or not error:
        error = body if "choices" not in body and _message(body) else None
    if error is None:
        return None
    code = error.get("code")
    numbers = (error.get("status_code"), code, error.get("status"), body.get("status_code"), body.get("status"))
    status = next((number for one in numbers if (number := _status(one))), None)
    words = (code, error.get("type"), error.get("status"), body.get("type"))
    return Told(
        _message(error),
        frozenset(word.lower() for word in words if isinstance(word, str)),
        _string(error.get("param")),
        status,
        _string(body.get("request_id")) or _string(error.get("request_id")),
    )


def _status(value: object) -> int | None:
    """An HTTP error status, as a number or its text."""
    text = str(value) if isinstance(value, int | str) and not isinstance(value, bool) else ""
    return int(text) if _STATUS.match(text) else None


def _message(error: Mapping[str, Any]) -> str:
    """The words of an error; OpenRouter hides the provider's own in ``metadata.raw``."""
    metadata = error.get("metadata")
    raw = metadata.get("raw") if isinstance(metadata, dict) else None
    text = next((found for key in ("message", "msg", "detail", "error") if (found := _words(error.get(key)))), "")
    return f"{text}: {raw}" if isinstance(raw, str) and raw else text


def _words(value: object) -> str:
    """A text, or what FastAPI's validation makes of it (Mistral, vLLM): ``place: what is wrong`` of every detail."""
    if isinstance(value, dict):
        value = value.get("detail")
    if not isinstance(value, list):
        return _string(value)
    return "; ".join(_detail(one) for one in value if isinstance(one, dict))


def _detail(one: Mapping[str, Any]) -> str:
    place = one.get("loc")
    names = [str(name) for name in place if name != "body"] if isinstance(place, list) else []
    return ": ".join(filter(None, (".".join(names), _string(one.get("msg")))))


def _string(value: object) -> str:
    return value if isinstance(value, str) else ""


def _plain(status: int, body: bytes) -> str:
    """What to say when the body is no JSON: a short text as it is, a page or nothing by its status."""
    text = body[:2000].decode("utf-8", "replace").strip()
    if not text or text.startswith(("<", "{", "[")):
        kind = "an empty body" if not text else "a page instead of JSON"
        return f"the provider answered {status} with {kind}"
    return text


def _printable(name: str) -> str | None:
    return name[:_ID_CHARS] if name and name.isascii() and name.isprintable() else None


def classify(
    told: Told, status: int | None, retry_after: float | None = None, request_id: str | None = None
) -> Failure:
    """The failure that ``told`` is, seen with HTTP ``status``; None when it came inside a stream."""
    seen = told.status if status is None else status
    cause, fix, parameter = _judge(told, seen)
    message = sanitise(told.message) or "the provider gave no reason"
    return Failure(cause, message, seen, retry_after, fix, parameter, request_id or _printable(told.request_id))


def _judge(told: Told, status: int | None) -> tuple[Cause, Fix | None, str | None]:
    by_code = _by_code(told, status)
    if by_code is not None:
        return by_code, None, None
    text = told.message.lower()
    is_rate = _RATE_WORDS.search(text) is not None
    if status == 429 or (is_rate and status in {None, 413, 503}):  # noqa: PLR2004
        return _limited(told, text), None, None
    if status is None or status in {400, 413, 422}:
        by_words = _by_words(told, text, is_rate=is_rate)
        if by_words is not None:
            return by_words
    if status in {403, 500, 502} and _OVERLOADED_WORDS.search(text):
        return Cause.OVERLOADED, None, None
    if status is None:
        return Cause.OVERLOADED if _OVERLOADED_WORDS.search(text) else Cause.IN_BAND_ERROR, None, None
    if status == 403 and _BILLING_WORDS.search(text):  # noqa: PLR2004
        return Cause.BILLING, None, None
    if status in _BY_STATUS:
        return _BY_STATUS[status], None, None
    if status < 400:  # noqa: PLR2004
        return Cause.NOT_AN_ANSWER, None, None
    return Cause.INVALID_REQUEST if status < 500 else Cause.UNAVAILABLE, None, None  # noqa: PLR2004


def _by_code(told: Told, status: int | None) -> Cause | None:
    """What the provider's own code says, where it says more than the status."""
    codes = told.codes
    if codes & _BILLING:
        return Cause.BILLING
    if codes & _OVERFLOW and status != 429:  # noqa: PLR2004
        return Cause.CONTEXT_OVERFLOW
    if codes & _OVERLOADED:
        return Cause.OVERLOADED
    if codes & _BAD_CALL:
        return Cause.BAD_TOOL_CALL
    if codes & _NO_MODEL:
        return Cause.MODEL_NOT_FOUND
    if codes & _RATE and not (status == 429 and "resource_exhausted" not in codes):  # noqa: PLR2004
        return Cause.RATE_LIMIT
    if codes & _CREDENTIALS and (status is None or status in {400, 401, 403}):
        return Cause.CREDENTIALS_REJECTED
    return None


def _limited(told: Told, text: str) -> Cause:
    """A 429 is a rate limit, unless it says that the account is empty or the host is full."""
    if _BILLING_WORDS.search(text) and not told.codes & _RATE:
        return Cause.BILLING
    return Cause.OVERLOADED if _OVERLOADED_WORDS.search(text) else Cause.RATE_LIMIT


def _by_words(told: Told, text: str, *, is_rate: bool) -> tuple[Cause, Fix | None, str | None] | None:
    if _SIGNATURE_WORDS.search(text):
        return Cause.INVALID_SIGNATURE, Fix.DROP_THINKING, None
    unsupported = told.codes & _UNSUPPORTED or _UNSUPPORTED_WORDS.search(text)
    if not is_rate and _OVERFLOW_WORDS.search(text) and not told.codes & _UNSUPPORTED:
        return Cause.CONTEXT_OVERFLOW, None, None
    if _BILLING_WORDS.search(text):
        return Cause.BILLING, None, None
    if _KEY_WORDS.search(text):
        return Cause.CREDENTIALS_REJECTED, None, None
    if _NO_MODEL_WORDS.search(text):
        return Cause.MODEL_NOT_FOUND, None, None
    if unsupported:
        parameter = _parameter(told)
        return Cause.UNSUPPORTED_PARAMETER, Fix.DROP_PARAMETER if parameter else None, parameter
    return None


def _parameter(told: Told) -> str | None:
    """The parameter to leave out, None when it cannot be left out or was not named."""
    path = told.param
    for pattern in _NAMED:
        if path:
            break
        found = pattern.search(told.message)
        path = found[1] if found else ""
    if not path and _TOO_MANY_TOKENS_OUT.search(told.message):
        path = "max_tokens"
    last = _LAST_NAME.search(path)
    if last is None:
        return None
    nested = "[" in path or "." in path
    name = last[1] if nested and last[1] in _CLEARED_IN_LISTS else re.split(r"[.\[]", path)[0]
    return None if name in _ESSENTIAL else name
