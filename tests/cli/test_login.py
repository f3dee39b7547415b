"""``gammainfra login`` and the link that ``serve`` prints."""

from __future__ import annotations

import json
import re
import urllib.error
import urllib.request
from pathlib import Path

from tests.gateway_process import command, serving


def opens(link: str) -> bool:
    """Whether the link sets a cookie."""

    class Stay(urllib.request.HTTPRedirectHandler):
        def redirect_request(self, *_: object) -> None:
            return None

    try:
        urllib.request.build_opener(Stay).open(link)
    except urllib.error.HTTPError as answer:
        return answer.code == 303 and "HttpOnly" in answer.headers["set-cookie"]
    return False


def test_serve_and_login_print_links_that_open_once(tmp_path: Path) -> None:
    with serving(tmp_path) as running:
        printed = re.search(r"http://\S+/dashboard/login\?token=\w+", running.welcome)
        assert printed is not None
        assert opens(printed[0].replace(":0/", f":{running.port}/"))

        said = command(tmp_path, "login", "--port", str(running.port))
        assert said.status == 0
        assert "Opens the dashboard once, within 5 minutes." in said.out
        assert opens(said.out.split()[0])
        assert not opens(said.out.split()[0])

        told = json.loads(command(tmp_path, "login", "--json", "--port", str(running.port)).out)
        assert told["expires_in_s"] == 300
        assert opens(told["url"])


def test_login_says_when_no_gateway_would_take_the_link(tmp_path: Path) -> None:
    never = command(tmp_path, "login")
    assert never.status == 1
    assert "start one with gammainfra serve" in never.err

    with serving(tmp_path):
        pass
    stopped = command(tmp_path, "login", "--port", "1")
    assert stopped.status == 1
    assert "no gateway answers at http://127.0.0.1:1" in stopped.err
