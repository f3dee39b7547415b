"""What Gemini counts, as the disjoint classes that are billed.

It decides how the vendor's counts overlap: what the cache gave is inside the prompt, what tools of Google's own read
is outside of it, thoughts are outside of the candidates. https://ai.google.dev/api/generate-content#UsageMetadata
"""

from __future__ import annotations

import msgspec

from gammainfra.domain.usage import Usage


class Counts(msgspec.Struct, frozen=True, rename="camel"):
    """``usageMetadata``. None: not said."""

    prompt_token_count: int | None = None
    cached_content_token_count: int | None = None
    tool_use_prompt_token_count: int | None = None
    candidates_token_count: int | None = None
    thoughts_token_count: int | None = None


def replaced(before: Counts, after: Counts) -> Counts:
    """``before`` with every count that ``after`` says: counts in a stream are totals so far, never increments."""
    said = {name: value for name in Counts.__struct_fields__ if (value := getattr(after, name)) is not None}
    return msgspec.structs.replace(before, **said) if said else before


def read_usage(counts: Counts) -> Usage:
    """The classes that are billed."""
    prompt = counts.prompt_token_count or 0
    cached = min(counts.cached_content_token_count or 0, prompt)
    return Usage(
        input_tokens=prompt - cached + (counts.tool_use_prompt_token_count or 0),
        cache_read_tokens=cached,
        output_tokens=counts.candidates_token_count or 0,
        reasoning_tokens=counts.thoughts_token_count or 0,
    )
