"""How long an attempt is waited for."""

from __future__ import annotations

from dataclasses import replace

import pytest

from gammainfra.domain import limits
from gammainfra.domain.endpoint import Capabilities, Endpoint, Model, ThinkingKind
from gammainfra.domain.sketch import Need, Sketch
from gammainfra.routing.health.patience import ENOUGH, Patience, gap_s, patience, shape_of
from gammainfra.routing.health.quantiles import Quantiles


def endpoint(thinking: ThinkingKind = "none", ttft_ms: int = 1500) -> Endpoint:
    model = Model("a/m", "a", "m", "M", Capabilities(100_000, 8_000, thinking=thinking))
    return Endpoint("a", model, "m", None, ttft_ms=ttft_ms)


def asked(n_bytes: int = 0, *needs: Need, stream: bool = True, max_tokens: int | None = None) -> Sketch:
    return Sketch("openai_chat", "a/m", stream, n_bytes, 1, needs=frozenset(needs), max_tokens=max_tokens)


def measured(ms: float, n: int) -> Quantiles:
    sketch = Quantiles()
    for _ in range(n):
        sketch.add(ms)
    return sketch


def first_token_s(sketch: Sketch, at: Endpoint, times: Quantiles | None = None) -> float:
    return patience(sketch, at, times or Quantiles(), None, more=False).first_token_s


@pytest.mark.parametrize(
    ("n_bytes", "size"), [(0, "small"), (10_240, "medium"), (51_200, "large"), (204_800, "huge"), (9_999_999, "huge")]
)
def test_times_are_compared_among_prompts_of_a_size(n_bytes: int, size: str) -> None:
    assert shape_of(asked(n_bytes), endpoint()) == (size, False)


@pytest.mark.parametrize(
    ("kind", "unasked", "on_demand"),
    [("none", False, False), ("effort", True, True), ("budget", False, True), ("adaptive", False, True)],
)
def test_a_model_may_think_in_silence_where_it_does_so_always_or_when_it_is_asked_to(
    kind: ThinkingKind, unasked: bool, on_demand: bool
) -> None:
    assert shape_of(asked(), endpoint(kind))[1] is unasked
    assert shape_of(asked(0, "thinking"), endpoint(kind))[1] is on_demand
    assert gap_s(asked(), endpoint(kind)) == (limits.GAP_THINKING_S if unasked else limits.GAP_S)


def test_the_catalog_counts_until_enough_was_measured_and_grows_with_the_prompt() -> None:
    assert first_token_s(asked(), endpoint(ttft_ms=100)) == limits.FIRST_TOKEN_MIN_S
    assert first_token_s(asked(), endpoint(ttft_ms=4000)) == 12.0
    assert first_token_s(asked(102_400), endpoint(ttft_ms=4000)) == 24.0
    assert first_token_s(asked(), endpoint(ttft_ms=90_000)) == limits.FIRST_TOKEN_MAX_S
    assert first_token_s(asked(), endpoint(ttft_ms=4000), measured(100.0, ENOUGH - 1)) == 12.0


def test_a_few_slow_measurements_count_at_once_and_enough_fast_ones_beat_the_catalog() -> None:
    assert first_token_s(asked(), endpoint(), measured(4000.0, 1)) == pytest.approx(12.0, rel=0.05)
    assert first_token_s(asked(), endpoint(ttft_ms=20_000), measured(3000.0, ENOUGH)) == pytest.approx(9.0, rel=0.05)


def test_silent_thinking_is_waited_for() -> None:
    assert first_token_s(asked(), endpoint("effort")) == limits.FIRST_TOKEN_MAX_S
    assert first_token_s(asked(), endpoint("effort"), measured(900.0, ENOUGH)) == limits.FIRST_TOKEN_THINKING_S
    assert first_token_s(asked(0, "thinking"), endpoint("adaptive")) == limits.FIRST_TOKEN_THINKING_S


def test_a_whole_answer_may_take_as_long_as_it_is_long() -> None:
    assert first_token_s(asked(stream=False, max_tokens=600), endpoint()) == 90.0
    slow = replace(endpoint(), tokens_per_s=1)
    assert first_token_s(asked(stream=False), slow) == limits.TOTAL_S


@pytest.mark.parametrize(
    ("left_s", "more", "allowed"),
    [
        (100.0, True, Patience(5.0)),
        (5.0, False, Patience(5.0)),
        (5.0, True, Patience(3.0, hurried=True)),
        (2.0, False, Patience(2.0, hurried=True)),
        (-1.0, True, Patience(0.0, hurried=True)),
    ],
)
def test_a_deadline_leaves_a_share_for_one_more_attempt(left_s: float, more: bool, allowed: Patience) -> None:
    assert patience(asked(), endpoint(), Quantiles(), left_s, more=more) == allowed
