"""The script of a coding agent's task: read a file, write one file per step, look, finish. It decides the
whole task from the step alone, so whoever drives it can compare the files left behind with ``files()``.
"""

from __future__ import annotations

from dataclasses import dataclass

from gammainfra.simulate.clients import CLIENTS
from gammainfra.simulate.script import Ask, ToolCall, Turn

INPUT_FILE = "input.txt"
TITLE = "Writing numbered files"
ANSWER = "Finished: all files written."


@dataclass(frozen=True, slots=True)
class AgentTask:
    """A task of ``steps`` turns: step 0 reads ``input.txt``, the last but one runs a command, the last ends.

    The steps between write ``out_<step>.txt``. Every ``text_every``-th step says something before its call,
    every ``thinking_every``-th thinks first, every ``parallel_every``-th writes a second file
    ``out_<step>_b.txt`` in the same turn; 0 means never. A request without tools (a title, a summary) gets a
    short text and does not move the task.
    """

    steps: int = 30
    client: str = "sdk"
    folder: str = ""
    text_every: int = 3
    thinking_every: int = 5
    parallel_every: int = 0

    def __post_init__(self) -> None:
        if self.client not in CLIENTS:
            raise ValueError(f"client {self.client!r} is none of {', '.join(sorted(CLIENTS))}")
        if self.steps < 1:
            raise ValueError("a task has at least one step")

    def __call__(self, ask: Ask, /) -> Turn:
        """The turn of the request's step."""
        if not ask.tool_names:
            return Turn(text=TITLE)
        client, step, last = CLIENTS[self.client], ask.step, self.steps - 1
        if step >= last:
            calls = (client.finish,) if client.finish is not None and step == last else ()
            return Turn(text=ANSWER, calls=calls)
        thinking = f"Step {step} of {last}: one file at a time." if _falls(step, self.thinking_every) else ""
        if step == 0:
            call = client.read(client.locate(self.folder, INPUT_FILE))
            return Turn("Let me read the input.", thinking, (call,))
        if step == last - 1:
            return Turn("Checking.", thinking, (client.run(f"cat {self._first_file()} && ls | wc -l"),))
        text = f"Now I write the file of step {step}." if _falls(step, self.text_every) else ""
        return Turn(text, thinking, self._writes(step))

    def files(self) -> dict[str, str]:
        """The files a faultless run leaves behind, name to content."""
        return {name: content for step in range(1, self.steps - 2) for name, content in self._files_of(step).items()}

    def _writes(self, step: int) -> tuple[ToolCall, ...]:
        client = CLIENTS[self.client]
        return tuple(
            client.write(client.locate(self.folder, name), content) for name, content in self._files_of(step).items()
        )

    def _files_of(self, step: int) -> dict[str, str]:
        files = {f"out_{step}.txt": f"line for step {step}\n"}
        if _falls(step, self.parallel_every):
            files[f"out_{step}_b.txt"] = f"second line for step {step}\n"
        return files

    def _first_file(self) -> str:
        return next(iter(self.files()), INPUT_FILE)


def _falls(step: int, every: int) -> bool:
    return every > 0 and step % every == 0
