"""The commands ``gammainfra topup|grant|adjust|refund``: an operator writes one order into the books and sees it there.

What an order does is decided by billing; here is only how it is asked for and shown. Each is posted once for its
``--event``: giving it again changes nothing, giving the same event for something else is refused. A running gateway
reads balances anew for every hold, so it follows at once.
"""

from __future__ import annotations

import argparse
import re
import time
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final, cast

import msgspec

from gammainfra.accounts.keys import is_account
from gammainfra.app import UNUSABLE, SystemRandom, data_folder, engine_of
from gammainfra.billing import posting
from gammainfra.billing.fees import (
    BYOK_MIN_CENTS,
    MANAGED_MIN_CENTS,
    NANO_PER_CENT,
    PLANS,
    Fees,
    top_up_fee_cents,
)
from gammainfra.cli.options import add_settings, complain, settings_of
from gammainfra.domain import limits
from gammainfra.domain.ids import is_visible_ascii
from gammainfra.domain.ledger import POTS, Balance, Outcome, Post, Posted, Pot, user_account
from gammainfra.domain.money import read_usd, show_usd
from gammainfra.domain.ports import LedgerDown
from gammainfra.settings import Settings
from gammainfra.store.engine import Connection, Engine, StoreUnusable
from gammainfra.store.keys import accounts_with_keys
from gammainfra.store.ledger import StoredBooks
from gammainfra.web.answers import show_time
from gammainfra.wire.cost import usd

_WORDS: Final = {
    "topup": "{usd} USD of credit bought for",
    "grant": "{usd} USD of trial credit given to",
    "adjust": "{usd} USD put right for",
    "refund": "{usd} USD given back to",
}
_AMOUNT: Final = re.compile(r"(-?)(.*)", re.DOTALL)


class OrderWrong(Exception):
    """The order cannot be given; the text says why and what to do."""


@dataclass(frozen=True, slots=True)
class Order:
    """What was asked for. ``nano`` is negative only where an adjustment takes; ``fee_nano`` is paid beside it."""

    command: str
    account: str
    pot: Pot
    nano: int
    fee_nano: int
    event: str
    note: str

    def post(self, at: float) -> Post:
        """As the books take it, at epoch seconds ``at``."""
        event, account, pot, nano, note = self.event, self.account, self.pot, self.nano, self.note
        match self.command:
            case "topup":
                return posting.top_up(event, account, pot, nano, self.fee_nano, at=at, note=note)
            case "grant":
                return posting.grant(event, account, nano, at=at, note=note)
            case "refund":
                return posting.refund(event, account, pot, nano, at=at, note=note)
            case _:
                return posting.correct(event, user_account(account, pot), nano, at=at, note=note)


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """``ACCOUNT AMOUNT --note WHY [--pot managed|byok|trial] [--event ID] [--json]``."""
    add_settings(parser)
    parser.add_argument("account", metavar="ACCOUNT", help="whose credit (accounts: gammainfra keys list)")
    parser.add_argument("amount", metavar="AMOUNT", help="in USD, such as 25 or 0.50; adjust takes back with -0.50")
    parser.add_argument("--note", required=True, help="who ordered it and why: kept with the transaction")
    parser.add_argument("--pot", choices=POTS, help="which balance (default: managed; grant: trial)")
    parser.add_argument("--event", metavar="ID", help="names this order, so that giving it again changes nothing")
    parser.add_argument("--json", action="store_true", help="one JSON object")


def run(arguments: argparse.Namespace) -> int:
    """Write the order; the status is 1 when it was refused or the database cannot be used."""
    try:
        settings = settings_of(arguments)
        order = _order(arguments, PLANS[settings.fees])
        engine = engine_of(settings, data_folder(settings))
        connection = engine.open_writer()
    except (*UNUSABLE, OrderWrong) as error:
        return complain(str(error))
    try:
        return _give(arguments, settings, order, engine, connection)
    except (StoreUnusable, LedgerDown, OrderWrong) as error:
        return complain(f"{error}. Nothing is known to be posted: give it again with --event {order.event}")
    finally:
        connection.close()


def _give(
    arguments: argparse.Namespace, settings: Settings, order: Order, engine: Engine, connection: Connection
) -> int:
    try:
        known = accounts_with_keys(engine, connection)
    except engine.errors as error:
        raise engine.unusable(error) from error
    if order.account not in known:
        names = ", ".join(sorted(known)[:8]) or "none yet"
        return complain(
            f"no API key belongs to an account {order.account!r} (accounts: {names}). "
            f"Make one first: gammainfra keys create --account {order.account}"
        )
    books = StoredBooks(engine, lambda: connection)
    asked = order.post(round(time.time(), 3))
    outcome: Outcome = books.post((asked,))[0]
    balances = books.balances([user_account(order.account, pot) for pot in POTS])
    if not isinstance(outcome, Posted):
        return complain(_not_there(order, balances))
    if outcome.already and _entries(outcome) != _expected(asked):
        return complain(
            f"event {order.event!r} is in the books already, for another account or amount "
            f"({show_time(outcome.txn.at)}): nothing was posted. Name another --event"
        )
    if settings.billing == "off":
        complain("billing.mode is off: this credit is kept, and nobody is charged until it is set to credits")
    print(_as_json(order, outcome, balances) if arguments.json else _as_text(order, outcome, balances, settings))
    return 0


