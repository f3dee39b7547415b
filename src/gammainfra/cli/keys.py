"""The command ``gammainfra keys``: makes, lists and revokes API keys. A running gateway follows within seconds."""

from __future__ import annotations

import argparse
from datetime import UTC, datetime

from gammainfra.accounts.keys import ApiKeys
from gammainfra.accounts.pepper import read_or_create
from gammainfra.app import UNUSABLE, SystemClock, SystemRandom, data_folder, engine_of, show_plan
from gammainfra.cli.options import add_settings, complain, settings_of
from gammainfra.cli.stored import print_json
from gammainfra.cli.table import printable
from gammainfra.domain.record import ApiKey
from gammainfra.store.keys import Keys
from gammainfra.store.writer import Writer
from gammainfra.web.answers import show_time


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """``create [--name NAME]``, ``list``, ``revoke ID``, each with ``--json``."""
    add_settings(parser)
    parser.add_argument("action", choices=["create", "list", "revoke"])
    parser.add_argument("id", nargs="?", help="the key to revoke, as listed")
    parser.add_argument("--name", default="unnamed", help="what the new key is for")
    parser.add_argument("--json", action="store_true", help="print one JSON object a key")


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
    if arguments.action == "create":
        secret, key = keys.issue(arguments.name)
        if arguments.json:
            print_json({"key": secret, **_plain(key)})
        else:
            print(f"{secret}\n  id {key.id}, name {printable(key.name)}. Shown once: keep it now.")
    elif arguments.action == "list":
        for key in keys.list():
            print_json(_plain(key)) if arguments.json else print(_row(key))
        if not keys.list():
            complain("there is no key yet: gammainfra keys create")
    elif not arguments.id:
        return complain("say which key to revoke: gammainfra keys revoke ID (the ids: gammainfra keys list)")
    elif not keys.revoke(arguments.id):
        return complain(f"there is no key {arguments.id} that is not revoked already (the ids: gammainfra keys list)")
    elif arguments.json:
        print_json(next(_plain(key) for key in keys.list() if key.id == arguments.id))
    else:
        print(f"{arguments.id} is revoked")
    return 0


def _plain(key: ApiKey) -> dict[str, object]:
    revoked_at = None if key.revoked_at is None else _moment(key.revoked_at)
    return {
        "id": key.id,
        "name": key.name,
        "last4": key.last4,
        "created_at": _moment(key.created_at),
        "revoked_at": revoked_at,
    }


def _moment(at: float) -> str:
    """Rounded as it is stored, so that a key reads the same when it is made and when it is listed."""
    return show_time(round(at, 3))


def _row(key: ApiKey) -> str:
    made = datetime.fromtimestamp(key.created_at, UTC).strftime("%Y-%m-%d %H:%M")
    state = "active" if key.revoked_at is None else "revoked"
    return f"{key.id}  ...{key.last4}  {made} UTC  {state:8} {printable(key.name)}"
