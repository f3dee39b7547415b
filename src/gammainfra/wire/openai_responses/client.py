"""The client side of the dialect: a thin face over the functions that do the work."""

from __future__ import annotations

from gammainfra.domain.chat import ChatRequest
from gammainfra.domain.failure import Refused
from gammainfra.domain.sketch import Sketch
from gammainfra.wire.openai_error import write_error
from gammainfra.wire.openai_responses.items import DIALECT
from gammainfra.wire.openai_responses.read import read_request
from gammainfra.wire.openai_responses.render import ResponsesRenderer
from gammainfra.wire.openai_responses.sketch import read_sketch


class ResponsesClient:
    """Implements wire.dialect.ClientDialect."""

    name = DIALECT
    keepalive = b": keepalive\n\n"

    def sketch(self, raw: bytes) -> Sketch:
        """As ClientDialect.sketch; Refused 400 also for what only a server that remembers could answer."""
        return read_sketch(raw)

    def read_request(self, raw: bytes) -> ChatRequest:
        """As ClientDialect.read_request."""
        return read_request(raw)

    def renderer(self, sketch: Sketch, *, answer_id: str, model: str, created_at: int) -> ResponsesRenderer:
        """As ClientDialect.renderer. ``gen-<n>`` is shown as ``resp_<n>``."""
        return ResponsesRenderer(sketch, answer_id=answer_id, model=model, created_at=created_at)

    def write_error(self, refused: Refused, request_id: str) -> bytes:
        """As ClientDialect.write_error: OpenAI's shape."""
        return write_error(refused, request_id)
