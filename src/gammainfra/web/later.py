"""An ASGI application whose module is imported when it is first asked for: what nobody uses costs nothing.

It decides nothing about what it answers. The import runs in a thread, so that the first page holds up no stream.
"""

from __future__ import annotations

import asyncio
import importlib
from collections.abc import Mapping
from typing import Any, Protocol

from gammainfra.web.incoming import Receive, Send


class Application(Protocol):
    """An ASGI application that can be ended."""

    async def __call__(self, scope: Mapping[str, Any], receive: Receive, send: Send) -> None:
        """Answer one request."""
        ...

    def close(self) -> None:
        """Give back threads and connections; nothing runs any more."""
        ...


class Later:
    """``module`` has ``build(argument) -> Application``."""

    def __init__(self, module: str, argument: object) -> None:
        self._module = module
        self._argument = argument
        self._built: Application | None = None
        self._building = asyncio.Lock()

    async def __call__(self, scope: Mapping[str, Any], receive: Receive, send: Send) -> None:
        """Build it once, then answer."""
        if self._built is None:
            async with self._building:
                if self._built is None:
                    self._built = await asyncio.to_thread(self._build)
        await self._built(scope, receive, send)

    def close(self) -> None:
        """Close it, if it was ever built."""
        if self._built is not None:
            self._built.close()

    def _build(self) -> Application:
        built: Application = importlib.import_module(self._module).build(self._argument)
        return built
