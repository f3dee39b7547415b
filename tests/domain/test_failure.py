"""What follows from a cause: whose fault it is, whether others may be asked, whether a retry makes sense."""

from __future__ import annotations

import pytest

from gammainfra.domain.failure import Cause, Fault, Refused

CALLERS = {
    Cause.CONTEXT_OVERFLOW,
    Cause.UNSUPPORTED_PARAMETER,
    Cause.INVALID_SIGNATURE,
    Cause.INVALID_REQUEST,
    Cause.REQUEST_TOO_LARGE,
    Cause.NO_CREDIT,
}


@pytest.mark.parametrize("cause", Cause)
def test_every_cause_is_the_fault_of_exactly_one(cause: Cause) -> None:
    ours = {Cause.INTERNAL, Cause.STORE_SLOW}
    expected = Fault.CALLER if cause in CALLERS else Fault.GATEWAY if cause in ours else Fault.PROVIDER
    assert cause.fault is expected


@pytest.mark.parametrize("cause", Cause)
def test_only_a_request_that_is_wrong_everywhere_is_asked_nowhere_else(cause: Cause) -> None:
    assert cause.elsewhere is (cause not in {Cause.INVALID_REQUEST, Cause.REQUEST_TOO_LARGE})


def test_what_only_the_operator_can_mend_is_permanent() -> None:
    assert {cause for cause in Cause if cause.permanent} == {
        Cause.CREDENTIALS_REJECTED,
        Cause.BILLING,
        Cause.MODEL_NOT_FOUND,
    }


def test_a_refusal_reads_as_status_code_and_message() -> None:
    assert (
        str(Refused(404, "model_not_found", "There is no such model."))
        == "404 model_not_found: There is no such model."
    )
