"""Holds the whole test run to one rule: in CI nothing is skipped, but for the platform's sake.

A skipped test looks like a passing one in the summary, so a missing tool could silence half the suite. A
reason that opens with `platform:` is the one excuse, as in `platform: uvloop is not made for Windows`.
"""

from __future__ import annotations

import os

import pytest
from hypothesis import settings

# A test asserts nothing about time: a slow machine must not fail one by being slow.
settings.register_profile("gammainfra", deadline=None)
settings.load_profile("gammainfra")

EXCUSE = "platform:"

unexcused: list[str] = []


def reason_of(report: pytest.TestReport | pytest.CollectReport) -> str:
    """Return why a test or a module was skipped, as its author wrote it."""
    what = report.longrepr[2] if isinstance(report.longrepr, tuple) else str(report.longrepr)
    return what.removeprefix("Skipped: ")


def note(report: pytest.TestReport | pytest.CollectReport) -> None:
    expected_failure = hasattr(report, "wasxfail")  # pytest counts these among the skipped
    if "CI" in os.environ and report.skipped and not expected_failure:
        reason = reason_of(report)
        if not reason.startswith(EXCUSE):
            unexcused.append(f"{report.nodeid}: {reason}")


def pytest_runtest_logreport(report: pytest.TestReport) -> None:
    note(report)


def pytest_collectreport(report: pytest.CollectReport) -> None:
    note(report)


@pytest.hookimpl(tryfirst=True)
def pytest_sessionfinish(session: pytest.Session) -> None:
    if unexcused and session.exitstatus == pytest.ExitCode.OK:
        session.exitstatus = pytest.ExitCode.TESTS_FAILED


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    if unexcused:
        terminalreporter.section("skipped in CI, which fails the run", red=True)
        for line in unexcused:
            terminalreporter.line(line)
