"""The rule by the minute, and the bound of what is remembered."""

from __future__ import annotations

import asyncio
from dataclasses import replace

from hypothesis import given
from hypothesis import strategies as st

from gammainfra.domain import limits
from gammainfra.domain.policy import RateLimits
from gammainfra.domain.record import ApiKey, Caller
from gammainfra.gateway.state.rate_limits import FREE, Pace, RateBoard


class _Clock:
    def now(self) -> float:
        return 100.0

    def wall(self) -> float:
        return 0.0


@given(st.integers(1, 500), st.lists(st.floats(0, 2), max_size=200))
def test_no_minute_holds_more_than_two_minutes_worth_and_nobody_waits_below_the_rate(
    per_minute: int, gaps: list[float]
) -> None:
    pace, now, went = Pace(per_minute), 0.0, list[float]()
    for gap in gaps:
        now += gap
        if not pace.wait_s(now, 1.0) > 1e-9:
            pace.book(now, 1.0)
            went.append(now)
    for at in went:
        assert sum(at <= one < at + 60.0 for one in went) <= 2 * per_minute
    if len(gaps) <= per_minute:
        assert len(went) == len(gaps)


def test_what_is_given_back_fits_again() -> None:
    pace = Pace(2)
    pace.book(0.0, 2.0)
    assert (pace.left(0.0), pace.wait_s(0.0, 1.0)) == (0, 30.0)
    pace.book(0.0, -1.0)
    assert (pace.left(0.0), pace.wait_s(0.0, 1.0)) == (1, 0.0)


def test_keys_that_asked_long_ago_are_forgotten() -> None:
    board = RateBoard(_Clock(), RateLimits(requests_per_minute=1))
    key = ApiKey("0", "account", "test", "1234", 0.0)

    async def ask(key_id: int) -> str:
        ticket = await board.enter(Caller(replace(key, id=str(key_id))), 10, 0.0)
        board.leave(ticket)
        return ticket.headers["x-ratelimit-remaining-requests"]

    async def test() -> set[str]:
        return {await ask(number) for number in [*range(limits.RATE_KEYS + 1), 0]}

    assert asyncio.run(test()) == {"0"}


def test_a_key_without_limits_has_a_free_ticket() -> None:
    board = RateBoard(_Clock(), RateLimits())
    assert asyncio.run(board.enter(Caller(ApiKey("k", "a", "t", "1234", 0.0)), 10, 0.0)) is FREE


def test_a_place_that_comes_to_somebody_who_is_gone_goes_to_the_next() -> None:
    board = RateBoard(_Clock(), RateLimits(concurrency=1))
    caller = Caller(ApiKey("key", "account", "test", "1234", 0.0))

    async def test() -> None:
        first = await board.enter(caller, 10, 5.0)
        gone = asyncio.create_task(board.enter(caller, 10, 5.0))
        following = asyncio.create_task(board.enter(caller, 10, 5.0))
        await asyncio.sleep(0)
        board.leave(first)
        gone.cancel()
        board.leave(await following)
        last = await board.enter(caller, 10, 0.0)
        assert last.waited_s == 0.0

    asyncio.run(test())
