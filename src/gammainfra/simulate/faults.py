"""The closed list of what a simulated provider can do wrong, and when each fault makes sense. It decides
nothing about when a fault happens (schedule.py) and never writes a byte (breakage.py, server.py).

Two words are used throughout: a *stream* is an answer asked for with ``stream: true``, a *whole* is one JSON
body. A fault that makes no sense for an answer (``late_cut`` of a whole, ``bad_json`` of an answer without
tool calls) is not injected, and the log then says ``fault: none``: the log tells what happened.
"""

from __future__ import annotations

from enum import StrEnum


class Fault(StrEnum):
    """What goes wrong. The value is the name used by the command line, the log and ``POST /_script``."""

    # Refusals: an HTTP error instead of an answer.
    RATE_LIMIT = "rate_limit"
    RATE_LIMIT_RETRY_AFTER = "rate_limit_retry_after"
    SERVER_ERROR = "server_error"
    UNAVAILABLE = "unavailable"
    OVERLOADED = "overloaded"
    HTML_502 = "html_502"
    AUTH_401 = "auth_401"
    BILLING_402 = "billing_402"
    SPEND_LIMIT = "spend_limit"
    CONTEXT_OVERFLOW = "context_overflow"
    # 200, and nothing useful.
    WRONG_CONTENT_TYPE = "wrong_content_type"
    EARLY_ERROR = "early_error"
    EMPTY = "empty"
    REASONING_ONLY = "reasoning_only"
    # Connections that die.
    RESET = "reset"
    CUT_BEFORE_CONTENT = "cut_before_content"
    CUT_AFTER_TEXT = "cut_after_text"
    CUT_IN_ARGUMENTS = "cut_in_arguments"
    # Answers that look finished and are not right.
    BAD_JSON = "bad_json"
    NO_FINISH = "no_finish"
    NO_CALL_ID = "no_call_id"
    REPEATED_CALL_ID = "repeated_call_id"
    # After the finish, when an agent already acts.
    LATE_ERROR = "late_error"
    LATE_CUT = "late_cut"
    # Silence.
    STALL_BEFORE = "stall_before"
    STALL_AFTER_TEXT = "stall_after_text"
    SLOW_FIRST_TOKEN = "slow_first_token"


REFUSALS = frozenset(
    {
        Fault.RATE_LIMIT,
        Fault.RATE_LIMIT_RETRY_AFTER,
        Fault.SERVER_ERROR,
        Fault.UNAVAILABLE,
        Fault.OVERLOADED,
        Fault.HTML_502,
        Fault.AUTH_401,
        Fault.BILLING_402,
        Fault.SPEND_LIMIT,
        Fault.CONTEXT_OVERFLOW,
        Fault.WRONG_CONTENT_TYPE,
        Fault.RESET,
    }
)
"""Faults after which the model never saw the prompt: no usage, and nothing enters the prompt cache."""

TEXT_FIRST = frozenset({Fault.CUT_AFTER_TEXT, Fault.CUT_IN_ARGUMENTS, Fault.STALL_AFTER_TEXT})
"""Faults that show text before they strike. A turn without text gets a sentence put before it."""

STREAM_ONLY = frozenset({Fault.LATE_ERROR, Fault.LATE_CUT})
"""Faults between the finish and the last byte. A whole answer has no such place."""

NEEDS_CALLS = frozenset({Fault.BAD_JSON, Fault.NO_CALL_ID, Fault.REPEATED_CALL_ID})
"""Faults of a tool call. A turn without calls cannot show them."""

UNFINISHED = frozenset(
    {
        Fault.EARLY_ERROR,
        Fault.CUT_BEFORE_CONTENT,
        Fault.CUT_AFTER_TEXT,
        Fault.CUT_IN_ARGUMENTS,
        Fault.NO_FINISH,
        Fault.LATE_ERROR,
        Fault.LATE_CUT,
        Fault.STALL_BEFORE,
        Fault.STALL_AFTER_TEXT,
    }
)
"""Faults whose answer never reaches its terminal event (``[DONE]``, ``message_stop``, the last byte)."""


def applies(fault: Fault, *, stream: bool, calls: bool) -> bool:
    """Whether the fault can be shown by this answer."""
    if fault in STREAM_ONLY and not stream:
        return False
    return calls or fault not in NEEDS_CALLS
