"""Whether a task may go on: the cap its client set (``X-GammaInfra-Max-Session-USD``, C35) against what it has cost.

Kept in memory: what failing attempts cost counts, requests still running do not. It decides nothing about money owed.
"""

from __future__ import annotations

from gammainfra.domain.failure import Refused
from gammainfra.domain.money import show_usd
from gammainfra.domain.session import SessionView


def check_budget(session: SessionView, max_session_nano: int | None) -> None:
    """Refused 402 ``session_budget_reached`` when the task has cost its cap or more; no cap, no refusal."""
    spent_nano = session.cost_nano + session.absorbed_nano
    if max_session_nano is None or spent_nano < max_session_nano:
        return
    message = (
        f"This task has cost ${show_usd(spent_nano)} of the ${show_usd(max_session_nano)} that its client allows. "
        "Raise X-GammaInfra-Max-Session-USD, or begin a new task."
    )
    raise Refused(402, "session_budget_reached", message, retry=False)
