from __future__ import annotations

import json
from typing import Any

import pytest

from gammainfra.domain.failure import Cause, Failure, Fix
from gammainfra.wire.anthropic import PROVIDER


def error(kind: str, message: str = "no", **fields: Any) -> bytes:
    said = {"type": "error", "error": {"type": kind, "message": message, **fields}, "request_id": "req_1"}
    return json.dumps(said).encode()


def read(status: int, body: bytes, **headers: str) -> Failure:
    return PROVIDER.read_error(status, {name.replace("_", "-"): value for name, value in headers.items()}, body)


@pytest.mark.parametrize(
    ("status", "kind", "cause"),
    [
        (400, "invalid_request_error", Cause.INVALID_REQUEST),
        (401, "authentication_error", Cause.CREDENTIALS_REJECTED),
        (402, "billing_error", Cause.BILLING),
        (403, "permission_error", Cause.CREDENTIALS_REJECTED),
        (404, "not_found_error", Cause.MODEL_NOT_FOUND),
        (409, "conflict_error", Cause.CONFLICT),
        (413, "request_too_large", Cause.REQUEST_TOO_LARGE),
        (429, "rate_limit_error", Cause.RATE_LIMIT),
        (500, "api_error", Cause.SERVER_ERROR),
        (504, "timeout_error", Cause.REQUEST_TIMEOUT),
        (529, "overloaded_error", Cause.OVERLOADED),
    ],
)
def test_each_type_has_its_cause(status: int, kind: str, cause: Cause) -> None:
    failure = read(status, error(kind))
    assert failure == Failure(cause, f"HTTP {status}: no", status=status, upstream_request_id="req_1")


@pytest.mark.parametrize(
    ("status", "cause"),
    [
        (301, Cause.NOT_AN_ANSWER),
        (400, Cause.INVALID_REQUEST),
        (401, Cause.CREDENTIALS_REJECTED),
        (402, Cause.BILLING),
        (403, Cause.CREDENTIALS_REJECTED),
        (404, Cause.MODEL_NOT_FOUND),
        (408, Cause.REQUEST_TIMEOUT),
        (409, Cause.CONFLICT),
        (413, Cause.REQUEST_TOO_LARGE),
        (418, Cause.INVALID_REQUEST),
        (429, Cause.RATE_LIMIT),
        (500, Cause.SERVER_ERROR),
        (502, Cause.UNAVAILABLE),
        (503, Cause.UNAVAILABLE),
        (504, Cause.UNAVAILABLE),
        (520, Cause.SERVER_ERROR),
        (529, Cause.OVERLOADED),
    ],
)
def test_without_a_type_the_status_decides(status: int, cause: Cause) -> None:
    for body in (b"{}", b"[]", b'{"error": null}', error("of a later day")):
        assert read(status, body).cause is cause


@pytest.mark.parametrize(
    ("status", "cause"),
    [
        (400, Cause.NOT_AN_ANSWER),
        (401, Cause.NOT_AN_ANSWER),
        (403, Cause.NOT_AN_ANSWER),
        (404, Cause.NOT_AN_ANSWER),
        (413, Cause.REQUEST_TOO_LARGE),
        (429, Cause.RATE_LIMIT),
        (502, Cause.UNAVAILABLE),
        (529, Cause.OVERLOADED),
    ],
)
def test_a_page_of_a_proxy_says_nothing_about_key_model_or_request(status: int, cause: Cause) -> None:
    page = b"<html><head><title>Attention Required!</title></head><body>Cloudflare</body></html>"
    failure = read(status, page)
    assert failure.cause is cause
    assert failure.message == f"HTTP {status}: Attention Required!"


def test_a_body_without_words_still_makes_a_message() -> None:
    assert read(502, b"<p>Bad <b>gateway</b></p>").message == "HTTP 502: Bad gateway"
    assert read(502, b"").message == "HTTP 502 without a message"
    assert read(502, b"{}").message == "HTTP 502 without a message"
    assert read(502, b"[" * 100_000).message.endswith("…")


@pytest.mark.parametrize(
    "body",
    [b'{"error": "no"}', b'{"message": "no"}', b'{"detail": "no"}', b'{"error": {"message": "no"}, "request_id": 7}'],
)
def test_compatible_hosts_say_it_in_other_places(body: bytes) -> None:
    assert read(500, body) == Failure(Cause.SERVER_ERROR, "HTTP 500: no", status=500)


@pytest.mark.parametrize(
    ("status", "body"),
    [
        (429, error("rate_limit_error", details={"error_code": "enforced_spend_limit_reached"})),
        (429, error("rate_limit_error", details={"error_code": "contract_spend_limit_reached"})),
        (400, error("invalid_request_error", "Your credit balance is too low to access the Anthropic API.")),
        (400, error("invalid_request_error", "You have reached your specified API usage limits.")),
        (403, error("permission_error", "This workspace has reached its spend limit")),
    ],
)
def test_money_disables_the_key_not_the_request(status: int, body: bytes) -> None:
    assert read(status, body).cause is Cause.BILLING
    assert read(status, body).cause.permanent


