-- What the dashboard's pages ask. Newest first, keyset paged on (at_ms, seq), always on a named index, and never more
-- than :scanned rows looked at: a filter that matches nothing must cost no more than one that matches everything.
-- NULL in a filter means any value. The filters are one expression (IS TRUE): as many terms they make SQLite sort instead of
-- reading in the index's order.

-- name: dashboard_requests_of_account
SELECT * FROM requests INDEXED BY requests_by_account
WHERE account_id = :account_id
    AND at_ms >= :from_ms AND at_ms < :to_ms
    AND (at_ms, seq) < (:cursor_ms, :cursor_seq)
    AND (
        model = coalesce(:model, model)
        AND asked = coalesce(:asked, asked)
        AND provider = coalesce(:provider, provider)
        AND client = coalesce(:client, client)
        AND ending IN (coalesce(:ending, ending), coalesce(:or_ending, ending)) AND absorbed_attempts >= :least_absorbed
        AND (:cause IS NULL OR EXISTS (SELECT 1 FROM attempts AS a WHERE a.seq = requests.seq AND a.cause = :cause))
        AND coalesce(cost_nano, 0) >= :min_cost_nano
        AND latency_us >= :min_latency_us
        AND stream = coalesce(:stream, stream)
    ) IS TRUE
ORDER BY at_ms DESC, seq DESC LIMIT :limit;

-- name: dashboard_requests_of_key
SELECT * FROM requests INDEXED BY requests_by_key
WHERE key_id = :key_id AND account_id = :account_id
    AND at_ms >= :from_ms AND at_ms < :to_ms
    AND (at_ms, seq) < (:cursor_ms, :cursor_seq)
    AND (
        model = coalesce(:model, model)
        AND asked = coalesce(:asked, asked)
        AND provider = coalesce(:provider, provider)
        AND client = coalesce(:client, client)
        AND ending IN (coalesce(:ending, ending), coalesce(:or_ending, ending)) AND absorbed_attempts >= :least_absorbed
        AND (:cause IS NULL OR EXISTS (SELECT 1 FROM attempts AS a WHERE a.seq = requests.seq AND a.cause = :cause))
        AND coalesce(cost_nano, 0) >= :min_cost_nano
        AND latency_us >= :min_latency_us
        AND stream = coalesce(:stream, stream)
    ) IS TRUE
ORDER BY at_ms DESC, seq DESC LIMIT :limit;

-- name: dashboard_requests_of_session
SELECT * FROM requests INDEXED BY requests_by_session
WHERE account_id = :account_id AND session_id = :session_id
    AND at_ms >= :from_ms AND at_ms < :to_ms
    AND (at_ms, seq) < (:cursor_ms, :cursor_seq)
    AND (
        key_id = coalesce(:key_id, key_id)
        AND model = coalesce(:model, model)
        AND asked = coalesce(:asked, asked)
        AND provider = coalesce(:provider, provider)
        AND client = coalesce(:client, client)
        AND ending IN (coalesce(:ending, ending), coalesce(:or_ending, ending)) AND absorbed_attempts >= :least_absorbed
        AND (:cause IS NULL OR EXISTS (SELECT 1 FROM attempts AS a WHERE a.seq = requests.seq AND a.cause = :cause))
        AND coalesce(cost_nano, 0) >= :min_cost_nano
        AND latency_us >= :min_latency_us
        AND stream = coalesce(:stream, stream)
    ) IS TRUE
ORDER BY at_ms DESC, seq DESC LIMIT :limit;

-- name: dashboard_window_of_account
-- The request that is :scanned below the cursor: how far down one page may look.
SELECT at_ms, seq FROM requests INDEXED BY requests_by_account
WHERE account_id = :account_id
    AND at_ms >= :from_ms AND at_ms < :to_ms AND (at_ms, seq) < (:cursor_ms, :cursor_seq)
ORDER BY at_ms DESC, seq DESC LIMIT 1 OFFSET :scanned;

-- name: dashboard_window_of_key
SELECT at_ms, seq FROM requests INDEXED BY requests_by_key
WHERE key_id = :key_id
    AND at_ms >= :from_ms AND at_ms < :to_ms AND (at_ms, seq) < (:cursor_ms, :cursor_seq)
ORDER BY at_ms DESC, seq DESC LIMIT 1 OFFSET :scanned;

-- name: dashboard_window_of_session
SELECT at_ms, seq FROM requests INDEXED BY requests_by_session
WHERE account_id = :account_id AND session_id = :session_id
    AND at_ms >= :from_ms AND at_ms < :to_ms AND (at_ms, seq) < (:cursor_ms, :cursor_seq)
ORDER BY at_ms DESC, seq DESC LIMIT 1 OFFSET :scanned;

-- name: dashboard_attempts
-- The attempts of the requests of one page; :seqs is a JSON list.
SELECT seq, provider, endpoint, outcome, cause FROM attempts
WHERE seq IN (SELECT value FROM json_each(:seqs)) ORDER BY seq, ordinal;

-- name: dashboard_latest
-- The newest requests, as far as latency is concerned.
SELECT at_ms, latency_us, ttft_us, overhead_us, ending FROM requests INDEXED BY requests_by_account
WHERE account_id = :account_id AND at_ms >= :from_ms ORDER BY at_ms DESC, seq DESC LIMIT :limit;

-- name: dashboard_failures
-- Attempts that failed among the newest requests.
SELECT a.seq, a.provider, a.endpoint, a.outcome, a.cause, a.message, a.status, r.id, r.at_ms, r.ending
FROM (
    SELECT seq, id, at_ms, ending FROM requests INDEXED BY requests_by_account
    WHERE account_id = :account_id AND at_ms >= :from_ms AND (n_attempts > 1 OR ending <> 'served')
    ORDER BY at_ms DESC, seq DESC LIMIT :limit
) AS r JOIN attempts AS a ON a.seq = r.seq
WHERE a.outcome IN ('absorbed', 'failed')
ORDER BY r.at_ms DESC, a.seq DESC, a.ordinal LIMIT :limit;

-- name: dashboard_sessions_sorted
-- The newest :scanned sessions of a period, the largest of them first.
SELECT * FROM (
    SELECT * FROM sessions INDEXED BY sessions_by_account
    WHERE account_id = :account_id AND last_at_ms >= :from_ms AND last_at_ms < :to_ms
    ORDER BY last_at_ms DESC LIMIT :scanned
) AS recent
ORDER BY CASE :sort
    WHEN 'cost' THEN cost_nano + absorbed_nano
    WHEN 'duration' THEN last_at_ms - started_ms
    WHEN 'failures' THEN absorbed_attempts + failed
    ELSE steps END DESC, last_at_ms DESC, session_id LIMIT :limit;

-- name: dashboard_last_of_key
-- When a key was used last.
SELECT at_ms FROM requests INDEXED BY requests_by_key WHERE key_id = :key_id ORDER BY at_ms DESC LIMIT 1;

-- name: dashboard_size
-- Bytes on the disk.
SELECT page_count * page_size AS value FROM pragma_page_count, pragma_page_size;
