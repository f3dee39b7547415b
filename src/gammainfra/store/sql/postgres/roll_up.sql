-- Sums that move in the transaction of the requests they sum. Each request is added exactly once: only what is
-- above the watermark is added, and the watermark moves in the same transaction.

-- name: rolled_up_seq
-- The watermark: every request up to it is in the sums.
SELECT value FROM meta WHERE name = 'rolled_up_seq';

-- name: move_watermark
UPDATE meta SET value = %(seq)s WHERE name = 'rolled_up_seq';

-- name: roll_up_hours
-- Adds the requests :after < seq <= :upto that arrived in [:from_ms, :to_ms) to usage_hourly.
INSERT INTO usage_hourly (
    account_id, starts_s, key_id, model, provider, client, requests, served, failed, rescued, unpriced,
    attempts, absorbed_attempts, input_tokens, cache_read_tokens, cache_write_tokens,
    cache_write_1h_tokens, output_tokens, reasoning_tokens, cost_nano, absorbed_nano, fee_nano,
    latency_us, overhead_us, ttft_us, ttft_count
)
SELECT
    account_id, hour_s, key_id, model, provider, client, count(*),
    sum(served), sum(failed), sum(rescued), sum(unpriced), sum(attempts), sum(absorbed_attempts),
    sum(input_tokens), sum(cache_read_tokens), sum(cache_write_tokens), sum(cache_write_1h_tokens),
    sum(output_tokens), sum(reasoning_tokens), sum(cost_nano), sum(absorbed_nano), sum(fee_nano),
    sum(latency_us), sum(overhead_us), sum(ttft_us), sum(ttft_count)
FROM usage_lines
WHERE seq > %(after)s AND seq <= %(upto)s AND at_ms >= %(from_ms)s AND at_ms < %(to_ms)s
GROUP BY account_id, hour_s, key_id, model, provider, client
ON CONFLICT (account_id, starts_s, key_id, model, provider, client) DO UPDATE SET
    requests = usage_hourly.requests + excluded.requests, served = usage_hourly.served + excluded.served,
    failed = usage_hourly.failed + excluded.failed, rescued = usage_hourly.rescued + excluded.rescued,
    unpriced = usage_hourly.unpriced + excluded.unpriced, attempts = usage_hourly.attempts + excluded.attempts,
    absorbed_attempts = usage_hourly.absorbed_attempts + excluded.absorbed_attempts,
    input_tokens = usage_hourly.input_tokens + excluded.input_tokens,
    cache_read_tokens = usage_hourly.cache_read_tokens + excluded.cache_read_tokens,
    cache_write_tokens = usage_hourly.cache_write_tokens + excluded.cache_write_tokens,
    cache_write_1h_tokens = usage_hourly.cache_write_1h_tokens + excluded.cache_write_1h_tokens,
    output_tokens = usage_hourly.output_tokens + excluded.output_tokens,
    reasoning_tokens = usage_hourly.reasoning_tokens + excluded.reasoning_tokens,
    cost_nano = usage_hourly.cost_nano + excluded.cost_nano,
    absorbed_nano = usage_hourly.absorbed_nano + excluded.absorbed_nano,
    fee_nano = usage_hourly.fee_nano + excluded.fee_nano,
    latency_us = usage_hourly.latency_us + excluded.latency_us,
    overhead_us = usage_hourly.overhead_us + excluded.overhead_us,
    ttft_us = usage_hourly.ttft_us + excluded.ttft_us,
    ttft_count = usage_hourly.ttft_count + excluded.ttft_count;

-- name: roll_up_days
-- Adds the requests :after < seq <= :upto that arrived in [:from_ms, :to_ms) to usage_daily.
INSERT INTO usage_daily (
    account_id, starts_s, key_id, model, provider, client, requests, served, failed, rescued, unpriced,
    attempts, absorbed_attempts, input_tokens, cache_read_tokens, cache_write_tokens,
    cache_write_1h_tokens, output_tokens, reasoning_tokens, cost_nano, absorbed_nano, fee_nano,
    latency_us, overhead_us, ttft_us, ttft_count
)
SELECT
    account_id, day_s, key_id, model, provider, client, count(*),
    sum(served), sum(failed), sum(rescued), sum(unpriced), sum(attempts), sum(absorbed_attempts),
    sum(input_tokens), sum(cache_read_tokens), sum(cache_write_tokens), sum(cache_write_1h_tokens),
    sum(output_tokens), sum(reasoning_tokens), sum(cost_nano), sum(absorbed_nano), sum(fee_nano),
    sum(latency_us), sum(overhead_us), sum(ttft_us), sum(ttft_count)
