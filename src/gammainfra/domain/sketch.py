"""What routing, sessions and billing need to know of a request, taken in one scan with the message contents left raw.

A dialect fills it; nobody downstream parses the body again to decide something. It holds short pieces of text for
deriving session names and labels: they live in memory for the length of the Turn and are never stored or logged.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

Need = Literal["tools", "images", "documents", "audio", "json_schema", "json_object", "thinking"]


@dataclass(frozen=True, slots=True)
class ProviderPreferences:
    """The body's ``provider`` object (OpenRouter's shape, C23); ``max_price`` in USD per million tokens as text."""

    order: tuple[str, ...] = ()
    only: tuple[str, ...] = ()
    ignore: tuple[str, ...] = ()
    allow_fallbacks: bool = True
    require_parameters: bool = False
    data_collection: Literal["allow", "deny"] = "allow"
    zdr: bool = False
    sort: Literal["price", "throughput", "latency"] | None = None
    max_price_input_pico: int | None = None
    max_price_output_pico: int | None = None


@dataclass(frozen=True, slots=True)
class ToolForm:
    """How the client's dialect spells a tool that the hub knows as a function: its kind there, its name, its space."""

    kind: Literal["function", "custom", "local_shell", "tool_search"]
    name: str
    namespace: str = ""


@dataclass(frozen=True, slots=True)
class Sketch:
    """One request, seen from afar.

    ``dialect`` is the client's; ``model`` as asked; ``models`` the caller's own chain. ``needs`` are what an endpoint
    must be able to do. ``prefix_head`` is the first 2 KB of the system text, ``first_user``/``last_user`` text of those
    messages (cut to 4 KB). ``roles`` are the roles of the last messages, newest last (<= 8). ``call_ids`` are the
    tool-call ids in the history, oldest first. ``parameters`` names the optional parameters the body sets.
    ``clean`` is False when something in the messages must be repaired before an endpoint of the same dialect gets it.
    ``session_hint`` is a session id found in the body (C34); ``group_open`` is True while calls of the last assistant
    message still lack results. ``system_turns`` counts system messages on the way, where a dialect takes them of some
    models only; ``turn_config`` is True when a message brings settings of its own (a beta: only with the client's
    header it travels). ``tool_forms`` are the tools that are no plain functions in the client's dialect, by
    their names in the hub; ``echo`` is a JSON object: what the dialect's answers repeat of the request.
    """

    dialect: str
    model: str
    stream: bool
    n_bytes: int
    n_messages: int
    n_tools: int = 0
    tool_names: tuple[str, ...] = ()
    needs: frozenset[Need] = frozenset()
    models: tuple[str, ...] = ()
    provider: ProviderPreferences | None = None
    max_tokens: int | None = None
    n: int = 1
    include_usage: bool = False
    prefix_head: str = ""
    first_user: str = ""
    last_user: str = ""
    roles: tuple[str, ...] = ()
    call_ids: tuple[str, ...] = ()
    call_repeated: bool = False
    group_open: bool = False
    parameters: frozenset[str] = frozenset()
    cache_marks: int = 0
    clean: bool = True
    session_hint: str | None = None
    system_turns: int = 0
    turn_config: bool = False
    user: str | None = None
    tool_forms: Mapping[str, ToolForm] = field(default_factory=dict)
    echo: bytes = b"{}"

    @property
    def input_tokens_bound(self) -> int:
        """An upper bound of the input's tokens: bytes / 2, since no tokenizer in use averages below two bytes."""
        return self.n_bytes // 2 + 16

    @property
    def input_tokens_guess(self) -> int:
        """The expected size: four bytes a token, the usual figure for English and code."""
        return self.n_bytes // 4 + 8
