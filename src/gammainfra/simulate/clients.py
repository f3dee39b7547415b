"""The tools of real agent clients, by the names and arguments those clients declare. It decides how a wish
("write this file") is spelled as a call of one client; the facts come from captures of the clients' requests.
"""

from __future__ import annotations

import posixpath
from collections.abc import Callable, Mapping
from dataclasses import dataclass

from gammainfra.simulate.script import ToolCall


@dataclass(frozen=True, slots=True)
class Client:
    """How one client spells reading, writing, running and, where it has a tool for it, finishing."""

    read: Callable[[str], ToolCall]
    write: Callable[[str, str], ToolCall]
    run: Callable[[str], ToolCall]
    finish: ToolCall | None = None
    absolute_paths: bool = True

    def locate(self, folder: str, name: str) -> str:
        """The path of a file as this client wants it."""
        return posixpath.join(folder, name) if self.absolute_paths and folder else name


def _print_into(path: str, content: str) -> str:
    return f"printf '%s\\n' '{content.strip()}' > {path}"


CLIENTS: Mapping[str, Client] = {
    "sdk": Client(
        read=lambda path: ToolCall("read_file", {"path": path}),
        write=lambda path, content: ToolCall("write_file", {"path": path, "content": content}),
        run=lambda command: ToolCall("run", {"command": command}),
    ),
    "roo": Client(
        read=lambda path: ToolCall(
            "read_file", {"path": path, "mode": "slice", "offset": 1, "limit": 2000, "indentation": {}}
        ),
        write=lambda path, content: ToolCall("write_to_file", {"path": path, "content": content}),
        run=lambda command: ToolCall("execute_command", {"command": command, "cwd": ".", "timeout": 30}),
        finish=ToolCall("attempt_completion", {"result": "All done."}),
        absolute_paths=False,
    ),
    "cline": Client(
        read=lambda path: ToolCall("read_files", {"files": [{"path": path}]}),
        write=lambda path, content: ToolCall("editor", {"path": path, "new_text": content}),
        run=lambda command: ToolCall("run_commands", {"commands": [command]}),
    ),
    "opencode": Client(
        read=lambda path: ToolCall("read", {"filePath": path}),
        write=lambda path, content: ToolCall("write", {"filePath": path, "content": content}),
        run=lambda command: ToolCall("bash", {"command": command, "description": "run"}),
    ),
    "claude": Client(
        read=lambda path: ToolCall("Read", {"file_path": path}),
        write=lambda path, content: ToolCall("Write", {"file_path": path, "content": content}),
        run=lambda command: ToolCall("Bash", {"command": command, "description": "run"}),
    ),
    "codex": Client(
        read=lambda path: ToolCall("exec_command", {"cmd": f"cat {path}"}),
        write=lambda path, content: ToolCall("exec_command", {"cmd": _print_into(path, content)}),
        run=lambda command: ToolCall("exec_command", {"cmd": command}),
        absolute_paths=False,
    ),
    "qwen": Client(
        read=lambda path: ToolCall("read_file", {"file_path": path}),
        write=lambda path, content: ToolCall("write_file", {"file_path": path, "content": content}),
        run=lambda command: ToolCall(
            "run_shell_command", {"command": command, "is_background": False, "description": "run"}
        ),
    ),
    "continue": Client(
        read=lambda path: ToolCall("Read", {"filepath": path}),
        write=lambda path, content: ToolCall("Write", {"filepath": path, "content": content}),
        run=lambda command: ToolCall("Bash", {"command": command}),
    ),
    "mini": Client(
        read=lambda path: ToolCall("bash", {"command": f"cat {path}"}),
        write=lambda path, content: ToolCall("bash", {"command": _print_into(path, content)}),
        run=lambda command: ToolCall("bash", {"command": command}),
        finish=ToolCall("bash", {"command": "echo COMPLETE_TASK_AND_SUBMIT_FINAL_OUTPUT"}),
        absolute_paths=False,
    ),
}
