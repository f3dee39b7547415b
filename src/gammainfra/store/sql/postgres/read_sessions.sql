-- Agent tasks: newest activity first, keyset paged on (last_at_ms, session_id); and what the boards start from.

-- name: session
SELECT * FROM sessions WHERE account_id = %(account_id)s AND session_id = %(session_id)s;

-- name: sessions_of_account
SELECT * FROM sessions
WHERE account_id = %(account_id)s
    AND last_at_ms >= %(from_ms)s AND last_at_ms < %(to_ms)s
    AND (last_at_ms, session_id) < (%(cursor_ms)s, %(cursor_id)s)
ORDER BY last_at_ms DESC, session_id DESC LIMIT %(limit)s;

-- name: recent_sessions
SELECT * FROM sessions
WHERE last_at_ms >= %(from_ms)s ORDER BY last_at_ms DESC LIMIT %(limit)s;

-- name: recent_call_ids
SELECT r.account_id, r.session_id, r.at_ms, c.shown, c.native
FROM call_ids AS c JOIN requests AS r ON r.at_ms = c.at_ms AND r.seq = c.seq
WHERE c.at_ms >= %(from_ms)s AND r.at_ms >= %(from_ms)s
ORDER BY c.seq DESC, c.ordinal DESC LIMIT %(limit)s;
