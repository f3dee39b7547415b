"""The command ``gammainfra completions``: prints what makes a shell complete commands, options and their values.

It is made from the parsers of the commands themselves, so it knows what they know. It reads no settings.
"""

from __future__ import annotations

import argparse
import importlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from gammainfra.cli.main import COMMANDS


@dataclass(frozen=True, slots=True)
class Option:
    """``--name``; ``choices`` are its values where they are few. ``takes``: nothing, a file, or another value."""

    name: str
    help: str
    takes: str
    choices: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Command:
    """One command; ``words`` are what may stand after it, from the first place that has choices."""

    name: str
    summary: str
    words: tuple[str, ...]
    options: tuple[Option, ...]


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """``bash|zsh|fish``."""
    parser.add_argument("shell", choices=sorted(_SHELLS))


def run(arguments: argparse.Namespace) -> int:
    """Print."""
    print("\n".join(_SHELLS[arguments.shell](commands())))
    return 0


def commands() -> tuple[Command, ...]:
    """Every command as its own parser describes it."""
    made = []
    for name, (module, summary) in COMMANDS.items():
        parser = argparse.ArgumentParser(prog=name, add_help=False)
        importlib.import_module(module).add_arguments(parser)
        made.append(_command(name, summary, parser))
    return tuple(made)


def _command(name: str, summary: str, parser: argparse.ArgumentParser) -> Command:
    words: tuple[str, ...] = ()
    options = [Option("--help", "show every option", "nothing", ())]
    for action in parser._actions:  # noqa: SLF001 - argparse has no other way to ask
        choices = tuple(map(str, action.choices or ()))
        if not action.option_strings:
            words = words or choices
        elif action.help != argparse.SUPPRESS:
            takes = "nothing" if action.nargs == 0 else "file" if action.type is Path else "value"
            spelled = [name for name in action.option_strings if name.startswith("--")]
            options += [Option(name, action.help or "", takes, choices) for name in spelled]
    return Command(name, summary, words, tuple(options))


# ---- the shells ------------------------------------------------------------------------------------------------------
def _bash(known: Sequence[Command]) -> Iterator[str]:
    yield "_gammainfra() {"
    yield '    local cur="${COMP_WORDS[COMP_CWORD]}" command="${COMP_WORDS[1]}" words="" own'
    yield "    COMPREPLY=()"
    yield '    case "$command:${COMP_WORDS[COMP_CWORD-1]}" in'
    for one in known:
        for option in one.options:
            pattern = f"        {one.name}:{option.name})"
            if option.choices:
                yield f"""{pattern} COMPREPLY=($(compgen -W '{" ".join(option.choices)}' -- "$cur")); return ;;"""
            elif option.takes == "file":
                yield f"""{pattern} COMPREPLY=($(compgen -f -- "$cur")); return ;;"""
            elif option.takes == "value":
                yield f"{pattern} return ;;"
    yield "    esac"
    yield '    if [ "$COMP_CWORD" -eq 1 ]; then'
    yield f"        words='{' '.join(one.name for one in known)} --help --version'"
    yield "    else"
    yield '        case "$command" in'
    for one in known:
        named = [option.name for option in one.options]
        yield f"            {one.name}) words='{' '.join(named)}'; own='{' '.join(one.words)}' ;;"
    yield "        esac"
    yield '        [ "$COMP_CWORD" -eq 2 ] && words="$own $words"'
    yield "    fi"
    yield '    COMPREPLY=($(compgen -W "$words" -- "$cur"))'
    yield "}"
    yield "complete -F _gammainfra gammainfra"


def _zsh(known: Sequence[Command]) -> Iterator[str]:
    yield "#compdef gammainfra"
    yield "_gammainfra() {"
    yield "    if (( CURRENT == 2 )); then"
    yield "        local -a commands"
    yield "        commands=("
    for one in known:
        yield f"            {_quoted(one.name + ':' + one.summary)}"
    yield "        )"
    yield "        _describe command commands"
    yield "        return"
    yield "    fi"
    yield "    shift words"
    yield "    (( CURRENT-- ))"
    yield '    case "$words[1]" in'
    for one in known:
        specs = [_quoted(f"{option.name}[{_in_brackets(option.help)}]{_value(option)}") for option in one.options]
        specs += [_quoted(f"1:word:({' '.join(one.words)})")] if one.words else []
        yield f"        {one.name}) _arguments {' '.join(specs)} ;;"
    yield "    esac"
    yield "}"
    yield 'if [ "$funcstack[1]" = "_gammainfra" ]; then _gammainfra "$@"; else compdef _gammainfra gammainfra; fi'


def _value(option: Option) -> str:
    if option.choices:
        return f":value:({' '.join(option.choices)})"
    return {"nothing": "", "file": ":file:_files", "value": ":value: "}[option.takes]


def _in_brackets(text: str) -> str:
    return text.replace("[", "(").replace("]", ")")


def _fish(known: Sequence[Command]) -> Iterator[str]:
    start = "complete -c gammainfra"
    yield f"{start} -f"
    for one in known:
        yield f"{start} -n __fish_use_subcommand -a {one.name} -d {_quoted(one.summary)}"
        condition = f"{start} -n '__fish_seen_subcommand_from {one.name}'"
        if one.words:
            yield f"{condition} -a {_quoted(' '.join(one.words))}"
        for option in one.options:
            takes = {"nothing": "", "file": " -r -F", "value": " -x"}[option.takes]
            takes = f" -x -a {_quoted(' '.join(option.choices))}" if option.choices else takes
            yield f"{condition} -l {option.name.removeprefix('--')} -d {_quoted(option.help)}{takes}"


def _quoted(text: str) -> str:
    """In single quotes, which mean the same in zsh and fish where there is no apostrophe and no backslash."""
    return "'" + text.replace("'", "").replace("\\", "") + "'"


_SHELLS: Final = {"bash": _bash, "zsh": _zsh, "fish": _fish}
