"""Azure OpenAI: OpenAI's own models at an address of the customer's, by deployment or by name.

A resource's address alone means its ``/openai/v1`` API, where ``model`` names the deployment; an address that ends in
``/openai/deployments/<name>`` is the older form, which wants the API's version
(https://learn.microsoft.com/azure/ai-foundry/openai/reference). Streams open with a chunk about filters, without
choices.
"""

from __future__ import annotations

from typing import Final

from gammainfra.providers.provider import Provider, api_key
from gammainfra.wire import openai_chat

API_VERSION: Final = "2024-10-21"  # the last general one of the deployment's form


def address(base: str) -> str:
    """The URL of chat completions below ``base``, the resource, its ``/openai/v1`` or one of its deployments."""
    if "/openai/deployments/" in base:
        return f"{base}/chat/completions?api-version={API_VERSION}"
    if base.endswith("/v1"):
        return f"{base}/chat/completions"
    return f"{base.removesuffix('/openai')}/openai/v1/chat/completions"


PROVIDER = Provider(
    name="azure",
    title="Azure OpenAI",
    dialect=openai_chat.PROVIDER,
    base_url="https://resource.openai.azure.com",
    docs="https://learn.microsoft.com/azure/ai-foundry/openai/reference",
    auth=api_key,
    owns_dialect=True,
    address=address,
    needs_address=True,
)
