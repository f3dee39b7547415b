"""The part of the house style that a program can hold. Each rule is one test and says why it is a rule.

Text and syntax trees only: nothing of the product is imported here, so a broken module still gets its
findings. Rules that ruff, mypy or import-linter can hold stand in pyproject.toml instead.
"""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent

MAX_FILE_LINES = 700
MAX_FUNCTION_LINES = 80

# Gateways rot in their pipeline file. These two are read from top to bottom, for ever.
PIPELINE_LIMITS_LINES = {"src/gammainfra/gateway/serve.py": 150, "src/gammainfra/gateway/turn.py": 200}

# The one boundary where an exception nobody foresaw becomes a failure with a cause.
BROAD_EXCEPT_ALLOWED = {
    "src/gammainfra/gateway/turn.py": "a mistake of ours while an answer is told must end it with an error",
    "src/gammainfra/web/api.py": "a mistake of ours must reach the caller as one JSON error, and the log by its name",
}

# Words that fit any code, and so tell nothing about the code they name.
EMPTY_WORDS = frozenset({"util", "utils", "helper", "helpers", "manager", "handler", "misc", "common"})
# These tell nothing as the noun itself (`usage_data`), but something as an attribute (`data_dir`).
EMPTY_NOUNS = frozenset({"data", "process"})

TEXT_SUFFIXES = frozenset({".css", ".html", ".js", ".lock", ".md", ".py", ".sql", ".toml", ".yaml", ".yml"})
TEXT_NAMES = frozenset({".dockerignore", ".editorconfig", ".gitignore", "Dockerfile", "Makefile", "run"})

Function = ast.FunctionDef | ast.AsyncFunctionDef


@dataclass(frozen=True, slots=True)
class Source:
    """One Python file: its path from the root, its text and its syntax tree."""

    name: str
    text: str
    tree: ast.Module

    def nodes(self) -> Iterator[ast.AST]:
        return ast.walk(self.tree)

    def functions(self) -> Iterator[Function]:
        return (node for node in self.nodes() if isinstance(node, Function))

    def at(self, node: ast.stmt | ast.expr | ast.excepthandler, what: str) -> str:
        return f"{self.name}:{node.lineno}: {what}"


@cache
def sources(*folders: str) -> tuple[Source, ...]:
    paths = sorted(path for folder in folders for path in (ROOT / folder).rglob("*.py"))
    texts = ((path.relative_to(ROOT).as_posix(), path.read_text(encoding="utf-8")) for path in paths)
    return tuple(Source(name, text, ast.parse(text, name)) for name, text in texts)


def product() -> tuple[Source, ...]:
    return sources("src")


def everything() -> tuple[Source, ...]:
    return sources("src", "tests", "scripts")


def assert_clean(findings: list[str]) -> None:
    """Fail with every finding, one a line, so that one run is enough to repair them all."""
    if findings:
        pytest.fail("\n".join(findings), pytrace=False)


# ------------------------------------------------------------------------------------------- sizes


def test_a_file_can_be_read_in_one_sitting() -> None:
    assert_clean(
        [
            f"{source.name}: {lines} lines, {MAX_FILE_LINES} are allowed"
            for source in everything()
            if (lines := len(source.text.splitlines())) > MAX_FILE_LINES
        ]
    )


def test_a_function_fits_on_a_screen() -> None:
    assert_clean(
        [
            source.at(function, f"{function.name} has {lines} lines, {MAX_FUNCTION_LINES} are allowed")
            for source in everything()
            for function in source.functions()
            if (lines := (function.end_lineno or function.lineno) - function.lineno + 1) > MAX_FUNCTION_LINES
        ]
    )


def test_the_pipeline_stays_a_page_long() -> None:
    assert_clean(
        [
            f"{source.name}: {lines} lines, fewer than {limit} are allowed"
            for source in product()
            if (limit := PIPELINE_LIMITS_LINES.get(source.name)) is not None
            and (lines := len(source.text.splitlines())) >= limit
        ]
    )


# ------------------------------------------------------------------------------- words and promises


def test_every_module_opens_by_saying_what_it_is_for() -> None:
    # A module's first paragraph says what it decides and what it never does. At least, it is a sentence.
    sentence = re.compile(r"\w.*[.!?:](\s|$)", re.DOTALL)
    assert_clean(
        [
            f"{source.name}: the module opens with no sentence about itself"
            for source in product()
            if not sentence.match(ast.get_docstring(source.tree) or "")
        ]
    )


def parts_of(name: str) -> list[str]:
    """Return the words of a name in either case style: `HTTPHandler` and `http_handler` read alike."""
    return re.sub(r"(?<=[a-z0-9])(?=[A-Z])|(?<=[A-Z])(?=[A-Z][a-z])", "_", name).lower().strip("_").split("_")


def says_nothing(name: str) -> bool:
    parts = parts_of(name)
    return not EMPTY_WORDS.isdisjoint(parts) or parts[-1] in EMPTY_NOUNS or parts[0] == "process"


def test_names_say_what_a_thing_is() -> None:
    # A file called `utils` collects whatever has no home; a noun of the field gives it one.
    modules = [
        f"{source.name}: the module's name says nothing"
        for source in product()
        if any(says_nothing(part) for part in Path(source.name).with_suffix("").parts)
    ]
    definitions = [
        source.at(node, f"the name {node.name} says nothing")
        for source in product()
        for node in source.nodes()
        if isinstance(node, Function | ast.ClassDef) and says_nothing(node.name)
    ]
    assert_clean(modules + definitions)


