"""Reasoning of other makers in a dialect that has one kind of it: how it is shown, and how it is known again.

A ``thinking`` block has a signature and nothing else to say who made it. What another vendor's model needs back (its
signature, its format, its id) travels sealed in that field; a seal is never shown to Anthropic. It decides nothing
about who may read a thought: that is the writer's of the next request.
"""

from __future__ import annotations

import base64
import binascii
from typing import Final

import msgspec

from gammainfra.domain.chat import Thinking
from gammainfra.wire.anthropic.blocks import THINKING_FORMAT

SEAL: Final = "gammainfra:"
_SEALED: Final = msgspec.json.Decoder(tuple[str, str, str])


def seal(opaque: str, made_by: str, name: str) -> str:
    """What stands in ``signature`` or ``data``: Anthropic's own verbatim, anything else with its maker's marks."""
    if made_by == THINKING_FORMAT or not (opaque or name):
        return opaque
    return SEAL + base64.b64encode(msgspec.json.encode((made_by, name, opaque))).decode()


def unseal(opaque: str) -> tuple[str, str, str]:
    """The (format, id, opaque) of a seal; what is no seal is Anthropic's own, and a broken seal is nothing."""
    if not opaque.startswith(SEAL):
        return (THINKING_FORMAT if opaque else "", "", opaque)
    try:
        return _SEALED.decode(base64.b64decode(opaque.removeprefix(SEAL), validate=True))
    except (binascii.Error, msgspec.DecodeError, UnicodeDecodeError):
        return "", "", ""


def read_thinking(text: str, signature: str) -> Thinking:
    """A ``thinking`` block of the history."""
    made_by, name, signed = unseal(signature)
    return Thinking(text=text, signature=signed, format=made_by, id=name)


def read_redacted(opaque: str) -> Thinking:
    """A ``redacted_thinking`` block of the history."""
    made_by, name, redacted = unseal(opaque)
    return Thinking(redacted=redacted, format=made_by, id=name)
