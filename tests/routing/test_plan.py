"""Plans over a small catalog of made-up models, and over the real one."""

from __future__ import annotations

from dataclasses import replace
from itertools import pairwise
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gammainfra.catalog.load import compile_files, load
from gammainfra.catalog.price import expected
from gammainfra.catalog.snapshot import Catalog, build
from gammainfra.domain.failure import Refused
from gammainfra.domain.health import EndpointHealth, HealthSnapshot
from gammainfra.domain.options import Options
from gammainfra.domain.plan import Plan
from gammainfra.domain.policy import Policy
from gammainfra.domain.prefix import prefix_head_hash
from gammainfra.domain.session import SessionName, SessionView
from gammainfra.domain.sketch import ProviderPreferences, Sketch
from gammainfra.routing.candidates import cached_pico, expected_pico
from gammainfra.routing.plan import ROUTER_VERSION, plan
from gammainfra.routing.roster import OUTRANKED, Roster, enrol

PYTHON = "Write a Python function that sorts a list of words by length, please."
NOW, WALL = 500.0, 1_800_014_400.0  # noon in UTC
ROO = "You are Roo.\nTime 10:00\n"

CATALOG = """
[models."acme/best"]
limit = {context = 200_000, output = 64_000}
does = ["tools", "images", "json_schema"]
refuses = ["temperature"]
quality = {tools = 0.95, code = 0.95, chat = 0.95, multimodal = 0.9}
quality_source = "made up"
chain = ["bolt/mid", "corp/cheap"]
[[models."acme/best".endpoints]]
provider = "acme"
region = "us-east-1"
ttft_ms = 2000
tokens_per_s = 50
cost = {input = "5", output = "25", cache_read = "0.5"}
[[models."acme/best".endpoints]]
provider = "bedrock"
region = "eu-west-1"
ttft_ms = 1000
tokens_per_s = 90
zdr = true
cost = {input = "4", output = "20", cache_read = "0.4"}

[models."bolt/mid"]
limit = {context = 100_000, output = 64_000}
does = ["tools"]
quality = {tools = 0.85, code = 0.85, chat = 0.9}
quality_source = "made up"
chain = ["acme/best"]
[[models."bolt/mid".endpoints]]
provider = "bolt"
region = "apac"
ttft_ms = 800
trains_on_data = true
cost = {input = "1", output = "5"}
[[models."bolt/mid".endpoints.windows]]
hours_utc = ["08:00-09:00"]
cost = {input = "2", output = "10"}

[models."corp/cheap"]
limit = {context = 32_000, output = 8_000}
does = ["tools", "thinking"]
quality = {tools = 0.8, code = 0.5, chat = 0.7}
quality_source = "made up"
[[models."corp/cheap".endpoints]]
provider = "corp"
ttft_ms = 200
cost = {input = "0.1", output = "0.3"}

[models."corp/raw"]
limit = {context = 32_000, output = 8_000}
[[models."corp/raw".endpoints]]
provider = "corp"

[models."dust/far"]
limit = {context = 32_000, output = 8_000}
chain = ["corp/cheap"]
[[models."dust/far".endpoints]]
provider = "dust"
cost = {input = "1", output = "1"}

[models."dust/lost"]
limit = {context = 32_000, output = 8_000}
"""
PROVIDERS = ("acme", "bedrock", "bolt", "corp")
ALL = ["acme/best", "bedrock/best", "bolt/mid", "corp/cheap"]


def catalog(*providers: str) -> Catalog:
    return build(
        compile_files([("test.toml", CATALOG)]),
        providers or PROVIDERS,
        aliases={"gpt-*": "gammainfra/auto", "coder": "bolt/mid"},
        chains={"my-coder": ["corp/cheap", "acme/best"]},
    )


ROSTER = enrol(catalog())
REAL = enrol(build(tables := load(), {one.provider for several in tables.endpoints.values() for one in several}))


def asked(model: str, **fields: Any) -> Sketch:
    base = Sketch("openai_chat", model, stream=True, n_bytes=8000, n_messages=4, n_tools=2, prefix_head=ROO)
    return replace(replace(base, needs=frozenset({"tools"})), **fields)


