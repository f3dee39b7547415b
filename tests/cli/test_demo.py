from __future__ import annotations

import importlib.util
import io
import json
import signal
import subprocess
import sys
import tempfile
from decimal import Decimal
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from rich.console import Console

from gammainfra.cli import main
from gammainfra.cli.demo.agent import Step
from gammainfra.cli.demo.outcome import Outcome
from gammainfra.cli.demo.play import PINNED, Play, perform
from gammainfra.cli.demo.screen import FAULTS, Screen
from gammainfra.cli.demo.unaided import Hit
from gammainfra.cli.demo.weather import COOLING, Weather, forecast
from gammainfra.simulate import AgentTask, Ask, Dispatch, Fault

STEPS = 9


@pytest.fixture(scope="module")
def shown() -> tuple[Outcome, str]:
    """One short run on a plain screen, and what the screen showed."""
    text = io.StringIO()
    screen = Screen(console=Console(file=text, width=80, highlight=False))
    outcome = perform(Play(steps=STEPS, seed=3, fast=True), screen)
    screen.show_outcome(outcome)
    return outcome, text.getvalue()


def ask(step: int, *, tools: tuple[str, ...] = ("write_file",)) -> Ask:
    return Ask(
        vendor="anthropic", model="m", step=step, task="t", last_user_text="", message_count=2, tool_names=tools,
        call_ids=(), stream=True, include_usage=True, thinking=False, max_tokens=None,
    )  # fmt: skip


def step(number: int, **usage: object) -> Step:
    facts = {"endpoint": PINNED, "fallback_reason": "openai_rate_limit,anthropic_first_token_timeout"}
    return Step(number, "write out_1.txt", "gen-1", facts, usage, 0.5)


# ---- the weather -----------------------------------------------------------------------------------------------------
@given(st.integers(), st.integers(8, 200))
def test_every_forecast_has_a_throttle_an_overload_a_stall_and_a_cut(seed: int, steps: int) -> None:
    weather = forecast(seed, steps, "openai")
    met = set(weather.first.values())
    assert {Fault.RATE_LIMIT_RETRY_AFTER, Fault.OVERLOADED, Fault.STALL_BEFORE, Fault.CUT_AFTER_TEXT} <= met
    assert all(0 < at < steps - 2 for at in weather.first)
    assert met <= set(FAULTS)


@given(st.integers(), st.integers(8, 200))
def test_the_stall_comes_once_and_before_the_pinned_model_is_avoided(seed: int, steps: int) -> None:
    first = forecast(seed, steps, "openai").first
    (stalled,) = [at for at, fault in first.items() if fault is Fault.STALL_BEFORE]
    assert all(at > stalled for at, fault in first.items() if fault in COOLING)


@given(st.integers())
def test_thirty_steps_meet_eleven_kinds(seed: int) -> None:
    weather = forecast(seed, 30, "openai")
    assert len(weather.first) == len(set(weather.first.values())) == 11
    assert forecast(seed, 30, "openai") == weather


def test_a_fault_meets_the_first_request_of_a_step_and_the_second_where_it_is_named() -> None:
    weather = Weather({3: Fault.OVERLOADED}, {("openai", 3): Fault.RATE_LIMIT})
    assert weather(Dispatch("anthropic", 1, True, ask(3))) is Fault.OVERLOADED
    assert weather(Dispatch("openai", 1, False, ask(3))) is Fault.RATE_LIMIT
    assert weather(Dispatch("deepseek", 1, False, ask(3))) is None
    assert weather(Dispatch("anthropic", 2, True, ask(4))) is None
    assert weather(Dispatch("anthropic", 3, True, ask(3, tools=()))) is None


# ---- the whole of it -------------------------------------------------------------------------------------------------
def test_the_task_is_done_and_the_agent_sees_no_error(shown: tuple[Outcome, str]) -> None:
    outcome, _ = shown
    assert outcome.good
    assert len(outcome.steps) == STEPS
    assert outcome.files == len(AgentTask(steps=STEPS).files())
    assert len(outcome.absorbed) >= 4
    assert len(outcome.by_model) > 1
    assert sum(one.steps for one in outcome.by_model.values()) == STEPS
    assert sum(one.cost for one in outcome.by_model.values()) == outcome.cost > 0


def test_without_the_gateway_the_same_task_ends_early(shown: tuple[Outcome, str]) -> None:
    outcome, _ = shown
    assert [hit.step for hit in outcome.hits] == list(Play(steps=STEPS, seed=3).weather.first)
    ended = {hit.fault for hit in outcome.ends}
    assert {Fault.STALL_BEFORE, Fault.CUT_AFTER_TEXT} <= ended
    assert not ended & {Fault.OVERLOADED, Fault.RATE_LIMIT_RETRY_AFTER}


