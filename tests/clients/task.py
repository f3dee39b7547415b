"""The task that agents are given, made so that every write leaves a trace that cannot be undone or done twice unseen.

It takes the simulators' AgentTask and lets each writing step append its file's name to a journal, with a shell command
in the same turn: even steps write with the client's own tool and note it in a second call, odd ones do both in one
command. A tool call that runs twice, in whatever way a client came to that, is a second line in the journal.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import replace
from pathlib import Path

from gammainfra.simulate import CLIENTS, AgentTask, Ask, ToolCall, Turn

JOURNAL = "journal.txt"

# To models of OpenAI some clients offer a patch instead of their tool for writing: the dialect and the argument's name.
PATCHES = {"cline": "input", "opencode": "patchText"}


class JournalledTask:
    """A Script. ``surplus_calls`` is how many calls more than were due some request's history held at most."""

    def __init__(self, task: AgentTask) -> None:
        self.task = task
        self.surplus_calls = 0
        self._client = CLIENTS[task.client]

    def __call__(self, ask: Ask, /) -> Turn:
        """The turn of the request's step."""
        turn = self.task(ask)
        if not ask.tool_names:
            return turn
        due = sum(self._calls_of(step) for step in range(ask.step))
        self.surplus_calls = max(self.surplus_calls, len(ask.call_ids) - due)
        return replace(turn, calls=self._writes(ask)) if self._is_writing(ask.step) else turn

    def _is_writing(self, step: int) -> bool:
        return 0 < step < self.task.steps - 2

    def _calls_of(self, step: int) -> int:
        return 2 if self._is_writing(step) and step % 2 == 0 else 1

    def _writes(self, ask: Ask) -> tuple[ToolCall, ...]:
        name = f"out_{ask.step}.txt"
        content = self.task.files()[name]
        note = f"echo {name} >> {self._locate(JOURNAL)}"
        if self._calls_of(ask.step) == 1:
            return (self._client.run(f"echo '{content.rstrip()}' > {self._locate(name)} && {note}"),)
        return (self._write(ask, self._locate(name), content), self._client.run(note))

    def _write(self, ask: Ask, path: str, content: str) -> ToolCall:
        call = self._client.write(path, content)
        if call.name in ask.tool_names or "apply_patch" not in ask.tool_names:
            return call
        patch = f"*** Begin Patch\n*** Add File: {path}\n+{content.rstrip()}\n*** End Patch"
        return ToolCall("apply_patch", {PATCHES[self.task.client]: patch})

    def _locate(self, name: str) -> str:
        return self._client.locate(self.task.folder, name)


def count_files(task: AgentTask, folder: Path) -> int:
    """How many of the task's files are there with exactly their content (but for the last newline) and a note."""
    noted = set(_read_journal(folder))
    return sum(
        name in noted and (folder / name).is_file() and (folder / name).read_text("utf-8").rstrip() == content.rstrip()
        for name, content in task.files().items()
    )


def count_duplicates(folder: Path) -> int:
    """How many writes ran once more than they should."""
    return sum(times - 1 for times in Counter(_read_journal(folder)).values())


def _read_journal(folder: Path) -> list[str]:
    journal = folder / JOURNAL
    return journal.read_text("utf-8").splitlines() if journal.is_file() else []
