"""Anthropic's token counts as disjoint classes: what is cumulative is replaced, what is split is summed.

It decides which number belongs to which class; it prices nothing. Rules: the ``usage`` object of
https://platform.claude.com/docs/en/api/messages and ``message_delta`` of .../build-with-claude/streaming.
"""

from __future__ import annotations

import msgspec

from gammainfra.domain.usage import Usage


class CacheCreation(msgspec.Struct, frozen=True):
    """The split of what was written to the cache, by how long it lives."""

    ephemeral_5m_input_tokens: int | None = None
    ephemeral_1h_input_tokens: int | None = None


class OutputDetails(msgspec.Struct, frozen=True):
    """The part of the output that was thinking."""

    thinking_tokens: int | None = None


class Counts(msgspec.Struct, frozen=True):
    """A ``usage`` object, or one entry of its ``iterations``. None: not said."""

    input_tokens: int | None = None
    cache_creation_input_tokens: int | None = None
    cache_read_input_tokens: int | None = None
    cache_creation: CacheCreation | None = None
    output_tokens: int | None = None
    output_tokens_details: OutputDetails | None = None
    iterations: list[Counts] | None = None


def replaced(before: Counts, after: Counts) -> Counts:
    """``before`` with every count that ``after`` says: counts in a stream are totals so far, never increments."""
    said = {name: value for name in Counts.__struct_fields__ if (value := getattr(after, name)) is not None}
    return msgspec.structs.replace(before, **said) if said else before


def read_usage(counts: Counts) -> Usage:
    """The classes that are billed.

    ``iterations`` (compaction, advisor, server-side fallback) are what is charged; the top level leaves some out.
    """
    thinking = counts.output_tokens_details.thinking_tokens if counts.output_tokens_details else None
    parts = [_one(part) for part in counts.iterations] if counts.iterations else [_one(counts)]
    output = sum(part.output_tokens for part in parts)
    reasoning = min(thinking or 0, output)
    return Usage(
        input_tokens=sum(part.input_tokens for part in parts),
        cache_read_tokens=sum(part.cache_read_tokens for part in parts),
        cache_write_tokens=sum(part.cache_write_tokens for part in parts),
        cache_write_1h_tokens=sum(part.cache_write_1h_tokens for part in parts),
        output_tokens=output - reasoning,
        reasoning_tokens=reasoning,
    )


def _one(counts: Counts) -> Usage:
    """One entry. The total of a cache write counts; its split may be absent or older than the total."""
    split = counts.cache_creation or CacheCreation()
    one_hour = split.ephemeral_1h_input_tokens or 0
    total = counts.cache_creation_input_tokens
    if total is None:
        total = one_hour + (split.ephemeral_5m_input_tokens or 0)
    one_hour = min(one_hour, total)
    return Usage(
        input_tokens=counts.input_tokens or 0,
        cache_read_tokens=counts.cache_read_input_tokens or 0,
        cache_write_tokens=total - one_hour,
        cache_write_1h_tokens=one_hour,
        output_tokens=counts.output_tokens or 0,
    )
