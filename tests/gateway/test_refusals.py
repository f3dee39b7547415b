"""Which error a Turn ends with, from what its attempts met; how they look to a caller stands in tests/conversations."""

from __future__ import annotations

import pytest

from gammainfra.domain.attempt import Ending
from gammainfra.domain.failure import Cause, Failure
from gammainfra.domain.plan import Plan
from gammainfra.gateway.refusals import refusal

PLAN = Plan("acme/one", ())


@pytest.mark.parametrize(
    ("ending", "status", "code", "retry"),
    [
        ("timed_out", 504, "latency_budget_exceeded", True),
        ("stopped", 503, "shutting_down", True),
        ("abandoned", 499, "client_closed_request", None),
        ("failed", 503, "all_providers_failed", True),
    ],
)
def test_an_ending_without_any_attempt_has_its_own_error(
    ending: Ending, status: int, code: str, retry: bool | None
) -> None:
    refused = refusal(ending, PLAN, [])
    assert (refused.status, refused.code, refused.retry, refused.metadata) == (status, code, retry, {})


@pytest.mark.parametrize("cause", set(Cause) - {Cause.NO_CREDIT, Cause.STORE_SLOW})
def test_every_cause_ends_in_a_status_that_agents_survive_or_understand(cause: Cause) -> None:
    refused = refusal("failed", PLAN, [("acme/one", Failure(cause, "why"))])
    assert refused.status in {400, 404, 413, 503}
    assert refused.retry is (refused.status == 503 and not cause.permanent)
    assert (refused.retry_after_s is not None) is refused.retry
    assert "why" in refused.message or cause is Cause.CREDENTIALS_REJECTED
    assert ("maximum context length" in refused.message) is (cause is Cause.CONTEXT_OVERFLOW)


def test_an_overflow_is_told_although_somebody_else_failed_otherwise() -> None:
    met = [("acme/one", Failure(Cause.CONTEXT_OVERFLOW, "too long")), ("bolt/two", Failure(Cause.SERVER_ERROR, "no"))]
    assert refusal("failed", PLAN, met).code == "context_length_exceeded"