def planned(sketch: Sketch | str, roster: Roster = ROSTER, **given: Any) -> Plan:
    return plan(
        asked(sketch) if isinstance(sketch, str) else sketch,
        given.get("options", Options()),
        given.get("policy", Policy()),
        roster,
        health=HealthSnapshot(given.get("health", {})),
        session=given.get("session"),
        now=NOW,
        wall=given.get("wall", WALL),
    )


def refused(sketch: Sketch | str, roster: Roster = ROSTER, **given: Any) -> Refused:
    with pytest.raises(Refused) as caught:
        planned(sketch, roster, **given)
    return caught.value


def names(plan: Plan) -> list[str]:
    return [candidate.endpoint.name for candidate in plan.candidates]


def why(plan: Plan, endpoint: str) -> str:
    return next(dropped.reason for dropped in plan.dropped if dropped.endpoint == endpoint)


def prefer(**fields: Any) -> Sketch:
    return asked("acme/best", provider=ProviderPreferences(**fields))


def task(**fields: Any) -> SessionView:
    seen = SessionView(SessionName("s", "header"), step=3, label="tools", last_at=WALL - 60, n_messages=4, n_tools=2)
    return replace(replace(seen, prefix_head_hash=prefix_head_hash(ROO), endpoint="bedrock/best"), **fields)


# ---- pins ------------------------------------------------------------------------------------------------------------
def test_a_pin_is_the_same_model_elsewhere_first_then_its_published_chain() -> None:
    made = planned("acme/best")
    assert names(made) == ALL
    assert (made.route_reason, made.dial_applied, made.label) == ("pin", None, "")
    assert (made.asked, made.router_version, made.may_hedge, made.deadline) == ("acme/best", "v1", False, None)
    assert ROUTER_VERSION == "v1"


def test_a_pin_to_another_provider_puts_that_one_first() -> None:
    assert names(planned("bedrock/best")) == ["bedrock/best", "acme/best", "bolt/mid", "corp/cheap"]


@pytest.mark.parametrize(
    ("allow", "served"), [("any", ALL), ("same-model", ALL[:2]), ("none", ALL[:1])], ids=["any", "same-model", "none"]
)
def test_fallbacks_of_a_pin_can_be_restricted(allow: Any, served: list[str]) -> None:
    assert names(planned("acme/best", options=Options(allow_fallbacks=allow))) == served


def test_an_alias_of_the_operator_and_the_callers_own_chain_are_named() -> None:
    assert (planned("coder").route_reason, names(planned("coder"))[0]) == ("alias", "bolt/mid")
    assert (planned("my-coder").route_reason, names(planned("my-coder"))[0]) == ("chain", "corp/cheap")
    assert planned("gpt-4").route_reason == "auto"


def test_the_body_may_name_a_chain_with_or_without_a_model() -> None:
    both = planned(asked("bolt/mid", models=("corp/cheap", "bolt/mid")))
    assert (names(both), both.route_reason, both.asked) == (["bolt/mid", "corp/cheap"], "chain", "bolt/mid")
    alone = planned(asked("", models=("corp/cheap", "bolt/mid")))
    assert (names(alone), alone.asked) == (["corp/cheap", "bolt/mid"], "corp/cheap")


def test_a_pinned_model_without_a_provider_falls_along_its_chain() -> None:
    made = planned("dust/far")
    assert names(made) == ["corp/cheap"]
    assert why(made, "dust/far") == "no provider that serves it is configured"
    assert made.route_reason == "fallback"


def test_a_model_that_the_catalog_does_not_know_passes_through_unpriced() -> None:
    made = planned("bolt/new-thing")
    assert names(made) == ["bolt/new-thing"]
    assert (made.candidates[0].cost_bound_nano, made.candidates[0].expected_nano) == (None, None)


def test_the_dial_and_the_preference_order_equal_endpoints_only_when_given() -> None:
    for options in (Options(dial=1.0), Options(preference="cost"), Options(preference="latency")):
        made = planned("acme/best", options=options)
        assert names(made) == ["bedrock/best", "acme/best", "bolt/mid", "corp/cheap"]
        assert made.dial_applied is None
    for options in (Options(), Options(dial=0.0), Options(preference="quality")):
        assert names(planned("acme/best", options=options)) == ALL


