"""What one writing looks up and what it leaves behind: ids, names, what was left out.

One Notes lives for one request; the writers of contents, tools and parameters share it. It decides nothing.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from gammainfra.domain.target import Target

Block = dict[str, object]


@dataclass(slots=True)
class Notes:
    """``made_by`` is the maker whose signatures the target reads; ``dropped`` are OpenAI's names, in order.

    ``names`` are the (client's, sent) names of tools that differ, ``calls`` the sent name of each call by its id.
    """

    target: Target
    made_by: str
    ids: Mapping[str, str]
    dropped: dict[str, None] = field(default_factory=dict)
    lost_thinking: int = 0
    names: dict[str, str] = field(default_factory=dict)
    calls: dict[str, str] = field(default_factory=dict)

    @property
    def demands_signatures(self) -> bool:
        """Whether a step that begins with an unsigned call is a 400: on Gemini 3, which takes levels, not budgets.

        Models that the catalog does not know are newer, not older: they are taken to demand them.
        """
        return self.target.capabilities.thinking != "budget"

    def drop(self, name: str) -> None:
        """Name something that this request leaves out."""
        self.dropped[name] = None

    def refuses(self, name: str) -> bool:
        """Whether the target answers the parameter (OpenAI's name) with a 400, or a repair asked to leave it out."""
        return name in self.target.drop or name in self.target.capabilities.refuses
