"""Providers: where each key comes from, how its endpoints do, and what failed lately."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from gammainfra.store.dashboard import FailedAttempt
from gammainfra.store.reader import Dimension
from gammainfra.store.rows import UsageRow
from gammainfra.web.dashboard import filters
from gammainfra.web.dashboard.desk import Ask, Page
from gammainfra.web.dashboard.views.models import Offer, offer_of

_SHOWN_FAILURES: Final = 12
_BY_PROVIDER: Final[tuple[Dimension, ...]] = ("provider",)


@dataclass(frozen=True, slots=True)
class Shown:
    """One configured provider. ``sources`` say where its keys were found, never what they are."""

    name: str
    url: str
    n_keys: int
    sources: Sequence[str]
    usage: UsageRow | None
    offers: Sequence[Offer]
    quiet: int
    failures: Sequence[FailedAttempt]


def show_page(ask: Ask) -> Page:
    """The page."""
    period = filters.period_of(ask, "24h")
    usage = {
        row.provider: row
        for row in ask.reader.usage(ask.account_id, period.since, period.until, _BY_PROVIDER, period.grain)
    }
    failures = ask.reader.failures(ask.account_id, period.since)
    catalog = ask.desk.on.roster.catalog
    shown = []
    for name, host in sorted(ask.desk.hosts.items()):
        every = [
            offer_of(ask, one) for several in catalog.endpoints.values() for one in several if one.provider == name
        ]
        asked = [one for one in every if one.state[0] != "idle"]
        found = [one for one in failures if one.provider == name]
        n_keys = len([key for key in host.keys if key.secret.reveal()])
        shown.append(
            Shown(name, host.url, n_keys, _sources(ask, name), usage.get(name), asked, len(every) - len(asked), found)
        )
    values = {
        "providers": shown,
        "period": period,
        "failures": failures[:_SHOWN_FAILURES],
        "variables": ask.desk.provider_variables,
    }
    return Page("providers.html", values)


def _sources(ask: Ask, provider: str) -> Sequence[str]:
    names = {f"providers.{provider}.api_key", f"providers.{provider}.api_keys"}
    return [row.source for row in ask.desk.settings if row.name in names and row.value]