def test_a_pin_stays_on_the_endpoint_that_has_the_cache() -> None:
    made = planned("acme/best", session=task())
    assert names(made)[:2] == ["bedrock/best", "acme/best"]
    assert made.route_reason == "sticky"
    assert planned("bolt/mid", session=task(endpoint="bolt/mid")).route_reason == "pin"


# ---- refusals --------------------------------------------------------------------------------------------------------
def test_without_any_provider_the_variables_to_set_are_named() -> None:
    empty = enrol(build(compile_files([("test.toml", CATALOG)]), ()))
    for model, variables in [("acme/best", "ACME_API_KEY or BEDROCK_API_KEY"), ("gammainfra/auto", "CORP_API_KEY")]:
        error = refused(model, empty)
        assert (error.status, error.code, error.retry) == (503, "no_provider_configured", False)
        assert variables in error.message


def test_a_pin_whose_provider_is_not_configured_and_may_not_fall_back_is_refused() -> None:
    error = refused("dust/far", options=Options(allow_fallbacks="same-model"))
    assert (error.code, "DUST_API_KEY" in error.message) == ("no_provider_configured", True)
    assert "no provider is known to serve it" in refused("dust/lost").message


def test_a_model_that_the_key_may_not_use_is_refused_and_never_replaced() -> None:
    error = refused("acme/best", policy=Policy(allowed_models=("bolt/*",)))
    assert (error.status, error.code) == (403, "model_not_allowed")
    chain = refused(asked("", models=("acme/best", "corp/cheap")), policy=Policy(allowed_models=("bolt/*",)))
    assert (chain.status, chain.code) == (403, "model_not_allowed")
    assert names(planned("gammainfra/auto", policy=Policy(allowed_models=("bolt/*",)))) == ["bolt/mid"]


def test_the_rule_that_took_the_last_endpoint_is_named() -> None:
    error = refused("acme/best", options=Options(max_cost_nano=10))
    assert (error.status, error.code, error.param) == (400, "invalid_request", "X-GammaInfra-Max-Cost-USD")
    assert "it can cost up to 0." in error.message
    assert "(3 more were dropped.)" in error.message
    # The one that came furthest speaks: cost comes after the region.
    both = refused("acme/best", options=Options(max_cost_nano=10, region="eu"))
    assert both.param == "X-GammaInfra-Max-Cost-USD"
    assert refused("corp/raw", policy=Policy(priced_only=True)).code == "model_not_priced"
    assert names(planned("acme/best", policy=Policy(priced_only=True))) == ALL
    assert refused("gammainfra/auto", options=Options(region="apac-9")).param == "X-GammaInfra-Region"


def test_a_request_that_fits_no_window_is_a_context_overflow_in_the_words_that_agents_know() -> None:
    error = refused(asked("acme/best", n_bytes=900_000))
    assert (error.status, error.code) == (400, "context_length_exceeded")
    assert "maximum context length" in error.message


