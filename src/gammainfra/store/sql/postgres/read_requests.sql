-- Requests as people and tools read them: newest first, keyset paged on (at_ms, seq), always on an index.
-- NULL in a filter means any value. The caller passes the cursor of the last row it has, or the end of time;
-- at_ms <= the cursor says once more what the pair says, because days are left out by a plain comparison only.

-- name: generation
SELECT r.*, p.plan
FROM request_ids AS i
JOIN requests AS r ON r.at_ms = i.at_ms AND r.seq = i.seq
JOIN plans AS p ON p.at_ms = i.at_ms AND p.seq = i.seq
WHERE i.id = %(id)s AND r.account_id = %(account_id)s;

-- name: attempts_of
SELECT * FROM attempts WHERE at_ms = %(at_ms)s AND seq = %(seq)s ORDER BY ordinal;

-- name: call_ids_of
SELECT shown, native FROM call_ids WHERE seq = %(seq)s ORDER BY ordinal;

-- name: requests_of_account
SELECT * FROM requests
WHERE account_id = %(account_id)s
    AND at_ms >= %(from_ms)s AND at_ms < %(to_ms)s AND at_ms <= %(cursor_ms)s
    AND (at_ms, seq) < (%(cursor_ms)s, %(cursor_seq)s)
    AND (%(model)s::text IS NULL OR model = %(model)s)
    AND (%(provider)s::text IS NULL OR provider = %(provider)s)
    AND (%(client)s::text IS NULL OR client = %(client)s)
    AND (%(ending)s::text IS NULL OR ending = %(ending)s)
    AND (%(rescued)s::boolean IS NULL OR (ending = 'served' AND absorbed_attempts > 0) = %(rescued)s)
ORDER BY at_ms DESC, seq DESC LIMIT %(limit)s;

-- name: requests_of_key
SELECT * FROM requests
WHERE key_id = %(key_id)s AND account_id = %(account_id)s
    AND at_ms >= %(from_ms)s AND at_ms < %(to_ms)s AND at_ms <= %(cursor_ms)s
    AND (at_ms, seq) < (%(cursor_ms)s, %(cursor_seq)s)
    AND (%(model)s::text IS NULL OR model = %(model)s)
    AND (%(provider)s::text IS NULL OR provider = %(provider)s)
    AND (%(client)s::text IS NULL OR client = %(client)s)
    AND (%(ending)s::text IS NULL OR ending = %(ending)s)
    AND (%(rescued)s::boolean IS NULL OR (ending = 'served' AND absorbed_attempts > 0) = %(rescued)s)
ORDER BY at_ms DESC, seq DESC LIMIT %(limit)s;

-- name: requests_of_session
SELECT * FROM requests
WHERE account_id = %(account_id)s AND session_id = %(session_id)s
    AND at_ms >= %(from_ms)s AND at_ms < %(to_ms)s AND at_ms <= %(cursor_ms)s
    AND (at_ms, seq) < (%(cursor_ms)s, %(cursor_seq)s)
    AND (%(key_id)s::text IS NULL OR key_id = %(key_id)s)
    AND (%(model)s::text IS NULL OR model = %(model)s)
    AND (%(provider)s::text IS NULL OR provider = %(provider)s)
    AND (%(client)s::text IS NULL OR client = %(client)s)
    AND (%(ending)s::text IS NULL OR ending = %(ending)s)
    AND (%(rescued)s::boolean IS NULL OR (ending = 'served' AND absorbed_attempts > 0) = %(rescued)s)
ORDER BY at_ms DESC, seq DESC LIMIT %(limit)s;

-- name: seq_of
SELECT seq FROM request_ids WHERE id = %(id)s;

-- name: sum_cost_since
-- For gates: what was spent by the requests that arrived at :from_ms or later.
SELECT count(*) AS requests, coalesce(sum(cost_nano), 0)::bigint AS cost_nano,
    coalesce(sum(absorbed_nano), 0)::bigint AS absorbed_nano, coalesce(sum(fee_nano), 0)::bigint AS fee_nano,
    coalesce(sum((ending = 'served' AND cost_nano IS NULL)::int), 0)::bigint AS unpriced
FROM requests WHERE at_ms >= %(from_ms)s;

-- name: sum_cost_after
-- For gates: what was spent by the requests written after one of them.
SELECT count(*) AS requests, coalesce(sum(cost_nano), 0)::bigint AS cost_nano,
    coalesce(sum(absorbed_nano), 0)::bigint AS absorbed_nano, coalesce(sum(fee_nano), 0)::bigint AS fee_nano,
    coalesce(sum((ending = 'served' AND cost_nano IS NULL)::int), 0)::bigint AS unpriced
FROM requests WHERE seq > %(seq)s;

-- name: served_to_idempotency_key
-- idempotency_hash is the key's digest, a dot and the body's; from_digest is the first part with the dot. No key is
-- answered twice since from_ms, so there is one row at most.
SELECT id, idempotency_hash, at_ms FROM requests
WHERE idempotency_hash > %(from_digest)s AND idempotency_hash < %(to_digest)s AND idempotency_hash <> ''
    AND account_id = %(account_id)s AND ending = 'served' AND at_ms >= %(from_ms)s
LIMIT 1;
