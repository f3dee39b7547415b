from __future__ import annotations

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gammainfra.domain.target import IdRule
from gammainfra.wire.tool_ids import minted_id, shown_id, upstream_ids

RULES: dict[IdRule, str] = {
    "openai": r"[A-Za-z0-9_-]{1,40}",
    "anthropic": r"[A-Za-z0-9_-]{1,64}",
    "mistral": r"[A-Za-z0-9]{9}",
}
MINTED = r"call_[A-Za-z0-9]{24}"
RAW_IDS = st.one_of(st.text(max_size=50), st.from_regex(r"[A-Za-z0-9_-]{1,70}", fullmatch=True), st.just("call_0"))
SOME_RULE = st.sampled_from(list(RULES))


def test_a_safe_new_id_is_shown_as_it_is() -> None:
    assert shown_id("toolu_01A", 0, set()) == "toolu_01A"
    assert shown_id("call_abc-DEF", 3, {"call_other"}) == "call_abc-DEF"


@pytest.mark.parametrize("native", ["", "functions.f:0", "x" * 41, "call_ab__thought__" + "Ab+/" * 200, "id\n"])
def test_an_unsafe_or_endless_id_is_shown_as_a_hash(native: str) -> None:
    # litellm#18160, #41534: state inside ids; screenpipe#4382, litellm PR#12941: ids too long for the next provider.
    assert re.fullmatch(MINTED, shown_id(native, 0, set()))


def test_a_repeated_id_is_renamed_by_its_position() -> None:
    # NVIDIA-NeMo/Switchyard#502: the backend says call_0 in every turn. langchain#619: the id is the function's name.
    second, third = shown_id("call_0", 1, {"call_0"}), shown_id("call_0", 2, {"call_0"})
    assert second != third
    assert second == shown_id("call_0", 1, {"call_0"})


def test_a_minted_id_that_was_already_shown_is_never_shown_again() -> None:
    first = minted_id("x", 1, set())
    second = minted_id("x", 1, {first})
    assert second not in {first, "x"}
    assert minted_id("x", 1, {first}) == second


def test_long_ids_with_the_same_head_stay_different() -> None:
    # leookun/cursor-byok#364: cutting them breaks the pairing. mistral-vibe#1075: a [:9] cut collides.
    ids = ["call_" + "a" * 60 + tail for tail in "xy"]
    for rule in RULES:
        assert len(set(upstream_ids(ids, rule).values())) == 2


@pytest.mark.parametrize(
    "native", ["call_Zv3", "toolu_01ABCDEFGHIJKLMNOPQRSTUV", "turn1_0", "not-alnum", "x" * 9 + "-"]
)
def test_mistral_gets_nine_alphanumerics(native: str) -> None:
    # opencode#1680, mistral-vibe#1075, ironclaw#1241: code 3280 for anything else.
    assert re.fullmatch(RULES["mistral"], upstream_ids([native], "mistral")[native])


def test_accepted_ids_travel_unchanged() -> None:
    assert upstream_ids(["toolu_01", "call_2"], "anthropic") == {"toolu_01": "toolu_01", "call_2": "call_2"}
    assert upstream_ids(["abcDEF123"], "mistral") == {"abcDEF123": "abcDEF123"}


def test_of_two_that_collide_only_the_later_is_salted() -> None:
    minted = upstream_ids(["a.b"], "openai")["a.b"]
    assert upstream_ids(["a.b", minted], "openai")["a.b"] == minted
    assert upstream_ids(["a.b", minted], "openai")[minted] != minted
    assert upstream_ids([minted, "a.b"], "openai")[minted] == minted


@given(st.lists(RAW_IDS), SOME_RULE)
def test_the_rewrite_is_accepted_and_injective(ids: list[str], rule: IdRule) -> None:
    sent = upstream_ids(ids, rule)
    assert set(sent) == set(ids)
    assert all(re.fullmatch(RULES[rule], native) for native in sent.values())
    assert len(set(sent.values())) == len(sent)


@given(st.lists(RAW_IDS), st.lists(RAW_IDS), SOME_RULE)
def test_an_ids_rewrite_never_depends_on_later_ids(ids: list[str], later: list[str], rule: IdRule) -> None:
    before, after = upstream_ids(ids, rule), upstream_ids([*ids, *later], rule)
    assert before == {shown: after[shown] for shown in before}


@given(st.lists(RAW_IDS), SOME_RULE)
def test_shown_ids_are_safe_unique_and_come_back_from_any_provider(natives: list[str], rule: IdRule) -> None:
    shown: list[str] = []
    for position, native in enumerate(natives):
        shown.append(shown_id(native, position, shown))
    assert len(set(shown)) == len(natives)
    assert all(re.fullmatch(RULES["openai"], one) for one in shown)
    back = {sent: one for one, sent in upstream_ids(shown, rule).items()}
    assert [back[upstream_ids(shown, rule)[one]] for one in shown] == shown
