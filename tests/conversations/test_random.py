"""Random conversations: whatever providers and callers do, every caller who stays gets exactly one ending.

The playbook itself holds, at every write, that no end leaves before its settle, that calls leave in the last write
only, and that nothing precedes a head or follows an end; at rest, that everything was given back and recorded once.
"""

from __future__ import annotations

import json
from dataclasses import replace

from hypothesis import given, settings
from hypothesis import strategies as st

from tests.conversations import playbook
from tests.conversations.playbook import After, Ask, Book, Ends, Leaves, ReadsOn, StopsReading, ask, book
from tests.conversations.saying import (
    CUT,
    DONE,
    END,
    begin,
    call,
    error,
    finish,
    refuses,
    stop,
    text,
    thinking,
    usage,
    whole,
)
from tests.conversations.upstream import Saying, Silence


def sayings(step: int) -> tuple[tuple[Saying, ...], ...]:
    """What a provider may say at a step; every call is another one."""
    one, two = 2 * step, 2 * step + 1
    return (
        (begin(),),
        (text("Hello"),),
        (text("Hello"), text(" you")),
        (thinking("hm"),),
        (call("c1", index=one),),
        (call("c1", index=one), call("c2", "", index=two)),
        (call("c1", '{"a":', index=one), CUT),
        (call("c1", '{"a":', index=one), error("it broke")),
        (call("c1", '{"a":', index=one), Silence()),
        (text("Hello"), call("c1", '{"a":', index=one), END),
        (stop(),),
        (usage(),),
        (DONE,),
        (END,),
        (CUT,),
        (Silence(),),
        (text("Hello") + error("it broke"),),
        (b"data: {oops\n\n",),
        finish(),
        finish("tool_calls"),
        (text("Hello you"), *finish()),
        (call("c3", index=one), *finish("tool_calls")),
        whole("Hello"),
        whole("", (("c4", "{}"),), "tool_calls"),
        refuses(429, headers={"retry-after": "2"}),
        refuses(500),
        refuses(401),
        refuses(400, "bad"),
        refuses(400, "Unsupported parameter: 'seed'", code="unsupported_parameter", param="seed"),
        refuses(400, "maximum context length", code="context_length_exceeded"),
    )


CALLERS = ("one", "two", "three")

steps = st.lists(
    st.one_of(
        st.tuples(st.just("says"), st.integers(0, 3), st.integers(0, len(sayings(0)) - 1)),
        st.tuples(st.just("after"), st.sampled_from([0.0, 0.3, 1.1, 1.6, 2.6, 6.0, 13.0, 31.0, 61.0]), st.just(0)),
        st.tuples(st.just("leaves"), st.integers(0, 2), st.just(0)),
        st.tuples(st.just("asks"), st.integers(0, 2), st.integers(0, 2)),
        st.tuples(st.just("blocks"), st.integers(0, 2), st.integers(0, 1)),
    ),
    max_size=24,
)


def play(b: Book, step: int, question: Ask, does: tuple[str, float, int]) -> None:
    what, first, second = does
    match what:
        case "says" if b.upstream.lines:
            b.upstream.lines[-1 - int(first) % len(b.upstream.lines)].say(*sayings(step)[second])
            b.arrive(After(0.0))
        case "after":
            b.arrive(After(first))
        case "leaves" if CALLERS[int(first)] in b.clients:
            b.arrive(Leaves(CALLERS[int(first)]))
        case "asks":
            name = f"{CALLERS[int(first)]}"
            if name in b.clients:
                b.arrive(ReadsOn(name))
                b.arrive(Leaves(name))
                b.clients[f"{name} {len(b.clients)}"] = b.clients.pop(name)
            headers = {"x-stainless-retry-count": str(second)} if second else {}
            b.arrive(replace(question, caller=name, headers=headers))
        case "blocks" if CALLERS[int(first)] in b.clients:
            b.arrive((StopsReading if second else ReadsOn)(CALLERS[int(first)]))


def check_endings(b: Book) -> None:
    for client in b.clients.values():
        if client.reply is None or client.reply._gone:
            continue
        assert client.is_over
        assert client.head is not None
        body = client.body
        endings = body.count(b"data: [DONE]") + body.count(b'"error":{') + body.count(b'"object":"chat.completion",')
        assert endings == 1, body
        assert (client.head.status != 200) <= (b'"error":{' in body)
        for event in body.split(b"\n\n"):
            if event.startswith(b"data: {"):
                for choice in json.loads(event[6:]).get("choices", ()):
                    for called in choice["delta"].get("tool_calls", ()):
                        assert json.loads(called["function"]["arguments"]) in ({"a": 1}, {})


@settings(max_examples=200, deadline=None)
@given(steps, st.booleans(), st.booleans(), st.booleans(), st.booleans())
def test_whatever_happens_who_stays_gets_one_ending(
    script: list[tuple[str, float, int]], stream: bool, tools: bool, two: bool, drained: bool
) -> None:
    b = book("acme", "bolt") if two else book("acme")
    question = ask("one", stream=stream, tools=tools, seed=1)
    b.arrive(question)
    for step, does in enumerate(script):
        play(b, step, question, does)
    for name in b.clients:
        b.arrive(ReadsOn(name))
    if drained:
        b.arrive(Ends(5.0))
    b.arrive(After(2000.0))
    b.clear()
    check_endings(b)
    assert all(len(record.attempts) <= 4 for record in b.notes.records)
    assert all(len(record.attempts) > 0 for record in b.notes.records if record.ending == "served")
    b.check_over(turns=b.turns)
    playbook.opened.remove(b)
    b.close()
