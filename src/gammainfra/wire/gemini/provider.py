"""generateContent as a dialect that providers speak: where it is spoken, and which module does what.

It decides nothing itself; authentication and the base address belong to the provider's file.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from gammainfra.domain.chat import ChatRequest
from gammainfra.domain.failure import Failure
from gammainfra.domain.sketch import Sketch
from gammainfra.domain.target import Target, Written
from gammainfra.wire.dialect import Decoder
from gammainfra.wire.gemini import errors, write
from gammainfra.wire.gemini.decode import StreamDecoder, WholeDecoder

DIALECT: Final = "gemini"


class GenerateContent:
    """``POST .../models/<model>:generateContent``, streamed ``:streamGenerateContent?alt=sse``.

    ``made_by`` names the service whose thought signatures these are (ThinkingDelta.format).
    """

    name = DIALECT

    def __init__(self, path: str, made_by: str) -> None:
        self.path = path
        self.made_by = made_by

    def write_request(self, request: ChatRequest, target: Target) -> Written:
        """Write the hub for ``target``: repaired, stable, named in what was left out."""
        return write.write_request(request, target, self.made_by)

    def copy_request(self, raw: bytes, sketch: Sketch, target: Target) -> Written | None:
        """None: no client of the gateway speaks this dialect."""
        del raw, sketch, target
        return None

    def decoder(self, *, streamed: bool) -> Decoder:
        """A decoder for one attempt."""
        return StreamDecoder(self.made_by) if streamed else WholeDecoder(self.made_by)

    def read_error(self, status: int, headers: Mapping[str, str], body: bytes) -> Failure:
        """Classify a non-2xx answer."""
        return errors.read_error(status, headers, body)


PROVIDER: Final = GenerateContent("/v1beta/models", "google-gemini-v1")
VERTEX: Final = GenerateContent("/v1/publishers/google/models", "google-vertex-v1")
