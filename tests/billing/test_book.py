"""What an order does to the books: holds, shares, budgets, settles, and what happens when it is given again."""

from __future__ import annotations

from dataclasses import replace

import pytest

from gammainfra.billing import posting
from gammainfra.billing.book import Book, named, settle_cause, touched
from gammainfra.billing.budgets import alerts, key_caps, session_cap, tightest, trial_cap
from gammainfra.billing.ceiling import answer_tokens, ceiling, more_nano, tokens_for
from gammainfra.billing.fees import PLANS, byok_fee_nano, top_up_fee_cents
from gammainfra.billing.memory import MemoryBooks
from gammainfra.billing.purse import TrialRules, byok_purse, credit_purse
from gammainfra.billing.who_pays import TABLE, Case, case_of, payer_of
from gammainfra.domain.attempt import Absorbed, Cancelled, Ending, LegFailed, Outcome, Served
from gammainfra.domain.endpoint import Price
from gammainfra.domain.failure import Cause, Failure
from gammainfra.domain.ledger import (
    BYOK_FEES,
    LOSS,
    STRIPE,
    TOP_UP_FEES,
    Account,
    Balance,
    Cap,
    HeldMeter,
    Hold,
    Meter,
    Posted,
    Reserve,
    Reserved,
    Short,
    Source,
    is_user_account,
    provider_account,
    user_account,
)
from gammainfra.domain.record import KeyLimits

AT = 1_800_000_000.0
MANAGED, TRIAL, BYOK = (user_account("ann", pot) for pot in ("managed", "trial", "byok"))
ACME = provider_account("acme")
FEES = PLANS["launch"]


def purse(*, overdraft: bool = False, rules: TrialRules | None = None) -> tuple[Source, ...]:
    return credit_purse("ann", rules or TrialRules(), AT, overdraft=overdraft)


def reserve(want: int, least: int = 0, request: str = "r1", **more: object) -> Reserve:
    order = Reserve(request, purse(), (), want, least or want, AT, AT + 60, "boot")
    return replace(order, **more)  # type: ignore[arg-type]


def books(managed: int = 0, trial: int = 0, byok: int = 0) -> MemoryBooks:
    made = MemoryBooks()
    made.post([posting.top_up("e1", "ann", "managed", managed, 0, at=AT), posting.grant("g1", "ann", trial, at=AT)])
    made.post([posting.top_up("e2", "ann", "byok", byok, 0, at=AT)])
    return made


def give(made: MemoryBooks, order: object) -> object:
    (outcome,) = made.post([order])  # type: ignore[list-item]
    assert made.check(now=AT).ok
    return outcome


def settle(cost: int, case: Case = "served", mode: str = "credit", request: str = "r1") -> object:
    mine = byok_purse("ann") if mode == "byok" else purse(overdraft=True)
    part = posting.Part("acme", cost, mode, case, mine)  # type: ignore[arg-type]
    return posting.settle(request, [part], FEES, at=AT, estimated=False)


def test_a_hold_is_what_was_wanted_or_the_most_that_is_there_or_nothing() -> None:
    made = books(managed=100)
    assert give(made, reserve(60)) == Reserved(60)
    assert give(made, reserve(60, 20, "r2")) == Reserved(40)
    assert give(made, reserve(5, 5, "r3")) == Short("credit", 5)
    assert made.balances([MANAGED]) == [Balance(MANAGED, 100, 100, 2)]


def test_a_hold_given_again_holds_no_more_and_grows_by_the_difference() -> None:
    made = books(managed=100)
    assert give(made, reserve(60)) == give(made, reserve(60)) == Reserved(60)
    assert give(made, reserve(80, expires_at=AT + 90)) == Reserved(80)
    assert give(made, reserve(10, expires_at=AT + 99)) == Reserved(80)
    assert made.book.holds["r1"].expires_at == AT + 99
    assert give(made, reserve(130, 120)) == Short("credit", 20, 20)


def test_a_settle_frees_what_is_left_happens_once_and_ends_all_holding() -> None:
    made = books(managed=100)
    give(made, reserve(60))
    first, again = give(made, settle(45)), give(made, settle(45))
    assert isinstance(first, Posted)
    assert isinstance(again, Posted)
    assert (first.already, again.already, first.txn) == (False, True, again.txn)
    assert (first.paid_nano(MANAGED), first.balances) == (45, (Balance(MANAGED, 55),))
    assert give(made, reserve(1)) == Short("settled", 1)
    assert made.txns([settle_cause("r1"), settle_cause("r2")]) == [first.txn]


