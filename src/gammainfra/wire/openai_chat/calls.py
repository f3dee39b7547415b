"""Numbers the tool calls of one choice, however a host numbers them: by index, by id, by neither, or all alike.

It decides which call a piece belongs to and gives each call a dense index. It never mints an id: a call without one
passes with "" and the gateway names it.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import msgspec

from gammainfra.domain.stream import ToolCallDelta
from gammainfra.wire.openai_chat.chunk import CallDelta, Function

_NO_IDS: Final = ("null", "None", "undefined")  # Mistral's and others' ways to write none


@dataclass(slots=True)
class Slot:
    """One call: what is known of it so far. ``told`` once its first piece (with the name) went out."""

    number: int
    id: str = ""
    name: str = ""
    arguments: str = ""
    told: bool = False
    key: int | None = None

    def is_complete(self) -> bool:
        """Whether the call could be executed: it has a name, and arguments that are a JSON object."""
        try:
            return bool(self.name) and isinstance(msgspec.json.decode(self.arguments), dict)
        except (ValueError, RecursionError):
            return False


class Calls:
    """The calls of one choice, in the order in which they began."""

    def __init__(self, choice: int, first: int = 0) -> None:
        self._choice = choice
        self._first = first
        self.slots: list[Slot] = []

    def add(self, piece: CallDelta, *, whole: bool) -> ToolCallDelta | None:
        """Take one piece; the event to tell of it, None while its call has no name or the piece says nothing new.

        ``whole``: the piece stands in a whole body, so it is a call of its own.
        """
        function = piece.function or Function()
        if piece.id in _NO_IDS:
            piece.id = None
        name, arguments = function.name or "", _text(function.arguments)
        slot = None if whole else self._find(piece, name, arguments)
        if slot is None:
            slot = Slot(self._first + len(self.slots), key=piece.index)
            self.slots.append(slot)
        slot.id = slot.id or piece.id or ""
        slot.name = slot.name or name
        slot.arguments += arguments
        if not slot.name:
            return None
        if slot.told:
            return ToolCallDelta(slot.number, arguments=arguments, choice=self._choice) if arguments else None
        slot.told = True
        return ToolCallDelta(slot.number, slot.id, slot.name, slot.arguments, self._choice)

    def _find(self, piece: CallDelta, name: str, arguments: str) -> Slot | None:
        """The open call that ``piece`` continues, None when it begins a new one."""
        if piece.index is not None:
            slot = next((one for one in reversed(self.slots) if one.key == piece.index), None)
        elif piece.id:
            slot = next((one for one in self.slots if one.id == piece.id), None)
        else:
            slot = self.slots[-1] if self.slots else None
        if slot is None or not name:
            return slot
        another_id = bool(piece.id and slot.id and piece.id != slot.id)
        begins_again = not piece.id and bool(arguments) and slot.is_complete()
        return None if another_id or begins_again else slot


def _text(arguments: str | dict[str, object] | None) -> str:
    if isinstance(arguments, dict):
        return msgspec.json.encode(arguments).decode()
    return arguments or ""
