"""What broke others with Gemini, each under the number of the public thread that tells of it."""

from __future__ import annotations

import json
from typing import Any

from gammainfra.domain.chat import Thinking
from gammainfra.domain.stream import Finished, ThinkingDelta, ToolCallDelta, UpstreamError, UsageSeen
from gammainfra.wire.answer import Answer, Speech
from gammainfra.wire.gemini import PROVIDER, VERTEX
from gammainfra.wire.tool_ids import shown_id
from tests.wire.conversations import assistant, call, result, user
from tests.wire.gemini.shapes import MADE_BY, SENTINEL, contents, request, target, written
from tests.wire.gemini.test_decode import calling, chunk, failure_of, sse, streamed, text, whole


def first_signature(*said: Any, **changes: Any) -> object:
    ids = [part for part in said if not isinstance(part, Thinking)]
    sent = contents(user("go"), assistant(*said), user(*(result(part.id) for part in ids)), **changes)[1]
    return [part.get("thoughtSignature") for part in sent]


def test_langchain_619_a_call_is_never_called_by_its_functions_name() -> None:
    events = whole(chunk(calling(args={}), calling(args={"x": 1}), finish="STOP"))
    ids = [event.id for event in events if isinstance(event, ToolCallDelta) and event.name]
    assert len(set(ids)) == 2
    assert "f" not in ids


def test_litellm_18160_no_signature_travels_in_an_id() -> None:
    events = whole(chunk(calling("f", "U" * 2000, args={}), finish="STOP"))
    (call_id,) = [event.id for event in events if isinstance(event, ToolCallDelta) and event.name]
    assert shown_id(call_id, 0, ()) == call_id
    assert len(call_id) <= 40


def test_litellm_32140_vertex_and_ai_studio_do_not_get_each_others_signatures() -> None:
    own = Thinking(redacted="S", format="google-vertex-v1", id="a")
    assert first_signature(own, call("a")) == [SENTINEL]
    asked = request(user("go"), assistant(own, call("a")), user(result("a")))
    sent = json.loads(VERTEX.write_request(asked, target(provider="vertex")).body)
    assert sent["contents"][1]["parts"][0]["thoughtSignature"] == "S"


def test_litellm_37541_and_vercel_16298_the_sentinel_is_on_the_first_call_only() -> None:
    assert first_signature(call("a"), call("b"), call("c")) == [SENTINEL, None, None]


def test_cliproxyapi_994_a_signature_of_claude_never_reaches_gemini() -> None:
    foreign = Thinking("t", "CLAUDE", format="anthropic-claude-v1")
    made = written(user("go"), assistant(foreign, call("a")), user(result("a")))
    assert b"CLAUDE" not in made.body
    assert made.dropped_context == ("thinking=1",)


def test_vercel_10344_a_real_signature_survives_the_round_trip_of_a_client() -> None:
    events = whole(chunk(calling("f", "S", args={}), finish="STOP"))
    (thought,) = [event for event in events if isinstance(event, ThinkingDelta)]
    (call_id,) = [event.id for event in events if isinstance(event, ToolCallDelta) and event.name]
    echoed = Thinking(redacted=thought.redacted, format=thought.format, id=thought.id)
    assert (echoed.format, first_signature(echoed, call(call_id))) == (MADE_BY, ["S"])


def test_litellm_21041_a_stream_with_calls_ends_with_tool_calls_wherever_its_finish_stands() -> None:
    """Also envoyproxy/ai-gateway#2399 and python-genai#2868: call and STOP in different chunks."""
    events = streamed(sse(chunk(calling(args={})), chunk(text(""), finish="STOP")))
    assert events[-1] == Finished("tool_calls")
    together = streamed(sse(chunk(calling(args={}), finish="STOP")))
    assert together[-1] == Finished("tool_calls")


def test_a_malformed_function_call_is_asked_for_again_and_never_an_empty_stop() -> None:
    events = streamed(sse(chunk(finish="MALFORMED_FUNCTION_CALL")))
    assert isinstance(events[-1], UpstreamError)
    assert "MALFORMED_FUNCTION_CALL" in failure_of(events).message


def test_grounding_and_code_execution_count_what_their_tools_read() -> None:
    usage = {
        "promptTokenCount": 13,
        "toolUsePromptTokenCount": 289,
        "candidatesTokenCount": 194,
        "thoughtsTokenCount": 6,
    }
    (seen,) = [event for event in whole(chunk(text("a"), finish="STOP", usage=usage)) if isinstance(event, UsageSeen)]
    assert (seen.usage.prompt_tokens, seen.usage.completion_tokens) == (302, 200)


def test_screenpipe_4382_a_long_id_of_another_provider_becomes_a_short_stable_one() -> None:
    long = "call_" + "x" * 900
    sent = contents(user("go"), assistant(call(long)), user(result(long)))
    made = sent[1][0]["functionCall"]["id"]
    assert len(made) <= 40
    assert sent[2][0]["functionResponse"]["id"] == made


def test_an_answer_whose_id_was_seen_gets_another_one_and_keeps_its_signature() -> None:
    speech = Speech()
    for event in whole(chunk(calling("f", "S", id="seen", args={}), finish="STOP")):
        speech.take(event)
    answer = Answer(history_ids=("seen",))
    (shown,) = [event.id for event in answer.whole(speech) if isinstance(event, ToolCallDelta)]
    assert shown != "seen"
    assert first_signature(Thinking(redacted="S", format=MADE_BY, id="seen"), call(shown)) == ["S"]


def test_an_unframed_error_in_a_stream_is_not_taken_for_a_cut() -> None:
    raw = sse(chunk(text("a"))) + b'{\n  "error": {\n    "code": 429,\n    "message": "slow down"\n  }\n}\n'
    assert failure_of(streamed(raw)).message == "slow down"
    assert PROVIDER.name == "gemini"
