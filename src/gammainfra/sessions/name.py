"""Which agent task a request belongs to (contract C34): named by the client, or derived from what the request shows.

It decides the name only; what is known of a task is kept by gateway.state and asked through Known. Names are derived
with a keyed hash, so that nobody can tell from a name what was said in the task.
"""

from __future__ import annotations

import hashlib
import hmac
from collections.abc import Mapping, Sequence
from typing import Final, Protocol

from gammainfra.domain import limits
from gammainfra.domain.failure import Refused
from gammainfra.domain.ids import base62, is_visible_ascii
from gammainfra.domain.options import read_retry_count
from gammainfra.domain.prefix import steady_lines
from gammainfra.domain.record import Caller
from gammainfra.domain.session import NamedBy, SessionName, SessionView
from gammainfra.domain.sketch import Sketch

OUR_HEADER: Final = "X-GammaInfra-Session-Id"
# Headers of others that name a task, in the contract's order.
FOREIGN_HEADERS: Final = (
    "x-session-id",
    "x-session-affinity",
    "session-id",
    "thread-id",
    "x-claude-code-session-id",
    "x-task-id",
    "x-litellm-session-id",
    "helicone-session-id",
)
_SHORT_MESSAGE_CHARS: Final = 64
_SIDE_CALL_MESSAGES: Final = 2


class Known(Protocol):
    """What the session board knows. Every question is asked within one account."""

    def session_of_call(self, account_id: str, call_id: str) -> str | None:
        """The id of the newest session to which a tool call of this id was given."""
        ...

    def latest(self, account_id: str, root: str) -> SessionView | None:
        """The newest session whose name was derived from ``root`` (``SessionName.root``)."""
        ...

    def active(self, key_id: str, since: float) -> Sequence[SessionView]:
        """The sessions in which this key asked something at or after ``since`` (epoch seconds)."""
        ...


def name(headers: Mapping[str, str], sketch: Sketch, caller: Caller, known: Known, now: float) -> SessionName:
    """Name the task of one request. ``headers`` has lower-case names, ``now`` is epoch seconds.

    In order: our header, headers of others, the body's hint; the newest session to which a tool call of the history
    was given; for a side call (a title, a summary) the one task that the key is busy with; else what the request
    begins with. Raises Refused 400 ``invalid_request`` when our own header is malformed; a foreign name that cannot
    stand in a header is hashed instead, for the client meant it for others.
    """
    if (given := headers.get(OUR_HEADER.lower())) is not None:
        return SessionName(_checked(given), "header")
    for header in FOREIGN_HEADERS:
        if foreign := headers.get(header):
            return SessionName(_kept(foreign, caller), "header")
    if sketch.session_hint:
        return SessionName(_kept(sketch.session_hint, caller), "body")
    for call_id in sketch.call_ids[: -limits.SESSION_CALL_IDS_TRIED - 1 : -1]:
        if (session_id := known.session_of_call(caller.account_id, call_id)) is not None:
            return SessionName(session_id, "call_id")
    is_side_call = sketch.n_tools == 0 and sketch.n_messages <= _SIDE_CALL_MESSAGES
    if is_side_call and (busy_with := _only_task(known, caller, now)) is not None:
        return SessionName(busy_with, "side_call")
    retried = read_retry_count(headers.get("x-stainless-retry-count")) > 0
    return _derived(sketch, caller, known, now, retried=retried, alone=is_side_call)


def _derived(sketch: Sketch, caller: Caller, known: Known, now: float, *, retried: bool, alone: bool) -> SessionName:
    """Name a task by how it begins: the newest one with that beginning if this request continues it, else a new one."""
    root = _root(sketch, caller)
    latest = known.latest(caller.account_id, root)
    by: NamedBy = "alone" if alone else "derived"
    if latest is not None and _continues(sketch, latest, now, retried=retried):
        return SessionName(latest.name.id, by, root)
    # The time makes it new: a counter would begin again after a restart and mix two tasks' sums.
    return SessionName(_session_id(caller.salt, "new", root, str(round(now * 1000))), by, root)


def _continues(sketch: Sketch, latest: SessionView, now: float, *, retried: bool) -> bool:
    """Whether a request that begins like ``latest`` is its next step or a retry of its last one.

    An agent's history grows with every step. One of equal length is the same question again when an SDK says so or
    it comes within a minute; a shorter one is the same prompt started anew, as in a benchmark that runs a task twice.
    """
    idle_s = now - latest.last_at
    if idle_s > limits.SESSION_IDLE_S:
        return False
    if sketch.n_messages > latest.n_messages or retried:
        return True
    return sketch.n_messages == latest.n_messages and idle_s < limits.SESSION_RETRY_S


def _root(sketch: Sketch, caller: Caller) -> str:
    """A keyed hash of the key and of how the conversation begins.

    A short first message ("continue", "fix the tests") says little, so the system text speaks too, without the lines
    that change from step to step.
    """
    first = sketch.first_user
    system = steady_lines(sketch.prefix_head) if len(first) < _SHORT_MESSAGE_CHARS else ""
    return _session_id(caller.salt, "root", caller.key.id, first, system)


def _only_task(known: Known, caller: Caller, now: float) -> str | None:
    """The one task with tools in which the key asked something in the last minute; None if none or several.

    Sessions without tools are left out: they are people chatting, and one must not be put into another's session.
    """
    tasks = [view for view in known.active(caller.key.id, now - limits.SIDE_CALL_S) if view.n_tools > 0]
    return tasks[0].name.id if len(tasks) == 1 else None


def _checked(given: str) -> str:
    if is_visible_ascii(given, limits.SESSION_ID_CHARS):
        return given
    shown = ascii(given[:80])
    message = (
        f"{OUR_HEADER}: {shown} is not allowed. "
        f"Write 1 to {limits.SESSION_ID_CHARS} visible ASCII characters without blanks."
    )
    raise Refused(400, "invalid_request", message, param=OUR_HEADER)


def _kept(foreign: str, caller: Caller) -> str:
    if is_visible_ascii(foreign, limits.SESSION_ID_CHARS):
        return foreign
    return _session_id(caller.salt, "foreign", foreign)


def _session_id(salt: bytes, *parts: str) -> str:
    """``ses-`` and 22 base62 characters; the parts are length-prefixed, so no two lists of parts look alike."""
    encoded = [part.encode("utf-8", "surrogatepass") for part in parts]
    message = b"".join(len(part).to_bytes(8, "big") + part for part in encoded)
    digest = hmac.digest(salt, message, hashlib.sha256)
    return "ses-" + base62(int.from_bytes(digest[:16], "big"), 22)
