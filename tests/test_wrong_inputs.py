"""What a new user gets wrong, tried on a real gateway: each gives one clear sentence with the remedy."""

from __future__ import annotations

import json
import re
import shutil
import socket
import subprocess
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import openai
import pytest

from gammainfra.domain.endpoint import key_variable
from gammainfra.providers import registry
from tests.gateway_process import LIMIT_S, Running, command, serving

MESSAGES: Any = [{"role": "user", "content": "Hello."}]


@pytest.fixture(scope="module")
def bare(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Running]:
    """A gateway just installed: no provider key, its own first API key."""
    with serving(tmp_path_factory.mktemp("bare")) as running:
        yield running


def refusal(running: Running, key: str | None = None, base_url: str | None = None, **asked: Any) -> tuple[int, Any]:
    """Status and error as the official SDK shows them."""
    given = {"model": "gpt-5", "messages": MESSAGES, **asked}
    with openai.OpenAI(api_key=key or running.key, base_url=base_url or running.base_url, max_retries=0) as client:
        with pytest.raises(openai.APIStatusError) as caught:
            client.chat.completions.create(**given)
        return caught.value.status_code, caught.value.body


def curl(running: Running, *arguments: str, stdin: bytes = b"", with_key: bool = True) -> tuple[int, Any]:
    """The same from curl."""
    program = shutil.which("curl")
    assert program is not None
    key = ["-H", f"Authorization: Bearer {running.key}"] if with_key else []
    done = subprocess.run(
        [program, "-sS", "-w", "\n%{http_code}", *key, *arguments],
        input=stdin, capture_output=True, timeout=LIMIT_S, check=True,
    )  # fmt: skip
    body, _, status = done.stdout.rpartition(b"\n")
    return int(status), json.loads(body)["error"]


def test_the_welcome_says_where_with_which_key_and_what_is_missing(bare: Running) -> None:
    assert f"http://127.0.0.1:{bare.port}/v1" in bare.welcome
    assert bare.key in bare.welcome
    assert "set one of ALIBABA_API_KEY, ANTHROPIC_API_KEY, " in bare.welcome


@pytest.mark.parametrize("key", ["sk-wrong", "none at all"])
def test_a_wrong_key(bare: Running, key: str) -> None:
    status, error = refusal(bare, key)
    assert (status, error["code"]) == (401, "invalid_api_key")
    assert error["message"].endswith(
        "use the key that 'gammainfra serve' printed at its first start, or make one: gammainfra keys create."
    )


def test_no_key(bare: Running) -> None:
    status, error = curl(bare, "-d", "{}", f"{bare.base_url}/chat/completions", with_key=False)
    assert status == 401
    assert error["message"] == "No API key was sent: send 'Authorization: Bearer <key>' or 'x-api-key: <key>'."


def test_no_provider(bare: Running) -> None:
    status, error = refusal(bare)
    assert (status, error["code"]) == (503, "no_provider_configured")
    assert error["message"] == "No provider that serves gpt-5 is configured: set OPENAI_API_KEY and start again."
    _, error = refusal(bare, model="gammainfra/auto")
    for variable in ("ANTHROPIC_API_KEY", "GOOGLE_API_KEY", "OPENAI_API_KEY"):
        assert variable in error["message"]
    named = set(re.findall(r"[A-Z]+_API_KEY", error["message"]))
    assert named <= {key_variable(provider) for provider in registry.known()}  # another one nobody would read


def test_an_unknown_model(bare: Running) -> None:
    status, error = refusal(bare, model="gpt-55")
    assert (status, error["code"], error["param"]) == (404, "model_not_found", "model")
    assert "Did you mean openai/gpt-5" in error["message"]
    assert "GET /v1/models lists every model" in error["message"]


def test_a_base_url_without_its_version(bare: Running) -> None:
    status, error = refusal(bare, base_url=bare.base_url.removesuffix("/v1"))
    assert (status, error["code"]) == (404, "not_found")
    assert "Let the base URL end with /v1" in error["message"]


