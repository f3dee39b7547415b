-- What the dashboard's pages ask. Newest first, keyset paged on (at_ms, seq), always on an index, and never more than
-- `scanned` rows looked at: a filter that matches nothing must cost no more than one that matches everything.
-- NULL in a filter means any value. Times bound the days that are looked into.

-- name: dashboard_requests_of_account
SELECT * FROM requests
WHERE account_id = %(account_id)s
    AND at_ms >= %(from_ms)s AND at_ms < %(to_ms)s
    AND (at_ms, seq) < (%(cursor_ms)s, %(cursor_seq)s)
    AND (%(model)s::text IS NULL OR model = %(model)s)
    AND (%(asked)s::text IS NULL OR asked = %(asked)s)
    AND (%(provider)s::text IS NULL OR provider = %(provider)s)
    AND (%(client)s::text IS NULL OR client = %(client)s)
    AND (%(ending)s::text IS NULL OR ending IN (%(ending)s, %(or_ending)s)) AND absorbed_attempts >= %(least_absorbed)s
    AND (%(cause)s::text IS NULL OR EXISTS (
        SELECT 1 FROM attempts AS a WHERE a.at_ms = requests.at_ms AND a.seq = requests.seq AND a.cause = %(cause)s
    ))
    AND coalesce(cost_nano, 0) >= %(min_cost_nano)s
    AND latency_us >= %(min_latency_us)s
    AND (%(stream)s::boolean IS NULL OR stream = %(stream)s::boolean::int)
ORDER BY at_ms DESC, seq DESC LIMIT %(limit)s;

-- name: dashboard_requests_of_key
SELECT * FROM requests
WHERE key_id = %(key_id)s AND account_id = %(account_id)s
    AND at_ms >= %(from_ms)s AND at_ms < %(to_ms)s
    AND (at_ms, seq) < (%(cursor_ms)s, %(cursor_seq)s)
    AND (%(model)s::text IS NULL OR model = %(model)s)
    AND (%(asked)s::text IS NULL OR asked = %(asked)s)
    AND (%(provider)s::text IS NULL OR provider = %(provider)s)
    AND (%(client)s::text IS NULL OR client = %(client)s)
    AND (%(ending)s::text IS NULL OR ending IN (%(ending)s, %(or_ending)s)) AND absorbed_attempts >= %(least_absorbed)s
    AND (%(cause)s::text IS NULL OR EXISTS (
        SELECT 1 FROM attempts AS a WHERE a.at_ms = requests.at_ms AND a.seq = requests.seq AND a.cause = %(cause)s
    ))
    AND coalesce(cost_nano, 0) >= %(min_cost_nano)s
    AND latency_us >= %(min_latency_us)s
    AND (%(stream)s::boolean IS NULL OR stream = %(stream)s::boolean::int)
ORDER BY at_ms DESC, seq DESC LIMIT %(limit)s;

-- name: dashboard_requests_of_session
SELECT * FROM requests
WHERE account_id = %(account_id)s AND session_id = %(session_id)s
    AND at_ms >= %(from_ms)s AND at_ms < %(to_ms)s
    AND (at_ms, seq) < (%(cursor_ms)s, %(cursor_seq)s)
    AND (%(key_id)s::text IS NULL OR key_id = %(key_id)s)
    AND (%(model)s::text IS NULL OR model = %(model)s)
    AND (%(asked)s::text IS NULL OR asked = %(asked)s)
    AND (%(provider)s::text IS NULL OR provider = %(provider)s)
    AND (%(client)s::text IS NULL OR client = %(client)s)
    AND (%(ending)s::text IS NULL OR ending IN (%(ending)s, %(or_ending)s)) AND absorbed_attempts >= %(least_absorbed)s
    AND (%(cause)s::text IS NULL OR EXISTS (
        SELECT 1 FROM attempts AS a WHERE a.at_ms = requests.at_ms AND a.seq = requests.seq AND a.cause = %(cause)s
    ))
    AND coalesce(cost_nano, 0) >= %(min_cost_nano)s
    AND latency_us >= %(min_latency_us)s
    AND (%(stream)s::boolean IS NULL OR stream = %(stream)s::boolean::int)
