"""One agent task: what it cost step by step, what failed without stopping it, what it would have cost elsewhere."""

from __future__ import annotations

from typing import Final

from gammainfra.domain import limits
from gammainfra.web.answers import cache_share
from gammainfra.web.dashboard import charts, compare, filters, task
from gammainfra.web.dashboard.desk import Ask, Missing, Page

_SHOWN_ELSEWHERE: Final = 12


def show_page(ask: Ask) -> Page:
    """The page; Missing when this account has no such session."""
    found = task.read(ask, ask.path["id"])
    if found is None:
        raise Missing("There is no such session. A session appears with its first finished request.")
    session = found.session
    served = [step.request for step in found.steps if step.request.ending == "served"]
    paid_nano = sum(row.cost_nano or 0 for row in served)
    used = {row.endpoint for row in served}
    priced = all(row.cost_nano is not None for row in served)
    others = compare.elsewhere(
        [row.usage for row in served],
        compare.by_name(ask.desk.on.roster.catalog).values() if priced and not found.left_out else (),
        session.last_at,
        paid_nano,
    )
    by_endpoint: dict[str, int] = {}
    for row in served:
        by_endpoint[row.endpoint] = by_endpoint.get(row.endpoint, 0) + 1
    usage = session.usage
    values = {
        "task": found,
        "session": session,
        "cache_share": cache_share(usage),
        "used": used,
        "paid_nano": paid_nano,
        "elsewhere": _around(others, paid_nano),
        "models": sorted(by_endpoint.items(), key=lambda pair: -pair[1]),
        "most_steps": limits.DASHBOARD_STEPS,
        "tokens": charts.share_bar(
            [
                ("new", "new input", usage.input_tokens),
                ("read", "read from cache", usage.cache_read_tokens),
                ("written", "written to cache", usage.cache_write_tokens + usage.cache_write_1h_tokens),
                ("output", "output", usage.completion_tokens),
            ],
            "Tokens by class",
        ),
        "requests": filters.link("/dashboard/requests", {"session": session.id}),
        "csv": filters.link("/dashboard/requests.csv", {"session": session.id}),
    }
    return Page("session.html", values)


def _around(others: list[compare.Elsewhere], paid_nano: int) -> list[compare.Elsewhere]:
    """The cheapest, and those around what was paid, cheapest first."""
    if len(others) <= _SHOWN_ELSEWHERE:
        return others
    nearest = sorted(others, key=lambda one: abs(one.cost_nano - paid_nano))[: _SHOWN_ELSEWHERE - 2]
    return sorted({*nearest, *others[:1], *others[-1:]}, key=lambda one: (one.cost_nano, one.endpoint))
