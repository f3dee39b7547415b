"""Any host that speaks a known dialect and is no vendor of its own here: Ollama, vLLM, Together, LM Studio ...

It decides what is true of every host of a dialect. A host that needs more than that gets a provider file.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from types import MappingProxyType
from typing import Final

from gammainfra.providers import anthropic
from gammainfra.providers.provider import Provider
from gammainfra.wire import openai_chat

USUAL_DIALECT: Final = openai_chat.PROVIDER.name


def compatible(name: str, base_url: str, dialect: str = USUAL_DIALECT) -> Provider:
    """The provider that ``[providers.<name>] base_url = ...`` describes. Works with and without a key.

    ``dialect`` is one of DIALECTS; KeyError when it is not.
    """
    return DIALECTS[dialect](name, base_url)


def _chat(name: str, base_url: str) -> Provider:
    return Provider(
        name=name,
        title=name,
        dialect=openai_chat.PROVIDER,
        base_url=base_url,
        docs=base_url,
        renames={"max_completion_tokens": "max_tokens"},
        needs_key=False,
    )


def _messages(name: str, base_url: str) -> Provider:
    return replace(
        anthropic.PROVIDER, name=name, title=name, base_url=base_url, docs=base_url, owns_dialect=False, needs_key=False
    )


DIALECTS: Final[Mapping[str, Callable[[str, str], Provider]]] = MappingProxyType(
    {openai_chat.PROVIDER.name: _chat, anthropic.PROVIDER.dialect.name: _messages}
)
