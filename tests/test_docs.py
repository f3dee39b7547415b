"""The documentation cannot lie about what a program can check: links, commands, targets."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from gammainfra.catalog import load
from gammainfra.domain import limits
from gammainfra.domain.failure import Cause
from gammainfra.domain.health import STATES
from gammainfra.routing.options import KNOWN_HEADERS

ROOT = Path(__file__).resolve().parent.parent
PAGES = [ROOT / "README.md", ROOT / "CONTRIBUTING.md", *sorted((ROOT / "docs").rglob("*.md"))]

each_page = pytest.mark.parametrize("page", PAGES, ids=lambda page: page.relative_to(ROOT).as_posix())


def links_of(page: Path) -> list[str]:
    """Return the targets of a page's links that point into the repository, without their anchors."""
    targets = re.findall(r"\]\(([^)\s]+)\)", page.read_text(encoding="utf-8"))
    return [target.split("#")[0] for target in targets if not re.match(r"[a-z]+:|#", target)]


def code_of(page: Path) -> str:
    """Return a page's code, block or inline, without comments: prose may say "make sure"."""
    text = page.read_text(encoding="utf-8")
    code = re.findall(r"^```.*?^```|^ {4}[^\n]*|`[^`\n]+`", text, re.MULTILINE | re.DOTALL)
    return re.sub(r"#.*", "", "\n".join(code))


def targets_named_in(page: Path) -> list[str]:
    return re.findall(r"\bmake ([a-z][a-z-]*)", code_of(page))


def make_targets() -> set[str]:
    rules = re.findall(r"^([a-z][a-z -]*):", (ROOT / "Makefile").read_text(encoding="utf-8"), re.MULTILINE)
    gates = (ROOT / "tests" / "gates").glob("[!_]*.py")
    return {target for rule in rules for target in rule.split()} | {
        "gate-" + gate.stem.replace("_", "-") for gate in gates
    }


@each_page
def test_every_link_into_the_repository_resolves(page: Path) -> None:
    assert [link for link in links_of(page) if not (page.parent / link).exists()] == []


@each_page
def test_every_make_target_named_exists(page: Path) -> None:
    assert [target for target in targets_named_in(page) if target not in make_targets()] == []


@pytest.mark.parametrize("command", ["make demo", "make test"])
def test_the_readme_gives_the_two_commands(command: str) -> None:
    assert command in (ROOT / "README.md").read_text(encoding="utf-8")


def rows_of(page: str) -> list[list[str]]:
    """Return the cells of every table row of a page, without code marks."""
    text = (ROOT / "docs" / page).read_text(encoding="utf-8")
    return [[cell.strip(" `") for cell in line.split("|")[1:-1]] for line in text.splitlines() if line.startswith("|")]


def sources() -> str:
    return "\n".join(path.read_text(encoding="utf-8") for path in (ROOT / "src").rglob("*.py"))


def test_every_cause_of_a_failed_attempt_has_its_row() -> None:
    assert {cause.value for cause in Cause} <= {row[0] for row in rows_of("errors.md")}


def test_every_error_code_of_the_program_has_its_row_and_the_other_way_round() -> None:
    raised = set(re.findall(r'Refused\(\s*(\d{3}), "([a-z_]+)"', sources()))
    raised |= {("400", code) for code in re.findall(r'^ +code = "([a-z_]+)"$', sources(), re.MULTILINE)}
    documented = {(row[0], row[1]) for row in rows_of("errors.md") if re.fullmatch(r"\d{3}", row[0])}
    assert raised | {("503", "all_providers_failed")} == documented


def test_every_request_header_has_its_row_and_the_other_way_round() -> None:
    requested = rows_of("headers.md")[: len(KNOWN_HEADERS) + 2]
    assert {row[0] for row in requested if row[0].startswith("X-GammaInfra-")} == set(KNOWN_HEADERS)


def test_every_fact_about_an_answer_has_its_row() -> None:
    text = (ROOT / "src/gammainfra/gateway/facts.py").read_text(encoding="utf-8")
    facts = set(re.findall(r'facts\["([a-z_]+)"\]|^        "([a-z_]+)": ', text, re.MULTILINE))
    headers = {"x-gammainfra-" + (a or b).replace("_", "-") for a, b in facts}
    assert headers <= {row[0].lower() for row in rows_of("headers.md")}
    assert len(headers) > 10


def test_every_metric_has_its_row_and_the_other_way_round() -> None:
    shown = set(
        re.findall(r'"(gammainfra_[a-z_]+)"', (ROOT / "src/gammainfra/telemetry/metrics.py").read_text("utf-8"))
    )
    assert shown == {row[0] for row in rows_of("health.md") if row[0].startswith("gammainfra_")}


def test_every_state_of_an_endpoint_has_its_row() -> None:
    assert set(STATES) <= {row[0] for row in rows_of("health.md")}


def test_every_limit_has_its_row_with_its_value() -> None:
    rows = {row[0]: row[1] for row in rows_of("limits.md") if row[0].isupper()}
    named = {name: value for name, value in vars(limits).items() if name.isupper() and name not in {"KIB", "MIB"}}
    assert rows == {name: f"{value:g}" if isinstance(value, float) else str(value) for name, value in named.items()}


def test_every_limit_is_used() -> None:
    text = sources()
    unused = [name for name in vars(limits) if name.isupper() and not re.search(rf"limits\.{name}\b", text)]
    assert [name for name in unused if name not in {"KIB", "MIB"}] == []


def test_the_example_of_a_model_of_ones_own_is_one_that_can_be_asked_for() -> None:
    page = (ROOT / "docs" / "models-and-prices.md").read_text(encoding="utf-8")
    (example,) = re.findall(r"^```toml\n(.*?)^```", page, re.MULTILINE | re.DOTALL)
    (endpoint,) = load.load([("the example", example)]).endpoints["ollama/qwen3:32b"]
    assert endpoint.provider == "ollama"
