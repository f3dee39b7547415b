"""What the table of all Turns allows one of them: the bounds that no Turn can know by itself. It decides nothing."""

from __future__ import annotations

from typing import Protocol, TypeVar

T_contra = TypeVar("T_contra", contravariant=True)  # a Turn, which imports this


class Room(Protocol[T_contra]):
    """What the table of all Turns allows one of them."""

    def may_linger(self, turn: T_contra) -> bool:
        """Whether it may wait for its reader to come back."""

    def may_drain(self, turn: T_contra) -> bool:
        """Whether it may be read on for its bill."""

    def may_sleep(self) -> bool:
        """Whether it may wait for a cooldown."""

    def ended(self, turn: T_contra) -> None:
        """It is over."""
