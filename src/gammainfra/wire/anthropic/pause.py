"""An answer that the API paused (``pause_turn``) is asked to go on: the same request and what was said so far.

Tools that Anthropic runs may take longer than one exchange allows; the content must come back as it was. It decides
only how that is written, never whether or how often. Source:
https://platform.claude.com/docs/en/build-with-claude/handling-stop-reasons.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, Final

import msgspec
from msgspec import Raw

from gammainfra.domain.stream import Finished, StreamEvent
from gammainfra.wire.anthropic.scribe import Scribe, folded

_BODY: Final = msgspec.json.Decoder(dict[str, Raw])
_MESSAGES: Final = msgspec.json.Decoder(list[Raw])
_ANY: Final = msgspec.json.Decoder(dict[str, Any])


def continue_request(body: bytes, said: Iterable[StreamEvent], paused: Finished) -> bytes:
    """``body``, which this dialect wrote, with ``said`` as the assistant's last turn and in the same container."""
    fields: dict[str, Any] = dict(_BODY.decode(body))
    scribe = Scribe()
    written = [written for event in said for written in scribe.take(event)]
    turn = {"role": "assistant", "content": folded([*written, *scribe.close()])}
    fields["messages"] = [*_MESSAGES.decode(fields["messages"]), turn]
    match _ANY.decode(paused.native_fields or b"{}").get("container"):
        case {"id": str(container)}:
            fields["container"] = container
        case _:
            pass
    return msgspec.json.encode(fields)
