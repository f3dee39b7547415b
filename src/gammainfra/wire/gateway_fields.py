"""Top-level fields of OpenAI's dialects that steer the gateway and never travel on."""

from __future__ import annotations

from typing import Final

# What steers the gateway: OpenRouter's fields and ours. Left out without a word; the sketch has read them.
GATEWAY_FIELDS: Final = frozenset(
    {
        "models",
        "provider",
        "usage",
        "transforms",
        "route",
        "plugins",
        "preset",
        "session_id",
        "include_reasoning",
        "caching",
        "gammainfra",
    }
)
