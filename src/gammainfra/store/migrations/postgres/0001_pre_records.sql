-- The record of requests, what is summed from it, and API keys. Times are UTC: *_ms and *_us are integers so that sums
-- are exact and a rebuild gives the same figures in any order. Money is nano-USD. Requests, plans and attempts are kept
-- by UTC day, one table each, made when the first request of the day is written. Texts compare by their bytes, as in
-- SQLite.

CREATE TABLE meta (
    name  TEXT COLLATE "C" PRIMARY KEY,
    value BIGINT NOT NULL
);

-- Everything up to this seq is in the roll-ups; moved in the transaction that adds to them.
INSERT INTO meta (name, value) VALUES ('rolled_up_seq', 0);

-- The unique key of requests, and the day each is kept in.
CREATE TABLE request_ids (
    id    TEXT COLLATE "C" PRIMARY KEY,
    seq   BIGINT NOT NULL UNIQUE,
    at_ms BIGINT NOT NULL
);

CREATE INDEX request_ids_by_time ON request_ids (at_ms);

-- One answer (contract C91). seq is the order of writing; id is the generation id.
-- A cost of NULL means that no price is known: never 0 (C26).
CREATE TABLE requests (
    seq                   BIGINT NOT NULL,
    id                    TEXT COLLATE "C" NOT NULL,
    at_ms                 BIGINT NOT NULL,
    ended_ms              BIGINT NOT NULL,
    account_id            TEXT COLLATE "C" NOT NULL,
    key_id                TEXT COLLATE "C" NOT NULL,
    client                TEXT COLLATE "C" NOT NULL,
    session_id            TEXT COLLATE "C" NOT NULL,
    session_step          BIGINT NOT NULL,
    session_by            TEXT COLLATE "C" NOT NULL,
    dialect               TEXT COLLATE "C" NOT NULL,
    asked                 TEXT COLLATE "C" NOT NULL,
    provider              TEXT COLLATE "C" NOT NULL,
    model                 TEXT COLLATE "C" NOT NULL,
    endpoint              TEXT COLLATE "C" NOT NULL,
    region                TEXT COLLATE "C" NOT NULL,
    stream                BIGINT NOT NULL CHECK (stream IN (0, 1)),
    n_tools               BIGINT NOT NULL,
    input_tokens          BIGINT NOT NULL,
    cache_read_tokens     BIGINT NOT NULL,
    cache_write_tokens    BIGINT NOT NULL,
    cache_write_1h_tokens BIGINT NOT NULL,
    output_tokens         BIGINT NOT NULL,
    reasoning_tokens      BIGINT NOT NULL,
    usage_estimated       BIGINT NOT NULL CHECK (usage_estimated IN (0, 1)),
    input_nano            BIGINT,
    cache_read_nano       BIGINT,
    cache_write_nano      BIGINT,
    output_nano           BIGINT,
    cost_nano             BIGINT GENERATED ALWAYS AS
                          (input_nano + cache_read_nano + cache_write_nano + output_nano) STORED,
    absorbed_nano         BIGINT NOT NULL,
    fee_nano              BIGINT NOT NULL,
    latency_us            BIGINT NOT NULL,
    ttft_us               BIGINT,
    overhead_us           BIGINT NOT NULL,
    ending                TEXT COLLATE "C" NOT NULL
                          CHECK (ending IN ('served', 'failed', 'timed_out', 'abandoned', 'stopped')),
    status                BIGINT NOT NULL,
    finish_reason         TEXT COLLATE "C" NOT NULL,
    error_code            TEXT COLLATE "C" NOT NULL,
    n_attempts            BIGINT NOT NULL,
    absorbed_attempts     BIGINT NOT NULL,
    label                 TEXT COLLATE "C" NOT NULL,
    route_reason          TEXT COLLATE "C" NOT NULL,
    router_version        TEXT COLLATE "C" NOT NULL,
    dial                  DOUBLE PRECISION,
    preference            TEXT COLLATE "C" NOT NULL,
    dropped_params        TEXT COLLATE "C" NOT NULL,
    dropped_context       TEXT COLLATE "C" NOT NULL,
    idempotency_hash      TEXT COLLATE "C" NOT NULL,
    end_user              TEXT COLLATE "C" NOT NULL,
    PRIMARY KEY (at_ms, seq)
) PARTITION BY RANGE (at_ms);

CREATE INDEX requests_by_seq ON requests (seq);
CREATE INDEX requests_by_account ON requests (account_id, at_ms, seq);
CREATE INDEX requests_by_key ON requests (key_id, at_ms, seq);
CREATE INDEX requests_by_session ON requests (account_id, session_id, at_ms, seq);

