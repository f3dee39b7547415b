from __future__ import annotations

import asyncio
import json
import sys
import threading
from http.server import BaseHTTPRequestHandler, HTTPServer

import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import rsa

from gammainfra.domain.failure import Cause
from gammainfra.upstream.exchange import ExchangeFailed
from gammainfra.upstream.token_source import (
    CredentialsUnusable,
    ServiceAccount,
    ask_google,
    is_service_account,
    project_of,
    service_account,
)


class Fake:
    """google-auth's credentials, valid for ``lasts`` questions."""

    def __init__(self, error: Exception | None = None) -> None:
        self.token: str | None = None
        self.renewed = 0
        self.error = error

    @property
    def valid(self) -> bool:
        return self.token is not None

    def refresh(self, request: object) -> None:
        del request
        if self.error is not None:
            raise self.error
        self.renewed += 1
        self.token = f"token-{self.renewed}"


def ask(source: ServiceAccount, times: int = 1) -> list[str]:
    async def together() -> list[str]:
        return list(await asyncio.gather(*(source.token() for _ in range(times))))

    return asyncio.run(together())


def test_a_token_is_fetched_once_for_all_who_wait_and_again_when_it_ends() -> None:
    fake = Fake()
    source = ServiceAccount(fake, refused=(KeyError,))
    assert ask(source, 5) == ["token-1"] * 5
    assert (ask(source), fake.renewed) == (["token-1"], 1)
    fake.token = None
    assert ask(source) == ["token-2"]


@pytest.mark.parametrize(
    ("error", "cause"), [(KeyError("secret"), Cause.CREDENTIALS_REJECTED), (OSError("host"), Cause.CONNECT_ERROR)]
)
def test_without_a_token_the_attempt_fails_and_says_nothing_secret(error: Exception, cause: Cause) -> None:
    with pytest.raises(ExchangeFailed) as caught:
        ask(ServiceAccount(Fake(error), refused=(KeyError,)))
    assert caught.value.cause is cause
    assert "secret" not in str(caught.value)


def test_a_service_account_is_told_from_a_token() -> None:
    assert is_service_account(' {"type": "service_account"}')
    assert not is_service_account("ya29.token")
    assert project_of('{"project_id": "mine"}') == "mine"
    assert project_of("{}") == project_of("ya29.token") == ""


class Google(BaseHTTPRequestHandler):
    """A token endpoint that answers once with a token, then with a refusal."""

    asked = 0

    def do_POST(self) -> None:
        self.rfile.read(int(self.headers["content-length"]))
        type(self).asked += 1
        good = self.asked == 1
        body = json.dumps({"access_token": "made", "expires_in": 3600} if good else {"error": "invalid_grant"}).encode()
        self.send_response(200 if good else 400)
        self.send_header("content-length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: object) -> None:
        """Silent."""


def account(token_uri: str) -> str:
    key = rsa.generate_private_key(public_exponent=65537, key_size=2048)
    pem = key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    told = {"type": "service_account", "project_id": "mine", "private_key": pem.decode(), "private_key_id": "1"}
    return json.dumps({**told, "client_email": "a@mine.example", "token_uri": token_uri})


def test_google_gives_a_token_for_a_service_account_and_refuses_one() -> None:
    with HTTPServer(("127.0.0.1", 0), Google) as server:
        serving = threading.Thread(target=server.serve_forever, daemon=True)
        serving.start()
        secret = account(f"http://127.0.0.1:{server.server_port}/token")
        assert ask(service_account(secret)) == ["made"]
        with pytest.raises(ExchangeFailed, match="Google gave no access token") as caught:
            ask(service_account(secret))
        assert caught.value.cause is Cause.CREDENTIALS_REJECTED
        server.shutdown()
        serving.join()
    with pytest.raises(ExchangeFailed, match="no access token could be fetched"):
        ask(service_account(account("http://127.0.0.1:9/token")))


def test_a_question_without_anything_is_a_get() -> None:
    with pytest.raises(OSError, match="refused"):
        ask_google("http://127.0.0.1:9/")


@pytest.mark.parametrize("secret", ["{", "{}", '{"type": "authorized_user"}'])
def test_a_secret_that_is_no_service_account_is_said_so(secret: str) -> None:
    with pytest.raises(CredentialsUnusable, match="no service account's JSON"):
        service_account(secret)


def test_without_google_auth_the_remedy_is_said(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "google.oauth2", None)
    with pytest.raises(CredentialsUnusable, match=r'pip install "gammainfra\[vertex\]"'):
        service_account("{}")
