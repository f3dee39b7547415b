-- The books. Rows of ledger_txns and ledger_entries are written once and never changed; the three tables below them are
-- what open requests keep, and sums that can be made again.

-- One transaction for each cause: the unique key is what makes a retry, a second webhook and a crash harmless.
CREATE TABLE ledger_txns (
    id        INTEGER PRIMARY KEY,
    cause_by  TEXT NOT NULL CHECK (cause_by IN ('request', 'event', 'order')),
    cause_id  TEXT NOT NULL,
    kind      TEXT NOT NULL,
    ordinal   INTEGER NOT NULL,
    at_ms     INTEGER NOT NULL,
    estimated INTEGER NOT NULL CHECK (estimated IN (0, 1)),
    note      TEXT NOT NULL,
    UNIQUE (cause_by, cause_id, kind, ordinal)
) STRICT;

-- What each account gets (negative: pays); the lines of a transaction sum to 0.
CREATE TABLE ledger_entries (
    txn_id      INTEGER NOT NULL REFERENCES ledger_txns (id),
    line        INTEGER NOT NULL,
    account     TEXT NOT NULL,
    amount_nano INTEGER NOT NULL CHECK (amount_nano <> 0),
    PRIMARY KEY (txn_id, line)
) STRICT, WITHOUT ROWID;

CREATE INDEX ledger_entries_by_account ON ledger_entries (account, txn_id);

-- Users' accounts only: a cached balance of a provider's account would be written by every batch.
CREATE TABLE ledger_balances (
    account     TEXT PRIMARY KEY,
    posted_nano INTEGER NOT NULL,
    held_nano   INTEGER NOT NULL CHECK (held_nano >= 0),
    holds       INTEGER NOT NULL CHECK (holds >= 0)
) STRICT, WITHOUT ROWID;

-- One row per open request. legs: [[account, cost_nano, amount_nano], ...]; meters: [[meter, held_nano, account], ...].
CREATE TABLE ledger_holds (
    request_id TEXT PRIMARY KEY,
    node       TEXT NOT NULL,
    at_ms      INTEGER NOT NULL,
    expires_ms INTEGER NOT NULL,
    legs       TEXT NOT NULL,
    meters     TEXT NOT NULL
) STRICT, WITHOUT ROWID;

CREATE INDEX ledger_holds_by_expiry ON ledger_holds (expires_ms);

-- Budgets: a key's day or month, a session, the trial's day.
CREATE TABLE ledger_meters (
    name      TEXT PRIMARY KEY,
    used_nano INTEGER NOT NULL,
    held_nano INTEGER NOT NULL CHECK (held_nano >= 0),
    until_ms  INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

CREATE INDEX ledger_meters_by_end ON ledger_meters (until_ms);
