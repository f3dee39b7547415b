"""The provider side of the dialect: a thin face over the functions that do the work."""

from __future__ import annotations

from collections.abc import Mapping

from gammainfra.domain.chat import ChatRequest
from gammainfra.domain.failure import Failure
from gammainfra.domain.sketch import Sketch
from gammainfra.domain.target import Target, Written
from gammainfra.wire.openai_chat.copy import copy_request
from gammainfra.wire.openai_chat.decode import ChatDecoder
from gammainfra.wire.openai_chat.write import write_request
from gammainfra.wire.openai_failure import read_error


class ChatProvider:
    """Implements wire.dialect.ProviderDialect."""

    name = "openai_chat"
    path = "/v1/chat/completions"

    def write_request(self, request: ChatRequest, target: Target) -> Written:
        """As ProviderDialect.write_request."""
        return write_request(request, target)

    def copy_request(self, raw: bytes, sketch: Sketch, target: Target) -> Written | None:
        """As ProviderDialect.copy_request; copy.copy_request says exactly when it is None."""
        return copy_request(raw, sketch, target)

    def decoder(self, *, streamed: bool) -> ChatDecoder:
        """As ProviderDialect.decoder."""
        return ChatDecoder(streamed=streamed)

    def read_error(self, status: int, headers: Mapping[str, str], body: bytes) -> Failure:
        """As ProviderDialect.read_error."""
        return read_error(status, headers, body)