def test_what_a_user_cannot_pay_beyond_the_overdraft_is_our_loss() -> None:
    made = books(managed=100)
    give(made, reserve(100))
    posted = give(made, settle(400_000_000))
    assert isinstance(posted, Posted)
    assert posted.balances[0].posted_nano == -250_000_000
    assert posted.forgiven_nano == posted.paid_nano(LOSS) == 400_000_000 - 250_000_100
    assert give(made, reserve(1, request="r2", purse=purse(overdraft=True))) == Short("credit", 250_000_001)


def test_trial_credit_pays_first_within_its_rules() -> None:
    rules = TrialRules(request_nano=30, at_a_time=1, day_nano=50)
    mine = purse(rules=rules)
    made = books(managed=100, trial=80)
    assert give(made, reserve(70, purse=mine)) == Reserved(70)
    assert made.balances([TRIAL, MANAGED]) == [Balance(TRIAL, 80, 30, 1), Balance(MANAGED, 100, 40, 1)]
    assert give(made, reserve(70, 1, "r2", purse=mine)) == Reserved(60)
    assert give(made, reserve(5, 5, "r3", purse=mine)) == Short("trial_busy", 5)
    other = books(trial=80)
    give(other, reserve(30, purse=mine))
    give(other, settle(30))
    more = purse(rules=replace(rules, at_a_time=9))
    assert give(other, reserve(30, 30, "r2", purse=more)) == Short("trial_day", 10, 20)


def test_the_fee_of_ones_own_key_is_held_and_paid_from_its_own_balance_only() -> None:
    made = books(managed=1000, byok=10)
    order = reserve(900, share_bp=FEES.byok_bp, purse=byok_purse("ann"))
    assert give(made, order) == Reserved(900)
    assert made.balances([BYOK]) == [Balance(BYOK, 10, 9, 1)]
    assert give(made, replace(order, request_id="r2", want_nano=200, least_nano=200)) == Short("byok", 1, 1)
    posted = give(made, settle(850, mode="byok"))
    assert isinstance(posted, Posted)
    assert (posted.paid_nano(BYOK), posted.paid_nano(BYOK_FEES)) == (9, -9)


def test_two_purses_of_one_request_are_alternatives_for_its_budgets() -> None:
    made = books(managed=100, byok=100)
    caps = session_cap("ann", "s", 100, 0, AT)
    assert give(made, reserve(80, caps=caps, purse=byok_purse("ann"))) == Reserved(80)
    assert give(made, reserve(60, caps=caps)) == Reserved(60)
    assert made.meters(["session:ann:s"])[0].held_nano == 80
    assert give(made, reserve(30, request="r2", caps=caps)) == Short("session", 10, 20)
    give(made, settle(50))
    assert made.meters(["session:ann:s"])[0].used_nano == 50


def test_a_budget_without_any_purse_is_held_too() -> None:
    made = MemoryBooks()
    caps = (Cap("session", "m", 100, AT, before_nano=30),)
    assert give(made, reserve(90, 10, caps=caps, purse=())) == Reserved(70)
    assert give(made, reserve(70, caps=caps, purse=())) == Reserved(70)
    assert give(made, reserve(5, caps=caps, purse=(), request="r2")) == Short("session", 5)
    assert give(made, reserve(5, caps=(), purse=(), request="r3")) == Reserved(5)
    assert made.meters(["m", "n"]) == [Meter("m", 30, 70, AT), Meter("n")]


def test_an_expired_hold_is_free_again_and_a_late_settle_is_still_posted() -> None:
    made = books(managed=100)
    give(made, reserve(60))
    assert made.orphans(node="", now=AT, most=9) == []
    (hold,) = made.orphans(node="next boot", now=AT, most=9)
    assert made.orphans(node="", now=AT + 60, most=9) == [hold]
    give(made, posting.expire(hold, at=AT))
    give(made, reserve(50))
    give(made, posting.expire(hold, at=AT))
    assert made.balances([MANAGED]) == [Balance(MANAGED, 100)]
    posted = give(made, settle(45))
    assert isinstance(posted, Posted)
    assert posted.paid_nano(MANAGED) == 45


