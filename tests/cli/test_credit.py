"""Credit is given, corrected and paid back by commands, once for each order, and the books stay right."""

from __future__ import annotations

import json
from collections.abc import Callable
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from gammainfra.billing.budgets import key_caps
from gammainfra.cli.main import main
from gammainfra.domain.ledger import Reserve, Source, user_account
from gammainfra.domain.record import KeyLimits
from gammainfra.store.database import FILE_NAME, Sqlite, open_writer
from gammainfra.store.ledger import StoredBooks
from tests import postgres

AT = 1_800_000_000.0
Said = tuple[int, str, str]
Run = Callable[..., Said]


@pytest.fixture
def command(folder: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> Run:
    """Runs a command on a folder where ``ann`` has a key: its status, output and errors."""
    monkeypatch.setenv("GAMMAINFRA_BILLING_MODE", "credits")

    def run(*arguments: str) -> Said:
        status = main([*arguments, "--data-dir", "data"])
        said = capsys.readouterr()
        return status, said.out, said.err

    assert run("keys", "create", "--account", "ann")[0] == 0
    return run


def shown(said: Said) -> Any:
    assert said[0] == 0, said
    return json.loads(said[1], parse_float=Decimal)


def test_a_top_up_shows_its_fee_and_the_balance(command: Run) -> None:
    status, out, err = command("topup", "ann", "25.00", "--note", "invoice 7, paid by bank", "--event", "inv-7")
    assert (status, err) == (0, "")
    assert out.splitlines() == [
        "25.000000000 USD of credit bought for ann (managed)",
        "  fee      0.75 USD (launch: 3 % on top), paid 25.75 USD",
        "  trial    0.000000000 USD, of which held 0.000000000",
        "  managed  25.000000000 USD, of which held 0.000000000",
        "  byok     0.000000000 USD, of which held 0.000000000",
        "  event    inv-7",
        "  note     invoice 7, paid by bank",
    ]


def test_an_order_is_given_again_and_changes_nothing(command: Run) -> None:
    order = ("topup", "ann", "12.34", "--note", "n", "--event", "e1", "--json")
    first, again = shown(command(*order)), shown(command(*order))
    assert (first.pop("already"), again.pop("already")) == (False, True)
    assert first == again
    assert first["entries"] == {
        "stripe:clearing": Decimal("-12.71"),
        "u:ann:managed": Decimal("12.34"),
        "revenue:topup_fee": Decimal("0.37"),
    }
    assert (first["amount"], first["fee"], first["paid"]) == (Decimal("12.34"), Decimal("0.37"), Decimal("12.71"))
    assert first["balances"]["managed"] == {"balance": Decimal("12.34"), "held": 0}
    assert "nothing changed" in command(*order[:-1])[1]


def test_an_event_is_never_two_orders(command: Run) -> None:
    assert command("topup", "ann", "12", "--note", "n", "--event", "e1")[0] == 0
    status, out, err = command("topup", "ann", "13", "--note", "n", "--event", "e1")
    assert (status, out) == (1, "")
    assert "event 'e1' is in the books already, for another account or amount" in err
    assert "12" in command("books")[1]


def test_without_an_event_every_order_is_a_new_one(command: Run) -> None:
    _, last = (shown(command("grant", "ann", "0.5", "--note", "n", "--json")) for _ in range(2))
    assert last["balances"]["trial"]["balance"] == 1
    assert (last["pot"], last["paid"], last["fee"]) == ("trial", None, 0)


def test_own_keys_pay_no_fee_for_their_balance(command: Run) -> None:
    out = command("topup", "ann", "5", "--pot", "byok", "--note", "n")[1]
    assert "fee      0.00 USD (own keys: no fee), paid 5.00 USD" in out
    assert "byok     5.000000000 USD" in out


def test_an_adjustment_goes_both_ways_and_may_leave_a_debt(command: Run) -> None:
    up = shown(command("adjust", "ann", "0.000000001", "--note", "rounding", "--json"))
    down = shown(command("adjust", "ann", "-1.5", "--note", "twice given", "--json"))
    assert up["balances"]["managed"]["balance"] == Decimal("1E-9")
    assert down["balances"]["managed"]["balance"] == Decimal("-1.499999999")
    assert down["entries"] == {"u:ann:managed": Decimal("-1.5"), "platform:loss": Decimal("1.5")}
    assert down["note"] == "twice given"


def test_a_refund_is_refused_when_it_is_not_there(command: Run) -> None:
    assert command("topup", "ann", "10", "--note", "n")[0] == 0
    assert shown(command("refund", "ann", "4", "--note", "n", "--json"))["balances"]["managed"]["balance"] == 6
    status, out, err = command("refund", "ann", "7", "--note", "n")
    assert (status, out) == (1, "")
    assert "ann has 6.000000000 USD of managed credit that is not held, less than 7.000000000" in err


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (("topup", "bob", "25"), "no API key belongs to an account 'bob' (accounts: ann)"),
        (("topup", "a:b", "25"), "without space or colon"),
        (("topup", "ann", "1e3"), "'1e3' is not an amount in USD"),
        (("topup", "ann", "ten"), "'ten' is not an amount in USD"),
        (("topup", "ann", "9.99"), "at least 10.00 USD"),
        (("topup", "ann", "4.99", "--pot", "byok"), "at least 5.00 USD"),
        (("topup", "ann", "10.001"), "whole cents"),
        (("topup", "ann", "25", "--pot", "trial"), "trial credit was never paid for"),
        (("topup", "ann", "25", "--event", "a b"), "--event is up to 128"),
        (("grant", "ann", "-1"), "takes an amount above 0"),
        (("grant", "ann", "1", "--pot", "managed"), "grant gives trial credit only"),
        (("adjust", "ann", "0"), "an amount of 0 changes nothing"),
        (("adjust", "ann", "999999999"), "one order moves at most 1000000.000000000 USD"),
        (("refund", "ann", "1"), "nothing was posted"),
    ],
)
def test_what_cannot_be_ordered_is_said(arguments: tuple[str, ...], words: str, command: Run) -> None:
    status, out, err = command(*arguments, "--note", "n")
    assert (status, out) == (1, "")
    assert words in err
    assert json.loads(command("books", "--json")[1])["transactions"] == 0


