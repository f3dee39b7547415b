"""What an order does to the books, decided once for every engine. It never loads, locks or writes a row itself.

A Book is a working set: the rows that some orders touch. An engine asks ``named`` and ``touched`` what to load, applies
the orders one after the other, and writes ``changes``. The rules that hold after every order:

- every transaction sums to 0, and there is one for each cause;
- a user account's posted balance is the sum of its entries, its held sum the sum of its open holds' legs;
- what is held never passes what is there, the overdraft included, and a user pays no more than that: the rest of an
  answer's price is ``platform:loss``;
- what is held under a budget and used of it never passes the budget when it is held;
- after the settle of a request nothing is held for it again.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, replace
from typing import assert_never

from gammainfra.domain.ledger import (
    FULL_SHARE_BP,
    LOSS,
    Account,
    Balance,
    Cap,
    Cause,
    Entry,
    HeldMeter,
    Hold,
    HoldLeg,
    Meter,
    Move,
    Order,
    Outcome,
    Post,
    Posted,
    Reserve,
    Reserved,
    Short,
    ShortOf,
    Source,
    Txn,
    is_user_account,
)

_NOWHERE = Account("")  # the budget counts the cost, whoever pays


@dataclass(frozen=True, slots=True)
class Named:
    """What orders name themselves: load the holds of these requests and the transactions of these causes, if any."""

    requests: frozenset[str]
    causes: frozenset[Cause]


@dataclass(frozen=True, slots=True)
class Touched:
    """What orders and the holds they name touch: the user accounts and meters to be locked and loaded."""

    accounts: frozenset[Account]
    meters: frozenset[str]


@dataclass(frozen=True, slots=True)
class Changes:
    """What an engine writes: rows as they are now, ``ended`` requests whose hold is gone, and new transactions."""

    balances: tuple[Balance, ...]
    holds: tuple[Hold, ...]
    ended: tuple[str, ...]
    meters: tuple[Meter, ...]
    txns: tuple[Txn, ...]


def settle_cause(request_id: str) -> Cause:
    """The one settle of a request."""
    return Cause("request", request_id, "settle")


def named(orders: Iterable[Order]) -> Named:
    """What to load first."""
    requests: set[str] = set()
    causes: set[Cause] = set()
    for order in orders:
        match order:
            case Reserve():
                requests.add(order.request_id)
                causes.add(settle_cause(order.request_id))
            case Post():
                causes.add(order.cause)
                if order.release:
                    requests.add(order.release)
            case _:
                assert_never(order)
    return Named(frozenset(requests), frozenset(causes))


def touched(orders: Iterable[Order], holds: Iterable[Hold], txns: Iterable[Txn] = ()) -> Touched:
    """What to load next: ``holds`` and ``txns`` are those that ``named`` asked for."""
    accounts: set[Account] = set()
    meters: set[str] = set()
    for order in orders:
        match order:
            case Reserve():
                accounts.update(source.account for source in order.purse)
                meters.update(cap.meter for cap in order.caps)
                meters.update(cap.meter for source in order.purse for cap in source.caps)
            case Post():
                accounts.update(move.payee for move in order.moves)
                accounts.update(source.account for move in order.moves for source in move.payers)
            case _:
                assert_never(order)
    for hold in holds:
        accounts.update(leg.account for leg in hold.legs)
        meters.update(held.meter for held in hold.meters)
    accounts.update(entry.account for txn in txns for entry in txn.entries)
    return Touched(frozenset(filter(is_user_account, accounts)), frozenset(meters))


@dataclass(slots=True)
class Book:
    """The working set. A row that is not in it does not exist. ``changes`` is what orders made of it."""

    balances: dict[Account, Balance] = field(default_factory=dict)
    holds: dict[str, Hold] = field(default_factory=dict)
    meters: dict[str, Meter] = field(default_factory=dict)
    txns: dict[Cause, Txn] = field(default_factory=dict)
    _balances_changed: set[Account] = field(default_factory=set)
    _holds_changed: set[str] = field(default_factory=set)
    _meters_changed: set[str] = field(default_factory=set)
    _txns_new: list[Txn] = field(default_factory=list)

    def apply(self, order: Order) -> Outcome:
        """Carry out one order. Short changes nothing."""
        match order:
            case Reserve():
                return self._reserve(order)
            case Post():
                return self._post(order)
            case _:
                assert_never(order)

    def changes(self) -> Changes:
        """What to write, in one order whoever asks; and begin anew."""
        holds = sorted(self._holds_changed)
        changes = Changes(
            balances=tuple(self.balances[name] for name in sorted(self._balances_changed)),
            holds=tuple(self.holds[name] for name in holds if name in self.holds),
            ended=tuple(name for name in holds if name not in self.holds),
            meters=tuple(self.meters[name] for name in sorted(self._meters_changed)),
            txns=tuple(self._txns_new),
        )
        self._balances_changed.clear()
        self._holds_changed.clear()
        self._meters_changed.clear()
        self._txns_new.clear()
        return changes

    # ---- holding ----------------------------------------------------------------------------------------------------
    def _reserve(self, order: Reserve) -> Reserved | Short:
        if settle_cause(order.request_id) in self.txns:
            return Short("settled", order.least_nano)
        before = self.holds.get(order.request_id)
        hold = before or Hold(order.request_id, order.node, order.at, order.expires_at)
        legs = {leg.account: leg for leg in hold.legs}
        held_nano = sum(legs[source.account].cost_nano for source in order.purse if source.account in legs)
        if not order.purse:
            held_nano = _metered(hold)
        more_nano = max(order.want_nano - held_nano, 0)
        shares = [self._room(source, legs.get(source.account), order) for source in order.purse]
        rooms = [self._cap_room(cap, _held_of(hold, cap.meter), held_nano) for cap in order.caps]
        if shares:
            rooms.append(_purse_room(shares, order))
        tightest = min(rooms, key=lambda room: room.nano, default=_Room("credit", more_nano))
        more_nano = max(min(more_nano, tightest.nano), 0)
        if held_nano + more_nano < order.least_nano:
            missing_nano = _share(order.least_nano - held_nano, tightest.share_bp)
            free_nano = _share(max(tightest.nano, 0), tightest.share_bp)
            owed_nano = self._owed(order) if tightest.of in {"credit", "trial", "byok"} else 0
            return Short(tightest.of, missing_nano - free_nano + owed_nano, free_nano)
        if more_nano or before is None:
            self._hold(order, hold, legs, shares, more_nano)
        elif order.expires_at > hold.expires_at:
            self._keep_hold(replace(hold, expires_at=order.expires_at))
        return Reserved(held_nano + more_nano)

    def _room(self, source: Source, leg: HoldLeg | None, order: Reserve) -> _Room:
        """How much more cost this account can carry for the request."""
        of = _short_of(source.account)
        balance = self._balance(source.account)
        busy = leg is None and source.most_holds is not None and balance.holds >= source.most_holds
        if busy and balance.posted_nano > 0:
            return _Room("trial_busy", 0, order.share_bp)
        held_nano = 0 if leg is None else leg.amount_nano
        most_nano = held_nano + balance.free_nano + _overdraft(source, balance)
        if source.most_nano is not None:
            most_nano = min(most_nano, source.most_nano)
        for cap in source.caps:
            cap_nano = self._cap_room(cap, held_nano, held_nano).nano + held_nano
            if cap_nano < most_nano:
                most_nano, of = cap_nano, "trial_day"
        cost_nano = most_nano * FULL_SHARE_BP // order.share_bp if order.share_bp else order.want_nano
        return _Room(of, max(cost_nano - (0 if leg is None else leg.cost_nano), 0), order.share_bp)

    def _owed(self, order: Reserve) -> int:
        """What must be paid in before the last account of the purse has anything."""
        posted_nano = self._balance(order.purse[-1].account).posted_nano if order.purse else 0
        return max(-posted_nano, 0)

    def _cap_room(self, cap: Cap, own_nano: int, held_nano: int) -> _Room:
        """How far ``held_nano`` may grow under a budget of which this request holds ``own_nano`` already."""
        if cap.most_nano is None:
            return _Room(cap.kind, 1 << 62)
        meter = self._meter(cap)
        return _Room(cap.kind, cap.most_nano - meter.used_nano - meter.held_nano + own_nano - held_nano)

    def _hold(
        self, order: Reserve, hold: Hold, legs: dict[Account, HoldLeg], shares: Sequence[_Room], more_nano: int
    ) -> None:
        meters = {held.meter: held for held in hold.meters}
        left_nano = more_nano
        for source, room in zip(order.purse, shares, strict=True):
            part_nano = min(left_nano, room.nano)
            left_nano -= part_nano
            if part_nano:
                legs[source.account] = self._grow(legs.get(source.account), source.account, part_nano, order.share_bp)
                for cap in source.caps:
                    amount_nano = legs[source.account].amount_nano
                    meters[cap.meter] = self._count(cap, meters.get(cap.meter), amount_nano, source.account)
        cost_nano = more_nano + (
            sum(leg.cost_nano for leg in hold.legs if leg.account in {source.account for source in order.purse})
            if order.purse
            else _metered(hold)
        )
        for cap in order.caps:
            meters[cap.meter] = self._count(cap, meters.get(cap.meter), cost_nano, _NOWHERE)
        expires_at = max(hold.expires_at, order.expires_at)
        self._keep_hold(replace(hold, expires_at=expires_at, legs=tuple(legs.values()), meters=tuple(meters.values())))

    def _grow(self, leg: HoldLeg | None, account: Account, part_nano: int, share_bp: int) -> HoldLeg:
        cost_nano = part_nano + (0 if leg is None else leg.cost_nano)
        amount_nano = _share(cost_nano, share_bp)
        balance = self._balance(account)
        grown_nano = amount_nano - (0 if leg is None else leg.amount_nano)
        self._keep_balance(
            replace(balance, held_nano=balance.held_nano + grown_nano, holds=balance.holds + (leg is None))
        )
        return HoldLeg(account, cost_nano, amount_nano)

    def _count(self, cap: Cap, held: HeldMeter | None, nano: int, account: Account) -> HeldMeter:
        """Hold ``nano`` of a budget in all, never less than before: other purses of the request are alternatives."""
        own_nano = 0 if held is None else held.held_nano
        nano = max(nano, own_nano)
        meter = self._meter(cap)
        self._keep_meter(replace(meter, held_nano=meter.held_nano + nano - own_nano, until=max(meter.until, cap.until)))
        return HeldMeter(cap.meter, nano, account)

    # ---- posting ----------------------------------------------------------------------------------------------------
    def _post(self, order: Post) -> Posted | Short:
        known = self.txns.get(order.cause)
        hold = self.holds.get(order.release)
        if known is not None:
            if hold is not None:
                self._release(hold, {}, 0)
            return Posted(known, self._balances_in(known), already=True)
        paid: dict[Account, int] = {}
        forgiven_nano = missing_nano = 0
        for move in order.moves:
            left_nano = self._pay(move, hold, paid)
            if order.rest == "loss":
                paid[LOSS] = paid.get(LOSS, 0) + left_nano
                forgiven_nano, left_nano = forgiven_nano + left_nano, 0
            elif order.rest == "owe":
                payer = move.payers[-1].account
                paid[payer] = paid.get(payer, 0) + left_nano
                left_nano = 0
            missing_nano += left_nano
            paid[move.payee] = paid.get(move.payee, 0) - (move.nano - left_nano)
        if order.rest == "refuse" and missing_nano:
            return Short(_short_of(order.moves[0].payers[0].account), missing_nano)
        entries = tuple(Entry(account, -nano) for account, nano in paid.items() if nano)
        txn = Txn(order.cause, order.at, entries, order.estimated, order.note)
        if hold is not None:
            self._release(hold, paid, order.metered_nano)
        for entry in entries:
            if is_user_account(entry.account):
                balance = self._balance(entry.account)
                self._keep_balance(replace(balance, posted_nano=balance.posted_nano + entry.amount_nano))
        self.txns[order.cause] = txn
        self._txns_new.append(txn)
        return Posted(txn, self._balances_in(txn), forgiven_nano=forgiven_nano)

    def _pay(self, move: Move, hold: Hold | None, paid: dict[Account, int]) -> int:
        """Note in ``paid`` who pays what of a move; what nobody can pay is left."""
        left_nano = move.nano
        for source in move.payers:
            can_nano = left_nano
            if is_user_account(source.account):
                can_nano = min(left_nano, max(self._payable(source, hold) - paid.get(source.account, 0), 0))
            paid[source.account] = paid.get(source.account, 0) + can_nano
            left_nano -= can_nano
        return left_nano

    def _payable(self, source: Source, hold: Hold | None) -> int:
        balance = self._balance(source.account)
        legs = () if hold is None else hold.legs
        own_nano = sum(leg.amount_nano for leg in legs if leg.account == source.account)
        payable_nano = own_nano + max(balance.free_nano + _overdraft(source, balance), 0)
        return payable_nano if source.most_nano is None else min(payable_nano, source.most_nano)

    def _release(self, hold: Hold, paid: dict[Account, int], metered_nano: int) -> None:
        for leg in hold.legs:
            balance = self._balance(leg.account)
            held_nano = balance.held_nano - leg.amount_nano
            self._keep_balance(replace(balance, held_nano=held_nano, holds=balance.holds - 1))
        for held in hold.meters:
            meter = self.meters[held.meter]
            used_nano = meter.used_nano + (paid.get(held.account, 0) if held.account else metered_nano)
            self._keep_meter(replace(meter, used_nano=used_nano, held_nano=meter.held_nano - held.held_nano))
        del self.holds[hold.request_id]
        self._holds_changed.add(hold.request_id)

    # ---- rows -------------------------------------------------------------------------------------------------------
    def _balance(self, account: Account) -> Balance:
        return self.balances.get(account) or Balance(account)

    def _balances_in(self, txn: Txn) -> tuple[Balance, ...]:
        return tuple(self._balance(entry.account) for entry in txn.entries if is_user_account(entry.account))

    def _meter(self, cap: Cap) -> Meter:
        return self.meters.get(cap.meter) or Meter(cap.meter, used_nano=cap.before_nano, until=cap.until)

    def _keep_balance(self, balance: Balance) -> None:
        self.balances[balance.account] = balance
        self._balances_changed.add(balance.account)

    def _keep_meter(self, meter: Meter) -> None:
        self.meters[meter.name] = meter
        self._meters_changed.add(meter.name)

    def _keep_hold(self, hold: Hold) -> None:
        self.holds[hold.request_id] = hold
        self._holds_changed.add(hold.request_id)


@dataclass(frozen=True, slots=True)
class _Room:
    """How much more cost something can carry; ``share_bp`` turns it into that account's money."""

    of: ShortOf
    nano: int
    share_bp: int = FULL_SHARE_BP


def _purse_room(shares: Sequence[_Room], order: Reserve) -> _Room:
    """All accounts of a purse together; named after the last one, or after what keeps another one shut."""
    last = shares[-1]
    shut = [room.of for room in shares if room.of in {"trial_busy", "trial_day"}]
    return _Room(shut[0] if shut and not last.nano else last.of, sum(room.nano for room in shares), order.share_bp)


def _share(cost_nano: int, share_bp: int) -> int:
    """What an account pays of a cost, rounded up to the nano-dollar."""
    return -(-cost_nano * share_bp // FULL_SHARE_BP)


def _overdraft(source: Source, balance: Balance) -> int:
    return source.overdraft_nano if balance.posted_nano > 0 else 0


def _short_of(account: Account) -> ShortOf:
    pot = account.rpartition(":")[2]
    return "byok" if pot == "byok" else "trial" if pot == "trial" else "credit"


def _metered(hold: Hold) -> int:
    """What a hold keeps of the budgets that count its cost."""
    return max((held.held_nano for held in hold.meters if not held.account), default=0)


def _held_of(hold: Hold, meter: str) -> int:
    return sum(held.held_nano for held in hold.meters if held.meter == meter)
