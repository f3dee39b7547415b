"""The command ``gammainfra books``: adds the books up again and says in words whether they are right.

It only reads, at one moment, and the gateway may run meanwhile. What an operator compares with the payment provider
and the providers' invoices, the sums of every account, stands below.
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Iterable, Iterator
from typing import Final

import msgspec

from gammainfra.app import UNUSABLE, data_folder, engine_of
from gammainfra.cli.options import add_settings, complain, settings_of
from gammainfra.domain.ledger import LedgerCheck
from gammainfra.domain.money import show_usd
from gammainfra.store.engine import Engine
from gammainfra.store.ledger import StoredBooks
from gammainfra.wire.cost import usd

_SHOWN: Final = 20  # of the names of one kind of fault; --json has all


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The flags that are settings, and ``--json``."""
    add_settings(parser)
    parser.add_argument("--json", action="store_true", help="one JSON object")


def run(arguments: argparse.Namespace) -> int:
    """Print what was found; the status is 1 when the books are wrong or cannot be read."""
    try:
        settings = settings_of(arguments)
        found = check(engine_of(settings, data_folder(settings)), time.time())
    except UNUSABLE as error:
        return complain(str(error))
    print(_as_json(found) if arguments.json else "\n".join(_as_text(found)))
    return 0 if found.ok else 1


def check(engine: Engine, wall: float) -> LedgerCheck:
    """Walk through the books of a database; ``wall`` is epoch seconds. Raises StoreUnusable."""
    connection = engine.open_reader()
    try:
        with engine.snapshot(connection):
            return StoredBooks(engine, lambda: connection).check(now=wall)
    except engine.errors as error:
        raise engine.unusable(error) from error
    finally:
        connection.close()


def _faults(found: LedgerCheck) -> dict[str, tuple[str, tuple[str, ...]]]:
    """Each kind of fault: what it means, and what has it."""
    return {
        "unbalanced": (
            "transactions do not sum to 0: rows were changed by hand or lost, restore a backup",
            tuple(f"{one.by}:{one.id}:{one.kind}:{one.ordinal}" for one in found.unbalanced),
        ),
        "wrong_balances": ("balances are not the sum of their entries", found.wrong_balances),
        "wrong_holds": ("accounts keep another sum held than their open holds say", found.wrong_holds),
        "wrong_meters": ("budgets keep another sum held than their open holds say", found.wrong_meters),
        "overdue": ("holds should have ended: a running gateway ends them within minutes", found.overdue),
    }


def _as_text(found: LedgerCheck) -> Iterator[str]:
    yield f"{'ok' if found.ok else 'wrong':8} {found.txns} transactions"
    for words, names in _faults(found).values():
        if names:
            yield f"{'wrong':8} {len(names)} {words}: {_some(names)}"
    total_nano = sum(entry.amount_nano for entry in found.sums)
    if total_nano:
        yield f"{'wrong':8} all accounts together are {show_usd(total_nano)} USD instead of 0"
    width = max((len(entry.account) for entry in found.sums), default=0)
    for entry in found.sums:
        yield f"{'sum':8} {entry.account:{width}}  {show_usd(entry.amount_nano):>20} USD"


def _as_json(found: LedgerCheck) -> str:
    shown = {
        "ok": found.ok,
        "transactions": found.txns,
        **{name: names for name, (_, names) in _faults(found).items()},
        "sums": {entry.account: usd(entry.amount_nano) for entry in found.sums},
    }
    return msgspec.json.encode(shown).decode()


def _some(names: Iterable[str]) -> str:
    every = tuple(names)
    more = f" and {len(every) - _SHOWN} more" if len(every) > _SHOWN else ""
    return ", ".join(every[:_SHOWN]) + more
