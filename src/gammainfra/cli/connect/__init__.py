"""The command ``gammainfra connect``: points a coding agent at the gateway, by showing its configuration or writing it.

Without ``--write`` nothing is touched.
"""

from __future__ import annotations

import argparse
import json
import os
from collections.abc import Mapping
from pathlib import Path
from typing import Final

from gammainfra.app import UNUSABLE, catalog_of, hosts_of
from gammainfra.cli.connect.clients import CLIENTS
from gammainfra.cli.connect.keep import CannotWrite, keep, written
from gammainfra.cli.connect.recipe import Recipe, Target
from gammainfra.cli.options import add_settings, complain, settings_of
from gammainfra.domain.failure import Refused
from gammainfra.settings import Settings

KEY_VARIABLE: Final = "GAMMAINFRA_API_KEY"

_MODEL: Final = "gammainfra/auto"
_CONTEXT: Final = 200_000  # of models that the catalog does not know, and where the gateway chooses
_OUTPUT: Final = 32_000
_PLACEHOLDER: Final = "sk-gammainfra-..."
_ANYWHERE: Final = {"0.0.0.0": "127.0.0.1", "::": "[::1]"}  # noqa: S104 - an address to listen on is none to go to


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """``CLIENT [--model MODEL] [--key KEY] [--url URL] [--write] [--json]``."""
    add_settings(parser)
    parser.add_argument("client", choices=sorted(CLIENTS))
    parser.add_argument("--model", default=_MODEL, help=f"the model to ask for (default: {_MODEL})")
    parser.add_argument("--key", help=f"the gateway's API key (default: {KEY_VARIABLE})")
    parser.add_argument("--url", help="where the gateway is (default: as the settings say)")
    parser.add_argument("--write", action="store_true", help="write the files, instead of showing what belongs in them")
    parser.add_argument("--json", action="store_true", help="print one JSON object")


def run(arguments: argparse.Namespace) -> int:
    """Show or write."""
    key = arguments.key or os.environ.get(KEY_VARIABLE)
    if arguments.write and not key:
        return complain(f"say which key: --key KEY or {KEY_VARIABLE} (make one: gammainfra keys create)")
    try:
        target = _target(settings_of(arguments), arguments.model, arguments.url, key or _PLACEHOLDER)
    except Refused as refused:
        return complain(refused.message)
    except UNUSABLE as error:
        return complain(str(error))
    recipe = CLIENTS[arguments.client](target)
    try:
        done = _keep(recipe) if arguments.write else {}
    except (CannotWrite, OSError) as error:
        return complain(str(error))
    if arguments.json:
        print(json.dumps(_plain(recipe, done)))
    else:
        print("\n".join(_lines(recipe, done)))
    return 0


def _target(settings: Settings, model: str, url: str | None, key: str) -> Target:
    asked = catalog_of(settings, hosts_of(settings.providers)).resolve(model)
    windows = [one.capabilities for one in asked.models if one.known]
    host = _ANYWHERE.get(settings.server.host, settings.server.host)
    return Target(
        url=(url or f"http://{host}:{settings.server.port}").rstrip("/").removesuffix("/v1"),
        key=key,
        model=model,
        context=min((one.context_tokens for one in windows), default=_CONTEXT),
        output=min((one.max_output_tokens for one in windows), default=_OUTPUT),
        home=Path.home(),
        folder=Path.cwd(),
    )


def _keep(recipe: Recipe) -> dict[str, str]:
    return {str(change.path): "written" if keep(change) else "unchanged" for change in recipe.changes}


def _plain(recipe: Recipe, done: Mapping[str, str]) -> dict[str, object]:
    return {
        "client": recipe.title,
        "files": [
            {"path": str(change.path), "content": written(change, ""), "state": done.get(str(change.path), "shown")}
            for change in recipe.changes
        ],
        "commands": recipe.commands,
        "notes": recipe.notes,
    }


def _lines(recipe: Recipe, done: Mapping[str, str]) -> list[str]:
    lines = [f"{path} {state}" for path, state in done.items()]
    if not done:
        for change in recipe.changes:
            lines += [f"# {change.path}", written(change, "")]
    lines += [f"$ {command}" for command in recipe.commands]
    return lines + list(recipe.notes)
