from __future__ import annotations

import pickle

import pytest

from gammainfra.domain.secret import Secret


def test_a_secret_prints_as_stars_in_every_way() -> None:
    secret = Secret("sk-canary")

    assert (str(secret), repr(secret), f"{secret}", f"{secret:>5}", f"{[secret]}") == (
        "***",
        "***",
        "***",
        "  ***",
        "[***]",
    )
    assert secret.reveal() == "sk-canary"


def test_secrets_are_equal_by_their_text() -> None:
    assert Secret("é") == Secret("é")
    assert Secret("a") != Secret("b")
    assert Secret("a") != "a"
    assert len({Secret("a"), Secret("a")}) == 1


def test_a_secret_does_not_leave_by_pickle() -> None:
    with pytest.raises(TypeError, match="not pickled"):
        pickle.dumps(Secret("a"))
