-- The books: what a batch of orders loads, in two steps, and writes, a statement for each table.

-- name: ledger_holds_of
-- The open holds of these requests (a JSON array).
SELECT * FROM ledger_holds WHERE request_id IN (SELECT value FROM json_each(:requests));

-- name: ledger_txns_of
-- The transactions of these causes (a JSON array of [by, id, kind, ordinal]).
SELECT t.* FROM json_each(:causes) AS json_each_cause
JOIN ledger_txns AS t
    ON t.cause_by = json_extract(json_each_cause.value, '$[0]')
    AND t.cause_id = json_extract(json_each_cause.value, '$[1]')
    AND t.kind = json_extract(json_each_cause.value, '$[2]')
    AND t.ordinal = json_extract(json_each_cause.value, '$[3]');

-- name: ledger_entries_of
-- The lines of these transactions (a JSON array of ids).
SELECT * FROM ledger_entries WHERE txn_id IN (SELECT value FROM json_each(:ids)) ORDER BY txn_id, line;

-- name: ledger_balances_of
SELECT * FROM ledger_balances WHERE account IN (SELECT value FROM json_each(:accounts));

-- name: ledger_meters_of
SELECT * FROM ledger_meters WHERE name IN (SELECT value FROM json_each(:names));

-- name: ledger_last_txn
SELECT coalesce(max(id), 0) AS value FROM ledger_txns;

-- name: ledger_insert_txns
INSERT INTO ledger_txns (id, cause_by, cause_id, kind, ordinal, at_ms, estimated, note)
VALUES (:id, :cause_by, :cause_id, :kind, :ordinal, :at_ms, :estimated, :note);

-- name: ledger_insert_entries
INSERT INTO ledger_entries (txn_id, line, account, amount_nano) VALUES (:txn_id, :line, :account, :amount_nano);

-- name: ledger_keep_balances
INSERT INTO ledger_balances (account, posted_nano, held_nano, holds)
VALUES (:account, :posted_nano, :held_nano, :holds)
ON CONFLICT (account) DO UPDATE SET
    posted_nano = excluded.posted_nano, held_nano = excluded.held_nano, holds = excluded.holds;

-- name: ledger_keep_holds
INSERT INTO ledger_holds (request_id, node, at_ms, expires_ms, legs, meters)
VALUES (:request_id, :node, :at_ms, :expires_ms, :legs, :meters)
ON CONFLICT (request_id) DO UPDATE SET
    expires_ms = excluded.expires_ms, legs = excluded.legs, meters = excluded.meters;

-- name: ledger_end_holds
DELETE FROM ledger_holds WHERE request_id = :request_id;

-- name: ledger_keep_meters
INSERT INTO ledger_meters (name, used_nano, held_nano, until_ms)
VALUES (:name, :used_nano, :held_nano, :until_ms)
ON CONFLICT (name) DO UPDATE SET
    used_nano = excluded.used_nano, held_nano = excluded.held_nano, until_ms = excluded.until_ms;

-- name: ledger_forget_meters
-- Budgets of days and sessions that are over.
DELETE FROM ledger_meters WHERE until_ms < :now_ms AND held_nano = 0;

-- name: ledger_statement
-- The newest transactions of an account.
SELECT t.* FROM ledger_entries AS e
JOIN ledger_txns AS t ON t.id = e.txn_id
WHERE e.account = :account AND t.at_ms < :before_ms
ORDER BY e.txn_id DESC LIMIT :most;

-- name: ledger_orphans
-- Open holds whose time is over, or that another boot of this process made; node '' asks for the former only.
SELECT * FROM ledger_holds
WHERE expires_ms <= :now_ms OR (:node <> '' AND node <> :node)
ORDER BY expires_ms, request_id LIMIT :most;

-- name: ledger_count
SELECT count(*) AS value FROM ledger_txns;

-- name: ledger_unbalanced
-- Transactions whose lines do not sum to 0: there is none.
SELECT t.* FROM ledger_txns AS t
JOIN (SELECT txn_id FROM ledger_entries GROUP BY txn_id HAVING sum(amount_nano) <> 0) AS e ON e.txn_id = t.id
ORDER BY t.id;

-- name: ledger_wrong_balances
-- Users' accounts whose balance is not the sum of their entries.
SELECT account AS name FROM (
    SELECT account, posted_nano FROM ledger_balances
    UNION ALL
    SELECT account, -amount_nano FROM ledger_entries WHERE account GLOB 'u:*'
) GROUP BY account HAVING sum(posted_nano) <> 0 ORDER BY account;

-- name: ledger_wrong_holds
-- Users' accounts whose held figures are not those of the open holds.
SELECT account AS name FROM (
    SELECT account, held_nano, holds FROM ledger_balances
    UNION ALL
    SELECT json_extract(leg.value, '$[0]'), -json_extract(leg.value, '$[2]'), -1
    FROM ledger_holds, json_each(ledger_holds.legs) AS leg
) GROUP BY account HAVING sum(held_nano) <> 0 OR sum(holds) <> 0 ORDER BY account;

-- name: ledger_wrong_meters
SELECT name FROM (
    SELECT name, held_nano FROM ledger_meters
    UNION ALL
    SELECT json_extract(kept.value, '$[0]'), -json_extract(kept.value, '$[1]')
    FROM ledger_holds, json_each(ledger_holds.meters) AS kept
) GROUP BY name HAVING sum(held_nano) <> 0 ORDER BY name;

-- name: ledger_overdue
SELECT request_id AS name FROM ledger_holds WHERE expires_ms <= :now_ms;

-- name: ledger_sums
-- Every account's sum, users' as one per pot.
SELECT
    CASE
        WHEN account GLOB 'u:*:trial' THEN 'u:*:trial'
        WHEN account GLOB 'u:*:managed' THEN 'u:*:managed'
        WHEN account GLOB 'u:*:byok' THEN 'u:*:byok'
        ELSE account
    END AS name,
    sum(amount_nano) AS amount_nano
FROM ledger_entries GROUP BY name ORDER BY name;

-- name: ledger_put_in
-- What orders and payments, not requests, put into an account. Orders are few: they are found, then the account's lines.
SELECT coalesce(sum(e.amount_nano), 0) AS value
FROM ledger_txns AS t JOIN ledger_entries AS e ON e.txn_id = t.id AND e.account = :account
WHERE t.cause_by IN ('event', 'order');
