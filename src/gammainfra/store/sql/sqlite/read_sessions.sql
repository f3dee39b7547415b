-- Agent tasks: newest activity first, keyset paged on (last_at_ms, session_id); and what the boards start from.

-- name: session
SELECT * FROM sessions WHERE account_id = :account_id AND session_id = :session_id;

-- name: sessions_of_account
SELECT * FROM sessions INDEXED BY sessions_by_account
WHERE account_id = :account_id
    AND last_at_ms >= :from_ms AND last_at_ms < :to_ms
    AND (last_at_ms, session_id) < (:cursor_ms, :cursor_id)
ORDER BY last_at_ms DESC, session_id DESC LIMIT :limit;

-- name: recent_sessions
SELECT * FROM sessions INDEXED BY sessions_by_time
WHERE last_at_ms >= :from_ms ORDER BY last_at_ms DESC LIMIT :limit;

-- name: recent_call_ids
SELECT r.account_id, r.session_id, r.at_ms, c.shown, c.native
FROM call_ids AS c JOIN requests AS r ON r.seq = c.seq
WHERE c.seq >= (SELECT min(seq) FROM requests INDEXED BY requests_by_time WHERE at_ms >= :from_ms)
    AND r.at_ms >= :from_ms
ORDER BY c.seq DESC, c.ordinal DESC LIMIT :limit;
