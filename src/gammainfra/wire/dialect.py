"""What a dialect must be able to do, seen from the gateway: one pair of protocols, one implementation per wire format.

A client dialect sketches, reads and answers; a provider dialect writes, decodes and classifies errors. Everything is
pure: bytes and values in, bytes and values out. A dialect is not a vendor: no provider name occurs in this package.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Protocol

from gammainfra.domain.bill import Closing
from gammainfra.domain.chat import ChatRequest
from gammainfra.domain.failure import Failure, Refused
from gammainfra.domain.sketch import Sketch
from gammainfra.domain.stream import StreamEvent
from gammainfra.domain.target import Target, Written


class Decoder(Protocol):
    """One attempt's answer, bytes to events. Feed it in any fragmentation; after UpstreamError it is spent."""

    def feed(self, chunk: bytes) -> list[StreamEvent]:
        """The events that these bytes complete, in order."""
        ...

    def eof(self) -> list[StreamEvent]:
        """The orderly end of the body. Without a terminal event it is ``UpstreamError(cut)``, never a finish,

        except that complete calls (or a complete answer) without ``finish_reason`` are finished here.
        """
        ...


class Renderer(Protocol):
    """One answer for one client. It owns indices, chunk ids and the model string, so a stream can be stitched."""

    content_type: str

    def render(self, events: Iterable[StreamEvent]) -> bytes:
        """The bytes for live events (text, thinking, opaque), possibly empty. The first call opens the stream."""
        ...

    def tail(self, events: Sequence[StreamEvent], closing: Closing) -> bytes:
        """Everything that ends a stream, as one piece: held text, calls, finish, usage, comment, end marker."""
        ...

    def whole(self, events: Sequence[StreamEvent], closing: Closing) -> bytes:
        """The answer as one body, for a client that does not stream."""
        ...

    def error(self, refused: Refused) -> bytes:
        """An in-band error on an open stream (C66): no finish, no end marker."""
        ...


class ClientDialect(Protocol):
    """A wire format in which callers speak to the gateway."""

    name: str
    keepalive: bytes

    def sketch(self, raw: bytes) -> Sketch:
        """One scan over the body; Refused 400 ``invalid_request`` when it is not a request of this dialect."""
        ...

    def read_request(self, raw: bytes) -> ChatRequest:
        """The whole body as hub; Refused 400 for what cannot be understood, never for what can be mapped."""
        ...

    def renderer(self, sketch: Sketch, *, answer_id: str, model: str, created_at: int) -> Renderer:
        """A renderer for one answer: ``answer_id`` is the generation id, ``model`` the name shown to the client."""
        ...

    def write_error(self, refused: Refused, request_id: str) -> bytes:
        """The JSON body of a refusal (C60..C68), in this dialect's shape."""
        ...


class ProviderDialect(Protocol):
    """A wire format in which the gateway speaks to providers."""

    name: str
    path: str

    def write_request(self, request: ChatRequest, target: Target) -> Written:
        """Write the hub for ``target``: repaired, stable, ids and parameters as the target wants them."""
        ...

    def copy_request(self, raw: bytes, sketch: Sketch, target: Target) -> Written | None:
        """The same-dialect short way: verbatim messages or copy on repair; None when the hub is needed."""
        ...

    def decoder(self, *, streamed: bool) -> Decoder:
        """A decoder for one attempt: of an event stream, or of one JSON body."""
        ...

    def read_error(self, status: int, headers: Mapping[str, str], body: bytes) -> Failure:
        """Classify a non-2xx answer. ``headers`` has lower-case names. The message is sanitised."""
        ...
