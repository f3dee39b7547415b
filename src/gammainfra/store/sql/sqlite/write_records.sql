-- One batch of records: what the writer asks and adds in one transaction, before the sums.

-- name: known_ids
-- Which of these ids (a JSON array) are written already: a record that comes twice counts once.
SELECT id FROM requests WHERE id IN (SELECT value FROM json_each(:ids));

-- name: last_seq
SELECT coalesce(max(seq), 0) AS value FROM requests;

-- name: insert_requests
-- One row per answer; cost_nano is generated.
INSERT INTO requests (
    seq, id, at_ms, ended_ms, account_id, key_id, client, session_id, session_step, session_by, dialect,
    asked, provider, model, endpoint, region, stream, n_tools, input_tokens, cache_read_tokens,
    cache_write_tokens, cache_write_1h_tokens, output_tokens, reasoning_tokens, usage_estimated,
    input_nano, cache_read_nano, cache_write_nano, output_nano, absorbed_nano, fee_nano, latency_us,
    ttft_us, overhead_us, ending, status, finish_reason, error_code, n_attempts, absorbed_attempts,
    label, route_reason, router_version, dial, preference, dropped_params, dropped_context,
    idempotency_hash, end_user
) VALUES (
    :seq, :id, :at_ms, :ended_ms, :account_id, :key_id, :client, :session_id, :session_step, :session_by,
    :dialect, :asked, :provider, :model, :endpoint, :region, :stream, :n_tools, :input_tokens,
    :cache_read_tokens, :cache_write_tokens, :cache_write_1h_tokens, :output_tokens, :reasoning_tokens,
    :usage_estimated, :input_nano, :cache_read_nano, :cache_write_nano, :output_nano, :absorbed_nano,
    :fee_nano, :latency_us, :ttft_us, :overhead_us, :ending, :status, :finish_reason, :error_code,
    :n_attempts, :absorbed_attempts, :label, :route_reason, :router_version, :dial, :preference,
    :dropped_params, :dropped_context, :idempotency_hash, :end_user
);

-- name: insert_plans
-- The plan of each request, as JSON.
INSERT INTO plans (
    seq, plan
) VALUES (
    :seq, :plan
);

-- name: insert_attempts
-- One row per HTTP dispatch.
INSERT INTO attempts (
    seq, ordinal, number, endpoint, provider, upstream_model, key_id, started_us, first_token_us,
    ended_us, outcome, cause, message, cancelled_by, status, upstream_request_id, input_tokens,
    cache_read_tokens, cache_write_tokens, cache_write_1h_tokens, output_tokens, reasoning_tokens,
    usage_estimated, cost_nano
) VALUES (
    :seq, :ordinal, :number, :endpoint, :provider, :upstream_model, :key_id, :started_us,
    :first_token_us, :ended_us, :outcome, :cause, :message, :cancelled_by, :status, :upstream_request_id,
    :input_tokens, :cache_read_tokens, :cache_write_tokens, :cache_write_1h_tokens, :output_tokens,
    :reasoning_tokens, :usage_estimated, :cost_nano
);

-- name: insert_call_ids
-- The tool-call ids an answer gave out.
INSERT INTO call_ids (
    seq, ordinal, shown, native
) VALUES (
    :seq, :ordinal, :shown, :native
);

-- name: forget_call_ids
-- Keeps the newest :keep pairs (and the rest of the request that the oldest of them belongs to).
DELETE FROM call_ids
WHERE seq < (SELECT seq FROM call_ids ORDER BY seq DESC, ordinal DESC LIMIT 1 OFFSET :keep);
