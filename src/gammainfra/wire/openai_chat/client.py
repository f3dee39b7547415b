"""The client side of the dialect: a thin face over the functions that do the work."""

from __future__ import annotations

from gammainfra.domain.chat import ChatRequest
from gammainfra.domain.failure import Refused
from gammainfra.domain.sketch import Sketch
from gammainfra.wire.openai_chat.read import read_request
from gammainfra.wire.openai_chat.render import ChatRenderer
from gammainfra.wire.openai_chat.sketch import read_sketch
from gammainfra.wire.openai_error import write_error


class ChatClient:
    """Implements wire.dialect.ClientDialect."""

    name = "openai_chat"
    keepalive = b": keepalive\n\n"

    def sketch(self, raw: bytes) -> Sketch:
        """As ClientDialect.sketch."""
        return read_sketch(raw)

    def read_request(self, raw: bytes) -> ChatRequest:
        """As ClientDialect.read_request."""
        return read_request(raw)

    def renderer(self, sketch: Sketch, *, answer_id: str, model: str, created_at: int) -> ChatRenderer:
        """As ClientDialect.renderer."""
        return ChatRenderer(sketch, answer_id=answer_id, model=model, created_at=created_at)

    def write_error(self, refused: Refused, request_id: str) -> bytes:
        """As ClientDialect.write_error."""
        return write_error(refused, request_id)
