"""Every fixture: the gate's material where there are no recordings, and the proof that its oracle can be believed."""

from __future__ import annotations

from typing import Final

from tests.gates.wire import fixtures_anthropic, fixtures_chat, fixtures_gemini
from tests.gates.wire.fixture import Fixture

FIXTURES: Final[tuple[Fixture, ...]] = (
    *fixtures_anthropic.fixtures(),
    *fixtures_chat.fixtures(),
    *fixtures_gemini.fixtures(),
)
