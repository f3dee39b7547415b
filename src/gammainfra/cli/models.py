"""The command ``gammainfra models``: what can be asked for, who serves it, for how much and with which window.

It lists what ``GET /v1/models`` lists, from the settings and catalog files alone: no gateway and no provider is asked.
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any, Final, cast

from gammainfra.app import UNUSABLE, catalog_of, hosts_of
from gammainfra.catalog.price import priced_at
from gammainfra.catalog.snapshot import Catalog, show_price
from gammainfra.cli.options import add_settings, complain, settings_of
from gammainfra.cli.stored import print_json
from gammainfra.cli.table import Column, show
from gammainfra.domain.endpoint import Endpoint, Model
from gammainfra.web.dashboard import format as shown

_COLUMNS: Final = (
    Column("model"), Column("endpoint"), Column("input", right=True), Column("output", right=True),
    Column("cache read", right=True), Column("cache write", right=True), Column("window", right=True),
    Column("answer", right=True),
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class _Listed:
    """One name of the list. ``model`` None: the gateway chooses one for each request, so there are no endpoints."""

    row: dict[str, Any]
    model: Model | None
    endpoints: tuple[Endpoint, ...]


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """``[--all] [--json]``."""
    add_settings(parser)
    parser.add_argument("--all", action="store_true", help="models of providers that are not configured too")
    parser.add_argument("--json", action="store_true", help="print one JSON object a model")


def run(arguments: argparse.Namespace) -> int:
    """Print; the status is 1 when no model could be asked for."""
    try:
        settings = settings_of(arguments)
        hosts = hosts_of(settings.providers)
        catalog = catalog_of(settings, hosts)
    except UNUSABLE as error:
        return complain(str(error))
    if not hosts and not arguments.all:
        return complain("no provider is configured (gammainfra check): see every known model with --all")
    listed = list(_listed(catalog, time.time(), everything=arguments.all))
    if arguments.json:
        for one in listed:
            print_json({**one.row, "endpoints": [_plain(endpoint) for endpoint in one.endpoints]})
    else:
        show(_COLUMNS, [row for one in listed for row in _rows(one)])
        print("\nPrices are USD for a million tokens, as they are now; windows and answers are tokens.")
    return 0


def _listed(catalog: Catalog, wall_s: float, *, everything: bool) -> Iterator[_Listed]:
    served = catalog.everything if everything else catalog.endpoints
    for row in cast("list[dict[str, Any]]", catalog.listing(wall_s, everything=everything)["data"]):
        if row["owned_by"] == "gammainfra":
            yield _Listed(row, None, ())
            continue
        model = catalog.models.get(row["id"]) or catalog.resolve(row["id"]).models[0]
        several = served.get(model.id, ()) if model.known else catalog.endpoints_for(model, wall_s)
        yield _Listed(row, model, tuple(priced_at(one, wall_s) for one in several))


def _rows(one: _Listed) -> Iterator[Sequence[str]]:
    if one.model is None:
        yield one.row["id"], "chosen for each request", *[shown.UNKNOWN] * 6
        return
    does = one.model.capabilities
    window = (shown.count(does.context_tokens), shown.count(does.max_output_tokens))
    for endpoint in one.endpoints:
        name = f"{endpoint.name} ({endpoint.region})" if endpoint.region else endpoint.name
        yield one.row["id"], name, *_prices(endpoint), *(window if one.model.known else [shown.UNKNOWN] * 2)


def _prices(endpoint: Endpoint) -> Sequence[str]:
    price = endpoint.price
    if price is None:
        return [shown.UNKNOWN] * 4
    several = (price.input_pico, price.output_pico, price.cache_read_pico, price.cache_write_pico)
    return [shown.per_million(pico) for pico in several]


def _plain(endpoint: Endpoint) -> dict[str, object]:
    """Prices as the list has them: USD for a token, as exact decimals; None where none is known."""
    price = endpoint.price
    pricing = None if price is None else {
        "prompt": show_price(price.input_pico), "completion": show_price(price.output_pico),
        "input_cache_read": show_price(price.cache_read_pico), "input_cache_write": show_price(price.cache_write_pico),
    }  # fmt: skip
    return {
        "endpoint": endpoint.name, "provider": endpoint.provider, "upstream_model": endpoint.upstream_model,
        "region": endpoint.region or None, "pricing": pricing,
    }  # fmt: skip
