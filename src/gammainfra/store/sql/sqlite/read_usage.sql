-- Usage from the roll-ups, never from requests. A dimension that is not asked for reads '' (0 for the time).

-- name: usage_hourly
SELECT
    iif(:by_time, starts_s, 0) AS starts_s,
    iif(:by_key, key_id, '') AS key_id,
    iif(:by_model, model, '') AS model,
    iif(:by_provider, provider, '') AS provider,
    iif(:by_client, client, '') AS client,
    sum(requests) AS requests, sum(served) AS served, sum(failed) AS failed, sum(rescued) AS rescued,
    sum(unpriced) AS unpriced, sum(attempts) AS attempts, sum(absorbed_attempts) AS absorbed_attempts,
    sum(input_tokens) AS input_tokens, sum(cache_read_tokens) AS cache_read_tokens,
    sum(cache_write_tokens) AS cache_write_tokens, sum(cache_write_1h_tokens) AS cache_write_1h_tokens,
    sum(output_tokens) AS output_tokens, sum(reasoning_tokens) AS reasoning_tokens,
    sum(cost_nano) AS cost_nano, sum(absorbed_nano) AS absorbed_nano, sum(fee_nano) AS fee_nano,
    sum(latency_us) AS latency_us, sum(overhead_us) AS overhead_us, sum(ttft_us) AS ttft_us,
    sum(ttft_count) AS ttft_count
FROM usage_hourly
WHERE account_id = :account_id AND starts_s >= :from_s AND starts_s < :to_s
GROUP BY 1, 2, 3, 4, 5
ORDER BY 1, 2, 3, 4, 5;

-- name: usage_daily
SELECT
    iif(:by_time, starts_s, 0) AS starts_s,
    iif(:by_key, key_id, '') AS key_id,
    iif(:by_model, model, '') AS model,
    iif(:by_provider, provider, '') AS provider,
    iif(:by_client, client, '') AS client,
    sum(requests) AS requests, sum(served) AS served, sum(failed) AS failed, sum(rescued) AS rescued,
    sum(unpriced) AS unpriced, sum(attempts) AS attempts, sum(absorbed_attempts) AS absorbed_attempts,
    sum(input_tokens) AS input_tokens, sum(cache_read_tokens) AS cache_read_tokens,
    sum(cache_write_tokens) AS cache_write_tokens, sum(cache_write_1h_tokens) AS cache_write_1h_tokens,
    sum(output_tokens) AS output_tokens, sum(reasoning_tokens) AS reasoning_tokens,
    sum(cost_nano) AS cost_nano, sum(absorbed_nano) AS absorbed_nano, sum(fee_nano) AS fee_nano,
    sum(latency_us) AS latency_us, sum(overhead_us) AS overhead_us, sum(ttft_us) AS ttft_us,
    sum(ttft_count) AS ttft_count
FROM usage_daily
WHERE account_id = :account_id AND starts_s >= :from_s AND starts_s < :to_s
GROUP BY 1, 2, 3, 4, 5
ORDER BY 1, 2, 3, 4, 5;
