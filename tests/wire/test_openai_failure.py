from __future__ import annotations

import json

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gammainfra.domain.failure import Cause, Failure, Fix
from gammainfra.wire.openai_chat import PROVIDER
from gammainfra.wire.openai_retry_after import retry_after_s


def read(http: int, body: object, **headers: str) -> Failure:
    raw = body if isinstance(body, bytes) else json.dumps(body).encode()
    return PROVIDER.read_error(http, {name.replace("_", "-"): value for name, value in headers.items()}, raw)


def said(http: int, message: str, **more: object) -> Failure:
    return read(http, {"error": {"message": message, **more}})


@pytest.mark.parametrize(
    ("status", "cause"),
    [
        (302, Cause.NOT_AN_ANSWER),
        (400, Cause.INVALID_REQUEST),
        (401, Cause.CREDENTIALS_REJECTED),
        (402, Cause.BILLING),
        (403, Cause.CREDENTIALS_REJECTED),
        (404, Cause.MODEL_NOT_FOUND),
        (405, Cause.INVALID_REQUEST),
        (408, Cause.REQUEST_TIMEOUT),
        (409, Cause.CONFLICT),
        (413, Cause.REQUEST_TOO_LARGE),
        (422, Cause.INVALID_REQUEST),
        (425, Cause.UNAVAILABLE),
        (429, Cause.RATE_LIMIT),
        (498, Cause.OVERLOADED),
        (500, Cause.SERVER_ERROR),
        (502, Cause.UNAVAILABLE),
        (503, Cause.OVERLOADED),
        (504, Cause.UNAVAILABLE),
        (520, Cause.UNAVAILABLE),
        (529, Cause.OVERLOADED),
    ],
)
def test_a_status_alone_has_a_cause(status: int, cause: Cause) -> None:
    page = read(status, b"<html>nginx</html>")
    assert (page.cause, page.status) == (cause, status)
    assert page.message == f"the provider answered {status} with a page instead of JSON"
    assert read(status, b"").message == f"the provider answered {status} with an empty body"
    assert said(status, "something").cause is cause


@pytest.mark.parametrize(
    ("status", "code", "cause"),
    [
        (429, "insufficient_quota", Cause.BILLING),
        (429, "rate_limit_exceeded", Cause.RATE_LIMIT),
        (413, "rate_limit_exceeded", Cause.RATE_LIMIT),
        (429, "context_length_exceeded", Cause.RATE_LIMIT),
        (400, "context_length_exceeded", Cause.CONTEXT_OVERFLOW),
        (400, "model_not_found", Cause.MODEL_NOT_FOUND),
        (404, "DeploymentNotFound", Cause.MODEL_NOT_FOUND),
        (400, "invalid_api_key", Cause.CREDENTIALS_REJECTED),
        (500, "authentication_error", Cause.SERVER_ERROR),
        (500, "overloaded_error", Cause.OVERLOADED),
        (400, "tool_use_failed", Cause.BAD_TOOL_CALL),
        (429, "RESOURCE_EXHAUSTED", Cause.RATE_LIMIT),
    ],
)
def test_a_code_says_more_than_the_status(status: int, code: str, cause: Cause) -> None:
    assert said(status, "x", code=code).cause is cause
    assert said(status, "x", type=code).cause is cause


