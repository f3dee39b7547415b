-- API keys. Rows are never deleted: a revoked key can still be named in the record of its requests.

-- name: all_keys
SELECT * FROM api_keys ORDER BY created_ms, id;

-- name: insert_key
INSERT INTO api_keys (
    id, account_id, name, last4, digest, pepper, issued, scopes, allowed_models, created_ms, revoked_ms
) VALUES (
    :id, :account_id, :name, :last4, :digest, :pepper, :issued, :scopes, :allowed_models, :created_ms, :revoked_ms
);

-- name: revoke_key
UPDATE api_keys SET revoked_ms = :revoked_ms WHERE id = :id AND revoked_ms IS NULL;
