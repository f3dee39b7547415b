"""The route of ``POST /v1/messages/count_tokens``: reads the call, answers with one number, decides nothing."""

from __future__ import annotations

import msgspec

from gammainfra.gateway.call import Call
from gammainfra.gateway.counting import Counting
from gammainfra.web.incoming import Incoming
from gammainfra.wire import anthropic

PATH = "/v1/messages/count_tokens"
_JSON = ((b"content-type", b"application/json"),)


class CountTokens:
    """The route."""

    def __init__(self, counting: Counting) -> None:
        self._counting = counting

    async def answer(self, request: Incoming) -> None:
        """``{"input_tokens": n}``, and nothing else: official SDKs are strict about it."""
        call = Call(anthropic.CLIENT, request.headers, request.credential, request.content_length, request.body)
        n_tokens = await self._counting.count(call)
        await request.answer(200, _JSON, msgspec.json.encode({"input_tokens": n_tokens}))
