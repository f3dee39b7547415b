"""Anthropic's documented request rules for messages, as an oracle: a translation that breaks one gets the
vendor's own 400. It never repairs. Pairing stands in pairing_anthropic.py, blocks in blocks_anthropic.py.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping

from gammainfra.simulate import anthropic_models
from gammainfra.simulate.blocks_anthropic import check_block, refuse
from gammainfra.simulate.pairing_anthropic import check_pairing
from gammainfra.simulate.refusal import Refusal
from gammainfra.simulate.vendor import Body

MAX_CACHE_MARKS = 4
MINIMUM_THINKING_BUDGET_TOKENS = 1024
VERSIONS = ("2023-01-01", "2023-06-01", "2026-10-21")
_TOOL_NAME = re.compile(r"[a-zA-Z0-9_-]{1,128}$")
_TOP_LEVEL = frozenset(
    [
        "max_tokens",
        "messages",
        "model",
        "cache_control",
        "container",
        "context_management",
        "diagnostics",
        "inference_geo",
        "mcp_servers",
        "metadata",
        "output_config",
        "service_tier",
        "speed",
        "stop_sequences",
        "stream",
        "system",
        "temperature",
        "thinking",
        "tool_choice",
        "tools",
        "top_k",
        "top_p",
        "user_profile_id",
        "workspace_id",
    ]
)
_TOOL_FIELDS = frozenset(
    [
        "type",
        "name",
        "description",
        "input_schema",
        "cache_control",
        "strict",
        "allowed_callers",
        "defer_loading",
        "eager_input_streaming",
        "input_examples",
    ]
)

Turns = list[tuple[str, list[Body]]]


def check_anthropic(body: Body, headers: Mapping[str, str]) -> None:
    """Raises Refusal (400, or 404 for a foreign model) unless Anthropic would accept the request."""
    check_version(headers)
    for name in ("model", "max_tokens", "messages"):
        if name not in body:
            raise refuse(f"{name}: Field required")
    unknown = sorted(set(body) - _TOP_LEVEL)
    if unknown:
        raise refuse(f"{unknown[0]}: Extra inputs are not permitted")
    check_prompt(body)
    _check_thinking(body)
    _check_sampling(body, headers)
    _check_tool_choice(body)


def check_version(headers: Mapping[str, str]) -> None:
    """``anthropic-version`` is there and known."""
    version = headers.get("anthropic-version")
    if not version:
        raise refuse("anthropic-version: header is required")
    if version not in VERSIONS:
        raise refuse(f'anthropic-version: "{version}" is not a valid version')


def check_prompt(body: Body) -> None:
    """Model, system, tools and messages: what a token count needs too."""
    model = body.get("model")
    if not isinstance(model, str):
        raise refuse("model: Input should be a valid string")
    if not anthropic_models.is_known(model):
        raise Refusal(404, "not_found_error", f"model: {model}")
    _check_system(body.get("system"))
    _check_tools(body.get("tools"))
    _check_roles(body)
    turns = merge_turns(body["messages"])
    check_pairing(turns)
    if not body.get("tools") and any(
        block["type"] in {"tool_use", "tool_result"} for _, blocks in turns for block in blocks
    ):
        raise refuse("Requests which have `tool_use` or `tool_result` blocks must define tools.")
    _check_cache_marks(body)
    _check_last_turn(model, turns)


def blocks_of(content: object) -> list[Body]:
    """Content as a list of blocks; a string is one text block."""
    if isinstance(content, str):
        return [{"type": "text", "text": content}]
    return content if isinstance(content, list) else []


def merge_turns(messages: list[Body]) -> Turns:
    """The conversation with consecutive messages of one role joined, as the API joins them."""
    turns: Turns = []
    for message in messages:
        if turns and turns[-1][0] == message["role"]:
            turns[-1][1].extend(blocks_of(message["content"]))
        else:
            turns.append((message["role"], list(blocks_of(message["content"]))))
    return turns


def _check_roles(body: Body) -> None:
    messages = body["messages"]
    if not isinstance(messages, list):
        raise refuse("messages: Input should be a valid list")
    if not messages:
        raise refuse("messages: at least one message is required")
    roles = ["user", "assistant"]
    if anthropic_models.takes_system_role(body["model"]):
        roles.append("system")
    for at, message in enumerate(messages):
        where = f"messages.{at}"
        if not isinstance(message, dict):
            raise refuse(f"{where}: Input does not match the expected shape.")
        if message.get("role") not in roles:
            raise refuse(f"{where}.role: Input should be 'user' or 'assistant'")
        for name in message:
            if name not in {"role", "content"}:
                raise refuse(f"{where}.{name}: Extra inputs are not permitted")
        _check_content(where, message, is_last=at == len(messages) - 1)
    if messages[0]["role"] != "user":
        raise refuse('messages: first message must use the "user" role')


def _check_content(where: str, message: Body, *, is_last: bool) -> None:
    content = message.get("content")
    if not isinstance(content, str | list):
        raise refuse(f"{where}.content: Input should be a valid list")
    if not content and not (is_last and message["role"] == "assistant"):
        raise refuse(f"{where}: all messages must have non-empty content except for the optional final one")
    if isinstance(content, str) and content and not content.strip():
        raise refuse("messages: text content blocks must contain non-whitespace text")
    if isinstance(content, list):
        for spot, block in enumerate(content):
            check_block(f"{where}.content.{spot}", block, message["role"])


def _check_system(system: object) -> None:
    if system is None or isinstance(system, str):
        return
    if not isinstance(system, list):
        raise refuse("system: Input should be a valid list")
    for at, block in enumerate(system):
        if not isinstance(block, dict) or block.get("type") != "text":
            raise refuse(f"system.{at}.type: Input should be 'text'")
        if not block.get("text"):
            raise refuse("system: text content blocks must be non-empty")


def _check_tools(tools: object) -> None:
    if tools is None:
        return
    if not isinstance(tools, list):
        raise refuse("tools: Input should be a valid list")
    names = []
    for at, tool in enumerate(tools):
        if not isinstance(tool, dict):
            raise refuse(f"tools.{at}: Input should be a valid dictionary")
        names.append(tool.get("name"))
        if tool.get("type", "custom") not in {"custom", None}:
            continue  # a server tool: its own schema is not simulated
        where = f"tools.{at}.custom"
        if not isinstance(tool.get("name"), str):
            raise refuse(f"{where}.name: Field required")
        if not _TOOL_NAME.match(tool["name"]):
            raise refuse(f"{where}.name: String should match pattern '^[a-zA-Z0-9_-]{{1,128}}$'")
        for name in tool:
            if name not in _TOOL_FIELDS:
                raise refuse(f"{where}.{name}: Extra inputs are not permitted")
        schema = tool.get("input_schema")
        if not isinstance(schema, dict):
            raise refuse(f"{where}.input_schema: Field required")
        if schema.get("type") != "object":
            raise refuse(f"{where}.input_schema.type: Input should be 'object'")
    if len(set(names)) != len(names):
        raise refuse("tools: Tool names must be unique.")


def _cache_marks(value: object) -> Iterator[Mapping[str, object]]:
    if not isinstance(value, dict):
        return
    mark = value.get("cache_control")
    if mark is not None:
        yield mark if isinstance(mark, dict) else {}
    content = value.get("content")
    for part in content if isinstance(content, list) else ():
        yield from _cache_marks(part)


def _check_cache_marks(body: Body) -> None:
    system = body.get("system")
    values = [*(body.get("tools") or ()), *(system if isinstance(system, list) else ())]
    values += [block for message in body["messages"] for block in blocks_of(message["content"])]
    marks = [mark for value in values for mark in _cache_marks(value)]
    if body.get("cache_control") is not None:
        marks.append(body["cache_control"])
    if len(marks) > MAX_CACHE_MARKS:
        raise refuse(f"A maximum of {MAX_CACHE_MARKS} blocks with cache_control may be provided. Found {len(marks)}.")
    if any(mark.get("type") != "ephemeral" for mark in marks):
        raise refuse("cache_control.type: Input should be 'ephemeral'")
    lives = [mark.get("ttl", "5m") for mark in marks]
    if any(life not in {"5m", "1h"} for life in lives):
        raise refuse("cache_control.ttl: Input should be '5m' or '1h'")
    if "5m" in lives and "1h" in lives[lives.index("5m") :]:
        raise refuse("a ttl='1h' cache_control block must not come after a ttl='5m' cache_control block")


def _check_last_turn(model: str, turns: Turns) -> None:
    role, blocks = turns[-1]
    if role != "assistant":
        return
    if not anthropic_models.takes_prefill(model):
        raise refuse(
            "This model does not support assistant message prefill. The conversation must end with a user message."
        )
    text = blocks[-1].get("text") if blocks else None
    if isinstance(text, str) and text != text.rstrip():
        raise refuse("messages: final assistant content cannot end with trailing whitespace")


def _check_thinking(body: Body) -> None:
    thinking = body.get("thinking")
    if thinking is None:
        return
    kind = thinking.get("type") if isinstance(thinking, dict) else None
    if kind not in {"enabled", "disabled", "adaptive", "between_tools"}:
        raise refuse(f"thinking: Input tag '{kind}' found using 'type' does not match any of the expected tags")
    model = body["model"]
    if kind == "adaptive" and not anthropic_models.takes_adaptive(model):
        raise refuse("adaptive thinking is not supported on this model")
    if kind == "enabled":
        if not anthropic_models.takes_budget(model):
            raise refuse(
                '"thinking.type.enabled" is not supported for this model. Use "thinking.type.adaptive" and '
                '"output_config.effort" to control thinking behavior.'
            )
        _check_budget(body, thinking)
        _check_thinking_first(body)


def _check_budget(body: Body, thinking: Body) -> None:
    budget = thinking.get("budget_tokens")
    if not isinstance(budget, int):
        raise refuse("thinking.enabled.budget_tokens: Field required")
    if budget < MINIMUM_THINKING_BUDGET_TOKENS:
        raise refuse(
            f"thinking.enabled.budget_tokens: Input should be greater than or equal to {MINIMUM_THINKING_BUDGET_TOKENS}"
        )
    if isinstance(body["max_tokens"], int) and budget >= body["max_tokens"]:
        raise refuse("`max_tokens` must be greater than `thinking.budget_tokens`.")
    if body.get("temperature") not in (None, 1):
        raise refuse("`temperature` may only be set to 1 when thinking is enabled.")
    choice = body.get("tool_choice")
    if isinstance(choice, dict) and choice.get("type") in {"any", "tool"}:
        raise refuse("Thinking may not be enabled when tool_choice forces tool use.")


def _check_thinking_first(body: Body) -> None:
    """With manual thinking, the assistant turn of a running tool loop must begin with its thinking."""
    turns = merge_turns(body["messages"])
    spot = len(turns) - 2
    if spot < 0 or turns[spot][0] != "assistant":
        return
    blocks = turns[spot][1]
    if not any(block["type"] == "tool_use" for block in blocks):
        return
    if blocks[0]["type"] not in {"thinking", "redacted_thinking"}:
        raise refuse(
            f"messages.{spot}.content.0.type: Expected `thinking` or `redacted_thinking`, but found "
            f"`{blocks[0]['type']}`. When `thinking` is enabled, a final `assistant` message must start with "
            "a thinking block."
        )


def _check_sampling(body: Body, headers: Mapping[str, str]) -> None:
    limit = body["max_tokens"]
    if not isinstance(limit, int) or isinstance(limit, bool):
        raise refuse("max_tokens: Input should be a valid integer")
    if limit < 1:
        raise refuse("max_tokens: Input should be greater than or equal to 1")
    new_version = headers.get("anthropic-version", "") >= VERSIONS[-1]
    for name in ("temperature", "top_p", "top_k"):
        value = body.get(name)
        if value is None:
            continue
        if new_version or (not anthropic_models.takes_sampling(body["model"]) and (name, value) != SAFE_SAMPLING):
            raise refuse(f"`{name}` is not supported for this model.")
        if not isinstance(value, int | float):
            raise refuse(f"{name}: Input should be a valid number")
        if name != "top_k" and not 0 <= value <= 1:
            raise refuse(f"{name}: range: 0..1")
    for at, stop in enumerate(body.get("stop_sequences") or ()):
        if not isinstance(stop, str) or not stop.strip():
            raise refuse(f"stop_sequences.{at}: each stop sequence must contain non-whitespace")


SAFE_SAMPLING = ("temperature", 1)
"""The one sampling parameter that newer models still accept under the 2023-06-01 version."""


def _check_tool_choice(body: Body) -> None:
    choice = body.get("tool_choice")
    if choice is None:
        return
    kind = choice.get("type") if isinstance(choice, dict) else None
    if kind not in {"auto", "any", "tool", "none"}:
        raise refuse(
            f"tool_choice: Input tag '{kind}' found using 'type' does not match any of the expected tags: "
            "'auto', 'any', 'tool', 'none'"
        )
    if not body.get("tools"):
        raise refuse("tool_choice may only be specified while providing tools.")
    names = [tool.get("name") for tool in body["tools"]]
    if kind == "tool" and choice.get("name") not in names:
        raise refuse(f"Tool '{choice.get('name')}' not found in provided tools")