# ---- what is left out ------------------------------------------------------------------------------------------------
@pytest.mark.parametrize(
    ("sketch", "options", "served", "reason"),
    [
        (asked("acme/best"), Options(region="eu"), ["bedrock/best"], "it is in us-east-1, not in eu"),
        (asked("acme/best"), Options(region="us-east-1"), ["acme/best"], "it is in eu-west-1, not in us-east-1"),
        (asked("acme/best"), Options(region="apac"), ["bolt/mid"], "nothing says that it is in apac"),
        (asked("acme/best", n_bytes=300_000), Options(), ALL[:3], "maximum context length is 32000"),
        (asked("acme/best", n_bytes=500_000), Options(), ALL[:2], "maximum context length is 100000"),
        (asked("acme/best", needs=frozenset({"images"}), n_bytes=9_000_000), Options(), ALL[:2], "take images"),
        (asked("acme/best", needs=frozenset({"json_schema"})), Options(), ALL[:2], "does not take json_schema"),
        (asked("acme/best", max_tokens=1000), Options(max_cost_nano=10_000_000), ALL[2:], "it can cost up to"),
        (prefer(only=("Amazon-Bedrock/eu", "corp")), Options(), [ALL[1], ALL[3]], "provider.only does not name it"),
        (prefer(ignore=("acme",)), Options(), ALL[1:], "provider.ignore names it"),
        (prefer(order=("corp", "bedrock"), allow_fallbacks=False), Options(), [ALL[1], ALL[3]], "provider.order does"),
        (prefer(data_collection="deny"), Options(), [ALL[0], ALL[1], ALL[3]], "it may train on"),
        (prefer(zdr=True), Options(), ["bedrock/best"], "it keeps what it is sent"),
        (prefer(max_price_input_pico=1_000_000), Options(), ALL[2:], "its input price"),
        (prefer(max_price_output_pico=5_000_000), Options(), ALL[2:], "its output price"),
        (
            replace(prefer(require_parameters=True), parameters=frozenset({"temperature", "seed"})),
            Options(),
            ALL[2:],
            "it does not take the parameter temperature",
        ),
    ],
)
def test_a_rule_drops_what_does_not_fit_and_says_why(
    sketch: Sketch, options: Options, served: list[str], reason: str
) -> None:
    made = planned(sketch, options=options)
    assert names(made) == served
    assert any(reason in dropped.reason for dropped in made.dropped)
    assert {*names(made), *(dropped.endpoint for dropped in made.dropped)} == set(ALL)


def test_an_endpoint_without_a_price_cannot_hold_a_cost_limit() -> None:
    assert "no cost limit" in refused("corp/raw", options=Options(max_cost_nano=10**12)).message
    limited = asked("corp/raw", provider=ProviderPreferences(max_price_input_pico=10**9))
    assert "provider.max_price cannot be held" in refused(limited).message
    assert names(planned("corp/raw")) == ["corp/raw"]


def test_the_body_orders_providers_and_may_forbid_fallbacks() -> None:
    assert names(planned(prefer(order=("bedrock",))))[:2] == ["bedrock/best", "acme/best"]
    assert names(planned(prefer(allow_fallbacks=False))) == ["acme/best"]
    assert names(planned(prefer(sort="throughput")))[:2] == ["bedrock/best", "acme/best"]
    assert names(planned(prefer(sort="price")))[:2] == ["bedrock/best", "acme/best"]


def test_thinking_that_a_model_lacks_is_left_out_not_held_against_it() -> None:
    thinking = asked("acme/best", needs=frozenset({"tools", "thinking"}))
    assert names(planned(thinking)) == ALL
    scores = {one.endpoint.name: one.score for one in planned(replace(thinking, model="gammainfra/auto")).candidates}
    assert scores["acme/best"] == 0.85
    assert scores["corp/cheap"] == 0.8


# ---- health ----------------------------------------------------------------------------------------------------------
def test_what_cools_down_moves_behind_the_free_ones_and_is_never_dropped() -> None:
    cooling = {"acme/best": EndpointHealth(not_before=NOW + 9), "bolt/mid": EndpointHealth(broken_until=NOW + 1)}
    made = planned("acme/best", health=cooling)
    assert names(made) == ["bedrock/best", "corp/cheap", "acme/best", "bolt/mid"]
    assert [one.not_before for one in made.candidates] == [0.0, 0.0, NOW + 9, 0.0]
    assert made.candidates[2].reason.startswith("tried late")
    over = {"acme/best": EndpointHealth(not_before=NOW - 1)}
    assert (names(planned("acme/best", health=over)), planned("acme/best", health=over).candidates[0].not_before) == (
        ALL,
        0.0,
    )


def test_the_last_candidate_is_tried_whatever_its_health() -> None:
    sick = {name: EndpointHealth(not_before=NOW + 60, error_rate=1.0, broken_until=NOW + 9) for name in ALL}
    assert names(planned("acme/best", health=sick)) == ALL
    assert sorted(names(planned("gammainfra/auto", health=sick))) == ALL