def identifiers_of(node: ast.AST) -> Iterator[str]:
    """Return the names a node defines or uses itself, without those of its children."""
    match node:
        case ast.Name(id=name) | ast.Attribute(attr=name) | ast.arg(arg=name) | ast.alias(name=name):
            yield name
        case ast.FunctionDef(name=name) | ast.AsyncFunctionDef(name=name) | ast.ClassDef(name=name):
            yield name
        case ast.keyword(arg=str(name)):
            yield name
        case _:
            return


def test_the_gateway_never_says_commit() -> None:
    # Head, Shown and Tail are three moments. One word for all of them hid which was meant; SQL may keep it.
    assert_clean(
        [
            f"{source.name}: {name} (say head, shown or tail)"
            for source in sources("src/gammainfra/gateway")
            for node in source.nodes()
            for name in identifiers_of(node)
            if any(part.startswith("commit") for part in parts_of(name))
        ]
    )


def test_nothing_is_left_for_later() -> None:
    # A promise in the code is kept by nobody. What is missing stands in an issue, or in the docs as a limit.
    unfinished = re.compile(r"\b(TODO|FIXME|XXX|NotImplementedError)\b")
    assert_clean(
        [
            f"{source.name}:{number}: {found[0]}"
            for source in product()
            for number, line in enumerate(source.text.splitlines(), start=1)
            if (found := unfinished.search(line))
        ]
    )


# ------------------------------------------------------------------------------------------ failures


def is_broad(caught: ast.expr | None) -> bool:
    match caught:
        case None:
            return True
        case ast.Name(id=name):
            return name in {"Exception", "BaseException"}
        case ast.Tuple(elts=several):
            return any(is_broad(one) for one in several)
        case _:
            return False


def test_only_the_boundary_catches_everything() -> None:
    # A broad except below the boundary turns a bug of ours into a failure of a provider.
    assert_clean(
        [
            source.at(node, "catches everything; name what can go wrong")
            for source in product()
            if source.name not in BROAD_EXCEPT_ALLOWED
            for node in source.nodes()
            if isinstance(node, ast.ExceptHandler) and is_broad(node.type)
        ]
    )


# --------------------------------------------------------------------------------------------- tests


def called_name(call: ast.Call) -> str:
    match call.func:
        case ast.Name(id=name) | ast.Attribute(attr=name):
            return name
        case _:
            return ""


def asserts(node: ast.AST) -> bool:
    if isinstance(node, ast.Call):
        return called_name(node).startswith(("check_", "assert_", "raises", "warns"))
    return isinstance(node, ast.Assert)


def test_every_test_asserts_something() -> None:
    # A test without an assertion passes for ever. The ways: assert, raises, warns, check_*(), assert_*().
    assert_clean(
        [
            source.at(function, f"{function.name} asserts nothing")
            for source in sources("tests")
            for function in source.functions()
            if function.name.startswith("test_") and Path(source.name).name.startswith("test_")
            if not any(asserts(node) for node in ast.walk(function))
        ]
    )


def skips_silently(decorator: ast.expr) -> bool:
    call = decorator if isinstance(decorator, ast.Call) else None
    marker = call.func if call else decorator
    if not isinstance(marker, ast.Attribute) or marker.attr not in {"skip", "skipif"}:
        return False
    named = call is not None and any(keyword.arg == "reason" for keyword in call.keywords)
    positional = call is not None and marker.attr == "skip" and bool(call.args)
    return not (named or positional)


def test_a_skipped_test_says_why() -> None:
    assert_clean(
        [
            source.at(decorator, "skipped without a reason")
            for source in sources("tests")
            for node in source.nodes()
            if isinstance(node, Function | ast.ClassDef)
            for decorator in node.decorator_list
            if skips_silently(decorator)
        ]
    )


# -------------------------------------------------------------------------------------- any text file


@cache
def text_files() -> tuple[tuple[str, str], ...]:
    """Return name and text of every file that belongs to the repository, but for recorded answers."""
    folders = ("src", "tests", "scripts", "docs", "requirements", ".ci")
    paths = [path for folder in folders for path in (ROOT / folder).rglob("*")] + list(ROOT.glob("*"))
    return tuple(
        (path.relative_to(ROOT).as_posix(), path.read_text(encoding="utf-8"))
        for path in sorted(paths)
        if path.is_file() and (path.suffix in TEXT_SUFFIXES or path.name in TEXT_NAMES)
    )


def test_the_repository_names_no_machine_of_its_authors() -> None:
    # A path or a package mirror that exists on one machine only breaks every other one.
    machine = re.compile(
        r"(?<![\w.-])/(work|root|home)/"  # a path from the root, not a part of an address
        r"|--(extra-)?index-url|--find-links|^-[if] "  # a requirements file's own registry
        r"|\b(artifactory|jfrog|devpi|sonatype)\b",
        re.MULTILINE,
    )
    here = Path(__file__).relative_to(ROOT).as_posix()
    assert_clean(
        [
            f"{name}: {found[0].strip()}"
            for name, text in text_files()
            if name != here and (found := machine.search(text))
        ]
    )
