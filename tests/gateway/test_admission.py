"""Room for requests and bytes, per process and per key."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gammainfra.app import SystemClock
from gammainfra.domain import limits
from gammainfra.domain.failure import Refused
from gammainfra.domain.policy import RateLimits
from gammainfra.domain.record import ApiKey, Caller
from gammainfra.gateway.admission import Admission
from gammainfra.gateway.state.rate_limits import RateBoard


def caller(key_id: str = "key") -> Caller:
    return Caller(ApiKey(key_id, "account", "test", "1234", 0.0))


def room() -> Admission:
    return Admission(RateBoard(SystemClock(), RateLimits()))


def refused(admission: Admission, key_id: str = "key", content_length: int | None = 10) -> tuple[int, str]:
    with pytest.raises(Refused) as caught:
        admission.admit(caller(key_id), content_length)
    return caught.value.status, caught.value.code


def test_a_permit_is_given_back_once_however_often_it_is_released() -> None:
    admission = room()
    with admission.admit(caller(), 10) as permit:
        assert (admission.requests, admission.n_bytes) == (1, 30)
    permit.release()
    assert (admission.requests, admission.n_bytes) == (0, 0)


def test_a_permit_that_was_kept_outlives_its_block_but_not_an_error() -> None:
    admission = room()
    with admission.admit(caller(), 10) as permit:
        permit.keep()
    assert admission.requests == 1
    permit.release()
    permit = admission.admit(caller(), 10).keep()
    permit.__exit__(KeyError, KeyError(), None)
    assert (admission.requests, admission.n_bytes) == (0, 0)


def test_a_body_longer_than_announced_reserves_more() -> None:
    admission = room()
    permit = admission.admit(caller(), None)
    permit.grow(10)
    permit.grow(5)
    assert admission.n_bytes == 30
    permit.release()
    assert admission.n_bytes == 0


def test_too_many_bytes_are_shed_and_nothing_of_them_stays() -> None:
    admission = room()
    most = limits.BODY_BYTES_IN_FLIGHT // limits.BODY_BYTES_RESERVED_PER_BYTE
    permits = [admission.admit(caller(), limits.REQUEST_BODY_BYTES) for _ in range(most // limits.REQUEST_BODY_BYTES)]
    before = admission.n_bytes
    assert refused(admission, content_length=limits.REQUEST_BODY_BYTES) == (503, "overloaded")
    with pytest.raises(Refused), admission.admit(caller(), None) as permit:
        permit.grow(limits.REQUEST_BODY_BYTES)
    assert (admission.requests, admission.n_bytes) == (len(permits), before)
    for permit in permits:
        permit.release()
    assert (admission.requests, admission.n_bytes) == (0, 0)


def test_a_key_and_a_process_have_so_many_requests_at_a_time() -> None:
    admission = room()
    keys = limits.REQUESTS_IN_FLIGHT // limits.REQUESTS_IN_FLIGHT_PER_KEY
    for number in range(limits.REQUESTS_IN_FLIGHT_PER_KEY):
        assert admission.admit(caller("0"), 0).key_id == "0", number
    assert refused(admission, "0") == (429, "rate_limit_exceeded")
    for key in range(1, keys):
        for _ in range(limits.REQUESTS_IN_FLIGHT_PER_KEY):
            admission.admit(caller(str(key)), 0)
    assert refused(admission, "new") == (503, "overloaded")


def test_a_server_that_ends_admits_nobody_and_a_huge_body_is_refused_by_its_announcement() -> None:
    admission = room()
    assert refused(admission, content_length=limits.REQUEST_BODY_BYTES + 1) == (413, "request_too_large")
    admission.draining = True
    assert refused(admission) == (503, "overloaded")
    assert (admission.requests, admission.n_bytes) == (0, 0)


@given(st.lists(st.tuples(st.sampled_from("abc"), st.integers(0, 10**6), st.integers(0, 10**6), st.booleans())))
def test_whatever_was_taken_is_given_back(requests: list[tuple[str, int, int, bool]]) -> None:
    admission = room()
    permits = []
    for key_id, announced, sent, early in requests:
        permit = admission.admit(caller(key_id), announced)
        permit.grow(sent)
        permits.append(permit)
        if early:
            permit.release()
    for permit in permits:
        permit.release()
    assert (admission.requests, admission.n_bytes) == (0, 0)


def test_a_body_that_arrives_while_the_server_ends_is_refused() -> None:
    admission = room()
    permit = admission.admit(caller(), 10)
    admission.draining = True
    with pytest.raises(Refused) as caught:
        permit.grow(10)
    permit.release()
    assert (caught.value.status, caught.value.code) == (503, "overloaded")
    assert (admission.requests, admission.n_bytes) == (0, 0)


def test_requests_that_nobody_pays_for_are_shed_first() -> None:
    admission, trial = room(), Caller(ApiKey("trial", "account", "test", "1234", 0.0, trial=True))
    for number in range(int(limits.REQUESTS_IN_FLIGHT * limits.TRIAL_SHARE) + 1):
        admission.admit(caller(str(number)), 10)
    with pytest.raises(Refused) as caught:
        admission.admit(trial, 10)
    assert (caught.value.status, caught.value.code, caught.value.retry) == (503, "overloaded", True)
    assert admission.admit(caller("paid"), 10).n_bytes == 10


def test_bytes_are_shed_first_where_nobody_pays() -> None:
    admission, trial = room(), Caller(ApiKey("trial", "account", "test", "1234", 0.0, trial=True))
    most = int(limits.BODY_BYTES_IN_FLIGHT * limits.TRIAL_SHARE) // limits.BODY_BYTES_RESERVED_PER_BYTE
    for _ in range(most // limits.REQUEST_BODY_BYTES):
        admission.admit(caller(), limits.REQUEST_BODY_BYTES)
    permit = admission.admit(trial, None)
    with pytest.raises(Refused):
        permit.grow(limits.REQUEST_BODY_BYTES)
    assert admission.admit(caller(), limits.REQUEST_BODY_BYTES).n_bytes == limits.REQUEST_BODY_BYTES
