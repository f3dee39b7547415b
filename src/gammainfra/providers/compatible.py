"""Any host that speaks Chat Completions and is no vendor of its own here: Ollama, vLLM, Together, LM Studio ..."""

from __future__ import annotations

from gammainfra.providers.provider import Provider
from gammainfra.wire import openai_chat


def compatible(name: str, base_url: str) -> Provider:
    """The provider that ``[providers.<name>] base_url = ...`` describes. Works with and without a key."""
    return Provider(
        name=name,
        title=name,
        dialect=openai_chat.PROVIDER,
        base_url=base_url,
        docs=base_url,
        renames={"max_completion_tokens": "max_tokens"},
        needs_key=False,
    )
