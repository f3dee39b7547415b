"""What one writing looks up and what it leaves behind: ids, names of what was left out, marks that clients set.

One Notes lives for one request; the writers of blocks, tools and parameters share it. It decides nothing.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from gammainfra.domain.chat import CacheMark, Role
from gammainfra.domain.target import Target

Block = dict[str, object]


@dataclass(slots=True)
class Turn:
    """One message as sent; content is always a list of blocks."""

    role: Role
    content: list[Block]


@dataclass(slots=True)
class Notes:
    """``dropped`` are OpenAI's names, in order; ``marks`` are the blocks that can be marked, in the order sent."""

    target: Target
    ids: Mapping[str, str]
    dropped: dict[str, None] = field(default_factory=dict)
    lost_thinking: int = 0
    betas: dict[str, None] = field(default_factory=dict)
    names: dict[str, str] = field(default_factory=dict)
    marks: list[tuple[Block, CacheMark | None]] = field(default_factory=list)

    def drop(self, name: str) -> None:
        """Name something that this request leaves out."""
        self.dropped[name] = None

    def refuses(self, name: str) -> bool:
        """Whether the target answers the parameter (OpenAI's name) with a 400, or a repair asked to leave it out."""
        return name in self.target.drop or name in self.target.capabilities.refuses

    def markable(self, block: Block, mark: CacheMark | None) -> Block:
        """Remember a finished block; call it in the order in which the blocks are sent."""
        self.marks.append((block, mark))
        return block
