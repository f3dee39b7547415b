from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gammainfra.domain import limits
from gammainfra.domain.failure import Cause, Fix
from gammainfra.wire.anthropic import PROVIDER, betas
from tests.wire.anthropic.rules import target
from tests.wire.anthropic.spoken import MARK, assistant, copied, sent, text, user, written

CLEAN = (user(text(cache_control=MARK)),)


def header(asked: str, **to: Any) -> str | None:
    made = copied(*CLEAN, to={"betas": asked, **to})
    assert made is not None
    return made.headers.get("anthropic-beta")


def test_the_clients_betas_travel_to_anthropic_in_their_order() -> None:
    assert header("interleaved-thinking-2025-05-14, effort-2025-11-24,,effort-2025-11-24") == (
        "interleaved-thinking-2025-05-14,effort-2025-11-24"
    )
    assert header("") is None


def test_betas_that_are_malformed_or_change_who_pays_stay_behind() -> None:
    assert header("oauth-2025-04-20,fast-mode-2026-02-01,bad name,x\tb,Upper,fine-1") == "fine-1"


def test_no_more_betas_than_the_limit_are_relayed() -> None:
    asked = ",".join(f"b-{n}" for n in range(limits.BETAS + 5))
    assert len((header(asked) or "").split(",")) == limits.BETAS


def test_a_field_of_ours_keeps_the_date_that_the_client_named() -> None:
    made = copied(*CLEAN, to={"betas": "mcp-client-2026-01-01"}, mcp_servers=[], context_management={})
    assert made is not None
    assert made.headers["anthropic-beta"] == "mcp-client-2026-01-01,context-management-2025-06-27"


def test_a_compatible_host_gets_no_betas_of_the_client() -> None:
    assert written(user(), to={"betas": "effort-2025-11-24", "owns_dialect": False}).headers == {}


def test_betas_that_anthropic_refused_are_left_out_and_named() -> None:
    to = {"betas": "effort-2025-11-24", "drop": frozenset({betas.PARAMETER})}
    for made in (copied(*CLEAN, to=to), written(user(), to=to)):
        assert made is not None
        assert made.headers == {}
        assert made.dropped_params == ("anthropic-beta",)


def test_a_refused_beta_is_a_parameter_to_leave_out_whatever_its_name() -> None:
    said = "Unexpected value(s) `interleaved-thinking-2099-01-01` for the `anthropic-beta` header."
    body = b'{"type":"error","error":{"type":"invalid_request_error","message":"%s"}}' % said.encode()
    failure = PROVIDER.read_error(400, {}, body)
    assert (failure.cause, failure.fix) == (Cause.UNSUPPORTED_PARAMETER, Fix.DROP_PARAMETER)
    assert failure.parameter == betas.PARAMETER


def test_settings_of_a_message_travel_with_the_clients_beta_only() -> None:
    note = {"role": "system", "content": "note", "output_config": {"effort": "low"}}
    talk = (*CLEAN, assistant(text()), note, user())
    to = {"model": "m"}
    assert copied(*talk, to=to) is None
    assert sent(copied(*talk, to={**to, "betas": "mid-turn-2026-01-01"}))["messages"] == list(talk)


@given(st.text(max_size=200))
def test_whatever_a_client_sends_is_no_more_than_well_formed_names(asked: str) -> None:
    for name in betas.relayed(target(betas=asked)):
        assert name
        assert name in asked


@pytest.mark.parametrize("needed", [(), ("files-api-2025-04-14",)])
def test_what_our_fields_need_is_sent_without_any_of_the_clients(needed: tuple[str, ...]) -> None:
    assert betas.header(target(), needed) == ({"anthropic-beta": needed[0]} if needed else {})
