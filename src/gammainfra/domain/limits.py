"""Every bound of the gateway, by name: a queue, body, cache, wait or retry without an entry here is a defect.

docs/limits.md lists them for operators; tests/test_docs.py holds the two together. Units are in the names.
"""

from __future__ import annotations

from typing import Final

KIB: Final = 1024
MIB: Final = 1024 * KIB

# What a caller may send.
REQUEST_BODY_BYTES: Final = 32 * MIB
REQUEST_HEADERS_BYTES: Final = 64 * KIB
REQUEST_HEAD_S: Final = 10.0
REQUEST_READ_S: Final = 60.0
UNWANTED_BODY_BYTES: Final = 256 * MIB  # read and thrown away after a refusal: a client hears nothing while it sends
UNWANTED_BODY_S: Final = 30.0
JSON_DEPTH: Final = 200
SESSION_ID_CHARS: Final = 128
IDEMPOTENCY_KEY_CHARS: Final = 255
MAX_LATENCY_MS: Final = 3_600_000
BETAS: Final = 32  # of the `anthropic-beta` header; more are left out
ECHO_BYTES: Final = 4 * KIB  # of one field that Responses answers repeat; a longer one is left out

# What one process carries at a time.
REQUESTS_IN_FLIGHT: Final = 2048
REQUESTS_IN_FLIGHT_PER_KEY: Final = 256
BODY_BYTES_IN_FLIGHT: Final = 1024 * MIB
BODY_BYTES_RESERVED_PER_BYTE: Final = 3  # raw body, parsed form and the copy written upstream
TRIAL_SHARE: Final = 0.8  # of both, for requests that nobody pays for
LARGE_BODY_BYTES: Final = 4 * MIB  # longer ones are parsed one at a time
RATE_WAIT_S: Final = 15.0  # of a request above its key's limits, before it is refused
RATE_WAITING_PER_KEY: Final = 64
RATE_KEYS: Final = 20_000

# One Turn.
ATTEMPTS_PER_TURN: Final = 4
REPAIRS_PER_TURN: Final = 1
HEAD_AFTER_S: Final = 20.0
HEAD_AFTER_CAP_S: Final = 30.0  # a latency deadline up to this long is answered by status, never by an early Head
KEEPALIVE_EVERY_S: Final = 12.0
PAUSES_PER_ATTEMPT: Final = 8  # how often a provider that paused its answer is asked to go on
USAGE_GRACE_S: Final = 1.5
LINGER_S: Final = 2.5
LINGERING_PER_ACCOUNT: Final = 4
LINGERING: Final = 256
DRAIN_S: Final = 120.0  # reading on for the bill of an answer that nobody listens to; at most ANSWER_BYTES
DRAINING: Final = 64
SLEEP_S: Final = 25.0
SLEEPING: Final = 256
TAIL_BYTES: Final = 8 * MIB
JOURNAL_BYTES: Final = 1 * MIB  # text already rendered for a reader that is slow or gone
SLOW_READER_S: Final = 30.0
ANSWER_BYTES: Final = 32 * MIB

HEDGE_FUNDING_S: Final = 0.02  # a second leg that is not funded by then would come too late to help
HEDGE_TOKENS: Final = 10.0  # second legs that may be saved up in calm times

# One attempt.
CONNECT_S: Final = 2.0
TOKEN_S: Final = 10.0  # fetching an access token for a service account
COUNT_TOKENS_S: Final = 5.0  # Anthropic's own count of a request; then it is estimated
FIRST_TOKEN_MIN_S: Final = 5.0
FIRST_TOKEN_MAX_S: Final = 60.0
FIRST_TOKEN_THINKING_S: Final = 20.0  # least patience with a model that thinks first
DEADLINE_SHARE: Final = 0.6  # of what is left of a deadline, for an attempt that another one may follow
GAP_S: Final = 60.0
GAP_THINKING_S: Final = 180.0  # a model may think in silence
TOTAL_S: Final = 900.0
WHOLE_ANSWER_TOKENS: Final = 8192  # assumed of an answer without a limit, for how long it may take unstreamed
ERROR_BODY_BYTES: Final = 64 * KIB
SSE_EVENT_BYTES: Final = 16 * MIB
UPSTREAM_CONNECTIONS_PER_PROVIDER: Final = 1024

# The same question again.
REPLAY_S: Final = 30.0
REPLAY_BYTES: Final = 64 * MIB
IDEMPOTENCY_S: Final = 24 * 3600.0
IDEMPOTENCY_KEYS: Final = 50_000  # in memory; the store knows the others
STORE_ANSWER_S: Final = 2.0  # how long a request waits for the store's word