def test_the_next_best_that_is_free_is_chosen_before_vendors_are_spread() -> None:
    cooling = {"bedrock/best": EndpointHealth(not_before=NOW + 9)}
    made = planned("gammainfra/auto", options=Options(preference="quality"), health=cooling)
    assert names(made) == ["acme/best", "bolt/mid", "corp/cheap", "bedrock/best"]


def test_an_endpoint_that_fails_often_is_worth_less() -> None:
    best = Options(preference="quality")
    assert names(planned("gammainfra/auto", options=best))[0] == "bedrock/best"
    failing = {name: EndpointHealth(error_rate=0.5) for name in ("acme/best", "bedrock/best")}
    made = planned("gammainfra/auto", options=best, health=failing)
    assert names(made)[0] == "bolt/mid"
    assert {one.endpoint.name: one.score for one in made.candidates}["acme/best"] == 0.7


# ---- the gateway chooses ---------------------------------------------------------------------------------------------
def test_auto_takes_the_best_within_the_budget_and_spreads_over_vendors() -> None:
    made = planned("gammainfra/auto")
    assert (made.route_reason, made.label, made.dial_applied) == ("auto", "tools", 0.3)
    assert names(made) == ["bolt/mid", "corp/cheap", "bedrock/best", "acme/best"]
    dialled = planned("gammainfra/auto", options=Options(dial=0.0))
    assert (dialled.route_reason, dialled.dial_applied, names(dialled)[0]) == ("dial", 0.0, "bedrock/best")
    assert len({one.endpoint.model.vendor for one in dialled.candidates[:3]}) == 3


@pytest.mark.parametrize(
    ("options", "first"),
    [
        (Options(preference="quality", dial=1.0), "bedrock/best"),
        (Options(preference="cost", dial=0.0), "corp/cheap"),
        (Options(preference="latency"), "corp/cheap"),
        (Options(dial=1.0), "corp/cheap"),
    ],
)
def test_a_preference_overrides_the_dial_and_takes_its_echo(options: Options, first: str) -> None:
    made = planned("gammainfra/auto", options=options)
    assert names(made)[0] == first
    assert made.dial_applied == (options.dial if options.preference is None else None)
    assert made.route_reason == ("auto" if options.preference else "dial")


def test_a_model_that_is_not_good_enough_for_the_label_is_not_chosen_while_another_is() -> None:
    code = asked("gammainfra/auto", n_tools=0, needs=frozenset(), last_user=PYTHON)
    made = planned(code)
    assert made.label == "code"
    assert "corp/cheap" not in names(made)
    assert why(made, "corp/cheap") == "its quality for code is 0.50, below 0.70"
    assert names(planned(code, enrol(catalog("corp")))) == ["corp/cheap", "corp/raw"]


def test_fast_is_the_earliest_first_token_as_measured_or_as_expected() -> None:
    made = planned("gammainfra/fast", options=Options(dial=0.0))
    assert (names(made)[0], made.route_reason, made.dial_applied) == ("corp/cheap", "fast", None)
    measured = {"acme/best": EndpointHealth(ttft_ms=100.0), "corp/cheap": EndpointHealth(ttft_ms=90.0, error_rate=0.5)}
    assert names(planned("gammainfra/fast", health=measured))[0] == "acme/best"


def test_fallbacks_of_a_choice_can_be_restricted_to_the_model_that_was_chosen() -> None:
    best = Options(preference="quality", allow_fallbacks="same-model")
    made = planned("gammainfra/auto", options=best)
    assert names(made) == ["bedrock/best", "acme/best"]
    assert why(made, "bolt/mid") == "it serves another model, and fallbacks are restricted"
    assert len(names(planned("gammainfra/auto", options=replace(best, allow_fallbacks="none")))) == 1


def test_a_deadline_is_set_and_endpoints_too_slow_for_it_are_worth_less() -> None:
    made = planned("gammainfra/auto", options=Options(max_latency_ms=900, preference="quality"))
    assert made.deadline == NOW + 0.9
    assert names(made)[0] == "bolt/mid"


