-- Usage from the roll-ups, never from requests. A dimension that is not asked for reads '' (0 for the time).

-- name: usage_hourly
SELECT
    CASE WHEN %(by_time)s THEN starts_s ELSE 0 END AS starts_s,
    CASE WHEN %(by_key)s THEN key_id ELSE '' END AS key_id,
    CASE WHEN %(by_model)s THEN model ELSE '' END AS model,
    CASE WHEN %(by_provider)s THEN provider ELSE '' END AS provider,
    CASE WHEN %(by_client)s THEN client ELSE '' END AS client,
    sum(requests)::bigint AS requests, sum(served)::bigint AS served, sum(failed)::bigint AS failed,
    sum(rescued)::bigint AS rescued,
    sum(unpriced)::bigint AS unpriced, sum(attempts)::bigint AS attempts,
    sum(absorbed_attempts)::bigint AS absorbed_attempts,
    sum(input_tokens)::bigint AS input_tokens, sum(cache_read_tokens)::bigint AS cache_read_tokens,
    sum(cache_write_tokens)::bigint AS cache_write_tokens,
    sum(cache_write_1h_tokens)::bigint AS cache_write_1h_tokens,
    sum(output_tokens)::bigint AS output_tokens, sum(reasoning_tokens)::bigint AS reasoning_tokens,
    sum(cost_nano)::bigint AS cost_nano, sum(absorbed_nano)::bigint AS absorbed_nano,
    sum(fee_nano)::bigint AS fee_nano,
    sum(latency_us)::bigint AS latency_us, sum(overhead_us)::bigint AS overhead_us,
    sum(ttft_us)::bigint AS ttft_us,
    sum(ttft_count)::bigint AS ttft_count
FROM usage_hourly
WHERE account_id = %(account_id)s AND starts_s >= %(from_s)s AND starts_s < %(to_s)s
GROUP BY 1, 2, 3, 4, 5
ORDER BY 1, 2, 3, 4, 5;

-- name: usage_daily
SELECT
    CASE WHEN %(by_time)s THEN starts_s ELSE 0 END AS starts_s,
    CASE WHEN %(by_key)s THEN key_id ELSE '' END AS key_id,
    CASE WHEN %(by_model)s THEN model ELSE '' END AS model,
    CASE WHEN %(by_provider)s THEN provider ELSE '' END AS provider,
    CASE WHEN %(by_client)s THEN client ELSE '' END AS client,
    sum(requests)::bigint AS requests, sum(served)::bigint AS served, sum(failed)::bigint AS failed,
    sum(rescued)::bigint AS rescued,
    sum(unpriced)::bigint AS unpriced, sum(attempts)::bigint AS attempts,
    sum(absorbed_attempts)::bigint AS absorbed_attempts,
    sum(input_tokens)::bigint AS input_tokens, sum(cache_read_tokens)::bigint AS cache_read_tokens,
    sum(cache_write_tokens)::bigint AS cache_write_tokens,
    sum(cache_write_1h_tokens)::bigint AS cache_write_1h_tokens,
    sum(output_tokens)::bigint AS output_tokens, sum(reasoning_tokens)::bigint AS reasoning_tokens,
    sum(cost_nano)::bigint AS cost_nano, sum(absorbed_nano)::bigint AS absorbed_nano,
    sum(fee_nano)::bigint AS fee_nano,
    sum(latency_us)::bigint AS latency_us, sum(overhead_us)::bigint AS overhead_us,
    sum(ttft_us)::bigint AS ttft_us,
    sum(ttft_count)::bigint AS ttft_count
FROM usage_daily
WHERE account_id = %(account_id)s AND starts_s >= %(from_s)s AND starts_s < %(to_s)s
GROUP BY 1, 2, 3, 4, 5
ORDER BY 1, 2, 3, 4, 5;
