-- API keys. Rows are never deleted: a revoked key can still be named in the record of its requests.

-- name: all_keys
SELECT * FROM api_keys ORDER BY created_ms, id;

-- name: insert_key
INSERT INTO api_keys (
    id, account_id, name, last4, digest, pepper, issued, scopes, allowed_models, created_ms, revoked_ms,
    day_nano, month_nano, session_nano, requests_per_minute, tokens_per_minute, concurrency, hedging, trial
) VALUES (
    %(id)s, %(account_id)s, %(name)s, %(last4)s, %(digest)s, %(pepper)s, %(issued)s,
    %(scopes)s, %(allowed_models)s, %(created_ms)s, %(revoked_ms)s,
    %(day_nano)s, %(month_nano)s, %(session_nano)s, %(requests_per_minute)s,
    %(tokens_per_minute)s, %(concurrency)s, %(hedging)s, %(trial)s
);

-- name: update_key
UPDATE api_keys SET
    name = %(name)s,
    scopes = %(scopes)s,
    allowed_models = %(allowed_models)s,
    day_nano = %(day_nano)s,
    month_nano = %(month_nano)s,
    session_nano = %(session_nano)s,
    requests_per_minute = %(requests_per_minute)s,
    tokens_per_minute = %(tokens_per_minute)s,
    concurrency = %(concurrency)s,
    hedging = %(hedging)s,
    trial = %(trial)s
WHERE id = %(id)s AND revoked_ms IS NULL;

-- name: revoke_key
UPDATE api_keys SET revoked_ms = %(revoked_ms)s WHERE id = %(id)s AND revoked_ms IS NULL;