@pytest.mark.parametrize("details", [{"error_code": "ramp_limit_exceeded"}, {"error_code": 7}, "odd", None])
def test_any_other_rate_limit_is_worth_a_retry(details: object) -> None:
    assert read(429, error("rate_limit_error", details=details)).cause is Cause.RATE_LIMIT


@pytest.mark.parametrize(
    "message",
    [
        "prompt is too long: 210000 tokens > 200000 maximum",
        "input length and `max_tokens` exceed context limit: 190000 + 20000 > 200000",
    ],
)
def test_an_overflow_is_told_apart(message: str) -> None:
    assert read(400, error("invalid_request_error", message)).cause is Cause.CONTEXT_OVERFLOW


@pytest.mark.parametrize(
    "message",
    [
        "messages.1.content.0: Invalid `signature` in `thinking` block",
        "messages.1.content.0: Invalid `data` in `redacted_thinking` block",
        "messages.5.content.0: The block is bound to a different conversation",
        "messages.1.content.0.type: Expected `thinking` or `redacted_thinking`, but found `tool_use`.",
        "`thinking` or `redacted_thinking` blocks in the latest assistant message cannot be modified.",
    ],
)
def test_thinking_that_is_refused_is_dropped_and_asked_again(message: str) -> None:
    failure = read(400, error("invalid_request_error", message))
    assert (failure.cause, failure.fix) == (Cause.INVALID_SIGNATURE, Fix.DROP_THINKING)


@pytest.mark.parametrize(
    ("message", "parameter"),
    [
        ("`temperature` is deprecated for this model.", "temperature"),
        ("`temperature` may only be set to 1 when thinking is enabled.", "temperature"),
        ("top_p: not supported on this model", "top_p"),
        ("`top_k` is not supported", "top_k"),
        ("adaptive thinking is not supported on this model", "reasoning_effort"),
        ("output_config: Extra inputs are not permitted", "reasoning_effort"),
        ("output_config.format: Extra inputs are not permitted", "response_format"),
        ("Thinking may not be enabled when tool_choice forces tool use.", "reasoning_effort"),
        ("tool_choice: type 'any' is not supported on this model", "tool_choice"),
        ("disable_parallel_tool_use is not supported", "parallel_tool_calls"),
        ("tools.0.custom.strict: Extra inputs are not permitted", "strict"),
        ("Schema is too complex.", "strict"),
        ("stop_sequences: too many", "stop"),
        ("metadata: Extra inputs are not permitted", "user"),
        ("max_tokens: 64000 > 8192, which is the maximum allowed number of output tokens", "max_tokens"),
        ("A maximum of 4 blocks with cache_control may be provided. Found 5.", "cache_control"),
        ("This model does not support assistant message prefill.", "prefill"),
    ],
)
def test_one_refused_parameter_is_named_as_openai_does(message: str, parameter: str) -> None:
    failure = read(400, error("invalid_request_error", message))
    assert (failure.cause, failure.fix) == (Cause.UNSUPPORTED_PARAMETER, Fix.DROP_PARAMETER)
    assert failure.parameter == parameter


@pytest.mark.parametrize(
    "message", ["messages.0: Input does not match the expected shape.", "temperature: 7 is no number"]
)
def test_a_wrong_request_is_a_wrong_request(message: str) -> None:
    failure = read(400, error("invalid_request_error", message))
    assert (failure.cause, failure.fix, failure.parameter) == (Cause.INVALID_REQUEST, None, None)


@pytest.mark.parametrize(
    ("header", "seconds"),
    [("17", 17.0), ("0.5", 0.5), ("-1", None), ("nan", None), ("inf", None), ("Wed, 21 Oct 2026 07:28:00 GMT", None)],
)
def test_the_providers_own_pause_is_read(header: str, seconds: float | None) -> None:
    # litellm#37754, #4387: not forwarded, so clients retry for ever.
    assert read(429, error("rate_limit_error"), retry_after=header).retry_after_s == seconds
    assert read(429, error("rate_limit_error")).retry_after_s is None


def test_the_requests_id_is_taken_from_the_header_first() -> None:
    assert read(500, error("api_error"), request_id="req_2").upstream_request_id == "req_2"


def test_an_echoed_key_is_not_told() -> None:
    assert (
        "sk-ant" not in read(401, error("authentication_error", "invalid x-api-key: sk-ant-api03-abc123def456")).message
    )


def test_an_error_in_the_stream_without_words_is_told_by_its_type() -> None:
    decoder = PROVIDER.decoder(streamed=True)
    (event,) = decoder.feed(b'data: {"type":"error","error":{"type":"overloaded_error"}}\n\n')
    assert "overloaded_error" in str(event)
    (event,) = PROVIDER.decoder(streamed=True).feed(b'data: {"type":"error"}\n\n')
    assert "an error without a message" in str(event)
