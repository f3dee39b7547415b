"""The bound of what is remembered. What follows from it stands in conversations/test_idempotency.py."""

from __future__ import annotations

import asyncio

import pytest

from gammainfra.domain import limits
from gammainfra.domain.failure import Refused
from gammainfra.domain.record import ApiKey, Caller
from gammainfra.gateway.idempotency import Given, Idempotency, Mark, mark_of


class _Clock:
    def now(self) -> float:
        return 0.0

    def wall(self) -> float:
        return 1_000_000.0


async def _nothing(account_id: str, key: str, since: float) -> Given | None:
    return None


def test_the_oldest_keys_are_forgotten_and_looked_up_again() -> None:
    asked: list[str] = []

    async def stored(account_id: str, key: str, since: float) -> Given | None:
        asked.append(key)
        return None

    kept = Idempotency(stored, _Clock())
    for number in range(limits.IDEMPOTENCY_KEYS + 1):
        kept.began(Mark("a", str(number), "body"), "gen")
    asyncio.run(kept.recall(Mark("a", "1", "body")))
    asyncio.run(kept.recall(Mark("a", "0", "body")))
    assert asked == ["0"]


def test_the_end_of_an_earlier_answer_says_nothing_about_a_later_one() -> None:
    kept, mark = Idempotency(_nothing, _Clock()), Mark("a", "k", "body")
    kept.began(mark, "gen-1")
    kept.began(mark, "gen-2")
    kept.ended(mark, "gen-1", served=False)
    with pytest.raises(Refused) as caught:
        kept.check(Mark("a", "k", "other"))
    assert caught.value.metadata == {"generation_id": "gen-2"}


def test_digests_differ_by_account_secret_key_and_body() -> None:
    def mark(salt: bytes = b"s", key: str = "k", body: bytes = b"{}", api_key: str = "one") -> Mark:
        made = mark_of(Caller(ApiKey(api_key, "account", "test", "1234", 0.0), salt), key, body)
        assert made is not None
        return made

    texts = {mark().text, mark(salt=b"t").text, mark(key="l").text, mark(body=b"[]").text, mark(api_key="two").text}
    assert len(texts) == 5
    assert mark().body == mark(key="l").body
