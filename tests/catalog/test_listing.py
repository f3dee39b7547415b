from __future__ import annotations

import json
from typing import Any

import pytest

from gammainfra.catalog.listing import Listed, read_listing
from gammainfra.domain import limits


def read(*rows: Any) -> dict[str, Listed]:
    return read_listing(json.dumps({"data": list(rows)}).encode())


def able(**names: bool) -> dict[str, Any]:
    return {name: {"supported": value} for name, value in names.items()}


def test_a_row_of_openai_says_no_more_than_a_name() -> None:
    assert read({"id": "gpt-5", "object": "model"}) == {"gpt-5": Listed()}


@pytest.mark.parametrize(
    ("types", "kind"),
    [({"adaptive": True, "enabled": True}, "adaptive"), ({"enabled": True}, "budget"), ({"disabled": True}, None)],
)
def test_a_row_of_anthropic_says_windows_and_kinds_of_thinking(types: dict[str, bool], kind: str | None) -> None:
    capabilities = {
        **able(image_input=True, pdf_input=False, structured_outputs=True),
        "thinking": {"supported": True, "types": able(**types)},
    }
    row = {"id": "c", "max_input_tokens": 400_000, "max_tokens": 64_000, "capabilities": capabilities}
    (listed,) = read(row).values()
    assert (listed.context_tokens, listed.max_output_tokens, listed.thinking) == (400_000, 64_000, kind)
    assert listed.does == {"images": True, "documents": False, "json_schema": True, "thinking": True}


def test_a_model_of_anthropics_may_not_think() -> None:
    (listed,) = read({"id": "c", "capabilities": {"thinking": {"supported": False}}}).values()
    assert (listed.thinking, listed.does) == ("none", {"thinking": False})
    (silent,) = read({"id": "c", "max_input_tokens": None, "capabilities": None}).values()
    assert silent == Listed()


def test_a_row_of_mistral_says_its_window_and_what_it_does() -> None:
    capabilities = {"completion_chat": True, "function_calling": True, "vision": False}
    (listed,) = read({"id": "m", "max_context_length": 131_072, "capabilities": capabilities}).values()
    assert listed == Listed(131_072, does={"tools": True, "images": False})


def test_a_row_of_openrouter_says_parameters_and_modalities() -> None:
    row = {
        "id": "v/m",
        "context_length": 200_000,
        "top_provider": {"max_completion_tokens": 32_000},
        "architecture": {"input_modalities": ["text", "image"]},
        "supported_parameters": ["tools", "reasoning"],
    }
    (listed,) = read(row).values()
    assert (listed.context_tokens, listed.max_output_tokens) == (200_000, 32_000)
    assert {need for need, can in listed.does.items() if can} == {"tools", "thinking", "images"}
    assert {need for need, can in listed.does.items() if not can} == {
        "json_schema",
        "json_object",
        "documents",
        "audio",
    }
    assert read({"id": "v/m", "context_length": 200_000}) == {"v/m": Listed(200_000)}


def test_a_row_of_groq_says_its_windows() -> None:
    row = {"id": "g", "context_window": 131_072, "max_completion_tokens": 65_536}
    assert read(row) == {"g": Listed(131_072, 65_536)}


@pytest.mark.parametrize("window", [0, -1, True, "200000", 1.5, 10**12, None])
def test_a_window_that_cannot_be_is_not_said(window: object) -> None:
    assert read({"id": "g", "context_window": window}) == {"g": Listed()}


def test_rows_that_are_none_are_left_out_and_a_list_is_bounded() -> None:
    assert read(7, {"id": 7}, {}) == {}
    assert read_listing(b'[{"id":"a"}]') == {"a": Listed()}
    many = [{"id": f"m{number}"} for number in range(limits.MODELS_LISTED + 1)]
    assert len(read(*many)) == limits.MODELS_LISTED


@pytest.mark.parametrize("body", [b"", b"<html>", b"7", b'{"data":7}', b"[" * 100_000])
def test_what_is_no_list_is_said_so(body: bytes) -> None:
    with pytest.raises(ValueError, match=r".+"):
        read_listing(body)
