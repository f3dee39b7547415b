"""Asks the configured providers for their own lists of models, and puts what they say into force as one value.

It decides when and whom to ask. A provider that does not answer, or answers something else, changes nothing and is
asked again next time: the catalog that is in force stays.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Final

from gammainfra.catalog.listing import Listed, read_listing
from gammainfra.domain import limits
from gammainfra.gateway.host import Host
from gammainfra.gateway.services import Services
from gammainfra.routing.roster import Roster
from gammainfra.upstream.exchange import Admitted, ExchangeFailed, WayOut

Listings = Mapping[str, Mapping[str, Listed]]
_OK: Final = 200


@dataclass(slots=True)
class Refresh:
    """``rebuild`` makes the roster of everything that was ever heard, by provider."""

    on: Services
    hosts: Mapping[str, Host]
    upstream: WayOut
    rebuild: Callable[[Listings], Roster]
    heard: dict[str, Mapping[str, Listed]] = field(default_factory=dict)

    async def keep(self, every_s: float) -> None:
        """Refresh now and then every so often, until cancelled; never when ``every_s`` is 0."""
        while every_s > 0:
            await self.once()
            await asyncio.sleep(every_s)

    async def once(self) -> None:
        """Ask every provider that has a list, and swap the roster when any of them said something new."""
        answers = await asyncio.gather(*(self._ask(host) for host in self.hosts.values()))
        new = {
            name: listed
            for name, listed in zip(self.hosts, answers, strict=True)
            if listed and listed != self.heard.get(name)
        }
        if new:
            self.heard |= new
            self.on.roster = self.rebuild(self.heard)

    async def _ask(self, host: Host) -> Mapping[str, Listed]:
        provider = host.provider
        url = provider.list_url(host.url)
        if url is None:
            return {}
        try:
            async with asyncio.timeout(limits.MODEL_LIST_S):
                headers = {**provider.headers, **provider.auth(await host.keys[0].credential())}
                status, body = await self.upstream.get(Admitted(provider.name, url, headers, b""))
            return read_listing(body) if status == _OK else {}
        except (ExchangeFailed, TimeoutError, ValueError):
            return {}