-- What routing decided, as JSON. Apart, because lists of requests never show it.
CREATE TABLE plans (
    at_ms BIGINT NOT NULL,
    seq   BIGINT NOT NULL,
    plan  TEXT COLLATE "C" NOT NULL,
    PRIMARY KEY (at_ms, seq)
) PARTITION BY RANGE (at_ms);

-- One HTTP dispatch each, in order; times are since the request's arrival.
CREATE TABLE attempts (
    at_ms                 BIGINT NOT NULL,
    seq                   BIGINT NOT NULL,
    ordinal               BIGINT NOT NULL,
    number                BIGINT NOT NULL,
    endpoint              TEXT COLLATE "C" NOT NULL,
    provider              TEXT COLLATE "C" NOT NULL,
    upstream_model        TEXT COLLATE "C" NOT NULL,
    key_id                TEXT COLLATE "C" NOT NULL,
    started_us            BIGINT NOT NULL,
    first_token_us        BIGINT,
    ended_us              BIGINT,
    outcome               TEXT COLLATE "C" NOT NULL CHECK (outcome IN ('served', 'absorbed', 'failed', 'cancelled')),
    cause                 TEXT COLLATE "C" NOT NULL,
    message               TEXT COLLATE "C" NOT NULL,
    cancelled_by          TEXT COLLATE "C" NOT NULL,
    status                BIGINT,
    upstream_request_id   TEXT COLLATE "C" NOT NULL,
    input_tokens          BIGINT NOT NULL,
    cache_read_tokens     BIGINT NOT NULL,
    cache_write_tokens    BIGINT NOT NULL,
    cache_write_1h_tokens BIGINT NOT NULL,
    output_tokens         BIGINT NOT NULL,
    reasoning_tokens      BIGINT NOT NULL,
    usage_estimated       BIGINT NOT NULL CHECK (usage_estimated IN (0, 1)),
    cost_nano             BIGINT,
    PRIMARY KEY (at_ms, seq, ordinal)
) PARTITION BY RANGE (at_ms);

-- The tool-call ids an answer gave out, from which the index of derived sessions is rebuilt (C34).
-- Bounded: the newest limits.SESSION_CALL_IDS are kept, so they need no days.
CREATE TABLE call_ids (
    at_ms   BIGINT NOT NULL,
    seq     BIGINT NOT NULL,
    ordinal BIGINT NOT NULL,
    shown   TEXT COLLATE "C" NOT NULL,
    native  TEXT COLLATE "C" NOT NULL,
    PRIMARY KEY (seq, ordinal)
);

CREATE INDEX call_ids_by_time ON call_ids (at_ms);

-- What one request adds to the sums: the one definition that writing, rebuilding and verifying share.
-- Latency and time to first token count for served requests only: a refusal is fast and means nothing.
CREATE VIEW usage_lines AS
SELECT
    seq, at_ms, ended_ms, account_id, session_id, key_id, model, provider, client,
    at_ms / 3600000 * 3600 AS hour_s,
    at_ms / 86400000 * 86400 AS day_s,
    (ending = 'served')::int AS served,
    (ending IN ('failed', 'timed_out'))::int AS failed,
    (ending = 'served' AND absorbed_attempts > 0)::int AS rescued,
    (ending = 'served' AND cost_nano IS NULL)::int AS unpriced,
    n_attempts AS attempts,
    absorbed_attempts,
    input_tokens, cache_read_tokens, cache_write_tokens, cache_write_1h_tokens, output_tokens, reasoning_tokens,
    coalesce(cost_nano, 0) AS cost_nano,
    absorbed_nano,
    fee_nano,
    CASE WHEN ending = 'served' THEN latency_us ELSE 0 END AS latency_us,
    CASE WHEN ending = 'served' THEN overhead_us ELSE 0 END AS overhead_us,
    CASE WHEN ending = 'served' THEN coalesce(ttft_us, 0) ELSE 0 END AS ttft_us,
    (ending = 'served' AND ttft_us IS NOT NULL)::int AS ttft_count
FROM requests;

CREATE TABLE usage_hourly (
    account_id            TEXT COLLATE "C" NOT NULL,
    starts_s              BIGINT NOT NULL,
    key_id                TEXT COLLATE "C" NOT NULL,
    model                 TEXT COLLATE "C" NOT NULL,
    provider              TEXT COLLATE "C" NOT NULL,
    client                TEXT COLLATE "C" NOT NULL,
    requests              BIGINT NOT NULL,
    served                BIGINT NOT NULL,
    failed                BIGINT NOT NULL,
    rescued               BIGINT NOT NULL,
    unpriced              BIGINT NOT NULL,
    attempts              BIGINT NOT NULL,
    absorbed_attempts     BIGINT NOT NULL,
    input_tokens          BIGINT NOT NULL,
    cache_read_tokens     BIGINT NOT NULL,
    cache_write_tokens    BIGINT NOT NULL,
    cache_write_1h_tokens BIGINT NOT NULL,
    output_tokens         BIGINT NOT NULL,
    reasoning_tokens      BIGINT NOT NULL,
    cost_nano             BIGINT NOT NULL,
    absorbed_nano         BIGINT NOT NULL,
    fee_nano              BIGINT NOT NULL,
    latency_us            BIGINT NOT NULL,
    overhead_us           BIGINT NOT NULL,
    ttft_us               BIGINT NOT NULL,
    ttft_count            BIGINT NOT NULL,
    PRIMARY KEY (account_id, starts_s, key_id, model, provider, client)
);

