"""What one request learns, the next one is spared: dead endpoints, throttled and rejected keys, tasks that move."""

from __future__ import annotations

from dataclasses import replace

import pytest

from gammainfra.domain import limits
from gammainfra.providers.compatible import compatible
from tests.conversations.playbook import After, Book, ask, book, says
from tests.conversations.saying import begin, finish, refuses, stop, text
from tests.conversations.upstream import Broken

PING = b": keepalive\n\n"


def question(number: int, **more: object) -> dict[str, object]:
    return {"messages": [{"role": "user", "content": f"Question {number}"}], **more}


def step(b: Book, number: int, *dead: str, after_s: float = 4.0) -> list[str]:
    """One agent step: dead providers answer 500, the first healthy one serves. Who was asked, in order."""
    b >> ask(f"c{number}", **question(number))  # type: ignore[arg-type]
    asked = []
    while last := [one.removesuffix(" asked") for one in b.outcome if one.endswith(" asked")]:
        asked += last
        b.arrive(says(last[-1], *(refuses(500) if last[-1] in dead else (text("Yes"), *finish()))))
    b.arrive(After(after_s))
    b.clear()
    return asked


# ---- a dead endpoint -------------------------------------------------------------------------------------------------
def test_a_dead_primary_is_asked_rarely_and_first_again_once_it_lives() -> None:
    b = book()
    asked = [step(b, number, "acme") for number in range(30)]
    assert asked[:3] == [["acme", "bolt"]] * 3
    assert all(one[-1] == "bolt" for one in asked)
    probes = sum("acme" in one for one in asked[3:])
    assert 1 <= probes <= 5
    b.arrive(After(limits.BREAKER_OPEN_MAX_S * 1.25))
    alive = [step(b, number) for number in range(30, 40)]
    assert alive == [["acme"]] * 10
    b.check_over(turns=40)


def test_of_many_requests_at_once_one_tries_the_endpoint_that_was_broken() -> None:
    b = book()
    for number in range(3):
        step(b, number, "acme", after_s=0.0)
    b.arrive(After(6.3))
    for number in range(10, 15):
        b.arrive(ask(f"c{number}", **question(number)))  # type: ignore[arg-type]
    assert b.outcome == ["acme asked", "bolt asked", "bolt asked", "bolt asked", "bolt asked"]
    b.close()
    b.is_over = True


def test_the_last_candidate_is_asked_however_dead_it_is_and_its_own_error_is_told() -> None:
    b = book("acme")
    for number in range(12):
        b >> ask(f"c{number}", **question(number))  # type: ignore[arg-type]
        for _ in range(2):  # once more after a second
            assert b.outcome == ["acme asked"]
            b.arrive(says("acme", *refuses(500, "the database is down")))
            if not any(":" in one for one in b.outcome[-1:]):
                b.arrive(After(1.0))
        b.clear()
        b.arrive(After(5.0))
        assert "the database is down" in b.error(f"c{number}")["message"]
    b.check_over(turns=12)


def test_a_connection_that_is_refused_opens_the_breaker_too() -> None:
    b = book()
    for number in range(3):
        b >> ask(f"c{number}", **question(number)) << "acme asked" >> says("acme", Broken())  # type: ignore[arg-type]
        b << "bolt asked" >> says("bolt", text("Yes"), *finish())
        b.clear()
    b >> ask("last", **question(9)) << "bolt asked" >> says("bolt", text("Yes"), *finish())  # type: ignore[arg-type]
    b.clear()
    b.check_over(turns=4)


def test_a_callers_haste_is_not_the_endpoints_fault() -> None:
    b = book()
    hasty = {"x-gammainfra-max-latency-ms": "1000"}
    for number in range(5):
        b >> ask(f"c{number}", headers=hasty, **question(number)) << "acme asked" >> After(0.7)  # type: ignore[arg-type]
        b << "bolt asked" >> says("bolt", text("Yes"), *finish())
        b.clear()
    assert b.health.snapshot().of("acme/one").is_free(b.clock.now())
    b.check_over(turns=5)


# ---- keys ------------------------------------------------------------------------------------------------------------
def keys_asked(b: Book) -> list[str]:
    return [line.ask.headers["authorization"].removeprefix("Bearer ") for line in b.upstream.lines]


def test_after_a_429_the_other_key_of_the_same_endpoint_is_asked_and_the_task_stays_with_it() -> None:
    b = book(keys={"acme": 2})
    named = {"x-gammainfra-session-id": "task"}
    b >> ask(headers=named) << "acme asked" >> says("acme", *refuses(429, headers={"retry-after": "2"}))
    b << "acme asked" >> says("acme", text("Yes"), *finish()) << "200" << "'Yes' | stop | done | end"
    assert keys_asked(b) == ["secret", "secret-2"]
    assert [one.key_id for one in b.record.attempts] == ["acme-1", "acme-2"]
    b.arrive(After(10.0))
    b >> ask("second", headers=named, **question(2)) << "acme asked"  # type: ignore[arg-type]
    b >> says("acme", text("Yes"), *finish())
    b.clear()
    assert keys_asked(b)[2:] == ["secret-2"]
    b.check_over(turns=2)


