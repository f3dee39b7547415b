"""Token counts as OpenAI-compatible hosts report them, made into classes that never overlap.

Hosts differ in what their sums contain. Where a total is given it decides; counts are never invented.
"""

from __future__ import annotations

from typing import Any

from gammainfra.domain.usage import Usage


def read_usage(raw: object) -> Usage | None:
    """The counts of one ``usage`` object, None when it holds none.

    ``prompt_tokens`` contains what was read from and written to the cache (OpenAI's meaning). Reasoning is part of
    ``completion_tokens`` at OpenAI, DeepSeek and most hosts; beside it where the total says so (xAI), where it is
    the larger of the two (Vercel's gateway), or where the total has an unexplained rest (Gemini's surface).
    """
    if not isinstance(raw, dict):
        return None
    prompt, completion = _count(raw, "prompt_tokens"), _count(raw, "completion_tokens")
    total = _count(raw, "total_tokens")
    if not (prompt or completion or total):
        return None
    reasoning = _count(raw.get("completion_tokens_details"), "reasoning_tokens") or _count(raw, "reasoning_tokens")
    rest = total - prompt - completion
    audio = _count(raw.get("prompt_tokens_details"), "audio_tokens")
    if rest > 0 and rest == audio:
        prompt, rest = prompt + rest, 0  # Mistral counts spoken input beside the text
    if rest > 0 and not reasoning:
        reasoning, completion = rest, completion + rest
    elif reasoning and (rest == reasoning or reasoning > completion):
        completion += reasoning
    read, written = _cached(raw)
    read = min(read, prompt)
    written = min(written, prompt - read)
    return Usage(
        input_tokens=prompt - read - written,
        cache_read_tokens=read,
        cache_write_tokens=written,
        output_tokens=completion - reasoning,
        reasoning_tokens=reasoning,
    )


def _cached(raw: dict[str, Any]) -> tuple[int, int]:
    """Tokens read from and written to the prompt cache, under any of the names in use."""
    details = raw.get("prompt_tokens_details")
    read = (
        _count(details, "cached_tokens")
        or _count(raw, "prompt_cache_hit_tokens")
        or _count(raw, "cached_tokens")
        or _count(raw, "num_cached_tokens")
        or _count(raw, "cache_read_input_tokens")
    )
    written = (
        _count(details, "cache_write_tokens")
        or _count(details, "cache_creation_tokens")
        or _count(raw, "cache_creation_input_tokens")
    )
    return read, written


def _count(counts: object, name: str) -> int:
    value = counts.get(name) if isinstance(counts, dict) else None
    return int(value) if isinstance(value, int | float) and 0 < value < 1 << 53 else 0
