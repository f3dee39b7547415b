"""Simulated providers: OpenAI, Anthropic, DeepSeek and other hosts on loopback, with their framing, their rules, their
prompt caches, and every fault an agent should never notice. This package decides how a pretended provider
behaves; it never takes part in a real exchange and imports nothing else of GammaInfra, so that it stays an
independent oracle.
"""

from __future__ import annotations

from gammainfra.simulate.agent_task import AgentTask
from gammainfra.simulate.clients import CLIENTS, Client
from gammainfra.simulate.faults import (
    NEEDS_CALLS,
    REFUSALS,
    STREAM_ONLY,
    TEXT_FIRST,
    UNFINISHED,
    Fault,
    applies,
)
from gammainfra.simulate.log import Log, Record
from gammainfra.simulate.pace import Pace
from gammainfra.simulate.reply import Ending
from gammainfra.simulate.schedule import Always, At, Dispatch, FirstOfEachStep, Never, Schedule, Seeded
from gammainfra.simulate.script import Ask, ByVendor, Echo, Fixed, Raw, Script, ToolCall, Turn
from gammainfra.simulate.server import ServerSpec, SimulatedProvider
from gammainfra.simulate.tokens import count_tokens
from gammainfra.simulate.usage import SimulatedUsage
from gammainfra.simulate.world import World

__all__ = [
    "CLIENTS",
    "NEEDS_CALLS",
    "REFUSALS",
    "STREAM_ONLY",
    "TEXT_FIRST",
    "UNFINISHED",
    "AgentTask",
    "Always",
    "Ask",
    "At",
    "ByVendor",
    "Client",
    "Dispatch",
    "Echo",
    "Ending",
    "Fault",
    "FirstOfEachStep",
    "Fixed",
    "Log",
    "Never",
    "Pace",
    "Raw",
    "Record",
    "Schedule",
    "Script",
    "Seeded",
    "ServerSpec",
    "SimulatedProvider",
    "SimulatedUsage",
    "ToolCall",
    "Turn",
    "World",
    "applies",
    "count_tokens",
]