def test_money_comes_in_once_and_goes_out_only_if_it_is_there() -> None:
    made = books(managed=100)
    again = give(made, posting.top_up("e1", "ann", "managed", 100, 3, at=AT))
    assert isinstance(again, Posted)
    assert again.already
    assert give(made, posting.refund("o1", "ann", "managed", 101, at=AT, note="by op")) == Short("credit", 1)
    give(made, posting.refund("o2", "ann", "managed", 40, at=AT, note="by op"))
    give(made, posting.chargeback("e9", "ann", "managed", 100, at=AT))
    assert made.balances([MANAGED])[0].posted_nano == -40
    give(made, posting.correct("o3", MANAGED, 50, at=AT, note="by op"))
    give(made, posting.correct("o4", MANAGED, -20, at=AT, note="by op"))
    give(made, posting.top_up("e3", "ann", "managed", 0, 7, at=AT))
    assert made.balances([MANAGED])[0].posted_nano == -10
    sums = {entry.account: entry.amount_nano for entry in made.check(now=AT).sums}
    assert (sums[STRIPE], sums[TOP_UP_FEES], sums[Account("u:*:managed")]) == (33, 7, -10)
    newest = made.statement(MANAGED, before=AT + 1, most=2)
    assert [txn.cause.id for txn in newest] == ["o4", "o3"]


def test_what_is_left_of_a_trial_can_be_taken_back_and_a_hold_is_spared() -> None:
    made = books(trial=100)
    give(made, reserve(30))
    give(made, posting.expire_grant("g1", "ann", at=AT))
    assert made.balances([TRIAL]) == [Balance(TRIAL, 30, 30, 1)]


def test_an_estimate_too_high_is_given_back_and_one_too_low_is_our_loss() -> None:
    made = books(managed=100)
    give(made, settle(50))
    give(made, posting.adjust("r1", 1, "acme", MANAGED, -20, at=AT))
    give(made, posting.adjust("r1", 1, "acme", MANAGED, -20, at=AT))
    give(made, posting.adjust("r1", 2, "acme", MANAGED, 5, at=AT))
    assert made.balances([MANAGED])[0].posted_nano == 70
    sums = {entry.account: entry.amount_nano for entry in made.check(now=AT).sums}
    assert (sums[ACME], sums[LOSS]) == (35, -5)


def test_a_check_names_what_is_wrong() -> None:
    made = books(managed=100)
    made.book.balances[MANAGED] = Balance(MANAGED, 99, 5, 1)
    made.book.holds["x"] = Hold("x", "boot", AT, AT, meters=(HeldMeter("m", 3),))
    found = made.check(now=AT)
    assert not found.ok
    assert (found.wrong_balances, found.wrong_holds) == ((MANAGED,), (MANAGED,))
    assert (found.wrong_meters, found.overdue, found.unbalanced) == (("m",), ("x",), ())


def test_changes_are_what_orders_made_of_the_rows() -> None:
    made = Book()
    made.apply(posting.top_up("e1", "ann", "managed", 100, 0, at=AT))
    made.apply(reserve(60, caps=key_caps("k", KeyLimits(), AT)))
    changes = made.changes()
    assert [one.account for one in changes.balances] == [MANAGED]
    assert ([one.request_id for one in changes.holds], changes.ended) == (["r1"], ())
    assert [one.name for one in changes.meters] == ["key:k:2027-01", "key:k:2027-01-15"]
    made.apply(settle(45))  # type: ignore[arg-type]
    assert (made.changes().ended, made.changes().txns) == (("r1",), ())


def test_what_orders_touch_is_named_before_they_are_carried_out() -> None:
    made = books(managed=100)
    orders = [reserve(60, caps=key_caps("k", KeyLimits(), AT)), settle(5), posting.grant("g", "ann", 1, at=AT)]
    first = named(orders)  # type: ignore[arg-type]
    assert (first.requests, len(first.causes)) == (frozenset({"r1"}), 2)
    hold = Hold("r1", "", AT, AT, meters=(HeldMeter("m", 3),))
    then = touched(orders, [hold], made.book.txns.values())  # type: ignore[arg-type]
    assert then.accounts == {MANAGED, TRIAL}
    assert {"m", "key:k:2027-01", "trial:2027-01-15"} <= then.meters


# ---- fees, ceilings, budgets, who pays -------------------------------------------------------------------------------
def test_fees_are_half_up_in_cents_and_never_inside_the_price() -> None:
    assert [top_up_fee_cents(cents, FEES) for cents in (1000, 1016, 1017)] == [30, 30, 31]
    assert top_up_fee_cents(1000, PLANS["standard"]) == 50
    assert [byok_fee_nano(nano, FEES) for nano in (0, 49, 50, 1000)] == [0, 0, 1, 10]