def test_a_plain_screen_has_a_line_for_each_step_and_no_escape_codes(shown: tuple[Outcome, str]) -> None:
    outcome, text = shown
    assert "\x1b" not in text
    for number in range(1, STEPS + 1):
        assert f"{number:>2}/{STEPS} " in text
    assert f"{STEPS} of {STEPS} steps done, {len(outcome.absorbed)} failures absorbed, 0 errors" in text
    assert "Cost by model" in text
    assert "ENDS THE TASK" in text


def test_the_json_is_exact_about_money(shown: tuple[Outcome, str]) -> None:
    outcome, _ = shown
    told = json.loads(outcome.to_json())
    assert told["good"] is True
    assert Decimal(told["cost_usd"]) == outcome.cost
    assert sum(Decimal(one["cost_usd"]) for one in told["per_step"]) == outcome.cost
    assert told["without_gateway"]["first_end_at_step"] == outcome.ends[0].step + 1


def test_nothing_is_left_behind(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    outcome = perform(Play(steps=8, seed=1, fast=True), Screen(quiet=True))
    assert outcome.good
    assert list(tmp_path.iterdir()) == []


# ---- values ----------------------------------------------------------------------------------------------------------
def test_absorbed_failures_are_read_from_what_the_client_was_told() -> None:
    assert step(0).absorbed == (("openai", "rate_limit"), ("anthropic", "first_token_timeout"))
    assert Step(0, "done", "", {}, {}, 0.1).absorbed == ()


def test_an_outcome_with_an_error_or_a_file_twice_is_not_good() -> None:
    fine = Outcome(1, 1, PINNED, (step(0, cost=Decimal("0.000000001")),), "", 1, (), (), (), 1.0)
    assert fine.good
    assert fine.cost == Decimal("1e-9")
    died = Outcome(1, 1, PINNED, (), "APIError: 503", 1, (), (), (), 1.0)
    twice = Outcome(1, 1, PINNED, fine.steps, "", 1, ("out_1.txt",), (), (), 1.0)
    lost = Outcome(1, 1, PINNED, fine.steps, "", 1, (), ("out_1.txt",), (), 1.0)
    assert [died.good, twice.good, lost.good] == [False, False, False]


# ---- the screen ------------------------------------------------------------------------------------------------------
def test_a_terminal_sees_the_step_that_moves_and_then_its_line() -> None:
    text = io.StringIO()
    screen = Screen(console=Console(file=text, force_terminal=True, width=100, highlight=False))
    screen.opened(Play(steps=2, seed=1), PINNED)
    screen.began(0)
    screen.asked(Dispatch("anthropic", 1, True, ask(0)), Fault.OVERLOADED)
    screen.asked(Dispatch("openai", 1, False, ask(0)), None)
    screen.stepped(step(0, prompt_tokens=1200, completion_tokens=20, cost=Decimal("0.5")))
    screen.unaided_began()
    screen.hit(Hit(0, Fault.CUT_AFTER_TEXT, "APIConnectionError: Connection error."))
    screen.close()
    assert "\x1b[" in text.getvalue()
    assert "$0.500000" in text.getvalue()
    assert "ENDS THE TASK" in text.getvalue()


def test_no_color_takes_the_colours_away(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("NO_COLOR", "1")
    text = io.StringIO()
    screen = Screen(console=Console(file=text, force_terminal=True, width=100))
    screen.died("APIError")
    assert "APIError" in text.getvalue()
    assert "\x1b[31m" not in text.getvalue()
    assert "\x1b[1;31m" not in text.getvalue()


# ---- the command -----------------------------------------------------------------------------------------------------
def test_without_the_openai_package_one_sentence_says_what_to_install(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    found = importlib.util.find_spec
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None if name == "openai" else found(name))
    assert main.main(["demo"]) == 1
    said = capsys.readouterr().err
    assert "pip install 'gammainfra[demo]'" in said
    assert said.count("\n") == 1


@pytest.mark.parametrize("steps", ["7", "201", "many", "-9"])
def test_a_wrong_number_of_steps_is_refused_with_the_range(steps: str, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as stopped:
        main.main(["demo", f"--steps={steps}"])
    assert stopped.value.code == 2
    assert "from 8 to 200" in capsys.readouterr().err


@pytest.mark.skipif(sys.platform == "win32", reason="platform: Windows has no SIGINT for a child")
def test_ctrl_c_ends_it_with_one_sentence_and_leaves_nothing(tmp_path: Path) -> None:
    command = [sys.executable, "-u", "-m", "gammainfra", "demo", "--steps", "30"]
    environ = {"TMPDIR": str(tmp_path), "PYTHONPATH": ":".join(path for path in sys.path if path)}
    running = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env=environ)
    assert running.stdout is not None
    while " 2/30" not in running.stdout.readline():
        assert running.poll() is None
    running.send_signal(signal.SIGINT)
    _, said = running.communicate(timeout=30)
    assert running.returncode == 130
    assert said == "gammainfra: stopped; nothing is left behind\n"
    assert list(tmp_path.iterdir()) == []
