"""How each real agent is configured and started, headless, with every permission given: facts about clients.

It decides command, environment and configuration files of one client for one place (home, workspace, gateway); it
starts nothing. To add a client, write one function here and a kit in install.py.
"""

from __future__ import annotations

import json
import os
import re
import sys
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from gammainfra.simulate.agent_task import ANSWER
from tests.clients import install

_ERROR: Final = re.compile(r'"type":"error"|"output":\{"error":|"success":false|"status":"error"|"isError":true')
_CODEX_ERROR: Final = re.compile(r'"type":"(?:error|turn\.failed)"|"status":"failed"')
HERE: Final = Path(__file__).resolve().parent


@dataclass(frozen=True, slots=True)
class Place:
    """Where one run happens: the client's own home and workspace, and the gateway it speaks to.

    ``whole``: a client that can do so asks for every second answer in one piece.
    """

    home: Path
    workspace: Path
    base_url: str
    key: str
    model: str
    whole: bool

    @property
    def prompt(self) -> str:
        """What the agent is told to do."""
        return f"Read {self.workspace}/input.txt, write the files it asks for, check them, then finish."

    def environ(self) -> dict[str, str]:
        """An environment in which a client finds nothing of the machine's owner."""
        return {
            "PATH": os.environ["PATH"],
            "HOME": str(self.home),
            "XDG_CONFIG_HOME": str(self.home / ".config"),
            "XDG_DATA_HOME": str(self.home / ".local" / "share"),
            "XDG_CACHE_HOME": str(self.home / ".cache"),
            "XDG_STATE_HOME": str(self.home / ".local" / "state"),
            "LANG": "C.UTF-8",
            "TERM": "dumb",
            "NO_COLOR": "1",
            "CI": "1",
            "GIT_CONFIG_GLOBAL": os.devnull,
            "OPENAI_API_KEY": self.key,
        }


@dataclass(frozen=True, slots=True)
class Launch:
    """What is run, after ``before`` (the client's own commands that sign it in) has run."""

    command: list[str]
    environ: Mapping[str, str]
    before: tuple[list[str], ...] = ()


@dataclass(frozen=True, slots=True)
class Agent:
    """One client: the dialect of tools that the simulators speak to it, how it is started, and how many complaints

    its output holds. ``launch`` may raise install.NotInstalled.
    """

    name: str
    dialect: str
    launch: Callable[[Place], Launch]
    count_complaints: Callable[[str], int]
    timeout_s: float


def _launch_py_openai(place: Place) -> Launch:
    mode = "alternate" if place.whole else "stream"
    loop = str(HERE / "openai_loop.py")
    command = [sys.executable, loop, place.base_url, place.model, str(place.workspace), mode]
    return Launch(command, place.environ())


def _launch_js_openai(place: Place) -> Launch:
    mode = "alternate" if place.whole else "stream"
    node = str(install.command_of("node"))
    command = [node, str(HERE / "openai_loop.mjs"), place.base_url, place.model, str(place.workspace), mode]
    environ = {**place.environ(), "OPENAI_SDK": str(install.path_of("openai-js"))}
    return Launch(command, environ)


def _launch_cline(place: Place) -> Launch:
    cline = str(install.command_of("cline"))
    sign_in = [cline, "auth", "--provider", "openai-compatible", "--apikey", place.key]
    sign_in += ["--modelid", place.model, "--baseurl", place.base_url]
    command = [cline, "--json", "--auto-approve", "true", place.prompt]
    return Launch(command, _with_node(place), before=(sign_in,))