def test_when_all_keys_of_an_endpoint_are_throttled_the_next_endpoint_is_asked() -> None:
    b = book(keys={"acme": 5})
    b >> ask()
    for _ in range(3):
        b << "acme asked" >> says("acme", *refuses(429, headers={"retry-after": "20"}))
    b << "bolt asked" >> says("bolt", text("Yes"), *finish()) << "200" << "'Yes' | stop | done | end"
    assert keys_asked(b)[:3] == ["secret", "secret-2", "secret-3"]
    b.check_over()


@pytest.mark.parametrize("status", [401, 402, 403])
def test_a_rejected_key_is_asked_for_another_model_only_when_everybody_else_has_failed(status: int) -> None:
    b = book("acme", "bolt")
    b >> ask(model="acme/one") << "acme asked" >> says("acme", *refuses(status)) << "bolt asked"
    b >> says("bolt", text("Yes"), *finish())
    b.clear()
    b >> ask("second", models=["acme/unheard-of", "bolt/two"], **question(2)) << "bolt asked"  # type: ignore[arg-type]
    b >> says("bolt", *refuses(500)) << "acme asked" >> says("acme", text("Yes"), *finish())
    b.clear()
    assert b.notes.records[1].plan.candidates[-1].reason.startswith("tried late: it refused us a short while ago")
    assert b.notes.records[1].ending == "served"
    b.check_over(turns=2)


def test_a_limit_of_the_key_spares_the_other_models_of_its_provider() -> None:
    strict = replace(compatible("acme", "http://acme.test/v1"), limit_scope="key")
    b = book("acme", "bolt", hosts={"acme": strict})
    b >> ask() << "acme asked" >> says("acme", *refuses(429, headers={"retry-after": "60"})) << "bolt asked"
    b >> says("bolt", text("Yes"), *finish())
    b.clear()
    b >> ask("second", models=["acme/unheard-of", "bolt/two"], **question(2)) << "bolt asked"  # type: ignore[arg-type]
    b >> says("bolt", text("Yes"), *finish())
    b.clear()
    b.check_over(turns=2)


def test_a_key_with_nothing_left_is_not_asked_first() -> None:
    from_headers = {"x-ratelimit-remaining-requests": "0", "x-ratelimit-reset-requests": "30s"}
    b = book()
    b >> ask() << "acme asked" >> says("acme", *refuses(500, headers=from_headers)) << "bolt asked"
    b >> says("bolt", text("Yes"), *finish())
    b.clear()
    b.arrive(After(29.0))
    b >> ask("second", **question(2)) << "bolt asked" >> says("bolt", text("Yes"), *finish())  # type: ignore[arg-type]
    b.clear()
    b.arrive(After(2.0))
    b >> ask("third", **question(3)) << "acme asked" >> says("acme", text("Yes"), *finish())  # type: ignore[arg-type]
    b.clear()
    b.check_over(turns=3)


def test_a_guessed_cooldown_of_the_only_endpoint_is_not_waited_for() -> None:
    b = book("acme")
    b >> ask() << "acme asked" >> says("acme", *refuses(429)) >> After(1.0) << "acme asked"
    b >> says("acme", *refuses(400))
    b.clear()
    b >> ask("second", **question(2)) << "acme asked" >> says("acme", text("Yes"), *finish())  # type: ignore[arg-type]
    b.clear()
    b.check_over(turns=2)


# ---- tasks -----------------------------------------------------------------------------------------------------------
def test_a_failure_moves_the_task_and_it_comes_back_only_when_the_cache_is_lost() -> None:
    b = book()
    auto = {"model": "gammainfra/auto", "headers": {"x-gammainfra-session-id": "task"}}
    b >> ask(**auto)  # type: ignore[arg-type]
    first = b.outcome[0].removesuffix(" asked")
    b >> says(first, *refuses(500))
    second = b.outcome[0].removesuffix(" asked")
    b >> says(second, text("Yes"), *finish())
    b.clear()
    for number in range(5):
        b.arrive(After(100.0))
        b >> ask(f"c{number}", **auto, **question(number)) << f"{second} asked"  # type: ignore[arg-type]
        b >> says(second, text("Yes"), *finish())
        b.clear()
        assert b.notes.records[-1].plan.route_reason == "sticky"
    b.arrive(After(limits.CACHE_TTL_S + 1))
    b >> ask("late", **auto, **question(9)) << f"{first} asked" >> says(first, text("Yes"), *finish())  # type: ignore[arg-type]
    b.clear()
    b.check_over(turns=7)


# ---- silence ---------------------------------------------------------------------------------------------------------
def test_pings_are_silence() -> None:
    b = book()
    b >> ask(tools=True) << "acme asked" >> says("acme", begin(), text("Hello")) << "200" << "'Hello'"
    for _ in range(5):
        b.arrive(After(10.0))
        b.arrive(says("acme", PING, begin()))
    assert set(b.outcome) == {"keepalive"}
    b.arrive(After(10.1))
    assert "bolt asked" in b.outcome
    b >> says("bolt", text("Hello"), stop(), *finish()[1:]) << "stop | done | end"
    assert b.attempts() == ["acme absorbed stall", "bolt served"]
    b.check_over()