@pytest.mark.parametrize(
    ("body", "words"),
    [
        ('{"model": "gpt-5", ', "The body is not valid JSON: Input data was truncated. Send one JSON object"),
        ("model=gpt-5", "The body is not valid JSON"),
        ("", "The body is empty. Send one JSON object with model and messages"),
        ('{"messages": []}', "`model` is missing: name one, such as gammainfra/auto"),
        ('{"model": "gpt-5"}', "`messages` is missing: send a list of at least one message"),
        ('{"model": "gpt-5", "messages": "Hello"}', "`messages`: expected `array`, got `str`"),
    ],
)
def test_a_malformed_body(bare: Running, body: str, words: str) -> None:
    status, error = curl(bare, "--data-binary", body, f"{bare.base_url}/chat/completions")
    assert (status, error["code"]) == (400, "invalid_request")
    assert error["message"].startswith(words)


def test_a_malformed_header(bare: Running) -> None:
    status, error = refusal(bare, extra_headers={"X-GammaInfra-Cost-Quality": "7"})
    assert (status, error["param"]) == (400, "X-GammaInfra-Cost-Quality")
    assert "Write a number from 0.0 to 1.0" in error["message"]


@pytest.mark.parametrize("n_bytes", [100_000, 1_000_000])
def test_headers_without_end(bare: Running, n_bytes: int) -> None:
    status, error = refusal(bare, extra_headers={"x-long": "a" * n_bytes})
    assert (status, error["code"]) == (431, "headers_too_large")
    assert error["message"] == "The request headers are longer than 64 KiB: send fewer or shorter ones."


@pytest.mark.parametrize("stream", [True, False])
def test_forty_megabytes_from_the_sdk(bare: Running, stream: bool) -> None:
    status, error = refusal(bare, stream=stream, messages=[{"role": "user", "content": "a" * 40_000_000}])
    assert (status, error["code"]) == (413, "request_too_large")
    assert "at most 32 MiB are accepted. Send less history or fewer files." in error["message"]


@pytest.mark.parametrize("header", ["X-None: 1", "Expect:", "Transfer-Encoding: chunked", "Connection: close"])
def test_forty_megabytes_from_curl(bare: Running, header: str) -> None:
    url = f"{bare.base_url}/chat/completions"
    status, error = curl(bare, "-H", header, "--data-binary", "@-", url, stdin=b"a" * 40_000_000)
    assert (status, error["code"]) == (413, "request_too_large")