def test_the_ceiling_is_never_the_models_longest_answer() -> None:
    assert answer_tokens(None, 128_000, None) == 4096
    assert answer_tokens(64_000, 128_000, 300) == 2048
    assert answer_tokens(100, 128_000, None) == 100
    assert answer_tokens(64_000, 8_000, 60_000) == 8_000


@pytest.mark.parametrize("long", [None, Price(2_000, 20_000, 0, 0, 0)])
def test_what_is_held_says_how_long_the_answer_may_be(long: Price | None) -> None:
    price = Price(1_000, 10_000, 100, 1_250, 2_000, long_above=None if long is None else 10, long=long)
    found = ceiling(price, input_tokens=1000, tokens=4096, answers=2)
    assert (found.tokens, found.least_tokens) == (8192, 4096)
    assert tokens_for(price, found.want_nano, found) == 8192
    assert tokens_for(price, found.least_nano, found) == 4096
    between = tokens_for(price, (found.want_nano + found.least_nano) // 2, found)
    assert 4096 < between < 8192
    assert more_nano(price, 100) == (1000 if long is None else 2000)


def test_an_answer_that_costs_nothing_is_not_shortened() -> None:
    free = Price(0, 0, 0, 0, 0)
    found = ceiling(free, input_tokens=1, tokens=10)
    assert (found.want_nano, tokens_for(free, 0, found)) == (0, 10)


def test_budgets_are_days_months_and_tasks() -> None:
    day, month = key_caps("k", KeyLimits(day_nano=5, month_nano=9), AT)
    assert (day.meter, day.most_nano, month.meter, month.most_nano) == ("key:k:2027-01-15", 5, "key:k:2027-01", 9)
    assert AT < day.until < month.until
    assert session_cap("ann", "s", None, 7, AT) == ()
    assert session_cap("ann", "s", 10, 7, AT)[0].before_nano == 7
    assert trial_cap(None, AT).most_nano is None
    assert [tightest(*pair) for pair in ((None, None), (1, None), (3, 2))] == [None, 1, 2]


def test_each_alert_is_said_once() -> None:
    assert alerts(0, 49, 100) == ()
    assert alerts(49, 96, 100) == (50, 80, 95)
    assert alerts(96, 120, 100) == (100,)
    assert alerts(0, 10, None) == ()


FAILURE = Failure(Cause.SERVER_ERROR, "no")


@pytest.mark.parametrize(
    ("outcome", "winner", "ending", "empty", "case"),
    [
        (Served(), True, "served", False, "served"),
        (Served(), True, "served", True, "empty"),
        (Cancelled("client"), True, "abandoned", False, "hung_up"),
        (Cancelled("client"), False, "abandoned", False, "failed"),
        (Cancelled("hedge"), False, "served", False, "hedge_lost"),
        (Absorbed(FAILURE), False, "served", False, "absorbed"),
        (LegFailed(FAILURE), False, "failed", False, "failed"),
        (LegFailed(Failure(Cause.CUT, "cut")), False, "failed", False, "cut"),
    ],
)
def test_how_an_attempt_ended_decides_its_row(
    outcome: Outcome, winner: bool, ending: Ending, empty: bool, case: Case
) -> None:
    assert case_of(outcome, winner=winner, ending=ending, empty=empty) == case


def test_the_table_of_who_pays() -> None:
    payers = {mode: {case: payer_of(mode, case) for case in row} for mode, row in TABLE.items()}
    assert {case for case, payer in payers["credit"].items() if payer == "caller"} == {
        "served",
        "hung_up",
        "hedge_lost",
    }
    assert set(payers["credit"].values()) == {"caller", "platform"}
    assert {case for case, payer in payers["byok"].items() if payer == "caller"} == {"served", "hung_up"}
    assert set(payers["off"].values()) == {"owner"}


def test_a_failed_attempt_is_our_loss_and_nothing_at_all_where_nobody_charges() -> None:
    made = books(managed=100)
    posted = give(made, settle(20, "absorbed"))
    assert isinstance(posted, Posted)
    assert (posted.paid_nano(LOSS), posted.paid_nano(MANAGED)) == (20, 0)
    free = give(made, settle(20, mode="off", request="r2"))
    assert isinstance(free, Posted)
    assert free.txn.entries == ()


def test_accounts_of_users_are_told_from_ours() -> None:
    assert is_user_account(MANAGED)
    assert not is_user_account(ACME)
