"""Facts about an answer as headers: which are known when, and that no value can end its header."""

from __future__ import annotations

from typing import Any

from gammainfra.domain.failure import Refused
from gammainfra.gateway import facts
from tests.conversations.playbook import TABLES, ask, book, says
from tests.conversations.saying import call, finish, refuses, text


def test_a_header_value_from_outside_cannot_end_its_header() -> None:
    rows = dict(facts.headers("gen-1", "application/json", {"endpoint": "a\r\nset-cookie: b\u00e4"}))
    assert rows[b"x-gammainfra-endpoint"] == b"a??set-cookie: b?"


def test_a_refusal_says_what_an_sdk_should_do_only_when_that_is_known() -> None:
    silent = dict(facts.refusal_headers("gen-1", Refused(400, "x", "y")))
    assert b"x-should-retry" not in silent
    assert b"retry-after" not in silent
    loud = dict(facts.refusal_headers("gen-1", Refused(503, "x", "y", retry=True, retry_after_s=0.2)))
    assert (loud[b"x-should-retry"], loud[b"retry-after"], loud[b"retry-after-ms"]) == (b"true", b"1", b"200")


def test_an_answer_without_a_price_has_no_cost_never_a_zero() -> None:
    b = book()
    b >> ask(model="acme/unknown") << "acme asked" >> says("acme", text("Yes"), *finish())
    b.clear()
    assert "cost_usd" not in b.facts()
    assert "x-gammainfra-cost-estimate-usd" not in b.headers()
    assert b'"cost"' not in b.clients["caller"].body
    assert b.record.charge is None
    assert b.record.attempts[0].cost_nano is None
    b.check_over()


def test_an_answer_says_what_decided_and_what_was_met_on_the_way() -> None:
    assert len(TABLES.models) > 3
    b = book("acme", "bolt", "corp")
    body: dict[str, Any] = {"model": "gammainfra/auto", "provider": {"order": ["corp", "acme"]}}
    b >> ask(headers={"x-gammainfra-cost-quality": "0.5"}, **body)
    first = b.outcome[0].split()[0]
    b >> says(first, *refuses(503))
    second = b.outcome[0].split()[0]
    b >> says(second, call("c1"), *finish("tool_calls"))
    b.clear()
    told = b.headers()
    assert told["x-gammainfra-fallback-reason"] == f"{first}_overloaded"
    assert told["x-gammainfra-route-reason"] == "fallback"
    assert told["x-gammainfra-attempted-count"] == "2"
    assert told["x-gammainfra-task-label"] == b.record.plan.label != ""
    assert told.get("x-gammainfra-cost-quality-applied", "0.5") == "0.5"
    b.check_over()