@pytest.mark.parametrize("note", ["", "  ", "two\nlines", "x" * 501])
def test_an_order_has_a_reason(note: str, command: Run) -> None:
    status, _, err = command("grant", "ann", "1", "--note", note)
    assert (status, "--note says who and why" in err) == (1, True)


def test_credit_of_a_gateway_that_charges_nobody_is_kept_with_a_word(
    command: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("GAMMAINFRA_BILLING_MODE", "off")
    status, out, err = command("grant", "ann", "1", "--note", "n")
    assert (status, "trial    1.0" in out) == (0, True)
    assert "billing.mode is off" in err


def test_a_database_that_somebody_else_writes_is_named_with_the_way_to_try_again(
    command: Run,
    folder: Path,
) -> None:
    other = open_writer(folder / "data" / FILE_NAME)
    other.execute("CREATE TRIGGER no_more BEFORE INSERT ON ledger_txns BEGIN SELECT RAISE(ABORT, 'disk gone'); END")
    other.close()
    status, out, err = command("grant", "ann", "1", "--note", "n", "--event", "g1")
    assert (status, out) == (1, "")
    assert "the books cannot be written: disk gone" in err
    assert "give it again with --event g1" in err


def test_orders_work_on_postgresql(command: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    try:
        with postgres.running(durable=False) as server:
            monkeypatch.setenv("GAMMAINFRA_STORE_URL", server.make_database("credit"))
            assert command("keys", "create", "--account", "ann")[0] == 0
            order = ("topup", "ann", "20", "--note", "n", "--event", "e1", "--json")
            assert [shown(command(*order))["already"] for _ in range(2)] == [False, True]
            assert shown(command("books", "--json"))["sums"]["u:*:managed"] == 20
    except postgres.Missing as missing:
        pytest.skip(str(missing))


# ---- books -----------------------------------------------------------------------------------------------------------
def test_right_books_are_said_to_be_right(command: Run) -> None:
    assert command("topup", "ann", "20", "--note", "n")[0] == 0
    status, out, err = command("books")
    assert (status, err) == (0, "")
    assert out.splitlines() == [
        "ok       1 transactions",
        "sum      revenue:topup_fee           0.600000000 USD",
        "sum      stripe:clearing           -20.600000000 USD",
        "sum      u:*:managed                20.000000000 USD",
    ]


def test_every_fault_of_the_books_is_named(command: Run, folder: Path) -> None:
    assert command("topup", "ann", "20", "--note", "n", "--event", "e1")[0] == 0
    connection = open_writer(folder / "data" / FILE_NAME)
    books = StoredBooks(Sqlite(folder / "data" / FILE_NAME), lambda: connection)
    purse = (Source(user_account("ann", "managed")),)
    books.post([Reserve("gen-1", purse, key_caps("key-1", KeyLimits(), AT), 5, 5, 0.0, 1.0)])
    connection.execute("UPDATE ledger_entries SET amount_nano = 1 WHERE account = 'u:ann:managed'")
    connection.execute("UPDATE ledger_balances SET held_nano = 1")
    connection.execute("UPDATE ledger_meters SET held_nano = 6")
    connection.close()
    status, out, _ = command("books")
    assert status == 1
    for words in (
        "wrong    1 transactions",
        "do not sum to 0: rows were changed by hand or lost, restore a backup: event:e1:topup:0",
        "balances are not the sum of their entries: u:ann:managed",
        "accounts keep another sum held than their open holds say: u:ann:managed",
        "wrong    2 budgets keep another sum held",
        "a running gateway ends them within minutes: gen-1",
        "all accounts together are -19.999999999 USD instead of 0",
    ):
        assert words in out
    status, out, _ = command("books", "--json")
    found = json.loads(out)
    assert (status, found["ok"], found["unbalanced"], found["overdue"]) == (1, False, ["event:e1:topup:0"], ["gen-1"])


def test_books_that_are_not_there_are_no_right_books(
    folder: Path,
    capsys: pytest.CaptureFixture[str],
) -> None:
    assert main(["books", "--data-dir", "nothing"]) == 1
    assert "cannot be used" in capsys.readouterr().err
