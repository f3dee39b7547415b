-- API keys. Rows are never deleted: a revoked key can still be named in the record of its requests.

-- name: all_keys
SELECT * FROM api_keys ORDER BY created_ms, id;

-- name: insert_key
INSERT INTO api_keys (
    id, account_id, name, last4, digest, pepper, issued, scopes, allowed_models, created_ms, revoked_ms,
    day_nano, month_nano, session_nano, requests_per_minute, tokens_per_minute, concurrency, hedging, trial
) VALUES (
    :id, :account_id, :name, :last4, :digest, :pepper, :issued,
    :scopes, :allowed_models, :created_ms, :revoked_ms,
    :day_nano, :month_nano, :session_nano, :requests_per_minute,
    :tokens_per_minute, :concurrency, :hedging, :trial
);

-- name: update_key
UPDATE api_keys SET
    name = :name,
    scopes = :scopes,
    allowed_models = :allowed_models,
    day_nano = :day_nano,
    month_nano = :month_nano,
    session_nano = :session_nano,
    requests_per_minute = :requests_per_minute,
    tokens_per_minute = :tokens_per_minute,
    concurrency = :concurrency,
    hedging = :hedging,
    trial = :trial
WHERE id = :id AND revoked_ms IS NULL;

-- name: revoke_key
UPDATE api_keys SET revoked_ms = :revoked_ms WHERE id = :id AND revoked_ms IS NULL;
