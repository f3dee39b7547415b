from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests.gates.wire import record as recordings
from tests.gates.wire.fixture import Fixture
from tests.gates.wire.fixtures import FIXTURES
from tests.gates.wire.heard import Heard, listen
from tests.gates.wire.judge import judge
from tests.gates.wire.oracle import Call, Choice, Counts, Expected, expected


@pytest.mark.parametrize("fixture", FIXTURES, ids=lambda fixture: fixture.record.id)
def test_the_oracle_reads_a_record_as_a_person_does(fixture: Fixture) -> None:
    assert expected(fixture.record) == fixture.expected


def test_every_fixture_has_a_name_of_its_own() -> None:
    names = [fixture.record.id for fixture in FIXTURES]
    assert len(set(names)) == len(names)


def answer(**message: object) -> bytes:
    shown = {"index": 0, "message": {"role": "assistant", "content": "Hi", "refusal": None, **message}}
    head = {"id": "g", "object": "chat.completion", "created": 1, "model": "m"}
    usage = {"prompt_tokens": 1, "completion_tokens": 1, "total_tokens": 2}
    return json.dumps(
        {**head, "choices": [{**shown, "logprobs": None, "finish_reason": "stop"}], "usage": usage}
    ).encode()


def heard(body: bytes) -> Heard:
    return listen(200, {}, body, streamed=False)


def test_a_right_answer_passes_and_each_kind_of_wrong_one_fails_its_check() -> None:
    want = Expected(choices=[Choice("Hi")], usage=Counts(1, 1))
    assert judge(want, heard(answer())).failed == {}
    assert set(judge(want, heard(answer(content="Ho"))).failed) == {"text"}
    assert set(judge(want, heard(answer(role="user"))).failed) == {"types"}
    assert set(judge(Expected(choices=[Choice("Hi")], usage=Counts(1, 2)), heard(answer())).failed) == {"usage"}
    assert set(judge(want, listen(200, {}, b"{}", streamed=False)).failed) >= {"shape"}
    assert "reply" in judge(Expected("refused", status=503), heard(answer())).failed


def test_a_call_shown_without_arguments_or_under_another_id_fails() -> None:
    want = Expected(choices=[Choice("Hi", [Call("f", {}, "call_1")], "tool_calls")], usage=Counts(1, 1))
    call = {"id": "call_1", "type": "function", "function": {"name": "f", "arguments": "{}"}}
    assert set(judge(want, heard(answer(tool_calls=[call]))).failed) == {"finish"}
    assert (
        "arguments"
        in judge(want, heard(answer(tool_calls=[{**call, "function": {"name": "f", "arguments": ""}}]))).failed
    )
    assert "portable_ids" in judge(want, heard(answer(tool_calls=[{**call, "id": "x"}]))).failed
    assert {"tools", "phantom"} <= set(judge(Expected(choices=[Choice("Hi")]), heard(answer(tool_calls=[call]))).failed)


def test_a_stream_must_end_with_one_finish_and_one_mark() -> None:
    chunk = {"id": "g", "object": "chat.completion.chunk", "created": 1, "model": "m"}
    said = {**chunk, "choices": [{"index": 0, "delta": {"content": "Hi"}, "finish_reason": None}]}
    body = b"data: " + json.dumps(said).encode() + b"\n\n"
    assert {"done", "one_finish"} <= set(listen(200, {}, body, streamed=True).faults)


def line(**fields: object) -> str:
    return json.dumps({"id": "0a", "response_status": 200, "response_headers": {}, "request": None, **fields})


def test_recordings_are_split_or_left_out_by_rule(tmp_path: Path) -> None:
    start = 'event: message_start\ndata: {"type": "message_start", "message": {}}\n\n'
    end = 'event: message_stop\ndata: {"type": "message_stop"}\n\n'
    block = "event: content_block_start\ndata: {}\n\n"
    streams = [start + end, (start + end) * 2, start + start + end, start + block + start + end]
    (tmp_path / "anthropic_messages.jsonl").write_text("\n".join(line(sse_text=text) for text in streams))
    records, left_out = recordings.read_folder(tmp_path, ("anthropic_messages", "openai_chat"))
    assert [record.id for record in records] == ["0a", "0a_1", "0a_2", "0a"]
    assert left_out == ["0a: one answer was spliced into another"]
