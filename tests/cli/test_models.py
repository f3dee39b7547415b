"""``gammainfra models``: what can be asked for, without asking anybody."""

from __future__ import annotations

from decimal import Decimal

import pytest

from tests.cli.conftest import PROVIDERS, Installation


def test_models_are_listed_with_endpoint_prices_and_window(empty: Installation) -> None:
    ran = empty.ask("models", **PROVIDERS)
    assert (ran.status, ran.err) == (0, "")
    lines = ran.out.splitlines()
    assert lines[0].split() == [
        "model",
        "endpoint",
        "input",
        "output",
        "cache",
        "read",
        "cache",
        "write",
        "window",
        "answer",
    ]
    assert [line.split() for line in lines if line.startswith("openai/gpt-5 ")] == [
        ["openai/gpt-5", "openai/gpt-5", "$1.25", "$10.00", "$0.125", "$1.25", "400,000", "128,000"]
    ]
    assert lines[1].split()[:5] == ["gammainfra/auto", "chosen", "for", "each", "request"]
    assert lines[-1] == "Prices are USD for a million tokens, as they are now; windows and answers are tokens."
    assert not any(line.startswith("deepseek/") for line in lines)


def test_all_of_them_are_listed_without_any_provider(empty: Installation) -> None:
    every = empty.told("models", "--all", "--json")
    some = empty.told("models", "--json", **PROVIDERS)
    assert {one["id"] for one in some} < {one["id"] for one in every}
    assert any(one["id"].startswith("deepseek/") for one in every)
    assert all(one["endpoints"] for one in every if one["owned_by"] != "gammainfra")


def test_a_model_is_json_with_exact_prices_of_every_endpoint(empty: Installation) -> None:
    (model,) = [one for one in empty.told("models", "--json", **PROVIDERS) if one["id"] == "openai/gpt-5"]
    assert model["context_length"] == 400_000
    (endpoint,) = model["endpoints"]
    assert endpoint["pricing"] == model["pricing"]
    assert Decimal(endpoint["pricing"]["prompt"]) == Decimal("0.00000125")
    assert (endpoint["endpoint"], endpoint["region"]) == ("openai/gpt-5", None)


def test_what_the_catalog_does_not_know_has_no_price_and_no_window(empty: Installation) -> None:
    (empty.folder / "gammainfra.toml").write_text(
        '[providers.own]\nbase_url = "http://127.0.0.1:1/v1"\nmodels = ["tiny"]\n'
        '[aliases]\nmine = "openai/gpt-5"\n[models.both]\nchain = ["openai/gpt-5", "own/tiny"]\n'
    )
    listed = {one["id"]: one for one in empty.told("models", "--json", **PROVIDERS)}
    (tiny,) = listed["own/tiny"]["endpoints"]
    assert (tiny["provider"], tiny["pricing"]) == ("own", None)
    assert listed["mine"]["endpoints"] == listed["openai/gpt-5"]["endpoints"]
    shown = empty.ask("models", **PROVIDERS).out.splitlines()
    assert [line.split()[1:] for line in shown if line.startswith("own/tiny")] == [["own/tiny", *["–"] * 6]]


@pytest.mark.parametrize(
    ("written", "words"),
    [
        ("", "no provider is configured (gammainfra check): see every known model with --all"),
        ("[aliases]\nx = 'nope/y'", "The model 'nope/y' does not exist here"),
    ],
)
def test_what_is_wrong_is_said(written: str, words: str, empty: Installation) -> None:
    (empty.folder / "gammainfra.toml").write_text(written)
    ran = empty.ask("models")
    assert (ran.status, ran.out) == (1, "")
    assert words in ran.err