CREATE TABLE usage_daily (
    account_id            TEXT COLLATE "C" NOT NULL,
    starts_s              BIGINT NOT NULL,
    key_id                TEXT COLLATE "C" NOT NULL,
    model                 TEXT COLLATE "C" NOT NULL,
    provider              TEXT COLLATE "C" NOT NULL,
    client                TEXT COLLATE "C" NOT NULL,
    requests              BIGINT NOT NULL,
    served                BIGINT NOT NULL,
    failed                BIGINT NOT NULL,
    rescued               BIGINT NOT NULL,
    unpriced              BIGINT NOT NULL,
    attempts              BIGINT NOT NULL,
    absorbed_attempts     BIGINT NOT NULL,
    input_tokens          BIGINT NOT NULL,
    cache_read_tokens     BIGINT NOT NULL,
    cache_write_tokens    BIGINT NOT NULL,
    cache_write_1h_tokens BIGINT NOT NULL,
    output_tokens         BIGINT NOT NULL,
    reasoning_tokens      BIGINT NOT NULL,
    cost_nano             BIGINT NOT NULL,
    absorbed_nano         BIGINT NOT NULL,
    fee_nano              BIGINT NOT NULL,
    latency_us            BIGINT NOT NULL,
    overhead_us           BIGINT NOT NULL,
    ttft_us               BIGINT NOT NULL,
    ttft_count            BIGINT NOT NULL,
    PRIMARY KEY (account_id, starts_s, key_id, model, provider, client)
);

CREATE INDEX usage_hourly_by_time ON usage_hourly (starts_s);
CREATE INDEX usage_daily_by_time ON usage_daily (starts_s);

-- One agent task. steps counts answers served; endpoint and label are those of the last of them.
CREATE TABLE sessions (
    account_id            TEXT COLLATE "C" NOT NULL,
    session_id            TEXT COLLATE "C" NOT NULL,
    named_by              TEXT COLLATE "C" NOT NULL,
    client                TEXT COLLATE "C" NOT NULL,
    endpoint              TEXT COLLATE "C" NOT NULL,
    label                 TEXT COLLATE "C" NOT NULL,
    started_ms            BIGINT NOT NULL,
    last_at_ms            BIGINT NOT NULL,
    requests              BIGINT NOT NULL,
    steps                 BIGINT NOT NULL,
    failed                BIGINT NOT NULL,
    rescued               BIGINT NOT NULL,
    unpriced              BIGINT NOT NULL,
    attempts              BIGINT NOT NULL,
    absorbed_attempts     BIGINT NOT NULL,
    input_tokens          BIGINT NOT NULL,
    cache_read_tokens     BIGINT NOT NULL,
    cache_write_tokens    BIGINT NOT NULL,
    cache_write_1h_tokens BIGINT NOT NULL,
    output_tokens         BIGINT NOT NULL,
    reasoning_tokens      BIGINT NOT NULL,
    cost_nano             BIGINT NOT NULL,
    absorbed_nano         BIGINT NOT NULL,
    fee_nano              BIGINT NOT NULL,
    latency_us            BIGINT NOT NULL,
    PRIMARY KEY (account_id, session_id)
);

CREATE INDEX sessions_by_account ON sessions (account_id, last_at_ms);
CREATE INDEX sessions_by_time ON sessions (last_at_ms);

-- Keys callers show us: a digest under a pepper that is never in this file, never the key.
CREATE TABLE api_keys (
    id             TEXT COLLATE "C" PRIMARY KEY,
    account_id     TEXT COLLATE "C" NOT NULL,
    name           TEXT COLLATE "C" NOT NULL,
    last4          TEXT COLLATE "C" NOT NULL,
    digest         BYTEA NOT NULL UNIQUE,
    pepper         TEXT COLLATE "C" NOT NULL,
    issued         BIGINT NOT NULL CHECK (issued IN (0, 1)),
    scopes         TEXT COLLATE "C" NOT NULL,
    allowed_models TEXT COLLATE "C" NOT NULL,
    created_ms     BIGINT NOT NULL,
    revoked_ms     BIGINT
);
