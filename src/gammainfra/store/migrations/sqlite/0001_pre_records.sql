-- The record of requests, what is summed from it, and API keys. Times are UTC: *_ms and *_us are integers so
-- that sums are exact and a rebuild gives the same figures in any order. Money is nano-USD.

CREATE TABLE meta (
    name  TEXT PRIMARY KEY,
    value INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

-- Everything up to this seq is in the roll-ups; moved in the transaction that adds to them.
INSERT INTO meta (name, value) VALUES ('rolled_up_seq', 0);

-- One answer (contract C91). seq is the order of writing; id is the generation id.
-- A cost of NULL means that no price is known: never 0 (C26).
CREATE TABLE requests (
    seq                   INTEGER PRIMARY KEY,
    id                    TEXT NOT NULL UNIQUE,
    at_ms                 INTEGER NOT NULL,
    ended_ms              INTEGER NOT NULL,
    account_id            TEXT NOT NULL,
    key_id                TEXT NOT NULL,
    client                TEXT NOT NULL,
    session_id            TEXT NOT NULL,
    session_step          INTEGER NOT NULL,
    session_by            TEXT NOT NULL,
    dialect               TEXT NOT NULL,
    asked                 TEXT NOT NULL,
    provider              TEXT NOT NULL,
    model                 TEXT NOT NULL,
    endpoint              TEXT NOT NULL,
    region                TEXT NOT NULL,
    stream                INTEGER NOT NULL CHECK (stream IN (0, 1)),
    n_tools               INTEGER NOT NULL,
    input_tokens          INTEGER NOT NULL,
    cache_read_tokens     INTEGER NOT NULL,
    cache_write_tokens    INTEGER NOT NULL,
    cache_write_1h_tokens INTEGER NOT NULL,
    output_tokens         INTEGER NOT NULL,
    reasoning_tokens      INTEGER NOT NULL,
    usage_estimated       INTEGER NOT NULL CHECK (usage_estimated IN (0, 1)),
    input_nano            INTEGER,
    cache_read_nano       INTEGER,
    cache_write_nano      INTEGER,
    output_nano           INTEGER,
    cost_nano             INTEGER GENERATED ALWAYS AS
                          (input_nano + cache_read_nano + cache_write_nano + output_nano) VIRTUAL,
    absorbed_nano         INTEGER NOT NULL,
    fee_nano              INTEGER NOT NULL,
    latency_us            INTEGER NOT NULL,
    ttft_us               INTEGER,
    overhead_us           INTEGER NOT NULL,
    ending                TEXT NOT NULL CHECK (ending IN ('served', 'failed', 'timed_out', 'abandoned', 'stopped')),
    status                INTEGER NOT NULL,
    finish_reason         TEXT NOT NULL,
    error_code            TEXT NOT NULL,
    n_attempts            INTEGER NOT NULL,
    absorbed_attempts     INTEGER NOT NULL,
    label                 TEXT NOT NULL,
    route_reason          TEXT NOT NULL,
    router_version        TEXT NOT NULL,
    dial                  REAL,
    preference            TEXT NOT NULL,
    dropped_params        TEXT NOT NULL,
    dropped_context       TEXT NOT NULL,
    idempotency_hash      TEXT NOT NULL,
    end_user              TEXT NOT NULL
) STRICT;

CREATE INDEX requests_by_account ON requests (account_id, at_ms);
CREATE INDEX requests_by_key ON requests (key_id, at_ms);
CREATE INDEX requests_by_session ON requests (account_id, session_id, at_ms);
CREATE INDEX requests_by_time ON requests (at_ms);

-- What routing decided, as JSON. Apart, because lists of requests never show it.
CREATE TABLE plans (
    seq  INTEGER PRIMARY KEY REFERENCES requests (seq) ON DELETE CASCADE,
    plan TEXT NOT NULL
) STRICT;

-- One HTTP dispatch each, in order; times are since the request's arrival.
CREATE TABLE attempts (
    seq                   INTEGER NOT NULL REFERENCES requests (seq) ON DELETE CASCADE,
    ordinal               INTEGER NOT NULL,
    number                INTEGER NOT NULL,
    endpoint              TEXT NOT NULL,
    provider              TEXT NOT NULL,
    upstream_model        TEXT NOT NULL,
    key_id                TEXT NOT NULL,
    started_us            INTEGER NOT NULL,
    first_token_us        INTEGER,
    ended_us              INTEGER,
    outcome               TEXT NOT NULL CHECK (outcome IN ('served', 'absorbed', 'failed', 'cancelled')),
    cause                 TEXT NOT NULL,
    message               TEXT NOT NULL,
    cancelled_by          TEXT NOT NULL,
    status                INTEGER,
    upstream_request_id   TEXT NOT NULL,
    input_tokens          INTEGER NOT NULL,
    cache_read_tokens     INTEGER NOT NULL,
    cache_write_tokens    INTEGER NOT NULL,
    cache_write_1h_tokens INTEGER NOT NULL,
    output_tokens         INTEGER NOT NULL,
    reasoning_tokens      INTEGER NOT NULL,
    usage_estimated       INTEGER NOT NULL CHECK (usage_estimated IN (0, 1)),
    cost_nano             INTEGER,
    PRIMARY KEY (seq, ordinal)
) STRICT, WITHOUT ROWID;

-- The tool-call ids an answer gave out, from which the index of derived sessions is rebuilt (C34).
-- Bounded: the newest limits.SESSION_CALL_IDS are kept.
CREATE TABLE call_ids (
    seq     INTEGER NOT NULL REFERENCES requests (seq) ON DELETE CASCADE,
    ordinal INTEGER NOT NULL,
    shown   TEXT NOT NULL,
    native  TEXT NOT NULL,
    PRIMARY KEY (seq, ordinal)
) STRICT, WITHOUT ROWID;

-- What one request adds to the sums: the one definition that writing, rebuilding and verifying share.
-- Latency and time to first token count for served requests only: a refusal is fast and means nothing.
CREATE VIEW usage_lines AS
SELECT
    seq, at_ms, ended_ms, account_id, session_id, key_id, model, provider, client,
    at_ms / 3600000 * 3600 AS hour_s,
    at_ms / 86400000 * 86400 AS day_s,
    ending = 'served' AS served,
    ending IN ('failed', 'timed_out') AS failed,
    ending = 'served' AND absorbed_attempts > 0 AS rescued,
    ending = 'served' AND cost_nano IS NULL AS unpriced,
    n_attempts AS attempts,
    absorbed_attempts,
    input_tokens, cache_read_tokens, cache_write_tokens, cache_write_1h_tokens, output_tokens, reasoning_tokens,
    coalesce(cost_nano, 0) AS cost_nano,
    absorbed_nano,
    fee_nano,
    iif(ending = 'served', latency_us, 0) AS latency_us,
    iif(ending = 'served', overhead_us, 0) AS overhead_us,
    iif(ending = 'served', coalesce(ttft_us, 0), 0) AS ttft_us,
    ending = 'served' AND ttft_us IS NOT NULL AS ttft_count
FROM requests;

CREATE TABLE usage_hourly (
    account_id            TEXT NOT NULL,
    starts_s              INTEGER NOT NULL,
    key_id                TEXT NOT NULL,
    model                 TEXT NOT NULL,
    provider              TEXT NOT NULL,
    client                TEXT NOT NULL,
    requests              INTEGER NOT NULL,
    served                INTEGER NOT NULL,
    failed                INTEGER NOT NULL,
    rescued               INTEGER NOT NULL,
    unpriced              INTEGER NOT NULL,
    attempts              INTEGER NOT NULL,
    absorbed_attempts     INTEGER NOT NULL,
    input_tokens          INTEGER NOT NULL,
    cache_read_tokens     INTEGER NOT NULL,
    cache_write_tokens    INTEGER NOT NULL,
    cache_write_1h_tokens INTEGER NOT NULL,
    output_tokens         INTEGER NOT NULL,
    reasoning_tokens      INTEGER NOT NULL,
    cost_nano             INTEGER NOT NULL,
    absorbed_nano         INTEGER NOT NULL,
    fee_nano              INTEGER NOT NULL,
    latency_us            INTEGER NOT NULL,
    overhead_us           INTEGER NOT NULL,
    ttft_us               INTEGER NOT NULL,
    ttft_count            INTEGER NOT NULL,
    PRIMARY KEY (account_id, starts_s, key_id, model, provider, client)
) STRICT, WITHOUT ROWID;

CREATE TABLE usage_daily (
    account_id            TEXT NOT NULL,
    starts_s              INTEGER NOT NULL,
    key_id                TEXT NOT NULL,
    model                 TEXT NOT NULL,
    provider              TEXT NOT NULL,
    client                TEXT NOT NULL,
    requests              INTEGER NOT NULL,
    served                INTEGER NOT NULL,
    failed                INTEGER NOT NULL,
    rescued               INTEGER NOT NULL,
    unpriced              INTEGER NOT NULL,
    attempts              INTEGER NOT NULL,
    absorbed_attempts     INTEGER NOT NULL,
    input_tokens          INTEGER NOT NULL,
    cache_read_tokens     INTEGER NOT NULL,
    cache_write_tokens    INTEGER NOT NULL,
    cache_write_1h_tokens INTEGER NOT NULL,
    output_tokens         INTEGER NOT NULL,
    reasoning_tokens      INTEGER NOT NULL,
    cost_nano             INTEGER NOT NULL,
    absorbed_nano         INTEGER NOT NULL,
    fee_nano              INTEGER NOT NULL,
    latency_us            INTEGER NOT NULL,
    overhead_us           INTEGER NOT NULL,
    ttft_us               INTEGER NOT NULL,
    ttft_count            INTEGER NOT NULL,
    PRIMARY KEY (account_id, starts_s, key_id, model, provider, client)
) STRICT, WITHOUT ROWID;

CREATE INDEX usage_hourly_by_time ON usage_hourly (starts_s);
CREATE INDEX usage_daily_by_time ON usage_daily (starts_s);

-- One agent task. steps counts answers served; endpoint and label are those of the last of them.
CREATE TABLE sessions (
    account_id            TEXT NOT NULL,
    session_id            TEXT NOT NULL,
    named_by              TEXT NOT NULL,
    client                TEXT NOT NULL,
    endpoint              TEXT NOT NULL,
    label                 TEXT NOT NULL,
    started_ms            INTEGER NOT NULL,
    last_at_ms            INTEGER NOT NULL,
    requests              INTEGER NOT NULL,
    steps                 INTEGER NOT NULL,
    failed                INTEGER NOT NULL,
    rescued               INTEGER NOT NULL,
    unpriced              INTEGER NOT NULL,
    attempts              INTEGER NOT NULL,
    absorbed_attempts     INTEGER NOT NULL,
    input_tokens          INTEGER NOT NULL,
    cache_read_tokens     INTEGER NOT NULL,
    cache_write_tokens    INTEGER NOT NULL,
    cache_write_1h_tokens INTEGER NOT NULL,
    output_tokens         INTEGER NOT NULL,
    reasoning_tokens      INTEGER NOT NULL,
    cost_nano             INTEGER NOT NULL,
    absorbed_nano         INTEGER NOT NULL,
    fee_nano              INTEGER NOT NULL,
    latency_us            INTEGER NOT NULL,
    PRIMARY KEY (account_id, session_id)
) STRICT, WITHOUT ROWID;

CREATE INDEX sessions_by_account ON sessions (account_id, last_at_ms);
CREATE INDEX sessions_by_time ON sessions (last_at_ms);

-- Keys callers show us: a digest under a pepper that is never in this file, never the key.
CREATE TABLE api_keys (
    id             TEXT PRIMARY KEY,
    account_id     TEXT NOT NULL,
    name           TEXT NOT NULL,
    last4          TEXT NOT NULL,
    digest         BLOB NOT NULL UNIQUE,
    pepper         TEXT NOT NULL,
    issued         INTEGER NOT NULL CHECK (issued IN (0, 1)),
    scopes         TEXT NOT NULL,
    allowed_models TEXT NOT NULL,
    created_ms     INTEGER NOT NULL,
    revoked_ms     INTEGER
) STRICT, WITHOUT ROWID;
