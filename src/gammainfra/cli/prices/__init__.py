"""The command ``gammainfra prices``: holds the price book against other sources, and writes rows of it from one.

``diff`` compares every priced endpoint of the catalog, the operator's own files included, with ``genai-prices`` or with
a file of LiteLLM's, and fails on a disagreement that nobody has explained. ``import`` prints rows for a catalog file.
"""

from __future__ import annotations

import argparse
import json
import time
from collections.abc import Sequence
from dataclasses import asdict
from datetime import UTC, datetime
from pathlib import Path
from typing import Final, Protocol

from gammainfra.app import UNUSABLE, tables_of
from gammainfra.cli.options import add_settings, complain, settings_of
from gammainfra.cli.prices.compare import Difference, differences
from gammainfra.cli.prices.disputes import Dispute, read_disputes
from gammainfra.cli.prices.genai import CannotQuote, GenaiPrices
from gammainfra.cli.prices.litellm import LiteLlmFile
from gammainfra.cli.prices.rows import toml, usd_per_million
from gammainfra.domain.endpoint import Endpoint

_NO_PACKAGE: Final = "this needs the package genai-prices: pip install 'gammainfra[prices]'"


class Source(Protocol):
    """Somebody else's price book."""

    @property
    def title(self) -> str:
        """Its name and version."""
        ...

    def quote(self, endpoint: Endpoint) -> Endpoint | None:
        """The endpoint as it prices it."""
        ...


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """``diff [MODEL...] [--litellm FILE] [--json]``, ``import MODEL...``."""
    add_settings(parser)
    parser.add_argument("action", choices=["diff", "import"])
    parser.add_argument("models", nargs="*", metavar="MODEL", help="ids such as openai/gpt-5.4 (diff: all)")
    parser.add_argument("--litellm", metavar="FILE", type=Path, help="compare with LiteLLM's JSON file of prices")
    parser.add_argument("--json", action="store_true", help="print one JSON object")


def run(arguments: argparse.Namespace) -> int:
    """Do what was asked; 1 when a disagreement is unexplained."""
    now_s = int(time.time())
    try:
        book = tables_of(settings_of(arguments)).endpoints
        source = _source(arguments, now_s)
    except ModuleNotFoundError:
        return complain(_NO_PACKAGE)
    except (*UNUSABLE, OSError, ValueError) as error:
        return complain(str(error))
    unknown = [name for name in arguments.models if name not in book]
    if unknown:
        return complain(f"the catalog has no {', '.join(unknown)} (the ids: gammainfra models)")
    chosen = arguments.models or list(book)
    endpoints = [endpoint for model_id in chosen for endpoint in book[model_id]]
    if arguments.action == "import":
        return _import(arguments.models, endpoints, source)
    return _diff(endpoints, source, now_s, as_json=arguments.json)


def _source(arguments: argparse.Namespace, now_s: int) -> Source:
    if arguments.litellm is not None:
        return LiteLlmFile.read(arguments.litellm)
    return GenaiPrices.installed(datetime.fromtimestamp(now_s, UTC).date())


def _import(named: Sequence[str], endpoints: Sequence[Endpoint], source: Source) -> int:
    if not named:
        return complain("say which models: gammainfra prices import openai/gpt-5.4")
    status = 0
    for endpoint in endpoints:
        try:
            quoted = source.quote(endpoint)
        except CannotQuote as error:
            status = complain(f"{endpoint.name}: {source.title} has {error}")
            continue
        if quoted is None:
            status = complain(f"{source.title} does not know {endpoint.name}")
        else:
            print(toml(quoted, source.title))
    return status


def _diff(endpoints: Sequence[Endpoint], source: Source, now_s: int, *, as_json: bool) -> int:
    disputes = read_disputes()
    compared, unknown, found = 0, [], list[tuple[Difference, Dispute | None]]()
    for endpoint in endpoints:
        try:
            quoted = source.quote(endpoint)
        except CannotQuote as error:
            complain(f"{endpoint.name}: {source.title} has {error}")
            quoted = None
        if quoted is None:
            unknown.append(endpoint.name)
            continue
        compared += 1
        found += [(one, disputes.explain(one, source.title)) for one in differences(endpoint, quoted, now_s)]
    unexplained = sum(dispute is None for _, dispute in found)
    if as_json:
        rows = [{**asdict(one), "why": None if dispute is None else dispute.why} for one, dispute in found]
        print(json.dumps({"source": source.title, "compared": compared, "unknown": unknown, "differences": rows}))
    else:
        for one, dispute in found:
            print(_line(one, dispute))
        print(
            f"{source.title}: compared={compared} unknown={len(unknown)} differences={len(found)} "
            f"unexplained={unexplained}"
        )
    return 1 if unexplained else 0


def _line(one: Difference, dispute: Dispute | None) -> str:
    why = "NOT EXPLAINED" if dispute is None else dispute.why
    return (
        f"{one.endpoint:34} {one.what:24} {_amount(one, one.ours):>9} {_amount(one, one.theirs):>9}  {one.when}: {why}"
    )


def _amount(one: Difference, side: int | None) -> str:
    if side is None:
        return "-"
    return f"{side:,}" if one.is_bound else usd_per_million(side)