FROM usage_lines
WHERE seq > %(after)s AND seq <= %(upto)s AND at_ms >= %(from_ms)s AND at_ms < %(to_ms)s
GROUP BY account_id, day_s, key_id, model, provider, client
ON CONFLICT (account_id, starts_s, key_id, model, provider, client) DO UPDATE SET
    requests = usage_daily.requests + excluded.requests, served = usage_daily.served + excluded.served,
    failed = usage_daily.failed + excluded.failed, rescued = usage_daily.rescued + excluded.rescued,
    unpriced = usage_daily.unpriced + excluded.unpriced, attempts = usage_daily.attempts + excluded.attempts,
    absorbed_attempts = usage_daily.absorbed_attempts + excluded.absorbed_attempts,
    input_tokens = usage_daily.input_tokens + excluded.input_tokens,
    cache_read_tokens = usage_daily.cache_read_tokens + excluded.cache_read_tokens,
    cache_write_tokens = usage_daily.cache_write_tokens + excluded.cache_write_tokens,
    cache_write_1h_tokens = usage_daily.cache_write_1h_tokens + excluded.cache_write_1h_tokens,
    output_tokens = usage_daily.output_tokens + excluded.output_tokens,
    reasoning_tokens = usage_daily.reasoning_tokens + excluded.reasoning_tokens,
    cost_nano = usage_daily.cost_nano + excluded.cost_nano,
    absorbed_nano = usage_daily.absorbed_nano + excluded.absorbed_nano,
    fee_nano = usage_daily.fee_nano + excluded.fee_nano, latency_us = usage_daily.latency_us + excluded.latency_us,
    overhead_us = usage_daily.overhead_us + excluded.overhead_us, ttft_us = usage_daily.ttft_us + excluded.ttft_us,
    ttft_count = usage_daily.ttft_count + excluded.ttft_count;

-- name: roll_up_sessions
-- Adds the requests :after < seq <= :upto to their sessions; name_sessions says the rest of them.
INSERT INTO sessions (
    account_id, session_id, named_by, client, endpoint, label, started_ms, last_at_ms, requests, steps,
    failed, rescued, unpriced, attempts, absorbed_attempts, input_tokens, cache_read_tokens,
    cache_write_tokens, cache_write_1h_tokens, output_tokens, reasoning_tokens, cost_nano, absorbed_nano,
    fee_nano, latency_us
)
SELECT
    account_id, session_id, '', '', '', '', min(at_ms), max(ended_ms), count(*), sum(served),
    sum(failed), sum(rescued), sum(unpriced), sum(attempts), sum(absorbed_attempts), sum(input_tokens),
    sum(cache_read_tokens), sum(cache_write_tokens), sum(cache_write_1h_tokens), sum(output_tokens),
    sum(reasoning_tokens), sum(cost_nano), sum(absorbed_nano), sum(fee_nano), sum(latency_us)
FROM usage_lines
WHERE seq > %(after)s AND seq <= %(upto)s AND session_id <> ''
GROUP BY account_id, session_id
ON CONFLICT (account_id, session_id) DO UPDATE SET
    started_ms = least(sessions.started_ms, excluded.started_ms), last_at_ms = greatest(sessions.last_at_ms,
    excluded.last_at_ms),
    requests = sessions.requests + excluded.requests, steps = sessions.steps + excluded.steps,
    failed = sessions.failed + excluded.failed, rescued = sessions.rescued + excluded.rescued,
    unpriced = sessions.unpriced + excluded.unpriced, attempts = sessions.attempts + excluded.attempts,
    absorbed_attempts = sessions.absorbed_attempts + excluded.absorbed_attempts,
    input_tokens = sessions.input_tokens + excluded.input_tokens,
    cache_read_tokens = sessions.cache_read_tokens + excluded.cache_read_tokens,
    cache_write_tokens = sessions.cache_write_tokens + excluded.cache_write_tokens,
    cache_write_1h_tokens = sessions.cache_write_1h_tokens + excluded.cache_write_1h_tokens,
    output_tokens = sessions.output_tokens + excluded.output_tokens,
    reasoning_tokens = sessions.reasoning_tokens + excluded.reasoning_tokens,
    cost_nano = sessions.cost_nano + excluded.cost_nano,
    absorbed_nano = sessions.absorbed_nano + excluded.absorbed_nano,
    fee_nano = sessions.fee_nano + excluded.fee_nano, latency_us = sessions.latency_us + excluded.latency_us;

-- name: name_sessions
-- What is known of a session by its last request, and by its last served one, for the sessions of a range of seq.
UPDATE sessions SET
    named_by = (
        SELECT session_by FROM requests AS r
        WHERE r.account_id = sessions.account_id AND r.session_id = sessions.session_id
        ORDER BY r.at_ms DESC, r.seq DESC LIMIT 1
    ),
    client = (
        SELECT client FROM requests AS r
        WHERE r.account_id = sessions.account_id AND r.session_id = sessions.session_id
        ORDER BY r.at_ms DESC, r.seq DESC LIMIT 1
    ),
    endpoint = coalesce((
        SELECT endpoint FROM requests AS r
        WHERE r.account_id = sessions.account_id AND r.session_id = sessions.session_id AND r.ending = 'served'
        ORDER BY r.at_ms DESC, r.seq DESC LIMIT 1
    ), ''),
    label = coalesce((
        SELECT label FROM requests AS r
        WHERE r.account_id = sessions.account_id AND r.session_id = sessions.session_id AND r.ending = 'served'
        ORDER BY r.at_ms DESC, r.seq DESC LIMIT 1
    ), '')