class RefusesEveryKey(BaseHTTPRequestHandler):
    """A provider that repeats the key it refuses, as some do."""

    def do_POST(self) -> None:
        self.rfile.read(int(self.headers["content-length"]))
        key = self.headers["authorization"].removeprefix("Bearer ")
        error = {"message": f"Incorrect API key provided: {key}.", "code": "invalid_api_key"}
        body = json.dumps({"error": error}).encode()
        self.send_response(401)
        self.send_header("content-type", "application/json")
        self.send_header("content-length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *given: object) -> None:
        """Says nothing."""


def test_a_wrong_provider_key(tmp_path: Path) -> None:
    with ThreadingHTTPServer(("127.0.0.1", 0), RefusesEveryKey) as provider:
        threading.Thread(target=provider.serve_forever, daemon=True).start()
        environ = {
            "DEEPSEEK_API_KEY": "our-wrong-provider-key",
            "GAMMAINFRA_PROVIDERS_DEEPSEEK_BASE_URL": f"http://127.0.0.1:{provider.server_port}",
        }
        with serving(tmp_path, environ) as running:
            status, error = refusal(running, model="deepseek-v4-flash")
        provider.shutdown()
    assert (status, error["code"]) == (503, "provider_credentials_rejected")
    assert error["message"] == (
        "deepseek rejected our API key, or wants one. "
        "Check DEEPSEEK_API_KEY or [providers.deepseek] api_key in gammainfra.toml."
    )
    assert "our-wrong-provider-key" not in json.dumps(error)


# ---- before anything listens -----------------------------------------------------------------------------------------
WRONG_STARTS = [
    (("--port", "abc"), {}, "flag --port: 'abc' cannot be used: it must be a whole number from 0 to 65535"),
    (("--workers", "4"), {}, "--workers is not supported"),
    (("--host", "300.1.1.1"), {}, "name an address of this machine with --host"),
    (("--config", "no.toml"), {}, "it was named by --config or GAMMAINFRA_CONFIG"),
    ((), {"GAMMAINFRA_PROT": "1"}, "there is no setting GAMMAINFRA_PROT: did you mean GAMMAINFRA_PORT?"),
    ((), {"GAMMAINFRA_BOOTSTRAP_KEY": "secret"}, "a key of one's own is 'sk-' and more"),
    ((), {"GAMMAINFRA_PROVIDERS_OLLAMA_API_KEY": "k"}, "[providers.ollama] needs base_url"),
    ((), {"GAMMAINFRA_PROVIDERS_X_BASE_URL": "localhost:1"}, "it must be http:// or https://"),
    (
        (),
        {"GAMMAINFRA_PROVIDERS_X_BASE_URL": "http://localhost:1", "GAMMAINFRA_PROVIDERS_X_DIALECT": "gemini"},
        "[providers.x] dialect 'gemini' is not known: it is one of openai_chat, anthropic",
    ),
    ((), {"GAMMAINFRA_PROVIDERS_OPENAI_DIALECT": "anthropic"}, "openai speaks openai_chat"),
    ((), {"GAMMAINFRA_CORS_ORIGINS": "https://a.example/page"}, "it must be a list such as https://app.example"),
]


@pytest.mark.parametrize(("flags", "environ", "words"), WRONG_STARTS, ids=lambda value: str(value)[:40])
def test_a_start_that_cannot_be(flags: tuple[str, ...], environ: dict[str, str], words: str, tmp_path: Path) -> None:
    ran = command(tmp_path, "serve", "--port", "0", *flags, environ=environ)
    assert (ran.status, ran.out) == (1, "")
    assert ran.err.startswith("gammainfra: ")
    assert words in ran.err
    assert ran.err.count("\n") == 1


def test_a_port_in_use_says_another_one_and_uses_no_key_up(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as listening:
        port = listening.getsockname()[1]
        ran = command(tmp_path, "serve", "--port", str(port))
        assert (ran.status, ran.out) == (1, "")
        assert f"port {port} on 127.0.0.1 is in use: choose another one with --port" in ran.err
    with serving(tmp_path) as running:
        assert running.key != ""


def test_a_file_with_an_unknown_setting(tmp_path: Path) -> None:
    (tmp_path / "gammainfra.toml").write_text("[server]\nprot = 1\n", encoding="utf-8")
    ran = command(tmp_path, "serve")
    assert ran.status == 1
    assert "[server] has no setting prot: did you mean port?" in ran.err


@pytest.mark.parametrize(
    ("name", "content", "words"),
    [
        ("pepper", b"junk\n", "restore it from a backup"),
        ("gammainfra.sqlite3", b"x" * 5000, "move it away, or name another folder with --data-dir"),
        ("models/own.toml", b'[models."x"]\n', "is not a model id"),
        ("models/own.toml", b"\xff", "cannot be read"),
    ],
)
def test_a_data_folder_that_cannot_be_used(name: str, content: bytes, words: str, tmp_path: Path) -> None:
    file = tmp_path / "kept" / name
    file.parent.mkdir(parents=True)
    file.write_bytes(content)
    file.chmod(0o600)
    ran = command(tmp_path, "serve", "--port", "0", "--data-dir", "kept")
    assert (ran.status, ran.out) == (1, "")
    assert words in ran.err
    assert "Traceback" not in ran.err


def test_a_data_folder_that_is_a_file(tmp_path: Path) -> None:
    (tmp_path / "kept").touch()
    ran = command(tmp_path, "serve", "--port", "0", "--data-dir", "kept")
    assert ran.status == 1
    assert "name another one with --data-dir" in ran.err
