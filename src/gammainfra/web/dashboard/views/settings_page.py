"""Settings: every one in force and where it was set. To change one is the operator's, in its place."""

from __future__ import annotations

from gammainfra.web.dashboard.desk import Ask, Page


def show(ask: Ask) -> Page:
    """The page."""
    groups: dict[str, list[object]] = {}
    for row in ask.desk.settings:
        groups.setdefault(row.name.partition(".")[0], []).append(row)
    writer = ask.desk.writer
    values = {
        "groups": groups,
        "store": ask.desk.store.name,
        "size": ask.reader.size_bytes(),
        "written": writer.written,
        "waiting": writer.waiting,
        "lost": writer.lost,
    }
    return Page("settings.html", values)
