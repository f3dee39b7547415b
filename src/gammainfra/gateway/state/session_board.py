"""What is known of the agent tasks of the last hours, for naming the next request and for staying on an endpoint.

Per process. A restart loses nothing but the order of same-second events: ``restore`` fills the board from the store.
The oldest task is forgotten when limits.SESSIONS are known, the oldest call id at limits.SESSION_CALL_IDS.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Iterable, Sequence
from dataclasses import replace

from gammainfra.domain import limits
from gammainfra.domain.attempt import Served
from gammainfra.domain.prefix import prefix_head_hash
from gammainfra.domain.record import RequestRecord
from gammainfra.domain.session import SessionName, SessionView
from gammainfra.domain.sketch import Sketch

_Task = tuple[str, str]  # account id, session id


class SessionBoard:
    """Implements sessions.name.Known, and keeps each task's sums up to date."""

    def __init__(self) -> None:
        self._views: OrderedDict[_Task, SessionView] = OrderedDict()
        self._of_call: OrderedDict[tuple[str, str], str] = OrderedDict()
        self._newest_of_root: dict[tuple[str, str], str] = {}
        # By key id: the tasks with tools in which it asked, and when (epoch seconds), the newest last.
        self._busy: dict[str, OrderedDict[_Task, float]] = {}
        self._keys_of: dict[_Task, set[str]] = {}

    # ---- what sessions.name asks ------------------------------------------------------------------------------------
    def session_of_call(self, account_id: str, call_id: str) -> str | None:
        """The newest session to which a call of this id was given."""
        return self._of_call.get((account_id, call_id))

    def latest(self, account_id: str, root: str) -> SessionView | None:
        """The newest session that began with ``root``."""
        session_id = self._newest_of_root.get((account_id, root))
        return None if session_id is None else self._views.get((account_id, session_id))

    def active(self, key_id: str, since: float) -> Sequence[SessionView]:
        """The tasks with tools in which the key asked something at or after ``since``, the newest first."""
        found = []
        for task, at in reversed(self._busy.get(key_id, {}).items()):
            if at < since:
                break
            found.append(self._views[task])
        return found

    # ---- what a request does ----------------------------------------------------------------------------------------
    def view(self, account_id: str, name: SessionName) -> SessionView:
        """The task as it stands; a fresh view when nothing is known of it."""
        known = self._views.get((account_id, name.id))
        return SessionView(name) if known is None else replace(known, name=name)

    def arrived(self, account_id: str, key_id: str, name: SessionName, sketch: Sketch, wall: float) -> None:
        """A request of the task was admitted. A side call leaves the task's shape as it was."""
        task = (account_id, name.id)
        view = self._views.get(task) or SessionView(name)
        if name.by == "side_call":
            view = replace(view, name=name, last_at=wall)
        else:
            view = replace(
                view,
                name=name,
                last_at=wall,
                n_messages=sketch.n_messages,
                n_tools=sketch.n_tools,
                prefix_head_hash=prefix_head_hash(sketch.prefix_head),
            )
        self._keep(task, view)
        self._note_asker(task, key_id, wall, busy=view.n_tools > 0)

    def settled(self, record: RequestRecord) -> None:
        """A Turn of the task is over: its sums, and where the next step should go."""
        task = (record.account_id, record.session_id)
        view = self._views.get(task)
        if view is None:
            return
        cost_nano = 0 if record.charge is None else record.charge.total_nano
        view = replace(
            view,
            cost_nano=view.cost_nano + cost_nano,
            absorbed_nano=view.absorbed_nano + record.absorbed_nano,
        )
        if record.ending == "served" and record.session_by != "side_call":
            endpoint = f"{record.provider}/{record.model}"
            moved = view.endpoint not in {"", endpoint}
            view = replace(
                view,
                step=view.step + 1,
                endpoint=endpoint,
                key_id=next((one.key_id for one in record.attempts if isinstance(one.outcome, Served)), ""),
                label=record.plan.label or view.label,
                switches=view.switches + moved,
            )
        self._keep(task, view)
        for shown, _ in record.call_ids:
            self._remember_call(record.account_id, shown, record.session_id)

    # ---- keeping ----------------------------------------------------------------------------------------------------
    def restore(self, tasks: Iterable[tuple[str, SessionView]], calls: Iterable[tuple[str, str, str]]) -> None:
        """Fill the empty board: (account id, view) and (account id, call id, session id), both oldest first."""
        for account_id, view in tasks:
            self._keep((account_id, view.name.id), view)
        for account_id, call_id, session_id in calls:
            self._remember_call(account_id, call_id, session_id)

    def _keep(self, task: _Task, view: SessionView) -> None:
        self._views[task] = view
        self._views.move_to_end(task)
        if view.name.root:
            self._newest_of_root[task[0], view.name.root] = task[1]
        while len(self._views) > limits.SESSIONS:
            forgotten, old = self._views.popitem(last=False)
            for key_id in self._keys_of.pop(forgotten, ()):
                self._leave(key_id, forgotten)
            if self._newest_of_root.get((forgotten[0], old.name.root)) == forgotten[1]:
                del self._newest_of_root[forgotten[0], old.name.root]

    def _note_asker(self, task: _Task, key_id: str, wall: float, *, busy: bool) -> None:
        if busy:
            asked_at = self._busy.setdefault(key_id, OrderedDict())
            asked_at[task] = wall
            asked_at.move_to_end(task)
            self._keys_of.setdefault(task, set()).add(key_id)
        elif key_id in self._keys_of.get(task, ()):
            self._keys_of[task].discard(key_id)
            self._leave(key_id, task)

    def _leave(self, key_id: str, task: _Task) -> None:
        del self._busy[key_id][task]
        if not self._busy[key_id]:
            del self._busy[key_id]

    def _remember_call(self, account_id: str, call_id: str, session_id: str) -> None:
        self._of_call[account_id, call_id] = session_id
        self._of_call.move_to_end((account_id, call_id))
        while len(self._of_call) > limits.SESSION_CALL_IDS:
            self._of_call.popitem(last=False)
