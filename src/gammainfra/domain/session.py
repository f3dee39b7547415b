"""One agent task: what the gateway remembers of it while it runs.

sessions.name decides which task a request belongs to, gateway.state keeps the boards; here are only the values.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

NamedBy = Literal["header", "body", "call_id", "derived", "side_call", "alone"]


@dataclass(frozen=True, slots=True)
class SessionName:
    """Which task: ``id`` is unique within the account, ``by`` says how it was found (C34).

    ``root`` is what a derived name was derived from ("" otherwise): tasks that began with the same words share it,
    and the session board finds the newest of them by it.
    """

    id: str
    by: NamedBy
    root: str = ""


@dataclass(frozen=True, slots=True)
class SessionView:
    """A task as routing sees it: a snapshot, taken before the plan.

    ``endpoint`` is the name of the endpoint that served last ("" at step 0), with the key of ours named ``key_id``
    ("" when that is not known, as after a restart); ``label`` is the class it was routed by,
    ``step`` the number of answers so far, ``cost_nano`` and ``absorbed_nano`` its sums, ``last_at`` epoch seconds.
    """

    name: SessionName
    step: int = 0
    endpoint: str = ""
    label: str = ""
    cost_nano: int = 0
    absorbed_nano: int = 0
    last_at: float = 0.0
    n_messages: int = 0
    prefix_head_hash: int = 0
    n_tools: int = 0
    switches: int = 0
    key_id: str = ""
