-- API keys. Rows are never deleted: a revoked key can still be named in the record of its requests.

-- name: all_keys
SELECT * FROM api_keys ORDER BY created_ms, id;

-- name: insert_key
INSERT INTO api_keys (
    id, account_id, name, last4, digest, pepper, issued, scopes, allowed_models, created_ms, revoked_ms
) VALUES (
    %(id)s, %(account_id)s, %(name)s, %(last4)s, %(digest)s, %(pepper)s, %(issued)s, %(scopes)s,
    %(allowed_models)s, %(created_ms)s, %(revoked_ms)s
);

-- name: revoke_key
UPDATE api_keys SET revoked_ms = %(revoked_ms)s WHERE id = %(id)s AND revoked_ms IS NULL;
