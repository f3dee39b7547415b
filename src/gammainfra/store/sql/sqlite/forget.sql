-- What is older than the operator keeps it, a bounded number of rows at a time. Sums by day stay for ever.

-- name: kept_from_ms
-- Arrivals before this may be gone: their days are neither verified nor rebuilt.
SELECT coalesce(max(value), 0) AS value FROM meta WHERE name = 'kept_from_ms';

-- name: move_kept_from
INSERT INTO meta (name, value) VALUES ('kept_from_ms', :before_ms)
ON CONFLICT (name) DO UPDATE SET value = max(value, excluded.value);

-- name: forget_old_requests
-- With a request go its plan, attempts and call ids.
DELETE FROM requests WHERE seq IN (
    SELECT seq FROM requests INDEXED BY requests_by_time WHERE at_ms < :before_ms ORDER BY at_ms LIMIT :limit
);

-- name: forget_old_sessions
DELETE FROM sessions WHERE (account_id, session_id) IN (
    SELECT account_id, session_id FROM sessions INDEXED BY sessions_by_time
    WHERE last_at_ms < :before_ms ORDER BY last_at_ms LIMIT :limit
);

-- name: forget_old_hours
DELETE FROM usage_hourly WHERE (account_id, starts_s, key_id, model, provider, client) IN (
    SELECT account_id, starts_s, key_id, model, provider, client FROM usage_hourly INDEXED BY usage_hourly_by_time
    WHERE starts_s < :before_ms / 1000 - 3599 ORDER BY starts_s LIMIT :limit
);