def test_the_price_of_the_hour_counts() -> None:
    day = WALL - WALL % 86_400
    cheap, dear = (planned("bolt/mid", wall=day + hour * 3600).candidates[0] for hour in (7, 8))
    assert cheap.expected_nano is not None
    assert dear.expected_nano == 2 * cheap.expected_nano
    chosen = planned("gammainfra/auto", wall=day + 8 * 3600).candidates
    assert next(one for one in chosen if one.endpoint.name == "bolt/mid").expected_nano == dear.expected_nano


# ---- the session sticks ----------------------------------------------------------------------------------------------
def test_a_single_question_never_sticks_to_where_the_same_words_went_before() -> None:
    made = planned("gammainfra/auto", session=task(name=SessionName("s", "alone")))
    assert made.route_reason == "auto"


def test_a_task_stays_where_its_prompt_is_cached() -> None:
    made = planned("gammainfra/auto", session=task())
    assert (names(made)[0], made.route_reason, made.dial_applied) == ("bedrock/best", "sticky", None)
    cold = planned("gammainfra/auto", options=Options(preference="quality")).candidates[0]
    warm = made.candidates[0]
    assert (warm.endpoint, warm.reason) == (cold.endpoint, "it has this task's prompt cached")
    assert warm.expected_nano is not None
    assert cold.expected_nano is not None
    assert warm.expected_nano < cold.expected_nano
    assert planned("gammainfra/fast", session=task()).route_reason == "sticky"
    clock_moved = asked("gammainfra/auto", prefix_head=ROO.replace("10:00", "10:07"))
    assert planned(clock_moved, session=task()).route_reason == "sticky"


@pytest.mark.parametrize(
    "session",
    [
        task(last_at=WALL - 301),
        task(n_tools=9),
        task(prefix_head_hash=7),
        task(endpoint=""),
        task(endpoint="gone/model"),
        None,
    ],
)
def test_a_task_is_routed_anew_when_the_cache_is_lost_anyway(session: SessionView | None) -> None:
    made = planned("gammainfra/auto", session=session)
    assert (names(made)[0], made.route_reason) == ("bolt/mid", "auto")


@pytest.mark.parametrize("health", [EndpointHealth(not_before=NOW + 1), EndpointHealth(broken_until=NOW + 1)])
def test_a_failure_moves_the_task(health: EndpointHealth) -> None:
    made = planned("gammainfra/auto", session=task(), health={"bedrock/best": health})
    assert (names(made)[0], made.route_reason) == ("bolt/mid", "auto")


@pytest.mark.parametrize(
    ("health", "why"),
    [
        (EndpointHealth(busy=True), "tried late: its keys carry as much as they take"),
        (EndpointHealth(avoid_until=NOW + 1, why="rate_limit"), "tried late: it cools down (rate_limit)"),
        (EndpointHealth(probing=True, why="cut"), "tried late: it is being tried after it failed (cut)"),
        (EndpointHealth(broken_until=NOW + 1, why="stall"), "tried late: it failed a short while ago (stall)"),
    ],
)
def test_who_does_badly_is_asked_last_and_the_plan_says_why(health: EndpointHealth, why: str) -> None:
    made = planned("acme/best", health={"acme/best": health})
    assert (made.candidates[-1].endpoint.name, made.candidates[-1].reason) == ("acme/best", why)
    assert made.candidates[-1].not_before == 0.0


def test_the_worse_the_later() -> None:
    sick = {
        "acme/best": EndpointHealth(broken_until=NOW + 1),
        "bedrock/best": EndpointHealth(not_before=NOW + 1),
        "bolt/mid": EndpointHealth(busy=True),
    }
    assert names(planned("acme/best", health=sick))[-3:] == ["bolt/mid", "bedrock/best", "acme/best"]


def test_whoever_rejects_us_comes_last_and_is_told_when_nobody_else_is_left() -> None:
    rejected = EndpointHealth(rejected_until=NOW + 1, why="billing")
    made = planned("acme/best", health={"acme/best": rejected})
    assert names(made)[-1] == "acme/best"
    assert made.candidates[-1].reason == "tried late: it refused us a short while ago (billing)"
    made = planned("acme/best", health=dict.fromkeys(ALL, rejected))
    assert set(names(made)) == set(ALL)