def _launch_opencode(place: Place) -> Launch:
    limit = {"context": 200_000, "output": 32_000}
    provider = {
        "npm": "@ai-sdk/openai-compatible",
        "name": "GammaInfra",
        "options": {"baseURL": place.base_url, "apiKey": place.key},
        "models": {place.model: {"name": place.model, "limit": limit}},
    }
    settings = {
        "model": f"gammainfra/{place.model}",
        "small_model": f"gammainfra/{place.model}",
        "autoupdate": False,
        "share": "disabled",
        "permission": "allow",
        "snapshot": False,
        "provider": {"gammainfra": provider},
    }
    file = place.home / ".config" / "opencode" / "opencode.json"
    file.parent.mkdir(parents=True)
    file.write_text(json.dumps(settings), "utf-8")
    environ = {**_with_node(place), "OPENCODE_DISABLE_MODELS_FETCH": "1", "OPENCODE_DISABLE_AUTOUPDATE": "1"}
    opencode = str(install.command_of("opencode"))
    command = [opencode, "run", "--format", "json", "-m", f"gammainfra/{place.model}", place.prompt]
    return Launch(command, environ)


def _launch_py_responses(place: Place) -> Launch:
    mode = "alternate" if place.whole else "stream"
    loop = str(HERE / "responses_loop.py")
    command = [sys.executable, loop, place.base_url, place.model, str(place.workspace), mode]
    return Launch(command, place.environ())


def _launch_codex(place: Place) -> Launch:
    file = place.home / ".codex" / "config.toml"
    file.parent.mkdir()
    file.write_text(
        f'model = "{place.model}"\n'
        'model_provider = "gammainfra"\n'
        "[model_providers.gammainfra]\n"
        'name = "GammaInfra"\n'
        f'base_url = "{place.base_url}"\n'
        'env_key = "OPENAI_API_KEY"\n'
        'wire_api = "responses"\n'
        "request_max_retries = 0\n"
        "stream_max_retries = 0\n",
        "utf-8",
    )
    codex = str(install.command_of("codex"))
    flags = ["--json", "--skip-git-repo-check", "--dangerously-bypass-approvals-and-sandbox"]
    return Launch([codex, "exec", *flags, place.prompt], _with_node(place))


def _with_node(place: Place) -> dict[str, str]:
    """The environment with Node 22 first on PATH."""
    environ = place.environ()
    return {**environ, "PATH": f"{install.command_of('node').parent}{os.pathsep}{environ['PATH']}"}


def _count_garbled(output: str) -> int:
    """1 when the agent's last words are not exactly those of the model: a text lost or said twice."""
    words = ""
    for line in output.splitlines():
        event = json.loads(line) if line.startswith("{") else {}
        match event:
            case {"said": str(text)} | {"type": "run_result", "text": str(text)}:  # our loops, Cline
                words = text
            case {"type": "text", "part": {"text": str(text)}}:  # opencode
                words = text
            case {"type": "item.completed", "item": {"type": "agent_message", "text": str(text)}}:  # Codex
                words = text
            case _:
                pass
    return int(words != ANSWER)


def _count_errors(output: str) -> int:
    """Error events of Cline and opencode, tool calls that they could not carry out, and garbled last words."""
    lines = [line for line in output.splitlines() if line.startswith("{")]
    return sum(_ERROR.search(line) is not None for line in lines) + _count_garbled(output)


def _count_failures(output: str) -> int:
    """Codex's errors and failed commands, and garbled last words. That it does not know the model is no error."""
    lines = [line for line in output.splitlines() if line.startswith("{") and "Model metadata for" not in line]
    return sum(_CODEX_ERROR.search(line) is not None for line in lines) + _count_garbled(output)


AGENTS: Final[Mapping[str, Agent]] = {
    agent.name: agent
    for agent in (
        Agent("py-openai", "sdk", _launch_py_openai, _count_garbled, timeout_s=120.0),
        Agent("js-openai", "sdk", _launch_js_openai, _count_garbled, timeout_s=120.0),
        Agent("cline", "cline", _launch_cline, _count_errors, timeout_s=300.0),
        Agent("opencode", "opencode", _launch_opencode, _count_errors, timeout_s=300.0),
        Agent("py-responses", "sdk", _launch_py_responses, _count_garbled, timeout_s=120.0),
        Agent("codex", "codex", _launch_codex, _count_failures, timeout_s=300.0),
    )
}
