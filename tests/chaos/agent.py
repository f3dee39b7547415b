"""An agent that does what it is told and forgives nothing: whatever it would stumble over is in its outcome.

It speaks Chat Completions to an ASGI application or to a real address, and executes tool calls in memory.
"""

from __future__ import annotations

import asyncio
import json
import random
from collections import Counter
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from gammainfra.simulate import AgentTask

# Sends one body and gives status and answer.
Send = Callable[[Mapping[str, Any]], Awaitable[tuple[int, bytes]]]

SYSTEM = "You are a coding agent. Read input.txt, then write one file for each of its lines, one file a turn."


def _tool(name: str, *parameters: str) -> dict[str, Any]:
    properties = {parameter: {"type": "string"} for parameter in parameters}
    schema = {"type": "object", "properties": properties, "required": list(parameters)}
    return {"type": "function", "function": {"name": name, "description": name, "parameters": schema}}


TOOLS = (_tool("read_file", "path"), _tool("write_file", "path", "content"), _tool("run", "command"))


class Stumbled(Exception):
    """What would have ended an unattended run."""


@dataclass(slots=True)
class Outcome:
    """What became of one task. ``wrong_effects``: files written twice, with other content, never, or not asked for."""

    number: int
    steps: int = 0
    died: str = ""
    wrong_effects: int = 0
    answer_ids: list[str] = field(default_factory=list)
    written: Counter[tuple[str, str]] = field(default_factory=Counter)

    @property
    def is_fine(self) -> bool:
        """Whether an unattended run would have been right."""
        return not self.died and not self.wrong_effects


async def work(
    number: int, task: AgentTask, models: Sequence[str], send: Send, *, stream: bool, pause_s: float
) -> Outcome:
    """Do one task, with pauses of up to ``pause_s`` between its steps, drawn from its number."""
    outcome = Outcome(number)
    dice = random.Random(number)
    messages: list[dict[str, Any]] = [
        {"role": "system", "content": SYSTEM},
        {"role": "user", "content": f"Task {number}: {dice.getrandbits(64):x}. The files are those of input.txt."},
    ]
    try:
        while outcome.steps <= task.steps:  # one more than there are: it would not end
            body = {"models": list(models), "model": models[0], "messages": messages, "tools": TOOLS, "stream": stream}
            message, answer_id = read_answer(*await send(body))
            outcome.steps += 1
            outcome.answer_ids.append(answer_id)
            messages.append(message)
            if not message.get("tool_calls"):
                break
            messages += [_result(call, outcome) for call in message["tool_calls"]]
            await asyncio.sleep(dice.uniform(0.0, pause_s))
    except Stumbled as stumbled:
        outcome.died = f"step {outcome.steps}: {stumbled}"
        return outcome
    if outcome.steps != task.steps:
        outcome.died = f"ended after {outcome.steps} of {task.steps} steps"
    wanted = Counter(task.files().items())
    outcome.wrong_effects = ((outcome.written - wanted) + (wanted - outcome.written)).total()
    return outcome


def read_answer(status: int, body: bytes) -> tuple[dict[str, Any], str]:
    """The assistant's message and the answer's id. Raises Stumbled."""
    if status != 200:
        raise Stumbled(f"status {status}: {body[:300]!r}")
    if not body.startswith((b"data:", b":")):
        answer = json.loads(body)
        choice = answer["choices"][0]
        return _checked(choice["message"], choice["finish_reason"]), answer["id"]
    text, calls, finish, answer_id, done = "", dict[int, dict[str, Any]](), "", "", False
    for line in body.split(b"\n"):
        if not line.startswith(b"data: "):
            continue
        if line == b"data: [DONE]":
            done = True
            continue
        chunk = json.loads(line[6:])
        if "error" in chunk:
            raise Stumbled(f"in-band error {chunk['error']}")
        answer_id = chunk["id"]
        for choice in chunk["choices"]:
            finish = choice.get("finish_reason") or finish
            text += choice["delta"].get("content") or ""
            for delta in choice["delta"].get("tool_calls") or ():
                call = calls.setdefault(delta["index"], {"type": "function", "function": {"name": "", "arguments": ""}})
                call["id"] = delta.get("id") or call.get("id")
                for name, piece in delta.get("function", {}).items():
                    call["function"][name] += piece or ""
    if not done:
        raise Stumbled("a stream without its end")
    return _checked({"role": "assistant", "content": text, "tool_calls": list(calls.values())}, finish), answer_id


def _checked(message: dict[str, Any], finish: str) -> dict[str, Any]:
    calls = message.get("tool_calls") or []
    if finish != ("tool_calls" if calls else "stop"):
        raise Stumbled(f"{len(calls)} calls with finish {finish!r}")
    if not calls and not message.get("content"):
        raise Stumbled("an empty turn")
    ids = [call.get("id") for call in calls]
    if not all(ids) or len(set(ids)) != len(ids):
        raise Stumbled(f"call ids {ids}")
    return {name: value for name, value in message.items() if name in {"role", "content", "tool_calls"} and value} | {
        "role": "assistant"
    }


def _result(call: Mapping[str, Any], outcome: Outcome) -> dict[str, Any]:
    try:
        arguments = json.loads(call["function"]["arguments"])
    except ValueError as error:
        raise Stumbled(f"arguments {call['function']['arguments']!r}") from error
    if call["function"]["name"] == "write_file":
        outcome.written[arguments["path"], arguments["content"]] += 1
    return {"role": "tool", "tool_call_id": call["id"], "content": "ok"}
