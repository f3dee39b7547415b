"""Google's Gemini API (AI Studio): the owner of generateContent, with a key. Prompts are cached unasked."""

from __future__ import annotations

from gammainfra.providers.provider import Provider, x_goog_api_key
from gammainfra.wire import gemini

PROVIDER = Provider(
    name="google",
    title="Google Gemini API",
    dialect=gemini.PROVIDER,
    base_url="https://generativelanguage.googleapis.com",
    docs="https://ai.google.dev/api/generate-content",
    auth=x_goog_api_key,
    owns_dialect=True,
    versioned_base=False,
    on_disconnect="drain",
)
