"""The command ``gammainfra keys``: makes, lists and revokes API keys. A running gateway follows within seconds."""

from __future__ import annotations

import argparse
from datetime import UTC, datetime

from gammainfra.accounts.keys import LOCAL_ACCOUNT, ApiKeys, is_account
from gammainfra.accounts.pepper import read_or_create
from gammainfra.app import UNUSABLE, SystemClock, SystemRandom, data_folder, engine_of, show_plan
from gammainfra.cli.options import add_settings, complain, settings_of
from gammainfra.domain import limits
from gammainfra.domain.record import ApiKey
from gammainfra.store.keys import Keys
from gammainfra.store.writer import Writer


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """``create [--name NAME]``, ``list``, ``revoke ID``."""
    add_settings(parser)
    parser.add_argument("action", choices=["create", "list", "revoke"])
    parser.add_argument("id", nargs="?", help="the key to revoke, as listed")
    parser.add_argument("--name", default="unnamed", help="what the new key is for")
    parser.add_argument("--account", default=LOCAL_ACCOUNT, help=f"who pays for it (default: {LOCAL_ACCOUNT})")


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
        if not is_account(arguments.account):
            return complain(f"--account is up to {limits.ACCOUNT_CHARS} ASCII characters without space or colon")
        secret, key = keys.issue(arguments.name, arguments.account)
        print(f"{secret}\n  id {key.id}, name {key.name}. Shown once: keep it now.")
    elif arguments.action == "list":
        for key in keys.list():
            print(_row(key))
        if not keys.list():
            complain("there is no key yet: gammainfra keys create")
    elif not arguments.id:
        return complain("say which key to revoke: gammainfra keys revoke ID (the ids: gammainfra keys list)")
    elif not keys.revoke(arguments.id):
        return complain(f"there is no key {arguments.id} that is not revoked already (the ids: gammainfra keys list)")
    else:
        print(f"{arguments.id} is revoked")
    return 0


def _row(key: ApiKey) -> str:
    made = datetime.fromtimestamp(key.created_at, UTC).strftime("%Y-%m-%d %H:%M")
    state = "active" if key.revoked_at is None else "revoked"
    account = "" if key.account_id == LOCAL_ACCOUNT else f"  (account {key.account_id})"
    return f"{key.id}  ...{key.last4}  {made} UTC  {state:8} {key.name}{account}"
