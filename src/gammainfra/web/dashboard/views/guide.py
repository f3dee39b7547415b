"""The first-run guide: a key, how clients are told of it, and a watch that names what is wrong."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from gammainfra.store.dashboard import Wanted
from gammainfra.store.reader import RequestFilter
from gammainfra.store.rows import AttemptRow, RequestRow
from gammainfra.web.dashboard import words
from gammainfra.web.dashboard.desk import Ask, Page
from gammainfra.web.dashboard.views.keys import name_of
from gammainfra.web.recent_refusals import RefusedCall

_PLACEHOLDER: Final = "YOUR_KEY"
_WATCH_S: Final = 1800.0
_REMEDIES: Final = {
    "invalid_api_key": "The key is missing or wrong: paste the key of step 1 into the client once more.",
    "not_found": "The address is wrong: the base URL must end with /v1 and nothing after it.",
    "method_not_allowed": "The address is wrong: clients send POST to it, not GET.",
    "not_supported": "The client asked for something that is not served here.",
    "model_not_found": "The model's name is not known here: take one from Models, or gammainfra/auto.",
}


@dataclass(frozen=True, slots=True)
class Seen:
    """What came in since the page was opened: the newest request, or the newest refusal, whichever is later."""

    request: RequestRow | None = None
    headline: str = ""
    remedy: str = ""
    refused: RefusedCall | None = None


def show(ask: Ask, *, secret: str = "") -> Page:
    """The page. ``secret`` is that of the key that was made just now."""
    since = _since(ask)
    values = {
        "secret": secret,
        "key": secret or _PLACEHOLDER,
        "base_url": ask.base_url,
        "root_url": ask.base_url.removesuffix("/v1"),
        "since": f"{since:.3f}",
        "seen": _seen(ask, since),
        "has_provider": bool(ask.desk.hosts),
        "variables": ask.desk.provider_variables,
        "client": ask.query.get("client") or ask.form.get("client") or "roo",
        "model": _model(ask),
    }
    return Page("start.html", values)


def create(ask: Ask) -> Page:
    """Make a key and show it in every snippet."""
    secret, _ = ask.desk.keys.issue(name_of(ask.form.get("name", "first client")), ask.account_id)
    return show(ask, secret=secret)


def _since(ask: Ask) -> float:
    given = ask.query.get("since", "") or ask.form.get("since", "")
    try:
        return max(ask.now - _WATCH_S, min(ask.now, float(given)))
    except ValueError:
        return ask.now - 1


def _model(ask: Ask) -> str:
    offered = ask.desk.on.roster.catalog.offered()
    return "gammainfra/auto" if offered or not ask.desk.hosts else "provider/model"


def _seen(ask: Ask, since: float) -> Seen:
    found = ask.reader.find(Wanted(RequestFilter(ask.account_id, since=since)), limit=1).rows
    refused = next(iter(ask.desk.refusals.since(since)), None)
    if found and (refused is None or found[0].at >= refused.at):
        return _of_request(ask, found[0])
    if refused is not None:
        return Seen(refused=refused, remedy=_REMEDIES.get(refused.code, ""))
    return Seen()


def _of_request(ask: Ask, request: RequestRow) -> Seen:
    detail = ask.reader.generation(ask.account_id, request.id)
    attempts: tuple[AttemptRow, ...] = () if detail is None else detail.attempts
    remedies = [
        words.REMEDIES[one.cause] for one in attempts if one.outcome == "failed" and one.cause in words.REMEDIES
    ]
    return Seen(request, words.headline(request, attempts), " ".join(dict.fromkeys(remedies)))
