"""Converse as a dialect that providers speak: where it is spoken, and which module does what. It decides nothing."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from gammainfra.domain.chat import ChatRequest
from gammainfra.domain.failure import Failure
from gammainfra.domain.sketch import Sketch
from gammainfra.domain.target import Target, Written
from gammainfra.wire.bedrock import errors, write
from gammainfra.wire.bedrock.decode import StreamDecoder, WholeDecoder
from gammainfra.wire.dialect import Decoder


class BedrockConverse:
    """``POST /model/{id}/converse`` and ``/converse-stream``: model and method are part of ``Written.path``."""

    name = "bedrock"
    path = "/model"

    def write_request(self, request: ChatRequest, target: Target) -> Written:
        """Write the hub for ``target``."""
        return write.write_request(request, target)

    def copy_request(self, raw: bytes, sketch: Sketch, target: Target) -> Written | None:
        """None: no client speaks this dialect."""
        del raw, sketch, target
        return None

    def decoder(self, *, streamed: bool) -> Decoder:
        """A decoder for one attempt."""
        return StreamDecoder() if streamed else WholeDecoder()

    def read_error(self, status: int, headers: Mapping[str, str], body: bytes) -> Failure:
        """Classify a non-2xx answer."""
        return errors.read_error(status, headers, body)


PROVIDER: Final = BedrockConverse()