@pytest.mark.parametrize(
    ("status", "message", "cause"),
    [
        (
            400,
            "This model's maximum context length is 8192 tokens. However, you requested 9000",
            Cause.CONTEXT_OVERFLOW,
        ),
        (400, "prompt is too long: 210000 tokens > 200000 maximum", Cause.CONTEXT_OVERFLOW),
        (400, "prompt too long; exceeded max context length by 5 tokens", Cause.CONTEXT_OVERFLOW),
        (422, "The input token count (9) exceeds the maximum", Cause.CONTEXT_OVERFLOW),
        (413, "The total length of all messages is too long.", Cause.CONTEXT_OVERFLOW),
        (413, "Request too large for model: tokens per minute (TPM): Limit 6000, Requested 7000", Cause.RATE_LIMIT),
        (429, "Rate limit reached: context length and tokens per minute", Cause.RATE_LIMIT),
        (400, "rate limit: too many tokens per minute for this context window", Cause.INVALID_REQUEST),
        (429, "You exceeded your current quota, please check your plan", Cause.BILLING),
        (429, "The engine is currently overloaded", Cause.OVERLOADED),
        (503, "too many requests", Cause.RATE_LIMIT),
        (400, "Your credit balance is too low", Cause.BILLING),
        (403, "Insufficient balance", Cause.BILLING),
        (400, "API key not valid. Please pass a valid API key.", Cause.CREDENTIALS_REJECTED),
        (400, "foo/bar is not a valid model ID", Cause.MODEL_NOT_FOUND),
        (400, "The model `x` does not exist", Cause.MODEL_NOT_FOUND),
        (500, "Model is at capacity", Cause.OVERLOADED),
    ],
)
def test_words_say_what_codes_do_not(status: int, message: str, cause: Cause) -> None:
    assert said(status, message).cause is cause


def test_a_rate_limit_by_status_is_not_taken_for_an_empty_account_when_it_says_so() -> None:
    assert said(429, "You exceeded your current quota", status="RESOURCE_EXHAUSTED").cause is Cause.RATE_LIMIT


@pytest.mark.parametrize(
    "message",
    [
        "messages.1.content.0: Invalid `signature` in `thinking` block",
        "Corrupted thought signature",
        "The block is bound to a different conversation",
        "The `reasoning_content` in the thinking mode must be passed back to the API.",
    ],
)
def test_a_signature_that_is_refused_can_be_left_out(message: str) -> None:
    failure = said(400, message)
    assert (failure.cause, failure.fix) == (Cause.INVALID_SIGNATURE, Fix.DROP_THINKING)


@pytest.mark.parametrize(
    ("message", "more", "parameter"),
    [
        (
            "Unsupported parameter: 'max_tokens' is not supported with this model.",
            {"param": "max_tokens"},
            "max_tokens",
        ),
        ("Unsupported value: 'temperature' does not support 0.0 with this model.", {}, "temperature"),
        ("Unrecognized request argument supplied: top_k", {}, "top_k"),
        ("`temperature` is deprecated for this model.", {}, "temperature"),
        ("seed: Extra inputs are not permitted", {}, "seed"),
        ("property 'logit_bias' is unsupported", {}, "logit_bias"),
        ('Invalid JSON payload received. Unknown name "verbosity": Cannot find field.', {}, "verbosity"),
        ("This model does not support parameters: reasoning_effort", {}, "reasoning_effort"),
        ("max_tokens is too large: 50000. This model supports at most 16384 completion tokens", {}, "max_tokens"),
        ("x", {"param": "tools[0].function.strict", "code": "unsupported_parameter"}, "strict"),
        ("x", {"param": "response_format.json_schema", "code": "unsupported_parameter"}, "response_format"),
        ("Unsupported value: 'messages[0].role' does not support 'system'", {"param": "messages[0].role"}, None),
        ("Tools are not supported", {}, None),
        ("x", {"param": "???", "code": "unknown_parameter"}, None),
    ],
)
def test_a_parameter_that_is_refused_is_named(message: str, more: dict[str, str], parameter: str | None) -> None:
    failure = said(400, message, **more)
    assert failure.cause is Cause.UNSUPPORTED_PARAMETER
    assert (failure.parameter, failure.fix) == (parameter, Fix.DROP_PARAMETER if parameter else None)