WHERE (account_id, session_id) IN (
    SELECT account_id, session_id FROM requests WHERE seq > %(after)s AND seq <= %(upto)s
);

-- name: range_of_day
-- The seqs between which every request of [:from_ms, :to_ms) lies; NULL when there is none.
SELECT min(seq) AS first_seq, max(seq) AS last_seq FROM requests
WHERE at_ms >= %(from_ms)s AND at_ms < %(to_ms)s;

-- name: forget_hours
DELETE FROM usage_hourly WHERE starts_s >= %(from_s)s AND starts_s < %(to_s)s;

-- name: forget_days
DELETE FROM usage_daily WHERE starts_s >= %(from_s)s AND starts_s < %(to_s)s;

-- name: forget_sessions
-- The sessions that had a request in a range of seq: rebuild_sessions makes them again. Not one that began when
-- requests are not kept any more: it could only be made again in part.
DELETE FROM sessions WHERE started_ms >= %(kept_from_ms)s AND (account_id, session_id) IN (
    SELECT account_id, session_id FROM requests WHERE seq > %(after)s AND seq <= %(upto)s
);

-- name: rebuild_sessions
-- Sums whole sessions, all their requests, for the sessions that had one in a range of seq and are not
-- there: forget_sessions has left those that cannot be made again.
INSERT INTO sessions (
    account_id, session_id, named_by, client, endpoint, label, started_ms, last_at_ms, requests, steps,
    failed, rescued, unpriced, attempts, absorbed_attempts, input_tokens, cache_read_tokens,
    cache_write_tokens, cache_write_1h_tokens, output_tokens, reasoning_tokens, cost_nano, absorbed_nano,
    fee_nano, latency_us
)
SELECT
    account_id, session_id, '', '', '', '', min(at_ms), max(ended_ms), count(*), sum(served),
    sum(failed), sum(rescued), sum(unpriced), sum(attempts), sum(absorbed_attempts), sum(input_tokens),
    sum(cache_read_tokens), sum(cache_write_tokens), sum(cache_write_1h_tokens), sum(output_tokens),
    sum(reasoning_tokens), sum(cost_nano), sum(absorbed_nano), sum(fee_nano), sum(latency_us)
FROM usage_lines
WHERE session_id <> '' AND (account_id, session_id) IN (
    SELECT account_id, session_id FROM requests WHERE seq > %(after)s AND seq <= %(upto)s
)
    AND NOT EXISTS (
        SELECT 1 FROM sessions AS s
        WHERE s.account_id = usage_lines.account_id AND s.session_id = usage_lines.session_id
    )
GROUP BY account_id, session_id
ON CONFLICT (account_id, session_id) DO UPDATE SET
    started_ms = least(sessions.started_ms, excluded.started_ms), last_at_ms = greatest(sessions.last_at_ms,
    excluded.last_at_ms),
    requests = sessions.requests + excluded.requests, steps = sessions.steps + excluded.steps,
    failed = sessions.failed + excluded.failed, rescued = sessions.rescued + excluded.rescued,
    unpriced = sessions.unpriced + excluded.unpriced, attempts = sessions.attempts + excluded.attempts,
    absorbed_attempts = sessions.absorbed_attempts + excluded.absorbed_attempts,
    input_tokens = sessions.input_tokens + excluded.input_tokens,
    cache_read_tokens = sessions.cache_read_tokens + excluded.cache_read_tokens,
    cache_write_tokens = sessions.cache_write_tokens + excluded.cache_write_tokens,
    cache_write_1h_tokens = sessions.cache_write_1h_tokens + excluded.cache_write_1h_tokens,
    output_tokens = sessions.output_tokens + excluded.output_tokens,
    reasoning_tokens = sessions.reasoning_tokens + excluded.reasoning_tokens,
    cost_nano = sessions.cost_nano + excluded.cost_nano,
    absorbed_nano = sessions.absorbed_nano + excluded.absorbed_nano,
    fee_nano = sessions.fee_nano + excluded.fee_nano, latency_us = sessions.latency_us + excluded.latency_us;

-- name: hours_of_day
SELECT * FROM usage_hourly WHERE starts_s >= %(from_s)s AND starts_s < %(to_s)s;

-- name: days_of_day
SELECT * FROM usage_daily WHERE starts_s >= %(from_s)s AND starts_s < %(to_s)s;

-- name: sessions_of_range
SELECT * FROM sessions WHERE (account_id, session_id) IN (
    SELECT account_id, session_id FROM requests WHERE seq > %(after)s AND seq <= %(upto)s
);