# The mutable maps of gateway/state.
SESSIONS: Final = 20_000
SESSION_CALL_IDS: Final = 200_000
SESSION_CALL_IDS_TRIED: Final = 64  # newest first, of one request's history
SESSION_IDLE_S: Final = 2 * 3600.0
SIDE_CALL_S: Final = 60.0
SESSION_RETRY_S: Final = 60.0  # the same history again within this time is a retry, not a new task
CACHE_TTL_S: Final = 300.0  # how long providers keep an unused prompt cache unless they say otherwise
HEALTH_ENDPOINTS: Final = 4096
HEALTH_WINDOW: Final = 20  # requests that a breaker looks back on
HEALTH_CHANGES: Final = 256  # changes of state that are remembered
SKETCH_SAMPLES: Final = 256  # then all counts are halved
BREAKER_OPEN_MAX_S: Final = 120.0
COOLDOWN_MAX_S: Final = 600.0
REJECTED_S: Final = 600.0  # after which a rejected key or model is tried once more
RETRY_BUDGET_SHARE: Final = 0.2  # repeats at the same endpoint, of its requests,
RETRY_BUDGET_PER_S: Final = 3.0  # and so many a second beside,
RETRY_BUDGET_MAX: Final = 10.0  # and so many at once

# The store's writer.
RECORD_QUEUE: Final = 20_000
RECORD_BATCH: Final = 1000
RECORD_FLUSH_S: Final = 0.1
RECORD_TRIES: Final = 5
RECORD_RETRY_S: Final = 0.1  # before the second try; doubles
RECORD_JOURNAL_BYTES: Final = 256 * MIB  # records that wait for a database that is gone
RECORD_JOURNAL_RETRY_S: Final = 1.0  # how often it is looked for then
FORGET_ROWS: Final = 500  # deleted in one transaction
FORGET_PAUSE_S: Final = 0.25  # between two of them: records go first
FORGET_EVERY_S: Final = 3600.0
STORE_BUSY_S: Final = 5.0  # how long another program may hold the database file
STORE_READERS: Final = 4
PAGE_ROWS: Final = 1000
USAGE_PERIODS: Final = 750  # hours or days of one usage report
READS_WAITING: Final = 256  # questions about what is stored, the ones being answered included
RECORD_AWAIT_S: Final = 0.5  # how long a question waits for a record that is still queued
CREDENTIAL_CHARS: Final = 256
KEY_RELOAD_S: Final = 5.0

# Providers' own lists of models.
MODEL_LIST_S: Final = 10.0
MODEL_LIST_BYTES: Final = 4 * MIB
MODELS_LISTED: Final = 5000
# The dashboard.
LOGIN_LINK_S: Final = 300.0
LOGIN_LINKS: Final = 1024  # used ones that are remembered until they would have expired
LOGINS: Final = 64
LOGIN_IDLE_S: Final = 12 * 3600.0
LOGIN_S: Final = 7 * 86_400.0
DASHBOARD_READERS: Final = 2
DASHBOARD_WAITING: Final = 64  # pages asked for, the one being made included
DASHBOARD_STREAMS: Final = 32  # open tabs that are told of new requests
DASHBOARD_STREAM_S: Final = 3600.0  # then the tab connects anew
DASHBOARD_BEAT_S: Final = 15.0
DASHBOARD_FORM_BYTES: Final = 16 * KIB
DASHBOARD_ROWS: Final = 50
DASHBOARD_SCANNED: Final = 20_000  # requests or tasks that one filtered or sorted page looks at
DASHBOARD_LATEST: Final = 1000  # newest requests that percentiles and failures are taken from
DASHBOARD_STEPS: Final = 500
REFUSALS_SHOWN: Final = 64
# The books (billing "credits").
ANSWER_FLOOR_TOKENS: Final = 2048  # of an answer, at least, or the request is not asked
EXTENSION_TOKENS: Final = 4096  # one step of a hold that grows while its answer streams
HOLD_WAIT_S: Final = 2.0  # then 503 store_slow
SETTLE_WAIT_S: Final = 0.25  # then the tail leaves with settled: false, and the settle goes on
HOLD_S: Final = 2 * 3600.0  # longer than any Turn; then nobody will settle it
ORDER_QUEUE: Final = 20_000
ORDER_BATCH: Final = 1000
ORDER_TRIES: Final = 5
REAP_EVERY_S: Final = 60.0
REAP_BATCH: Final = 1000
ACCOUNT_CHARS: Final = 64
KEY_NAME_CHARS: Final = 64
KEY_MODELS: Final = 256  # that one key is held to
KEY_RATE: Final = 10**9  # per minute
EVENT_CHARS: Final = 128
NOTE_CHARS: Final = 500  # of an operator's order
ORDER_MAX_NANO: Final = 1_000_000 * 10**9  # one order of an operator: a finger slips
ANSWER_LENGTHS: Final = 20_000  # key and model pairs whose usual answer length is remembered
