from __future__ import annotations

import json

import pytest

from gammainfra.domain.failure import Cause, Fix
from gammainfra.wire.bedrock import PROVIDER


@pytest.mark.parametrize(
    ("status", "name", "message", "cause"),
    [
        (429, "ThrottlingException", "Too many tokens, please wait", Cause.RATE_LIMIT),
        (400, "ServiceQuotaExceededException", "", Cause.RATE_LIMIT),
        (503, "ServiceUnavailableException", "", Cause.OVERLOADED),
        (500, "InternalServerException", "", Cause.SERVER_ERROR),
        (424, "ModelErrorException", "", Cause.SERVER_ERROR),
        (408, "ModelTimeoutException", "", Cause.REQUEST_TIMEOUT),
        (404, "ResourceNotFoundException", "", Cause.MODEL_NOT_FOUND),
        (
            403,
            "ExpiredTokenException",
            "The security token included in the request is expired",
            Cause.CREDENTIALS_REJECTED,
        ),
        (
            403,
            "AccessDeniedException",
            "You don't have access to the model with the specified ID",
            Cause.MODEL_NOT_FOUND,
        ),
        (403, "AccessDeniedException", "Model access is denied due to INVALID_PAYMENT_INSTRUMENT", Cause.BILLING),
        (400, "ValidationException", "The provided model identifier is invalid.", Cause.MODEL_NOT_FOUND),
        (400, "ValidationException", "Input is too long for requested model.", Cause.CONTEXT_OVERFLOW),
        (400, "ValidationException", "Malformed input request", Cause.INVALID_REQUEST),
        (401, "", "no", Cause.CREDENTIALS_REJECTED),
        (418, "", "no", Cause.INVALID_REQUEST),
        (502, "", "no", Cause.UNAVAILABLE),
        (302, "", "no", Cause.NOT_AN_ANSWER),
    ],
)
def test_exceptions_by_name_words_and_status(status: int, name: str, message: str, cause: Cause) -> None:
    headers = (
        {"x-amzn-errortype": f"{name}:http://internal.amazon.com/coral/", "x-amzn-requestid": "r1"} if name else {}
    )
    failure = PROVIDER.read_error(status, headers, json.dumps({"message": message}).encode())
    assert (failure.cause, failure.status) == (cause, status)
    assert failure.upstream_request_id == headers.get("x-amzn-requestid")


def test_the_name_may_stand_in_the_body() -> None:
    body = json.dumps({"__type": "com.amazon.coral.service#ThrottlingException", "Message": "slow"}).encode()
    assert PROVIDER.read_error(400, {}, body).cause is Cause.RATE_LIMIT


def test_a_page_says_nothing_about_key_model_or_request() -> None:
    for status in (400, 403, 404):
        assert PROVIDER.read_error(status, {}, b"<html>").cause is Cause.NOT_AN_ANSWER
    assert PROVIDER.read_error(503, {}, b"\xff").cause is Cause.OVERLOADED
    assert PROVIDER.read_error(500, {}, b'{"message":7}').message == "HTTP 500 without a message"


@pytest.mark.parametrize(
    ("message", "fix", "parameter"),
    [
        ("This model doesn't support prompt caching", Fix.DROP_PARAMETER, "cache_control"),
        ("`temperature` is deprecated for this model", Fix.DROP_PARAMETER, "temperature"),
        ("thinking.type.enabled is not supported for this model", Fix.DROP_PARAMETER, "reasoning_effort"),
        ("This model doesn't support the toolConfig.toolChoice.any field", Fix.DROP_PARAMETER, "tool_choice"),
        ("messages.1.content.0: Invalid `signature` in `thinking` block", Fix.DROP_THINKING, None),
    ],
)
def test_a_changed_request_avoids_what_is_refused(message: str, fix: Fix, parameter: str | None) -> None:
    headers = {"x-amzn-errortype": "ValidationException"}
    failure = PROVIDER.read_error(400, headers, json.dumps({"message": message}).encode())
    assert (failure.fix, failure.parameter) == (fix, parameter)
