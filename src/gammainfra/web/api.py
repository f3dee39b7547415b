"""The API's HTTP side as one raw ASGI callable: finds the route, relays the Reply, renders every refusal.

It knows paths and statuses and decides nothing about an answer. It is also the one boundary of the process: whatever
exception arrives here becomes a JSON error in the caller's dialect and a line in the log, never HTML, never bare text.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import replace
from typing import Any

from gammainfra.domain import ids, limits
from gammainfra.domain.failure import Refused
from gammainfra.gateway import facts
from gammainfra.gateway.call import Call
from gammainfra.gateway.means import Observer
from gammainfra.gateway.reply import Head, Reply
from gammainfra.gateway.serve import serve
from gammainfra.gateway.services import Services
from gammainfra.web.cors import Cors, is_preflight
from gammainfra.web.incoming import ClientGone, Incoming, Receive, Send, headers_too_large, incoming
from gammainfra.web.recent_refusals import RecentRefusals
from gammainfra.wire import anthropic, openai_chat, openai_responses
from gammainfra.wire.dialect import ClientDialect

Handler = Callable[[Incoming], Awaitable[None]]
Pages = Callable[[Mapping[str, Any], Receive, Send], Awaitable[None]]
PAGES = "/dashboard"  # everything below it is for people: answered by ``pages``, never with CORS

DIALECTS: Mapping[str, ClientDialect] = {
    "/v1/chat/completions": openai_chat.CLIENT,
    "/v1/messages": anthropic.CLIENT,
    "/v1/responses": openai_responses.CLIENT,
}
_NOT_SUPPORTED: Mapping[str, str] = {
    "/v1/completions": "Use /v1/chat/completions.",
    "/v1/responses": "Responses are not stored here: send the whole conversation to POST /v1/responses.",
    "/v1/audio": "Audio is not served here: ask the provider directly.",
    "/v1/images": "Image generation is not served here: ask the provider directly.",
    "/v1/embeddings": "Embeddings are not served here: ask the provider directly.",
    "/v1/moderations": "Moderation is not served here: ask the provider directly.",
    "/v1/rerank": "Reranking is not served here: ask the provider directly.",
    "/v1/credits": "Nothing is charged for here, so there is no credit: GET /v1/key says what was spent.",
    "/v1/batches": "Batches are not served here: send the requests one by one to /v1/chat/completions.",
}


class Api:
    """The ASGI application. ``routes`` maps (method, path) to handlers; a path that ends with ``/*`` takes the rest.

    ``pages`` is the dashboard's own application; ``refusals`` keeps what it tells about calls that were refused.
    """

    def __init__(
        self,
        on: Services,
        observer: Observer,
        routes: Mapping[tuple[str, str], Handler],
        cors: Cors | None = None,
        *,
        pages: Pages | None = None,
        refusals: RecentRefusals | None = None,
    ) -> None:
        self._on = on
        self._pages = pages
        self._refusals = refusals
        self._cors = cors
        self._observer = observer
        self._routes = {**{("POST", path): self._chat for path in DIALECTS}, **routes}

    async def __call__(self, scope: Mapping[str, Any], receive: Receive, send: Send) -> None:
        """Answer one connection's request; other kinds of connections are refused by the server."""
        if scope["type"] != "http":
            return
        request = incoming(scope, receive, send)
        is_page = self._pages is not None and _takes(PAGES + "/*", request.path + "/")
        origin = None if self._cors is None or is_page else self._cors.origin_of(request)
        if self._cors is not None and origin is not None:
            if is_preflight(request):
                await self._cors.preflight(request, origin)
                return
            request = replace(request, send=self._cors.readable(send, origin))
        try:
            if is_page and self._pages is not None and request.header_bytes <= limits.REQUEST_HEADERS_BYTES:
                await self._pages(scope, receive, send)
            else:
                await self._route(request)(request)
        except Refused as refused:
            await self._refuse(request, refused)
        except ClientGone:
            return
        except Exception as defect:  # noqa: BLE001 - the one boundary (tests/test_tidy.py)
            request_id = ids.generation_id(self._on.random.bytes(16))
            self._observer.defect(request_id, defect)
            message = f"The gateway failed. Its log names the cause under {request_id}."
            answer = Refused(500, "internal_error", message, retry=True)
            # The server's RuntimeError: an answer has begun, so it can only be cut.
            with contextlib.suppress(RuntimeError):
                await self._refuse(request, answer, request_id)

    def _route(self, request: Incoming) -> Handler:
        if request.header_bytes > limits.REQUEST_HEADERS_BYTES:
            raise headers_too_large()
        method = "GET" if request.method == "HEAD" else request.method
        handler = self._find(method, request.path)
        if handler is not None:
            return handler
        for path, remedy in _NOT_SUPPORTED.items():
            if request.path == path or request.path.startswith(path + "/"):
                raise Refused(404, "not_supported", f"{request.path} is not supported. {remedy}", retry=False)
        allowed = sorted({known for known, path in self._routes if self._find(known, request.path)})
        if allowed:
            message = f"{request.method} is not allowed on {request.path}: use {' or '.join(allowed)}."
            raise Refused(405, "method_not_allowed", message, retry=False)
        message = f"There is no {request.path} here. Let the base URL end with /v1, as in /v1/chat/completions."
        raise Refused(404, "not_found", message, retry=False)

    def _find(self, method: str, path: str) -> Handler | None:
        handler = self._routes.get((method, path))
        if handler is None:
            handler = next(
                (one for (verb, known), one in self._routes.items() if verb == method and _takes(known, path)), None
            )
        return handler

    # ---- answers ----------------------------------------------------------------------------------------------------
    async def _chat(self, request: Incoming) -> None:
        call = Call(DIALECTS[request.path], request.headers, request.credential, request.content_length, request.body)
        reply = await serve(call, self._on)
        reply.hang_up = request.abort
        watch = asyncio.get_running_loop().create_task(_leave_with(request, reply))
        try:
            if not await _relay(request, reply):
                message = (
                    "The same question with the same Idempotency-Key came on another connection, which is answered."
                )
                raise Refused(409, "answered_elsewhere", message, retry=False)
        finally:
            watch.cancel()
            reply.leave()

    async def _refuse(self, request: Incoming, refused: Refused, request_id: str = "") -> None:
        if self._refusals is not None:
            self._refusals.note(self._on.clock.wall(), request.path, refused)
        rows, body = self.refusal(refused, request.path, request_id)
        await request.answer(refused.status, rows, body)

    def refusal(self, refused: Refused, path: str = "", request_id: str = "") -> tuple[facts.Headers, bytes]:
        """Headers and body that say "no" to a request for ``path``, "" when that is not known."""
        request_id = request_id or ids.generation_id(self._on.random.bytes(16))
        spoken = (one for known, one in DIALECTS.items() if path == known or path.startswith(known + "/"))
        dialect = next(spoken, openai_chat.CLIENT)
        return facts.refusal_headers(request_id, refused), dialect.write_error(refused, request_id)


async def _relay(request: Incoming, reply: Reply) -> bool:
    """Send what the reply says; False when it ended before its head: somebody else reads it, or the client is gone."""
    has_head = False
    async for part in reply:
        if isinstance(part, Head):
            has_head = True
            await request.send({"type": "http.response.start", "status": part.status, "headers": list(part.headers)})
        else:
            await request.send({"type": "http.response.body", "body": part.body, "more_body": not part.last})
    return has_head


async def _leave_with(request: Incoming, reply: Reply) -> None:
    """Tell the Turn at once when the socket is gone: only then can it close what nobody listens to."""
    while (await request.receive())["type"] != "http.disconnect":
        pass
    reply.leave()


def _takes(known: str, path: str) -> bool:
    return known.endswith("/*") and path.startswith(known[:-1])