# ---- what was asked for ----------------------------------------------------------------------------------------------
def _order(arguments: argparse.Namespace, fees: Fees) -> Order:
    """Raises OrderWrong."""
    command, account, note = arguments.command, arguments.account, arguments.note.strip()
    if not is_account(account):
        raise OrderWrong(f"an account is named by up to {limits.ACCOUNT_CHARS} ASCII characters without space or colon")
    if not note or len(note) > limits.NOTE_CHARS or not note.isprintable():
        raise OrderWrong(f"--note says who and why, in one line of up to {limits.NOTE_CHARS} characters")
    event = arguments.event or f"op-{SystemRandom().bytes(8).hex()}"
    if not is_visible_ascii(event, limits.EVENT_CHARS):
        raise OrderWrong(f"--event is up to {limits.EVENT_CHARS} ASCII characters without a space")
    pot = cast("Pot", arguments.pot or ("trial" if command == "grant" else "managed"))
    _check_pot(command, pot)
    nano = _amount_nano(command, arguments.amount)
    return Order(command, account, pot, nano, _fee_nano(command, pot, nano, fees), event, note)


def _check_pot(command: str, pot: Pot) -> None:
    if command == "grant" and pot != "trial":
        raise OrderWrong("grant gives trial credit only: for bought credit use topup, for a correction adjust")
    if command in {"topup", "refund"} and pot == "trial":
        raise OrderWrong(f"trial credit was never paid for, so {command} does not know it: use grant or adjust")


def _amount_nano(command: str, text: str) -> int:
    sign, digits = cast("re.Match[str]", _AMOUNT.match(text)).groups()
    try:
        nano = read_usd(digits)
    except ValueError:
        raise OrderWrong(f"{text!r} is not an amount in USD: write a plain decimal such as 0.25") from None
    if sign and command != "adjust":
        raise OrderWrong(f"{command} takes an amount above 0: to take credit back use adjust or refund")
    if not nano:
        raise OrderWrong("an amount of 0 changes nothing: name another one")
    if nano > limits.ORDER_MAX_NANO:
        raise OrderWrong(f"one order moves at most {show_usd(limits.ORDER_MAX_NANO)} USD: split it, or look again")
    return -nano if sign else nano


def _fee_nano(command: str, pot: Pot, nano: int, fees: Fees) -> int:
    """Bought credit has a fee on top (C71); the BYOK balance none (C72)."""
    if command != "topup":
        return 0
    cents, rest = divmod(nano, NANO_PER_CENT)
    least = BYOK_MIN_CENTS if pot == "byok" else MANAGED_MIN_CENTS
    if rest:
        raise OrderWrong("a top-up is in whole cents: cards and banks know no smaller coin")
    if cents < least:
        raise OrderWrong(f"a top-up of the {pot} balance is at least {_dollars(least)} USD: for less use adjust")
    return 0 if pot == "byok" else top_up_fee_cents(cents, fees) * NANO_PER_CENT


# ---- what became of it -----------------------------------------------------------------------------------------------
def _entries(posted: Posted) -> dict[str, int]:
    return {entry.account: entry.amount_nano for entry in posted.txn.entries}


def _expected(post: Post) -> dict[str, int]:
    """What the order's entries would be: every payer of an operator's order pays all of its moves."""
    found: dict[str, int] = {}
    for move in post.moves:
        for account, nano in ((move.payers[0].account, -move.nano), (move.payee, move.nano)):
            found[account] = found.get(account, 0) + nano
    return {account: nano for account, nano in found.items() if nano}


def _not_there(order: Order, balances: Sequence[Balance]) -> str:
    found = {one.account: one for one in balances}
    balance = found[user_account(order.account, order.pot)]
    return (
        f"{order.account} has {show_usd(balance.free_nano)} USD of {order.pot} credit that is not held, less than "
        f"{show_usd(order.nano)}: nothing was posted. Refund less, or wait until running requests are settled"
    )


def _as_json(order: Order, posted: Posted, balances: Sequence[Balance]) -> str:
    shown = {
        "kind": posted.txn.cause.kind,
        "event": order.event,
        "already": posted.already,
        "at": show_time(posted.txn.at),
        "account": order.account,
        "pot": order.pot,
        "amount": usd(order.nano),
        "fee": usd(order.fee_nano),
        "paid": usd(order.nano + order.fee_nano) if order.command == "topup" else None,
        "note": posted.txn.note,
        "entries": {entry.account: usd(entry.amount_nano) for entry in posted.txn.entries},
        "balances": {
            pot: {"balance": usd(one.posted_nano), "held": usd(one.held_nano)}
            for pot, one in zip(POTS, balances, strict=True)
        },
    }
    return msgspec.json.encode(shown).decode()


def _as_text(order: Order, posted: Posted, balances: Sequence[Balance], settings: Settings) -> str:
    said = _WORDS[order.command].format(usd=show_usd(order.nano))
    lines = [f"{said} {order.account} ({order.pot})"]
    if posted.already:
        lines[0] = f"{lines[0]}: in the books since {show_time(posted.txn.at)}, nothing changed"
    if order.command == "topup":
        bp = PLANS[settings.fees].top_up_bp
        why = "own keys: no fee" if order.pot == "byok" else f"{settings.fees}: {bp / 100:g} % on top"
        fee, paid = order.fee_nano // NANO_PER_CENT, (order.nano + order.fee_nano) // NANO_PER_CENT
        lines.append(f"  fee      {_dollars(fee)} USD ({why}), paid {_dollars(paid)} USD")
    for pot, one in zip(POTS, balances, strict=True):
        lines.append(f"  {pot:8} {show_usd(one.posted_nano)} USD, of which held {show_usd(one.held_nano)}")
    lines.append(f"  event    {order.event}\n  note     {posted.txn.note}")
    return "\n".join(lines)


def _dollars(cents: int) -> str:
    return f"{cents // 100}.{cents % 100:02d}"
