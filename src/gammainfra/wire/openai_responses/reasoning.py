"""Reasoning on its way to a client of this dialect and back: a readable summary, and what must return unchanged.

A provider's signature, or a block that only it can read, travels in ``encrypted_content``, which clients echo without
looking at it. What OpenAI itself sealed (a conversation that began there) is kept as OpenAI's and as nobody else's.
"""

from __future__ import annotations

import base64
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Final

import msgspec
from msgspec import Struct

from gammainfra.domain.chat import Thinking
from gammainfra.domain.stream import ThinkingDelta

OPENAIS: Final = "openai-responses-v1"
MARK: Final = "gi1."


class _Seal(Struct, omit_defaults=True):
    """What ``encrypted_content`` of ours holds, base64url of this JSON after the mark."""

    format: str = ""
    id: str = ""
    signature: str = ""
    redacted: str = ""


_SEAL: Final = msgspec.json.Decoder(_Seal)


@dataclass(slots=True)
class Thought:
    """One block of reasoning as it grows."""

    texts: list[str] = field(default_factory=list)
    _seal: _Seal = field(default_factory=_Seal)

    def take(self, event: ThinkingDelta) -> None:
        """The block's next piece."""
        if event.text:
            self.texts.append(event.text)
        self._seal.signature += event.signature
        self._seal.redacted += event.redacted
        self._seal.format = self._seal.format or event.format
        self._seal.id = self._seal.id or event.id

    @property
    def text(self) -> str:
        """What may be read of it so far."""
        return "".join(self.texts)

    def item(self) -> dict[str, Any]:
        """The block as a reasoning item, without id."""
        summary = [{"type": "summary_text", "text": self.text}] if self.texts else []
        made: dict[str, Any] = {"type": "reasoning", "summary": summary}
        if self._seal.format == OPENAIS and self._seal.redacted:
            return {**made, "encrypted_content": self._seal.redacted}  # OpenAI's own, as it will want it back
        sealed = msgspec.json.encode(self._seal)
        if sealed != b"{}":
            made["encrypted_content"] = MARK + base64.urlsafe_b64encode(sealed).decode()
        return made


def read_reasoning(item: Mapping[str, Any]) -> list[Thinking]:
    """The thoughts of one reasoning item, none when it says nothing."""
    text = _texts(item.get("content"), "reasoning_text") or _texts(item.get("summary"), "summary_text")
    sealed = item.get("encrypted_content")
    if not isinstance(sealed, str) or not sealed:
        return [Thinking(text=text)] if text else []
    if not sealed.startswith(MARK):
        name = item.get("id")
        name = name if isinstance(name, str) else ""
        found = [Thinking(text=text, format=OPENAIS, id=name)] if text else []
        return [*found, Thinking(redacted=sealed, format=OPENAIS, id=name)]
    seal = _opened(sealed)
    found = []
    if text or seal.signature:
        found.append(Thinking(text=text, signature=seal.signature, format=seal.format, id=seal.id))
    if seal.redacted:
        found.append(Thinking(redacted=seal.redacted, format=seal.format, id=seal.id))
    return found


def _opened(sealed: str) -> _Seal:
    try:
        return _SEAL.decode(base64.urlsafe_b64decode(sealed[len(MARK) :]))
    except ValueError:
        return _Seal()  # changed on its way: what can be read is kept


def _texts(parts: object, kind: str) -> str:
    pieces = []
    for part in parts if isinstance(parts, list) else ():
        match part:
            case {"type": str(found), "text": str(text)} if found == kind and text:
                pieces.append(text)
            case _:
                pass
    return "\n\n".join(pieces)
