-- Requests as people and tools read them: newest first, keyset paged on (at_ms, seq), always on a named index.
-- NULL in a filter means any value. The caller passes the cursor of the last row it has, or the end of time.

-- name: generation
SELECT r.*, p.plan FROM requests AS r JOIN plans AS p ON p.seq = r.seq
WHERE r.id = :id AND r.account_id = :account_id;

-- name: attempts_of
SELECT * FROM attempts WHERE seq = :seq ORDER BY ordinal;

-- name: call_ids_of
SELECT shown, native FROM call_ids WHERE seq = :seq ORDER BY ordinal;

-- name: requests_of_account
SELECT * FROM requests INDEXED BY requests_by_account
WHERE account_id = :account_id
    AND at_ms >= :from_ms AND at_ms < :to_ms AND (at_ms, seq) < (:cursor_ms, :cursor_seq)
    AND (:model IS NULL OR model = :model)
    AND (:provider IS NULL OR provider = :provider)
    AND (:client IS NULL OR client = :client)
    AND (:ending IS NULL OR ending = :ending)
    AND (:rescued IS NULL OR (ending = 'served' AND absorbed_attempts > 0) = :rescued)
ORDER BY at_ms DESC, seq DESC LIMIT :limit;

-- name: requests_of_key
SELECT * FROM requests INDEXED BY requests_by_key
WHERE key_id = :key_id AND account_id = :account_id
    AND at_ms >= :from_ms AND at_ms < :to_ms AND (at_ms, seq) < (:cursor_ms, :cursor_seq)
    AND (:model IS NULL OR model = :model)
    AND (:provider IS NULL OR provider = :provider)
    AND (:client IS NULL OR client = :client)
    AND (:ending IS NULL OR ending = :ending)
    AND (:rescued IS NULL OR (ending = 'served' AND absorbed_attempts > 0) = :rescued)
ORDER BY at_ms DESC, seq DESC LIMIT :limit;

-- name: requests_of_session
SELECT * FROM requests INDEXED BY requests_by_session
WHERE account_id = :account_id AND session_id = :session_id
    AND at_ms >= :from_ms AND at_ms < :to_ms AND (at_ms, seq) < (:cursor_ms, :cursor_seq)
    AND (:key_id IS NULL OR key_id = :key_id)
    AND (:model IS NULL OR model = :model)
    AND (:provider IS NULL OR provider = :provider)
    AND (:client IS NULL OR client = :client)
    AND (:ending IS NULL OR ending = :ending)
    AND (:rescued IS NULL OR (ending = 'served' AND absorbed_attempts > 0) = :rescued)
ORDER BY at_ms DESC, seq DESC LIMIT :limit;

-- name: seq_of
SELECT seq FROM requests WHERE id = :id;

-- name: sum_cost_since
-- For gates: what was spent by the requests that arrived at :from_ms or later.
SELECT count(*) AS requests, coalesce(sum(cost_nano), 0) AS cost_nano,
    coalesce(sum(absorbed_nano), 0) AS absorbed_nano, coalesce(sum(fee_nano), 0) AS fee_nano,
    coalesce(sum(ending = 'served' AND cost_nano IS NULL), 0) AS unpriced
FROM requests INDEXED BY requests_by_time WHERE at_ms >= :from_ms;

-- name: sum_cost_after
-- For gates: what was spent by the requests written after one of them.
SELECT count(*) AS requests, coalesce(sum(cost_nano), 0) AS cost_nano,
    coalesce(sum(absorbed_nano), 0) AS absorbed_nano, coalesce(sum(fee_nano), 0) AS fee_nano,
    coalesce(sum(ending = 'served' AND cost_nano IS NULL), 0) AS unpriced
FROM requests WHERE seq > :seq;

-- name: served_to_idempotency_key
-- idempotency_hash is the key's digest, a dot and the body's; :from_digest is the first part with the dot. No key is
-- answered twice since :from_ms, so there is one row at most.
SELECT id, idempotency_hash, at_ms FROM requests INDEXED BY requests_by_idempotency
WHERE idempotency_hash > :from_digest AND idempotency_hash < :to_digest AND idempotency_hash <> ''
    AND account_id = :account_id AND ending = 'served' AND at_ms >= :from_ms
LIMIT 1;
