"""The smallest agent on the Responses API of the official openai SDK: ask, run the tools, ask again.

    python responses_loop.py BASE_URL MODEL FOLDER stream|alternate

Stateless: every turn sends the whole conversation, the items of earlier answers as they came (reasoning included). The
key is in OPENAI_API_KEY; the SDK's own retries are off. Prints one JSON line about each turn, the last with ``said``.
"""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import openai
from openai.types.responses import Response

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


def describe(name: str) -> dict[str, Any]:
    tool, names = TOOLS[name]
    parameters = {
        "type": "object",
        "properties": {one: {"type": "string"} for one in names},
        "required": list(names),
        "additionalProperties": False,
    }
    return {"type": "function", "name": name, "description": tool.__doc__, "parameters": parameters, "strict": True}


def ask(client: openai.OpenAI, model: str, items: list[Any], *, stream: bool) -> Response:
    asked: dict[str, Any] = {
        "model": model,
        "instructions": "You write files.",
        "input": items,
        "tools": [describe(name) for name in TOOLS],
        "include": ["reasoning.encrypted_content"],
        "store": False,
    }
    if not stream:
        whole: Response = client.responses.create(**asked)
        return whole
    with client.responses.stream(**asked) as events:
        for _ in events:
            pass
        return events.get_final_response()


def main(base_url: str, model: str, folder: str, mode: str) -> int:
    client = openai.OpenAI(base_url=base_url, max_retries=0, timeout=120)
    items: list[Any] = [{"role": "user", "content": f"Read {folder}/input.txt and write the files it asks for."}]
    for turn in range(MAX_TURNS):
        answer = ask(client, model, items, stream=mode == "stream" or turn % 2 == 0)
        calls = [item for item in answer.output if item.type == "function_call"]
        tokens = answer.usage.total_tokens if answer.usage else None
        seen = {"turn": turn, "status": answer.status, "calls": len(calls), "tokens": tokens}
        sys.stdout.write(json.dumps({**seen, "said": answer.output_text}) + "\n")
        if not calls:
            return 0
        items += [item.model_dump(exclude_none=True, exclude={"parsed_arguments"}) for item in answer.output]
        for call in calls:
            tool, _ = TOOLS[call.name]
            result = tool(**json.loads(call.arguments))
            items.append({"type": "function_call_output", "call_id": call.call_id, "output": result})
    return 1


if __name__ == "__main__":
    raise SystemExit(main(*sys.argv[1:]))