ORDER BY at_ms DESC, seq DESC LIMIT %(limit)s;

-- name: dashboard_window_of_account
-- The request that is %(scanned)s below the cursor: how far down one page may look.
SELECT at_ms, seq FROM requests
WHERE account_id = %(account_id)s
    AND at_ms >= %(from_ms)s AND at_ms < %(to_ms)s AND (at_ms, seq) < (%(cursor_ms)s, %(cursor_seq)s)
ORDER BY at_ms DESC, seq DESC LIMIT 1 OFFSET %(scanned)s;

-- name: dashboard_window_of_key
SELECT at_ms, seq FROM requests
WHERE key_id = %(key_id)s
    AND at_ms >= %(from_ms)s AND at_ms < %(to_ms)s AND (at_ms, seq) < (%(cursor_ms)s, %(cursor_seq)s)
ORDER BY at_ms DESC, seq DESC LIMIT 1 OFFSET %(scanned)s;

-- name: dashboard_window_of_session
SELECT at_ms, seq FROM requests
WHERE account_id = %(account_id)s AND session_id = %(session_id)s
    AND at_ms >= %(from_ms)s AND at_ms < %(to_ms)s AND (at_ms, seq) < (%(cursor_ms)s, %(cursor_seq)s)
ORDER BY at_ms DESC, seq DESC LIMIT 1 OFFSET %(scanned)s;

-- name: dashboard_attempts
-- The attempts of the requests of one page; %(seqs)s is a JSON list.
SELECT seq, provider, endpoint, outcome, cause FROM attempts
WHERE at_ms >= %(from_ms)s AND at_ms <= %(to_ms)s
    AND seq IN (SELECT value::bigint FROM json_array_elements_text(%(seqs)s::json)) ORDER BY seq, ordinal;

-- name: dashboard_latest
-- The newest requests, as far as latency is concerned.
SELECT at_ms, latency_us, ttft_us, overhead_us, ending FROM requests
WHERE account_id = %(account_id)s AND at_ms >= %(from_ms)s ORDER BY at_ms DESC, seq DESC LIMIT %(limit)s;

-- name: dashboard_failures
-- Attempts that failed among the newest requests.
SELECT a.seq, a.provider, a.endpoint, a.outcome, a.cause, a.message, a.status, r.id, r.at_ms, r.ending
FROM (
    SELECT seq, id, at_ms, ending FROM requests
    WHERE account_id = %(account_id)s AND at_ms >= %(from_ms)s AND (n_attempts > 1 OR ending <> 'served')
    ORDER BY at_ms DESC, seq DESC LIMIT %(limit)s
) AS r JOIN attempts AS a ON a.at_ms = r.at_ms AND a.seq = r.seq
WHERE a.outcome IN ('absorbed', 'failed')
ORDER BY r.at_ms DESC, a.seq DESC, a.ordinal LIMIT %(limit)s;

-- name: dashboard_sessions_sorted
-- The newest %(scanned)s sessions of a period, the largest of them first.
SELECT * FROM (
    SELECT * FROM sessions
    WHERE account_id = %(account_id)s AND last_at_ms >= %(from_ms)s AND last_at_ms < %(to_ms)s
    ORDER BY last_at_ms DESC LIMIT %(scanned)s
) AS recent
ORDER BY CASE %(sort)s::text
    WHEN 'cost' THEN cost_nano + absorbed_nano
    WHEN 'duration' THEN last_at_ms - started_ms
    WHEN 'failures' THEN absorbed_attempts + failed
    ELSE steps END DESC, last_at_ms DESC, session_id LIMIT %(limit)s;

-- name: dashboard_last_of_key
-- When a key was used last.
SELECT at_ms FROM requests WHERE key_id = %(key_id)s ORDER BY at_ms DESC LIMIT 1;

-- name: dashboard_size
-- Bytes on the disk.
SELECT pg_database_size(current_database()) AS value;
