"""The smallest agent on the official openai SDK for Python: ask, run the tools, ask again, until no tool is called.

    python openai_loop.py BASE_URL MODEL FOLDER stream|alternate

The key is in OPENAI_API_KEY. The SDK's own retries are off: whatever fails visibly ends the loop with a traceback. With
``alternate`` every second turn is asked for in one piece. Prints one JSON line about each turn, the last with ``said``.
"""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Callable, Mapping
from pathlib import Path

import openai
from openai.types.chat import ChatCompletion, ChatCompletionMessageParam, ChatCompletionToolParam

MAX_TURNS = 200


def read_file(path: str) -> str:
    """Read a file."""
    return Path(path).read_text("utf-8")


def write_file(path: str, content: str) -> str:
    """Write a file."""
    Path(path).write_text(content, "utf-8")
    return "written"


def run(command: str) -> str:
    """Run a shell command."""
    done = subprocess.run(command, shell=True, capture_output=True, text=True, check=True)
    return done.stdout or "done"


TOOLS: Mapping[str, tuple[Callable[..., str], tuple[str, ...]]] = {
    "read_file": (read_file, ("path",)),
    "write_file": (write_file, ("path", "content")),
    "run": (run, ("command",)),
}


def describe(name: str) -> ChatCompletionToolParam:
    tool, names = TOOLS[name]
    parameters: dict[str, object] = {
        "type": "object",
        "properties": {one: {"type": "string"} for one in names},
        "required": list(names),
        "additionalProperties": False,
    }
    function = {"name": name, "description": tool.__doc__ or "", "parameters": parameters, "strict": True}
    return {"type": "function", "function": function}  # type: ignore[typeddict-item]


def ask(
    client: openai.OpenAI, model: str, messages: list[ChatCompletionMessageParam], *, stream: bool
) -> ChatCompletion:
    tools = [describe(name) for name in TOOLS]
    if not stream:
        return client.chat.completions.create(model=model, messages=messages, tools=tools)
    options = {"include_usage": True}
    with client.chat.completions.stream(
        model=model, messages=messages, tools=tools, stream_options=options  # type: ignore[arg-type]
    ) as events:  # fmt: skip
        for _ in events:
            pass
        return events.get_final_completion()


def main(base_url: str, model: str, folder: str, mode: str) -> int:
    client = openai.OpenAI(base_url=base_url, max_retries=0, timeout=120)
    prompt = f"Read {folder}/input.txt and write the files it asks for."
    messages: list[ChatCompletionMessageParam] = [{"role": "user", "content": prompt}]
    for turn in range(MAX_TURNS):
        answer = ask(client, model, messages, stream=mode == "stream" or turn % 2 == 0)
        choice = answer.choices[0]
        said, calls = choice.message.content, choice.message.tool_calls or []
        tokens = answer.usage.total_tokens if answer.usage else None
        seen = {"turn": turn, "finish": choice.finish_reason, "calls": len(calls), "tokens": tokens, "said": said}
        sys.stdout.write(json.dumps(seen) + "\n")
        if not calls:
            return 0
        messages.append(
            {
                "role": "assistant",
                "content": said,
                "tool_calls": [
                    {
                        "id": call.id,
                        "type": "function",
                        "function": {"name": call.function.name, "arguments": call.function.arguments},
                    }
                    for call in calls
                    if call.type == "function"
                ],
            }
        )
        for call in calls:
            if call.type == "function":
                tool, _ = TOOLS[call.function.name]
                result = tool(**json.loads(call.function.arguments))
                messages.append({"role": "tool", "tool_call_id": call.id, "content": result})
    return 1


if __name__ == "__main__":
    raise SystemExit(main(*sys.argv[1:]))
