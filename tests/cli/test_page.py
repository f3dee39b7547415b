"""docs/cli.md and the command line know the same commands and the same options."""

from __future__ import annotations

import re

import pytest

from gammainfra.cli.completions import commands
from gammainfra.cli.main import COMMANDS
from tests.gateway_process import ROOT

EVERYWHERE = {"--help", "--host", "--port", "--data-dir", "--log-level", "--config"}  # said once, at the top
PAGE = (ROOT / "docs/cli.md").read_text("utf-8")
SECTIONS = dict(re.findall(r"^## (\w+)\n(.*?)(?=^## |\Z)", PAGE, re.MULTILINE | re.DOTALL))
OPTIONS = {one.name: {option.name for option in one.options} - EVERYWHERE for one in commands()}


def test_every_command_has_its_section_and_the_other_way_round() -> None:
    assert set(SECTIONS) == set(COMMANDS) == set(OPTIONS)


@pytest.mark.parametrize("name", [name for name in COMMANDS if name != "simulate"])
def test_every_option_of_a_command_stands_in_its_section_and_the_other_way_round(name: str) -> None:
    assert set(re.findall(r"--[a-z-]+", SECTIONS[name])) == OPTIONS[name]
