"""The prompt cache of a simulated vendor: which prefixes it has seen, and so how a prompt is billed. It
decides by the injected clock and never forgets early; it knows nothing of HTTP or of a vendor's JSON.

A prompt is a list of segments (tools, system, messages or their blocks). A prefix is named by the SHA-256 of
everything up to the end of a segment, rooted in the account and the model, as real caches are.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

CACHE_TTL_S = 300
MAX_REMEMBERED_PREFIXES = 100_000
LOOK_BACK_SEGMENTS = 20
"""How far before a mark Anthropic looks for an earlier entry (docs: prompt caching, 20-block look-back)."""


@dataclass(frozen=True, slots=True)
class Segment:
    """One part of a prompt: its canonical bytes without marks, its weight, and the mark at its end.

    ``mark_ttl_s`` is 0 when no cache mark stands there.
    """

    canonical: bytes
    tokens: int
    mark_ttl_s: int = 0


@dataclass(frozen=True, slots=True)
class CacheSplit:
    """How the prompt divides: the four classes sum to the prompt."""

    input_tokens: int
    read_tokens: int = 0
    write_5m_tokens: int = 0
    write_1h_tokens: int = 0


class PrefixMemory:
    """Prefixes this server has evaluated, each until its time; bounded, the oldest goes first."""

    def __init__(self, clock: Callable[[], float]) -> None:
        self._clock = clock
        self._until_s: dict[bytes, float] = {}

    def clear(self) -> None:
        """Forgets everything."""
        self._until_s.clear()

    def knows(self, digest: bytes) -> bool:
        """Whether the prefix was seen and is still alive."""
        return self._until_s.get(digest, 0.0) > self._clock()

    def keep(self, digest: bytes, ttl_s: float) -> None:
        """Remembers, or refreshes, a prefix for so long from now."""
        self._until_s.pop(digest, None)
        self._until_s[digest] = self._clock() + ttl_s
        if len(self._until_s) > MAX_REMEMBERED_PREFIXES:
            del self._until_s[next(iter(self._until_s))]


def name_prefixes(root: str, segments: Sequence[Segment]) -> Iterator[tuple[bytes, int]]:
    """For every segment, the digest of the prompt up to its end and the tokens up to its end."""
    running = hashlib.sha256(root.encode())
    total = 0
    for segment in segments:
        running.update(len(segment.canonical).to_bytes(8, "big"))
        running.update(segment.canonical)
        total += segment.tokens
        yield running.digest(), total


def split_automatic(
    memory: PrefixMemory, root: str, segments: Sequence[Segment], *, minimum_tokens: int, grain_tokens: int
) -> CacheSplit:
    """Automatic caching (OpenAI, DeepSeek): the longest known prefix counts, rounded down to the grain, if
    it reaches the minimum; every prefix of this prompt is known from now on.
    """
    prefixes = list(name_prefixes(root, segments))
    total = prefixes[-1][1] if prefixes else 0
    known = max((tokens for digest, tokens in prefixes if memory.knows(digest)), default=0)
    read = known // grain_tokens * grain_tokens
    for digest, _ in prefixes:
        memory.keep(digest, CACHE_TTL_S)
    if read < minimum_tokens:
        read = 0
    return CacheSplit(total - read, read_tokens=read)


def split_marked(memory: PrefixMemory, root: str, segments: Sequence[Segment], *, minimum_tokens: int) -> CacheSplit:
    """Marked caching (Anthropic): reads the longest entry at a mark or up to 20 blocks before it, writes up
    to the last mark. A mark on a prefix shorter than the minimum is ignored, as the vendor does.
    """
    prefixes = list(name_prefixes(root, segments))
    total = prefixes[-1][1] if prefixes else 0
    marks = [at for at, segment in enumerate(segments) if segment.mark_ttl_s and prefixes[at][1] >= minimum_tokens]
    if not marks:
        return CacheSplit(total)
    known = [
        at
        for mark in marks
        for at in range(max(0, mark - LOOK_BACK_SEGMENTS), mark + 1)
        if memory.knows(prefixes[at][0])
    ]
    read = prefixes[max(known)][1] if known else 0
    for at in marks:
        memory.keep(prefixes[at][0], segments[at].mark_ttl_s)
    if known and max(known) not in marks:
        memory.keep(prefixes[max(known)][0], CACHE_TTL_S)
    written_to = prefixes[marks[-1]][1]
    long_marks = [prefixes[at][1] for at in marks if segments[at].mark_ttl_s > CACHE_TTL_S]
    write_1h = max(0, max(long_marks, default=0) - read)
    write_5m = max(0, written_to - read - write_1h)
    return CacheSplit(total - read - write_1h - write_5m, read, write_5m, write_1h)