@pytest.mark.parametrize(
    ("body", "message"),
    [
        ({"error": "plain"}, "plain"),
        ({"error": {"message": ""}}, "the provider gave no reason"),
        ({"error": [{"message": "listed"}]}, "listed"),
        ({"error": []}, "the provider answered 418 with a page instead of JSON"),
        ([{"error": {"message": "in a list"}}], "in a list"),
        ([], "the provider answered 418 with a page instead of JSON"),
        ([7], "the provider answered 418 with a page instead of JSON"),
        ({"message": "flat", "type": "x"}, "flat"),
        ({"code": 1, "msg": "other word"}, "other word"),
        ({"detail": "Invalid"}, "Invalid"),
        ({"detail": [{"msg": "a"}, {"msg": "b"}, 7]}, "a; b"),
        ({"message": {"detail": [{"loc": ["body", "user"], "msg": "Extra"}]}}, "user: Extra"),
        ({"message": [{"loc": ["body", "messages", 3, "name"], "msg": "Extra"}]}, "messages.3.name: Extra"),
        ({"error": {"message": {"odd": 1}, "msg": "b"}}, "b"),
        (
            {"error": {"message": "Provider returned error", "metadata": {"raw": "inner"}}},
            "Provider returned error: inner",
        ),
        (b"upstream connect error", "upstream connect error"),
        (b'{"error":{"message":"a\\ud83d"}}', "a\ufffd"),
    ],
)
def test_errors_are_read_in_every_shape(body: object, message: str) -> None:
    assert read(418, body).message == message


def test_messages_are_sanitised_and_short() -> None:
    failure = said(401, "Incorrect API key provided: sk-abc123456789def. " + "x " * 1000)
    assert "sk-abc" not in failure.message
    assert len(failure.message) <= 500


def test_the_providers_request_id_is_kept_when_it_is_one() -> None:
    assert read(500, {}, x_request_id="req_1").upstream_request_id == "req_1"
    assert read(500, {}, request_id="r" * 300).upstream_request_id == "r" * 128
    assert read(500, {"error": {"message": "x"}, "request_id": "b"}).upstream_request_id == "b"
    assert read(500, {"error": {"message": "x"}}, x_request_id="a\nb").upstream_request_id is None


@pytest.mark.parametrize(
    ("headers", "message", "wait_s"),
    [
        ({}, "", None),
        ({"retry-after": "17"}, "", 17.0),
        ({"retry-after": "0.5"}, "", 0.5),
        ({"retry-after-ms": "1500", "retry-after": "2"}, "", 1.5),
        ({"retry-after-ms": "soon", "retry-after": "2"}, "", 2.0),
        ({"retry-after": "-1"}, "", None),
        ({"retry-after": "inf"}, "", None),
        ({"retry-after": "Wed, 21 Oct 2026 07:28:30 GMT", "date": "Wed, 21 Oct 2026 07:28:00 GMT"}, "", 30.0),
        ({"retry-after": "Wed, 21 Oct 2026 07:27:00 GMT", "date": "Wed, 21 Oct 2026 07:28:00 GMT"}, "", 0.0),
        ({"retry-after": "Wed, 21 Oct 2026 07:28:30 GMT"}, "", None),
        ({"retry-after": "tomorrow", "date": "Wed, 21 Oct 2026 07:28:00 GMT"}, "", None),
        ({"retry-after": "Wed, 21 Oct 2026 07:28:30", "date": "Wed, 21 Oct 2026 07:28:00 GMT"}, "", None),
        ({}, "Please try again in 7.66s.", 7.66),
        ({}, "Please try again in 1m2.5s.", 62.5),
        ({}, "Please try again in 250ms.", 0.25),
    ],
)
def test_a_wait_is_read_from_headers_then_words(headers: dict[str, str], message: str, wait_s: float | None) -> None:
    assert retry_after_s(headers, message) == wait_s


def test_a_wait_reaches_the_failure() -> None:
    assert read(429, {"error": {"message": "Please try again in 2s."}}).retry_after_s == 2.0


@settings(deadline=None)
@given(st.integers(300, 599), st.binary(max_size=60))
def test_any_answer_has_a_cause_and_a_message(status: int, body: bytes) -> None:
    failure = read(status, body)
    assert failure.message
    assert failure.cause is not Cause.INTERNAL
