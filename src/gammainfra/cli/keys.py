"""The command ``gammainfra keys``: makes, lists, changes and revokes API keys. A running gateway follows soon."""

from __future__ import annotations

import argparse
from datetime import UTC, datetime
from typing import Final

from gammainfra.accounts.keys import LOCAL_ACCOUNT, ApiKeys, is_account
from gammainfra.accounts.pepper import read_or_create
from gammainfra.accounts.terms import Term, Terms, TermWrong
from gammainfra.app import UNUSABLE, SystemClock, SystemRandom, data_folder, engine_of, show_plan
from gammainfra.cli.options import add_settings, complain, settings_of
from gammainfra.cli.stored import print_json
from gammainfra.cli.table import printable
from gammainfra.domain import limits
from gammainfra.domain.money import show_usd
from gammainfra.domain.record import ApiKey
from gammainfra.store.keys import Keys
from gammainfra.store.writer import Writer
from gammainfra.web.answers import show_time
from gammainfra.web.key import show_terms

_TERMS: Final = {
    "--day-usd": "USD that may be spent with it on a UTC day",
    "--month-usd": "USD in a UTC month",
    "--session-usd": "USD in one task",
    "--rpm": "requests per minute",
    "--tpm": "tokens per minute",
    "--concurrency": "requests at a time",
}
_NAMES: Final = {"rpm": "requests_per_minute", "tpm": "tokens_per_minute"}


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """``create [--name NAME] [terms]``, ``list``, ``update ID [terms]``, ``revoke ID``."""
    add_settings(parser)
    parser.add_argument("action", choices=["create", "list", "update", "revoke"])
    parser.add_argument("id", nargs="?", help="the key to update or revoke, as listed")
    parser.add_argument("--name", help="what the key is for")
    parser.add_argument("--account", default=LOCAL_ACCOUNT, help=f"who pays for it (default: {LOCAL_ACCOUNT})")
    for flag, words in _TERMS.items():
        parser.add_argument(flag, metavar="N", help=f"{words}; none: no limit of its own")
    parser.add_argument("--models", metavar="NAMES", help="only these, such as openai/gpt-5,anthropic/*; none: all")
    parser.add_argument("--hedging", action=argparse.BooleanOptionalAction, help="whether two may be asked at once")
    parser.add_argument("--trial", action=argparse.BooleanOptionalAction, help="shed first when the gateway is full")
    parser.add_argument("--json", action="store_true", help="one JSON object for each key")


def run(arguments: argparse.Namespace) -> int:
    """Do what was asked."""
    try:
        settings = settings_of(arguments)
        folder = data_folder(settings)
        random = SystemRandom()
        peppers = read_or_create(folder, random.bytes)
        writer = Writer(engine_of(settings, folder), show_plan=show_plan)
    except UNUSABLE as error:
        return complain(str(error))
    try:
        return _act(arguments, ApiKeys(Keys(writer), peppers, clock=SystemClock(), random=random))
    finally:
        writer.close()


def _act(arguments: argparse.Namespace, keys: ApiKeys) -> int:
    try:
        terms = _terms(arguments)
        match arguments.action:
            case "create":
                return _create(arguments, keys, terms)
            case "list":
                return _list(arguments, keys)
            case _ if not arguments.id:
                action = arguments.action
                return complain(
                    f"say which key to {action}: gammainfra keys {action} ID (the ids: gammainfra keys list)"
                )
            case "update":
                return _update(arguments, keys, terms)
            case _ if keys.revoke(arguments.id):
                return _revoked(arguments, keys)
            case _:
                return _unknown(arguments.id)
    except TermWrong as error:
        return complain(str(error))


def _create(arguments: argparse.Namespace, keys: ApiKeys, terms: Terms) -> int:
    if not is_account(arguments.account):
        return complain(f"--account is up to {limits.ACCOUNT_CHARS} ASCII characters without space or colon")
    secret, key = keys.issue("unnamed", arguments.account, terms)
    if arguments.json:
        print_json(_plain(key, secret))
    else:
        print(f"{secret}\n  id {key.id}, name {printable(key.name)}. Shown once: keep it now.")
    return 0


def _list(arguments: argparse.Namespace, keys: ApiKeys) -> int:
    for key in keys.list():
        print_json(_plain(key)) if arguments.json else print(_row(key))
    if not keys.list():
        complain("there is no key yet: gammainfra keys create")
    return 0


def _update(arguments: argparse.Namespace, keys: ApiKeys, terms: Terms) -> int:
    if not terms:
        return complain("say what to change, such as --day-usd 5 (all of it: gammainfra keys --help)")
    key = keys.update(arguments.id, terms)
    if key is None:
        return _unknown(arguments.id)
    print_json(_plain(key)) if arguments.json else print(_row(key))
    return 0


def _unknown(key_id: str) -> int:
    return complain(f"there is no key {key_id} that is not revoked already (the ids: gammainfra keys list)")


def _terms(arguments: argparse.Namespace) -> Terms:
    """The flags that were given. Raises TermWrong."""
    terms: dict[str, Term] = {}
    for flag in (*_TERMS, "--models", "--hedging", "--trial", "--name"):
        attribute = flag[2:].replace("-", "_")
        given: str | bool | None = getattr(arguments, attribute)
        name = _NAMES.get(attribute, "allowed_models" if attribute == "models" else attribute)
        if given is None:
            continue
        if given == "none" and flag != "--name":
            terms[name] = () if flag == "--models" else None
        elif flag == "--models":
            terms[name] = tuple(str(given).split(","))
        elif flag in {"--rpm", "--tpm", "--concurrency"} and str(given).isdecimal():
            terms[name] = int(given)
        else:
            terms[name] = given
    return terms


def _revoked(arguments: argparse.Namespace, keys: ApiKeys) -> int:
    if arguments.json:
        print_json(next(_plain(key) for key in keys.list() if key.id == arguments.id))
    else:
        print(f"{arguments.id} is revoked")
    return 0


def _plain(key: ApiKey, secret: str | None = None) -> dict[str, object]:
    """The key as JSON; ``secret`` only when it was made just now."""
    return {
        **({} if secret is None else {"key": secret}),
        "id": key.id,
        "account": key.account_id,
        "last4": key.last4,
        "created_at": _moment(key.created_at),
        "revoked_at": None if key.revoked_at is None else _moment(key.revoked_at),
        "name": key.name,
        **show_terms(key),
    }


def _moment(at: float) -> str:
    """Rounded as it is stored, so that a key reads the same when it is made and when it is listed."""
    return show_time(round(at, 3))


def _row(key: ApiKey) -> str:
    made = datetime.fromtimestamp(key.created_at, UTC).strftime("%Y-%m-%d %H:%M")
    state = "active" if key.revoked_at is None else "revoked"
    account = () if key.account_id == LOCAL_ACCOUNT else (f"account {key.account_id}",)
    spans = (("day", key.limits.day_nano), ("month", key.limits.month_nano), ("task", key.limits.session_nano))
    budgets = tuple(f"${show_usd(nano).rstrip('0').rstrip('.')} a {span}" for span, nano in spans if nano is not None)
    rates = () if key.rates is None else (key.rates.shown or "no rate limit",)
    other = (*account, *budgets, *rates, *(("trial",) if key.trial else ()), *(() if key.hedging else ("no hedging",)))
    return f"{key.id}  ...{key.last4}  {made} UTC  {state:8} {printable(key.name)}" + (
        f"  ({', '.join(other)})" if other else ""
    )
