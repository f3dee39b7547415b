from __future__ import annotations

import json
from typing import Any

import pytest

from gammainfra.domain.failure import Refused
from gammainfra.wire.anthropic.count import counting_body, estimate_tokens
from tests.wire.anthropic.spoken import TOOL, assistant, body, result, text, use, user

SOURCE = {"type": "base64", "media_type": "image/png", "data": "A" * 400_000}
PICTURE = {"type": "image", "source": SOURCE}


def test_what_is_counted_is_what_the_endpoint_takes() -> None:
    asked = json.loads(counting_body(body(user(text()), stream=True, temperature=1, tools=[TOOL], system="s")))
    assert asked.keys() == {"model", "messages", "tools", "system"}


@pytest.mark.parametrize(
    ("messages", "asked", "least", "most"),
    [
        ([user(text("word " * 2000))], {}, 2000, 2700),
        ([user(text("漢字" * 500))], {}, 700, 1100),
        ([user(PICTURE)], {}, 1600, 1700),
        (
            [user({"type": "document", "source": {**SOURCE, "media_type": "application/pdf"}})],
            {},
            9000,
            11000,
        ),
        ([user(text("a"))], {"tools": [TOOL]}, 510, 560),
        ([user(text("a"))], {"tools": []}, 1, 20),
        ([user(), assistant(use(given={"path": "a/b", "n": 3, "flag": None})), user(result())], {}, 20, 60),
        ([user(), assistant({"type": "thinking", "thinking": "a" * 400, "signature": "s" * 4000})], {}, 100, 130),
        ([user(), assistant({"type": "redacted_thinking", "data": "s" * 4000})], {}, 1, 20),
    ],
    ids=range(9),
)
def test_an_estimate_counts_what_is_said_and_not_how_it_is_written(
    messages: list[Any], asked: dict[str, Any], least: int, most: int
) -> None:
    assert least <= estimate_tokens(body(*messages, **asked)) <= most


def test_no_request_has_no_tokens_and_no_json_is_refused() -> None:
    assert estimate_tokens(b"{}") == 1
    with pytest.raises(Refused):
        estimate_tokens(b"[]")