# ---- the real catalog ------------------------------------------------------------------------------------------------
@pytest.mark.parametrize("text", ["", PYTHON])
@pytest.mark.parametrize("n_bytes", [2_000, 80_000, 700_000])
def test_expected_cost_never_rises_with_the_dial_over_the_real_catalog(text: str, n_bytes: int) -> None:
    sketch = replace(asked("gammainfra/auto", n_bytes=n_bytes), last_user=text, n_tools=0 if text else 5)
    costs = [planned(sketch, REAL, options=Options(dial=d / 100)).candidates[0].expected_nano or 0 for d in range(101)]
    assert all(later <= earlier for earlier, later in pairwise(costs))
    assert len(set(costs)) >= 5
    assert costs[0] > 10 * costs[100]


def test_every_chain_over_the_real_catalog_spans_three_vendors_and_is_explained() -> None:
    for d in range(0, 101, 10):
        made = planned("gammainfra/auto", REAL, options=Options(dial=d / 100))
        assert len({one.endpoint.model.vendor for one in made.candidates}) >= 3
        assert len(made.candidates) == 4
        assert all(dropped.reason for dropped in made.dropped)
        assert len(made.candidates) + len(made.dropped) == len(REAL.outranked)
    assert OUTRANKED in {dropped.reason for dropped in planned("gammainfra/auto", REAL).dropped}


def test_more_endpoints_than_attempts_are_cut_with_a_reason_for_a_pin_too() -> None:
    longer = CATALOG.replace('chain = ["bolt/mid", "corp/cheap"]', 'chain = ["bolt/mid", "corp/cheap", "corp/raw"]')
    made = planned("acme/best", enrol(build(compile_files([("test.toml", longer)]), PROVIDERS)))
    assert names(made) == ALL
    assert why(made, "corp/raw") == OUTRANKED
    passing = asked("", models=(*ALL, "bolt/unknown"))
    assert why(planned(passing), "bolt/unknown") == OUTRANKED


def test_the_lean_cost_is_the_catalogs_cost_up_to_rounding() -> None:
    for several in REAL.catalog.endpoints.values():
        for endpoint in several:
            assert endpoint.price is not None
            for tokens in (10, 90_000, 300_000):
                for share in (0, tokens // 2):
                    lean = expected_pico(endpoint.price, tokens, 500, share)
                    exact = expected(endpoint.price, input_tokens=tokens, output_tokens=500, cached_tokens=share)
                    assert lean is not None
                    assert abs(lean / 1000 - exact) <= 2
    assert expected_pico(None, 1, 1) is None
    assert cached_pico(asked("x"), None) is None


# ---- made-up catalogs ------------------------------------------------------------------------------------------------
@st.composite
def catalogs(draw: st.DrawFn) -> Roster:
    lines = []
    for number in range(draw(st.integers(1, 8))):
        vendor = draw(st.sampled_from("abc"))
        quality = draw(st.integers(0, 100)) / 100
        price = draw(st.integers(0, 10_000))
        lines.append(f"""
[models."{vendor}/m{number}"]
limit = {{context = 200_000, output = 8_000}}
quality = {{tools = {quality}}}
quality_source = "made up"
[[models."{vendor}/m{number}".endpoints]]
provider = "{vendor}"
cost = {{input = "{price / 1000:.3f}", output = "{price / 250:.3f}"}}
""")
    return enrol(build(compile_files([("made.toml", "".join(lines))]), "abc"))


@settings(max_examples=40, deadline=None)
@given(catalogs(), st.integers(100, 400_000))
def test_expected_cost_never_rises_with_the_dial_over_any_catalog(roster: Roster, n_bytes: int) -> None:
    sketch = asked("gammainfra/auto", n_bytes=n_bytes)
    plans = [planned(sketch, roster, options=Options(dial=d / 100)) for d in range(101)]
    costs = [one.candidates[0].expected_nano or 0 for one in plans]
    assert all(later <= earlier for earlier, later in pairwise(costs))
    for one in plans:
        assert len(one.candidates) + len(one.dropped) == len(roster.outranked)
        assert len(set(names(one))) == len(one.candidates) <= 4
