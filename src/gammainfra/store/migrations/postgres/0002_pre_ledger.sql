-- The books. Rows of ledger_txns and ledger_entries are written once and never changed; the three tables below them are
-- what open requests keep, and sums that can be made again.

-- One transaction for each cause: the unique key is what makes a retry, a second webhook and a crash harmless.
CREATE TABLE ledger_txns (
    id        BIGINT PRIMARY KEY,
    cause_by  TEXT COLLATE "C" NOT NULL CHECK (cause_by IN ('request', 'event', 'order')),
    cause_id  TEXT COLLATE "C" NOT NULL,
    kind      TEXT COLLATE "C" NOT NULL,
    ordinal   BIGINT NOT NULL,
    at_ms     BIGINT NOT NULL,
    estimated BIGINT NOT NULL CHECK (estimated IN (0, 1)),
    note      TEXT COLLATE "C" NOT NULL,
    UNIQUE (cause_by, cause_id, kind, ordinal)
);

-- What each account gets (negative: pays); the lines of a transaction sum to 0.
CREATE TABLE ledger_entries (
    txn_id      BIGINT NOT NULL REFERENCES ledger_txns (id),
    line        BIGINT NOT NULL,
    account     TEXT COLLATE "C" NOT NULL,
    amount_nano BIGINT NOT NULL CHECK (amount_nano <> 0),
    PRIMARY KEY (txn_id, line)
);

CREATE INDEX ledger_entries_by_account ON ledger_entries (account, txn_id);

-- Users' accounts only: a cached balance of a provider's account would be written by every batch.
CREATE TABLE ledger_balances (
    account     TEXT COLLATE "C" PRIMARY KEY,
    posted_nano BIGINT NOT NULL,
    held_nano   BIGINT NOT NULL CHECK (held_nano >= 0),
    holds       BIGINT NOT NULL CHECK (holds >= 0)
);

-- One row per open request. legs: [[account, cost_nano, amount_nano], ...]; meters: [[meter, held_nano, account], ...].
CREATE TABLE ledger_holds (
    request_id TEXT COLLATE "C" PRIMARY KEY,
    node       TEXT COLLATE "C" NOT NULL,
    at_ms      BIGINT NOT NULL,
    expires_ms BIGINT NOT NULL,
    legs       TEXT COLLATE "C" NOT NULL,
    meters     TEXT COLLATE "C" NOT NULL
);

CREATE INDEX ledger_holds_by_expiry ON ledger_holds (expires_ms);

-- Budgets: a key's day or month, a session, the trial's day.
CREATE TABLE ledger_meters (
    name      TEXT COLLATE "C" PRIMARY KEY,
    used_nano BIGINT NOT NULL,
    held_nano BIGINT NOT NULL CHECK (held_nano >= 0),
    until_ms  BIGINT NOT NULL
);

CREATE INDEX ledger_meters_by_end ON ledger_meters (until_ms);
