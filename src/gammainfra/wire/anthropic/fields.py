"""The top-level fields of a Messages request: which of them travel to Anthropic, and what each needs beside it.

One table for both ways (verbatim and hub). A field that is not here is answered with a 400 by the API, so it is left
out and named; what steers the gateway is left out without a word.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final

# What steers the gateway (C23 and OpenRouter's fields): the sketch has read it.
GATEWAY_FIELDS: Final = frozenset({"models", "provider", "usage", "transforms", "session_id", "gammainfra"})

# What the hub does not model and Anthropic alone understands. `service_tier`, `speed` and `inference_geo` are not
# among them: they change the price, and prices are those of the standard tier.
NATIVE_FIELDS: Final = frozenset({"container", "context_management", "mcp_servers"})

TRAVELLING: Final = NATIVE_FIELDS | {
    "cache_control",
    "max_tokens",
    "messages",
    "metadata",
    "model",
    "output_config",
    "stop_sequences",
    "system",
    "temperature",
    "thinking",
    "tool_choice",
    "tools",
    "top_k",
    "top_p",
}

# A field that is still a beta brings its own when the client did not name it.
_BETAS: Final = {"context_management": "context-management-2025-06-27", "mcp_servers": "mcp-client-2025-11-20"}

# Names of parameters as the rest of the gateway knows them.
OPENAI_NAMES: Final = {"stop_sequences": "stop", "metadata": "user"}


def betas_of(fields: Iterable[str]) -> tuple[str, ...]:
    """The ``anthropic-beta`` values that these fields need."""
    return tuple(_BETAS[name] for name in sorted(fields) if name in _BETAS)
