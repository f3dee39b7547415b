from __future__ import annotations

import json
from typing import Any

import pytest

from gammainfra.domain.failure import Cause, Failure, Fix
from gammainfra.wire.gemini import PROVIDER
from gammainfra.wire.gemini.errors import in_band

RETRY = "type.googleapis.com/google.rpc.RetryInfo"
QUOTA = "type.googleapis.com/google.rpc.QuotaFailure"
INFO = "type.googleapis.com/google.rpc.ErrorInfo"


def body(message: str = "", word: str = "", code: object = None, *details: Any) -> bytes:
    return json.dumps({"error": {"code": code, "message": message, "status": word, "details": details}}).encode()


def read(status: int, raw: bytes, **headers: str) -> Failure:
    return PROVIDER.read_error(status, {name.replace("_", "-"): value for name, value in headers.items()}, raw)


@pytest.mark.parametrize(
    ("status", "word", "cause"),
    [
        (400, "INVALID_ARGUMENT", Cause.INVALID_REQUEST),
        (401, "UNAUTHENTICATED", Cause.CREDENTIALS_REJECTED),
        (403, "PERMISSION_DENIED", Cause.CREDENTIALS_REJECTED),
        (404, "NOT_FOUND", Cause.MODEL_NOT_FOUND),
        (409, "ABORTED", Cause.CONFLICT),
        (429, "RESOURCE_EXHAUSTED", Cause.RATE_LIMIT),
        (499, "CANCELLED", Cause.UNAVAILABLE),
        (500, "INTERNAL", Cause.SERVER_ERROR),
        (503, "UNAVAILABLE", Cause.OVERLOADED),
        (504, "DEADLINE_EXCEEDED", Cause.UNAVAILABLE),
    ],
)
def test_every_status_with_its_word_and_without(status: int, word: str, cause: Cause) -> None:
    assert read(status, body("m", word, status)).cause is cause
    assert read(status, body("m")).cause is cause
    assert read(status, body("m")).status == status


@pytest.mark.parametrize(
    ("status", "cause"),
    [
        (402, Cause.BILLING),
        (408, Cause.REQUEST_TIMEOUT),
        (413, Cause.REQUEST_TOO_LARGE),
        (502, Cause.UNAVAILABLE),
        (507, Cause.SERVER_ERROR),
        (302, Cause.NOT_AN_ANSWER),
        (418, Cause.INVALID_REQUEST),
    ],
)
def test_other_statuses(status: int, cause: Cause) -> None:
    assert read(status, body()).cause is cause
    assert read(status, body()).message == f"HTTP {status} without a message"


@pytest.mark.parametrize(
    ("message", "cause"),
    [
        ("API key not valid. Please pass a valid API key.", Cause.CREDENTIALS_REJECTED),
        ("API key expired. Please renew the API key.", Cause.CREDENTIALS_REJECTED),
        ("Gemini API free tier is not available in your country. Please enable billing.", Cause.BILLING),
        ("User location is not supported for the API use.", Cause.MODEL_NOT_FOUND),
        (
            "The input token count (1250074) exceeds the maximum number of tokens allowed (1048576).",
            Cause.CONTEXT_OVERFLOW,
        ),
        ("The input token count exceeds the maximum number of tokens allowed 1048575.", Cause.CONTEXT_OVERFLOW),
        ("Request payload size exceeds the limit: 20971520 bytes.", Cause.REQUEST_TOO_LARGE),
        ("Please use a valid role: user, model.", Cause.INVALID_REQUEST),
        ("Temperature is a fine word.", Cause.INVALID_REQUEST),
    ],
)
def test_a_400_is_told_apart_by_its_words(message: str, cause: Cause) -> None:
    failure = read(400, body(message, "INVALID_ARGUMENT", 400))
    assert (failure.cause, failure.fix) == (cause, None)


@pytest.mark.parametrize(
    "message",
    [
        "Function call is missing a thought_signature in functionCall parts. This is required for tools to work",
        "Corrupted thought signature.",
        "Unable to submit request because Thought signature is not valid..",
    ],
)
def test_a_signature_that_is_refused_is_left_out_next_time(message: str) -> None:
    failure = read(400, body(message, "INVALID_ARGUMENT"))
    assert (failure.cause, failure.fix) == (Cause.INVALID_SIGNATURE, Fix.DROP_THINKING)


@pytest.mark.parametrize(
    ("message", "parameter"),
    [
        ("Thinking level MINIMAL is not supported for this model.", "reasoning_effort"),
        ("Budget 0 is invalid. This model only works in thinking mode.", "reasoning_effort"),
        ("it has a temperature value of 1000 but the supported range is from 0", "temperature"),
        ("topP must be at most 1", "top_p"),
        ("top_k is not supported", "top_k"),
        ("seed is not supported", "seed"),
        ("The number of stop sequences must be at most 5", "stop"),
        ("Multiple candidates is not enabled for this model", "n"),
        ("JSON mode is not enabled for models/gemini-x", "response_format"),
        ("Function calling with a response mime type: 'application/json' is unsupported", "response_format"),
        ("Unable to submit request because it has a maxOutputTokens value of 9 but the supported range", "max_tokens"),
        ('Unknown name "VALIDATED"', "strict"),
        ('Unknown name "functionCallingConfig"', "tool_choice"),
    ],
)
def test_a_parameter_that_is_refused_is_left_out_next_time(message: str, parameter: str) -> None:
    failure = read(400, body(message, "INVALID_ARGUMENT"))
    assert (failure.cause, failure.fix, failure.parameter) == (
        Cause.UNSUPPORTED_PARAMETER,
        Fix.DROP_PARAMETER,
        parameter,
    )


