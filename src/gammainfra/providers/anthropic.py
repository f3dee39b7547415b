"""Anthropic: the owner of the Messages dialect. Prompts are cached only where they are marked."""

from __future__ import annotations

from gammainfra.providers.provider import Provider, x_api_key
from gammainfra.wire import anthropic

PROVIDER = Provider(
    name="anthropic",
    title="Anthropic",
    dialect=anthropic.PROVIDER,
    base_url="https://api.anthropic.com",
    docs="https://docs.anthropic.com/en/api/messages",
    auth=x_api_key,
    headers={"anthropic-version": "2023-06-01"},  # the version our writer speaks
    owns_dialect=True,
    automatic_cache_marks=True,
    id_rule="anthropic",
    versioned_base=False,
    list_query="?limit=1000",
    continues=anthropic.continue_request,
)
