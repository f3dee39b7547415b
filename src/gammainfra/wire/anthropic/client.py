"""The client side of the dialect: a thin face over the functions that do the work."""

from __future__ import annotations

from gammainfra.domain.chat import ChatRequest
from gammainfra.domain.failure import Refused
from gammainfra.domain.sketch import Sketch
from gammainfra.wire.anthropic.blocks import DIALECT
from gammainfra.wire.anthropic.read import read_request
from gammainfra.wire.anthropic.refusals import write_error
from gammainfra.wire.anthropic.render import MessagesRenderer
from gammainfra.wire.anthropic.sketch import read_sketch


class MessagesClient:
    """Implements wire.dialect.ClientDialect."""

    name = DIALECT
    keepalive = b'event: ping\ndata: {"type":"ping"}\n\n'

    def sketch(self, raw: bytes) -> Sketch:
        """As ClientDialect.sketch."""
        return read_sketch(raw)

    def read_request(self, raw: bytes) -> ChatRequest:
        """As ClientDialect.read_request."""
        return read_request(raw)

    def renderer(self, sketch: Sketch, *, answer_id: str, model: str, created_at: int) -> MessagesRenderer:  # noqa: ARG002
        """As ClientDialect.renderer; a message has no time."""
        return MessagesRenderer(sketch, answer_id=answer_id, model=model)

    def write_error(self, refused: Refused, request_id: str) -> bytes:
        """As ClientDialect.write_error."""
        return write_error(refused, request_id)
