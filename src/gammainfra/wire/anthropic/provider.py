"""The Messages API as a dialect that providers speak: where it is spoken, and which module does what.

It decides nothing itself; authentication, ``anthropic-version`` and the base address belong to the provider's file.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from gammainfra.domain.chat import ChatRequest
from gammainfra.domain.failure import Failure
from gammainfra.domain.sketch import Sketch
from gammainfra.domain.target import Target, Written
from gammainfra.wire.anthropic import copy, errors, write
from gammainfra.wire.anthropic.blocks import DIALECT
from gammainfra.wire.anthropic.decode import StreamDecoder, WholeDecoder
from gammainfra.wire.dialect import Decoder


class AnthropicMessages:
    """``POST /v1/messages``."""

    name = DIALECT
    path = "/v1/messages"

    def write_request(self, request: ChatRequest, target: Target) -> Written:
        """Write the hub for ``target``: repaired, stable, named in what was left out."""
        return write.write_request(request, target)

    def copy_request(self, raw: bytes, sketch: Sketch, target: Target) -> Written | None:
        """The short way from a client of this dialect; None when the hub is needed."""
        return copy.copy_request(raw, sketch, target)

    def decoder(self, *, streamed: bool) -> Decoder:
        """A decoder for one attempt."""
        return StreamDecoder() if streamed else WholeDecoder()

    def read_error(self, status: int, headers: Mapping[str, str], body: bytes) -> Failure:
        """Classify a non-2xx answer."""
        return errors.read_error(status, headers, body)


PROVIDER: Final = AnthropicMessages()
