"""Lets web pages of the configured origins call the API (setting ``server.cors_origins``), and nobody else's.

It decides which pages may read an answer, by the rules of https://fetch.spec.whatwg.org/#http-cors-protocol. It opens
nothing: every call still needs its key, and no cookie is ever read, so an origin here is a convenience, not a right.
"""

from __future__ import annotations

from collections.abc import Sequence

from gammainfra.gateway import facts
from gammainfra.web.incoming import Incoming, Message, Send

ANY = "*"
_PREFLIGHT_S = 600  # the longest time that every browser honours
# What our answers say beside the X-GammaInfra-* headers and a page could not read otherwise.
_READABLE = frozenset({b"x-request-id", b"x-should-retry", b"retry-after", b"retry-after-ms"})


class Cors:
    """``origins`` are written as browsers send them (``https://app.example``); ``*`` is every one."""

    def __init__(self, origins: Sequence[str]) -> None:
        self._origins = frozenset(origins)

    def origin_of(self, request: Incoming) -> str | None:
        """The page's origin, if it may read the answer."""
        origin = request.headers.get("origin", "")
        return origin if origin and (origin in self._origins or ANY in self._origins) else None

    async def preflight(self, request: Incoming, origin: str) -> None:
        """Answer the browser's question whether the page may send what it is about to send."""
        rows = [
            (b"access-control-allow-origin", origin.encode("latin-1")),
            (b"access-control-allow-methods", b"GET, POST, HEAD"),
            (b"access-control-max-age", str(_PREFLIGHT_S).encode()),
            (b"vary", b"Origin, Access-Control-Request-Headers"),
        ]
        wanted = request.headers.get("access-control-request-headers")
        if wanted:
            rows.append((b"access-control-allow-headers", wanted.encode("latin-1")))
        await request.answer(204, rows, b"")

    @staticmethod
    def readable(send: Send, origin: str) -> Send:
        """``send``, saying in every answer that this page may read it, our headers included."""

        async def send_readable(message: Message) -> None:
            if message["type"] == "http.response.start":
                names = [name for name, _ in message["headers"]]
                ours = [name for name in names if name.startswith(facts.PREFIX.encode()) or name in _READABLE]
                rows = [
                    (b"access-control-allow-origin", origin.encode("latin-1")),
                    (b"access-control-expose-headers", b", ".join(ours)),
                    (b"vary", b"Origin"),
                ]
                message = {**message, "headers": [*message["headers"], *rows]}
            await send(message)

        return send_readable


def is_preflight(request: Incoming) -> bool:
    """Whether a browser asks before it sends the page's own request."""
    return request.method == "OPTIONS" and "access-control-request-method" in request.headers
