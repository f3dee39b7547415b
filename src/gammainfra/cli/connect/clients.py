"""How each client is pointed at the gateway: one function for each, from where it shall go to what it needs.

Sources: each client's own documentation of its configuration file, and what the clients were seen to read.
"""

from __future__ import annotations

import json
import shlex
from collections.abc import Callable, Mapping
from typing import Final

from gammainfra.cli.connect.recipe import JsonMerge, Recipe, Target, WholeFile

Client = Callable[[Target], Recipe]


def roo(target: Target) -> Recipe:
    """Roo Code: a settings file to import; its OpenRouter provider shows the cost and sends reasoning back."""
    profile = {
        "apiProvider": "openrouter",
        "openRouterBaseUrl": f"{target.url}/api/v1",
        "openRouterApiKey": target.key,
        "openRouterModelId": target.model,
        "id": "gammainfra",
    }
    profiles = {"currentApiConfigName": "gammainfra", "apiConfigs": {"gammainfra": profile}}
    path = target.folder / "gammainfra-roo-settings.json"
    return Recipe(
        "Roo Code",
        (JsonMerge(path, {"providerProfiles": profiles}),),
        notes=(
            f"In Roo Code: Settings > About Roo Code > Import, and choose {path}. Delete the file afterwards.",
            f"By hand: provider OpenRouter, Use custom base URL {target.url}/api/v1, the key, model {target.model}.",
        ),
    )


def cline(target: Target) -> Recipe:
    """Cline: its own command keeps the settings."""
    command = ["cline", "auth", "--provider", "openai-compatible", "--apikey", target.key, "--modelid", target.model]
    return Recipe(
        "Cline",
        commands=(shlex.join([*command, "--baseurl", f"{target.url}/v1"]),),
        notes=(f"In the editor: provider OpenAI Compatible, base URL {target.url}/v1, the key, model {target.model}.",),
    )


def claude(target: Target) -> Recipe:
    """Claude Code: the environment that its settings file carries."""
    environment = {
        "ANTHROPIC_BASE_URL": target.url,
        "ANTHROPIC_AUTH_TOKEN": target.key,
        "ANTHROPIC_MODEL": target.model,
    }
    return Recipe(
        "Claude Code",
        (JsonMerge(target.home / ".claude" / "settings.json", {"env": environment}),),
        commands=("claude",),
        notes=("Titles and searches ask for claude-haiku-4-5; ANTHROPIC_DEFAULT_HAIKU_MODEL sends them elsewhere.",),
    )


def codex(target: Target) -> Recipe:
    """Codex: a profile is a file of its own, so the user's default stays."""
    text = f"""\
model = {json.dumps(target.model)}
model_provider = "gammainfra"
model_context_window = {target.context}

[model_providers.gammainfra]
name = "GammaInfra"
base_url = {json.dumps(f"{target.url}/v1")}
wire_api = "responses"
http_headers = {{ Authorization = {json.dumps(f"Bearer {target.key}")} }}
"""
    return Recipe(
        "Codex",
        (WholeFile(target.home / ".codex" / "gammainfra.config.toml", text),),
        commands=("codex --profile gammainfra",),
        notes=("Its web search runs on OpenAI's servers only and is left out.",),
    )


def opencode(target: Target) -> Recipe:
    """opencode: a provider by the AI SDK's compatible package."""
    limit = {"context": target.context, "output": target.output}
    provider = {
        "npm": "@ai-sdk/openai-compatible",
        "name": "GammaInfra",
        "options": {"baseURL": f"{target.url}/v1", "apiKey": target.key},
        "models": {target.model: {"name": target.model, "limit": limit}},
    }
    values = {"provider": {"gammainfra": provider}, "model": f"gammainfra/{target.model}"}
    return Recipe(
        "opencode", (JsonMerge(target.home / ".config" / "opencode" / "opencode.json", values),), ("opencode",)
    )


def continue_(target: Target) -> Recipe:
    """Continue: a configuration file of YAML, written where there is none."""
    text = f"""\
name: GammaInfra
version: 1.0.0
schema: v1
models:
  - name: GammaInfra
    provider: openai
    model: {json.dumps(target.model)}
    apiBase: {json.dumps(f"{target.url}/v1")}
    apiKey: {json.dumps(target.key)}
    roles: [chat, edit, apply]
    capabilities: [tool_use]
    defaultCompletionOptions:
      contextLength: {target.context}
      maxTokens: {target.output}
"""
    path = target.home / ".continue" / "config.yaml"
    return Recipe("Continue", (WholeFile(path, text),), ("cn",))


def aider(target: Target) -> Recipe:
    """Aider: its OpenAI provider, whose prefix goes in front of the model's name."""
    text = f"""\
openai-api-base: {json.dumps(f"{target.url}/v1")}
openai-api-key: {json.dumps(target.key)}
model: {json.dumps(f"openai/{target.model}")}
"""
    path = target.folder / ".aider.conf.yml"
    return Recipe("Aider", (WholeFile(path, text),), ("aider",))


CLIENTS: Final[Mapping[str, Client]] = {
    "roo": roo,
    "cline": cline,
    "claude": claude,
    "codex": codex,
    "opencode": opencode,
    "continue": continue_,
    "aider": aider,
}
