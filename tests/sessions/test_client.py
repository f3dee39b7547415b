"""Which client asks: by the headers that real clients were seen to send."""

from __future__ import annotations

import pytest

from gammainfra.sessions.client import client_name

ROO_REFERER = "https://github.com/RooVetGit/Roo-Cline"
AI_SDK = "ai-sdk/openai-compatible/3.0.37 ai-sdk/provider-utils/5.0.30 runtime/bun/1.3.13"


@pytest.mark.parametrize(
    ("headers", "client"),
    [
        ({"user-agent": "RooCode/3.52.1", "x-title": "Roo Code", "http-referer": ROO_REFERER}, "roo"),
        ({"user-agent": "OpenAI/JS 5.12.2", "http-referer": ROO_REFERER}, "roo"),
        ({"user-agent": "Kilo-Code/7.7.7 ai-sdk/openai-compatible", "x-title": "Kilo Code"}, "kilo"),
        ({"user-agent": "x", "http-referer": "https://kilocode.ai"}, "kilo"),
        ({"user-agent": "Cline/3.81.0"}, "cline"),
        ({"user-agent": "opencode/1.18.33 ai-sdk/provider-utils/4.0.0"}, "opencode"),
        ({"user-agent": "codex_cli_rs/0.169.0 (Ubuntu 24.4.0; x86_64) xterm"}, "codex"),
        ({"user-agent": "claude-cli/2.1.330 (external, cli)"}, "claude-code"),
        ({"user-agent": "QwenCode/0.24.4 (linux; x64)"}, "qwen"),
        ({"user-agent": "Continue/1.5.47"}, "continue"),
        ({"user-agent": "AsyncOpenAI/Python 3.54.0"}, "openai-python"),
        ({"user-agent": "OpenAI/Python 3.54.0"}, "openai-python"),
        ({"user-agent": "OpenAI/JS 7.57.0"}, "openai-js"),
        ({"user-agent": "Anthropic/Python 2.12.0"}, "anthropic-python"),
        ({"user-agent": "Anthropic/JS 0.37.0"}, "anthropic-js"),
        ({"user-agent": AI_SDK}, "ai-sdk"),
        ({"user-agent": "curl/8.5.0"}, "curl"),
        ({"user-agent": "Mozilla/5.0"}, "other"),
        ({}, "other"),
    ],
)
def test_a_client_is_known_by_its_headers(headers: dict[str, str], client: str) -> None:
    assert client_name(headers, ()) == client


@pytest.mark.parametrize(
    ("headers", "tools", "client"),
    [
        ({"user-agent": AI_SDK}, ("read_files", "run_commands", "editor"), "cline"),
        ({"user-agent": "OpenAI/JS 5"}, ("read_file", "replace_in_file", "plan_mode_respond"), "cline"),
        ({"user-agent": "Anthropic/JS 0.37.0"}, ("read_file", "apply_diff", "switch_mode"), "roo"),
        ({}, ("builtin_read_file",), "continue"),
        ({}, ("edit_existing_file",), "continue"),
        ({"user-agent": "OpenAI/JS 5"}, ("read_file",), "openai-js"),
        ({"user-agent": "RooCode/3.52.1"}, ("read_files", "run_commands"), "roo"),
    ],
)
def test_tools_tell_the_client_that_asks_through_a_library(
    headers: dict[str, str], tools: tuple[str, ...], client: str
) -> None:
    assert client_name(headers, tools) == client
