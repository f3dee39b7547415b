"""API keys: make one (shown once), see what each spent, end one."""

from __future__ import annotations

from typing import Final

from gammainfra.domain.failure import Refused
from gammainfra.store.reader import Dimension
from gammainfra.web.dashboard import filters
from gammainfra.web.dashboard.desk import Ask, GoTo, Page

_NAME_CHARS: Final = 64
_BY_KEY: Final[tuple[Dimension, ...]] = ("key",)


def show(ask: Ask, *, secret: str = "", made: str = "") -> Page:
    """The page. ``secret`` is that of the key ``made`` just now: this is the one time it is seen."""
    period = filters.period_of(ask, "30d")
    keys = [key for key in ask.desk.keys.list() if key.account_id == ask.account_id]
    spent = {
        row.key_id: row for row in ask.reader.usage(ask.account_id, period.since, period.until, _BY_KEY, period.grain)
    }
    values = {
        "keys": sorted(keys, key=lambda key: (key.revoked_at is not None, -key.created_at)),
        "unusable": ask.desk.keys.unusable,
        "spent": spent,
        "last_use": ask.reader.last_use([key.id for key in keys]),
        "secret": secret,
        "made": made,
        "period": period,
        "asked_to_revoke": ask.query.get("revoke", ""),
        "base_url": ask.base_url,
    }
    return Page("keys.html", values)


def create(ask: Ask) -> Page:
    """Make a key and show it."""
    secret, key = ask.desk.keys.issue(name_of(ask.form.get("name", "")), ask.account_id)
    return show(ask, secret=secret, made=key.id)


def revoke(ask: Ask) -> GoTo:
    """End a key; a key that is ended already stays so."""
    key_id = ask.form.get("key", "")
    if any(key.id == key_id and key.account_id == ask.account_id for key in ask.desk.keys.list()):
        ask.desk.keys.revoke(key_id)
    return GoTo("/dashboard/keys")


def name_of(text: str) -> str:
    """A name for a key; Refused 400."""
    name = " ".join(text.split()) or "unnamed"
    if len(name) > _NAME_CHARS or not name.isprintable():
        message = f"The name is not accepted: write at most {_NAME_CHARS} printable characters."
        raise Refused(400, "invalid_request", message, "name", retry=False)
    return name