@pytest.mark.parametrize(
    ("status", "word", "reason", "cause"),
    [
        (400, "INVALID_ARGUMENT", "API_KEY_INVALID", Cause.CREDENTIALS_REJECTED),
        (403, "PERMISSION_DENIED", "BILLING_DISABLED", Cause.BILLING),
        (403, "PERMISSION_DENIED", "SERVICE_DISABLED", Cause.CREDENTIALS_REJECTED),
        (429, "RESOURCE_EXHAUSTED", "RATE_LIMIT_EXCEEDED", Cause.RATE_LIMIT),
        (500, "INTERNAL", "SOMETHING_ELSE", Cause.SERVER_ERROR),
    ],
)
def test_a_reason_is_more_exact_than_a_status(status: int, word: str, reason: str, cause: Cause) -> None:
    assert read(status, body("m", word, status, {"@type": INFO, "reason": reason})).cause is cause


def test_a_403_that_speaks_of_billing_is_about_money() -> None:
    assert (
        read(403, body("This API method requires billing to be enabled.", "PERMISSION_DENIED")).cause is Cause.BILLING
    )


def test_the_wait_stands_in_the_body_or_in_the_words_or_in_the_header() -> None:
    retry = {"@type": RETRY, "retryDelay": "34.4s"}
    assert read(429, body("m", "RESOURCE_EXHAUSTED", 429, {"@type": QUOTA}, retry)).retry_after_s == 34.4
    assert read(429, body("Please retry in 1m2.5s.")).retry_after_s == 62.5
    assert read(429, body("Please retry in 958.8ms.")).retry_after_s == pytest.approx(0.9588)
    assert read(429, body("m"), retry_after="7").retry_after_s == 7
    for odd in ("soon", "-1", "inf"):
        assert read(429, body("m", "", None, {"retryDelay": odd}), retry_after=odd).retry_after_s is None


def test_a_quota_of_the_day_is_not_filled_again_in_seconds() -> None:
    daily = {"@type": QUOTA, "violations": [{"quotaId": "GenerateRequestsPerDayPerProjectPerModel-FreeTier"}]}
    retry = {"@type": RETRY, "retryDelay": "3s"}
    assert read(429, body("m", "RESOURCE_EXHAUSTED", 429, daily, retry)).retry_after_s == 3600
    minute = {"@type": QUOTA, "violations": [{"quotaId": "GenerateRequestsPerMinutePerProject"}, "odd"]}
    assert read(429, body("m", "RESOURCE_EXHAUSTED", 429, minute, retry)).retry_after_s == 3


def test_a_model_that_the_plan_does_not_include_is_about_money() -> None:
    none = {"@type": QUOTA, "violations": [{"quotaId": "x", "quotaValue": "0"}]}
    assert read(429, body("m", "RESOURCE_EXHAUSTED", 429, none)).cause is Cause.BILLING
    words = "Quota exceeded for metric: free_tier_requests, limit: 0, model: gemini-3-pro"
    assert read(429, body(words, "RESOURCE_EXHAUSTED")).cause is Cause.BILLING


def test_a_list_a_text_and_odd_shapes_are_read_too() -> None:
    failure = read(503, b"[" + body("busy", "UNAVAILABLE") + b"]")
    assert (failure.cause, failure.message) == (Cause.OVERLOADED, "HTTP 503: busy")
    assert read(400, b'{"error": "odd"}').message == "HTTP 400: odd"
    assert read(400, b"[7]").cause is Cause.INVALID_REQUEST
    assert read(400, b'{"error": {"message": 7, "details": [7], "code": true}}').cause is Cause.INVALID_REQUEST
    assert read(500, b'{"error": {"status": "INTERNAL"}}').message == "HTTP 500: INTERNAL"


def test_a_page_is_a_proxy_speaking() -> None:
    page = read(404, b"<html><title>Error 404 (Not Found)!!1</title>")
    assert (page.cause, page.message) == (Cause.NOT_AN_ANSWER, "HTTP 404: Error 404 (Not Found)!!1")
    assert read(502, b"<b>bad</b> gateway").message == "HTTP 502: bad gateway"
    assert read(502, b"\xff").cause is Cause.UNAVAILABLE


def test_an_error_in_a_stream_has_no_status_but_its_code() -> None:
    assert in_band(b'{"error": {"code": 503}}').cause is Cause.OVERLOADED
    assert in_band(b'{"error": {"code": 503}}').message == "an error without a message"
    assert in_band(b"{").cause is Cause.IN_BAND_ERROR


def test_no_key_is_shown() -> None:
    assert "AIzaSyA1234567890" not in read(400, body("API key AIzaSyA1234567890 not valid")).message
