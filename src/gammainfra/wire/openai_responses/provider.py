"""The provider side of the dialect: a thin face over the functions that do the work."""

from __future__ import annotations

from collections.abc import Mapping

from gammainfra.domain.chat import ChatRequest
from gammainfra.domain.failure import Failure
from gammainfra.domain.sketch import Sketch
from gammainfra.domain.target import Target, Written
from gammainfra.wire.dialect import Decoder
from gammainfra.wire.openai_failure import read_error
from gammainfra.wire.openai_responses.copy import copy_request
from gammainfra.wire.openai_responses.decode import StreamDecoder, WholeDecoder
from gammainfra.wire.openai_responses.items import DIALECT
from gammainfra.wire.openai_responses.write import write_request


class ResponsesProvider:
    """Implements wire.dialect.ProviderDialect."""

    name = DIALECT
    path = "/v1/responses"

    def write_request(self, request: ChatRequest, target: Target) -> Written:
        """As ProviderDialect.write_request."""
        return write_request(request, target)

    def copy_request(self, raw: bytes, sketch: Sketch, target: Target) -> Written | None:
        """As ProviderDialect.copy_request; copy.copy_request says exactly when it is None."""
        return copy_request(raw, sketch, target)

    def decoder(self, *, streamed: bool) -> Decoder:
        """As ProviderDialect.decoder."""
        return StreamDecoder() if streamed else WholeDecoder()

    def read_error(self, status: int, headers: Mapping[str, str], body: bytes) -> Failure:
        """As ProviderDialect.read_error."""
        return read_error(status, headers, body)
