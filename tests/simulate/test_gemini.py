"""The simulated Gemini and Vertex AI: what they accept, refuse and say."""

from __future__ import annotations

from typing import Any

import pytest

from gammainfra.simulate import Always, Fault, Fixed, ServerSpec, ToolCall, Turn, World
from gammainfra.simulate.gemini import Gemini
from gammainfra.simulate.refusal import Refusal
from gammainfra.simulate.validate_gemini import SENTINEL, check_gemini, sign
from tests.simulate.asking import CALLING, Got, post, run

HELLO = {"role": "user", "parts": [{"text": "Hello"}]}
CALL = {"functionCall": {"id": "a", "name": "f", "args": {"x": 1}}}
RESULT = {"functionResponse": {"id": "a", "name": "f", "response": {"output": "ok"}}}
TOOLS = [{"functionDeclarations": [{"name": "f", "parametersJsonSchema": {"type": "object"}}]}]
KEY = {"x-goog-api-key": "k"}
STREAM = "/v1beta/models/gemini-3.5-flash:streamGenerateContent"
WHOLE = "/v1beta/models/gemini-2.5-flash:generateContent"


def body(**more: Any) -> dict[str, Any]:
    return {"model": "gemini-3.5-flash", "contents": [HELLO], **more}


def turns(*turns: tuple[str, list[Any]], **more: Any) -> dict[str, Any]:
    return body(contents=[HELLO, *({"role": role, "parts": parts} for role, parts in turns)], **more)


def signed(part: dict[str, Any], service: str = "gemini") -> dict[str, Any]:
    return {**part, "thoughtSignature": sign(service, part)}


def skipping(part: dict[str, Any]) -> dict[str, Any]:
    return {**part, "thoughtSignature": SENTINEL}


SECOND = {"functionCall": {"id": "b", "name": "f", "args": {}}}
SECOND_RESULT = {"functionResponse": {"id": "b", "name": "f", "response": {}}}

ACCEPTED: list[dict[str, Any]] = [
    body(),
    body(tools=TOOLS, toolConfig={"functionCallingConfig": {"mode": "VALIDATED", "allowedFunctionNames": ["f"]}}),
    body(systemInstruction={"parts": [{"text": "S"}]}, generationConfig={"thinkingConfig": {"thinkingLevel": "low"}}),
    body(generationConfig={"responseMimeType": "application/json", "responseJsonSchema": {"$ref": "#/$defs/A"}}),
    turns(("model", [signed(CALL)]), ("user", [RESULT, {"text": "and?"}])),
    turns(("model", [skipping(CALL), SECOND]), ("user", [RESULT, SECOND_RESULT])),
    turns(("model", [CALL]), ("user", [RESULT]), ("model", [{"text": "Done."}]), ("user", [{"text": "Next."}])),
    turns(("model", [signed({"text": "Hi"})]), ("user", [{"text": "a"}])),
    turns(("model", [CALL]), ("user", [RESULT]), model="gemini-2.5-flash"),
]
REFUSED: list[tuple[dict[str, Any], str]] = [
    (body(model="gemini-unknown"), "is not found for API version"),
    (body(frequency=1), 'Unknown name "frequency"'),
    (body(contents=[]), "contents is not specified"),
    (body(contents=[{"role": "user", "parts": []}]), "must not be empty"),
    (body(contents=[{"role": "assistant", "parts": [{"text": "a"}]}]), "valid role"),
    (body(contents=[{"role": "user", "parts": [{"text": "a", "inlineData": {}}]}]), "oneof field 'data'"),
    (body(contents=[{"role": "user", "parts": [{"txt": "a"}]}]), 'Unknown name "txt"'),
    (body(contents=[{"role": "model", "parts": [CALL]}]), "immediately after a user turn"),
    (turns(("user", [RESULT])), "immediately after a function call turn"),
    (turns(("model", [signed(CALL)])), "followed by a function response turn"),
    (turns(("model", [signed(CALL), SECOND]), ("user", [RESULT])), "number of function response parts"),
    (turns(("model", [signed(CALL)]), ("user", [SECOND_RESULT])), "does not match"),
    (
        turns(("model", [signed(CALL)]), ("user", [{"functionResponse": {"name": "f", "response": "ok"}}])),
        "function_response.response",
    ),
    (turns(("model", [{"functionCall": {"name": "f", "args": []}}]), ("user", [RESULT])), "function_call.args"),
    (turns(("model", [CALL]), ("user", [RESULT])), "missing a thought_signature"),
    (turns(("model", [signed(CALL, "vertex")]), ("user", [RESULT])), "Corrupted thought signature"),
    (turns(("model", [{**CALL, "thoughtSignature": "b2Rk"}]), ("user", [RESULT])), "Corrupted thought signature"),
    (turns(("model", [skipping(CALL), skipping(SECOND)]), ("user", [RESULT, SECOND_RESULT])), "Corrupted"),
    (turns(("model", [{"text": "a", "thoughtSignature": "odd!"}]), ("user", [{"text": "b"}])), "Corrupted"),
    (body(tools=[{"functionDeclarations": [{"name": "1"}]}]), "Invalid function name"),
    (body(tools=[*TOOLS, *TOOLS]), "Duplicate function declaration"),
    (body(tools=[{"functionDeclarations": [{"name": "f", "strict": True}]}]), 'Unknown name "strict"'),
    (
        body(tools=[{"functionDeclarations": [{"name": "f", "parametersJsonSchema": {"$schema": "x"}}]}]),
        'Unknown name "$schema"',
    ),
    (body(tools=[{"functionDeclarations": [{"name": "f", "parametersJsonSchema": 7}]}]), "Invalid value"),
    (
        body(
            generationConfig={
                "responseMimeType": "application/json",
                "responseJsonSchema": {"anyOf": [{"$ref": "#", "title": "x"}]},
            }
        ),
        "beside $ref",
    ),
    (body(toolConfig={"functionCallingConfig": {"mode": "any"}}), "mode"),
    (
        body(tools=TOOLS, toolConfig={"functionCallingConfig": {"mode": "AUTO", "allowedFunctionNames": ["f"]}}),
        "mode is ANY or VALIDATED",
    ),
    (
        body(tools=TOOLS, toolConfig={"functionCallingConfig": {"mode": "ANY", "allowedFunctionNames": ["x"]}}),
        "names of declared functions",
    ),
    (body(generationConfig={"temperature": 3}), "out of range"),
    (body(generationConfig={"stopSequences": ["a"] * 6}), "at most 5"),
    (body(generationConfig={"presencePenalty": 0.5}), "Penalty is not enabled"),
    (
        body(tools=TOOLS, model="gemini-2.5-flash", generationConfig={"responseMimeType": "application/json"}),
        "is unsupported",
    ),
    (body(generationConfig={"responseJsonSchema": {}}), "must be used with"),
    (
        body(model="gemini-2.5-pro", generationConfig={"thinkingConfig": {"thinkingLevel": "low"}}),
        "Thinking level is not supported",
    ),
    (
        body(generationConfig={"thinkingConfig": {"thinkingLevel": "low", "thinkingBudget": 1}}),
        "only one of thinking budget and thinking level",
    ),
    (body(generationConfig={"thinkingConfig": {"thinkingLevel": "minimal"}}), "minimal is not supported"),
]


@pytest.mark.parametrize("accepted", ACCEPTED)
def test_gemini_accepts(accepted: dict[str, Any]) -> None:
    check_gemini(accepted, "gemini")


@pytest.mark.parametrize(("refused", "words"), REFUSED, ids=lambda one: one if isinstance(one, str) else "")
def test_gemini_refuses(refused: dict[str, Any], words: str) -> None:
    with pytest.raises(Refusal) as caught:
        check_gemini(refused, "gemini")
    assert words in caught.value.message


def test_model_and_method_are_read_from_the_path_alone() -> None:
    assert Gemini().translate(STREAM, {}) == {"model": "gemini-3.5-flash", "stream": True}
    assert Gemini().translate("/v1/models/gemini-x:generateContent", {}) == {"model": "gemini-x", "stream": False}
    assert Gemini().translate("/v1/messages", {"model": "claude"}) == {"model": "claude"}


def ask(turn: Turn, path: str, *, service: str = "gemini", fault: Fault | None = None, **more: Any) -> Got:
    """One answer."""
    got: list[Got] = []

    async def test() -> None:
        world = World((ServerSpec(service, name="one"),), script=Fixed(turn))
        if fault is not None:
            world.set_schedule(Always(fault))
        async with world:
            server = world["one"]
            headers = KEY if service == "gemini" else {"Authorization": "Bearer t"}
            sent = {name: value for name, value in body(tools=TOOLS, **more).items() if name != "model"}
            got.append(await post(server, sent, path=path, headers=headers))

    run(test())
    return got[0]


def parts_of(got: Got) -> list[Any]:
    return [part for event in got.events for part in event["candidates"][0]["content"]["parts"]]


def test_a_stream_shows_thoughts_where_asked_then_text_then_a_signed_call_then_its_finish() -> None:
    thinking: dict[str, Any] = {"generationConfig": {"thinkingConfig": {"includeThoughts": True}}}
    got = ask(CALLING, STREAM, **thinking)
    assert b"\r\n\r\n" in got.body
    parts = parts_of(got)
    assert "".join(part["text"] for part in parts if part.get("thought")) == CALLING.thinking
    assert "".join(part["text"] for part in parts if "text" in part and not part.get("thought")) == CALLING.text
    (call,) = [part for part in parts if "functionCall" in part]
    assert call["thoughtSignature"] == sign("gemini", call)
    last = got.events[-1]
    assert last["candidates"][0]["finishReason"] == "STOP"
    usage = last["usageMetadata"]
    assert usage["totalTokenCount"] == usage["promptTokenCount"] + usage["candidatesTokenCount"] + usage.get(
        "thoughtsTokenCount", 0
    )


def test_a_whole_answer_of_a_model_before_gemini_3_is_not_signed() -> None:
    told = ask(CALLING, WHOLE).json
    parts = told["candidates"][0]["content"]["parts"]
    assert [sorted(part) for part in parts] == [["text"], ["functionCall"]]
    signed_text = ask(Turn(text="Hi."), STREAM.replace("streamG", "g")).json["candidates"][0]["content"]["parts"][0]
    assert signed_text["thoughtSignature"]


def test_a_call_that_is_no_json_is_never_shown() -> None:
    for path in (WHOLE, STREAM):
        got = ask(CALLING, path, fault=Fault.BAD_JSON)
        last = got.events[-1] if path == STREAM else got.json
        assert last["candidates"][0]["finishReason"] == "MALFORMED_FUNCTION_CALL"
        assert b"functionCall" not in got.body
    cut = ask(CALLING, WHOLE, generationConfig={"maxOutputTokens": 12}).json
    assert cut["candidates"][0]["finishReason"] == "MAX_TOKENS"


@pytest.mark.parametrize(
    ("fault", "status", "words"),
    [
        (Fault.RATE_LIMIT, 429, "RESOURCE_EXHAUSTED"),
        (Fault.RATE_LIMIT_RETRY_AFTER, 429, '"retryDelay": "1s"'),
        (Fault.SPEND_LIMIT, 429, "limit: 0"),
        (Fault.OVERLOADED, 503, "UNAVAILABLE"),
        (Fault.SERVER_ERROR, 500, "INTERNAL"),
        (Fault.AUTH_401, 400, "API_KEY_INVALID"),
        (Fault.BILLING_402, 403, "BILLING_DISABLED"),
        (Fault.CONTEXT_OVERFLOW, 400, "exceeds the maximum number of tokens allowed"),
    ],
)
def test_every_refusal_is_a_google_rpc_status(fault: Fault, status: int, words: str) -> None:
    got = ask(Turn(text="a"), STREAM, fault=fault)
    assert got.status == got.json["error"]["code"] == status
    assert words in got.body.decode()


def test_an_error_inside_a_stream_has_no_frame() -> None:
    got = ask(Turn(text="a"), STREAM, fault=Fault.EARLY_ERROR)
    assert got.status == 200
    assert got.json["error"]["status"] == "UNAVAILABLE"


def test_keys_paths_and_models() -> None:
    vendor, vertex = Gemini(), Gemini("vertex")
    assert vendor.read_key({}) == vertex.read_key({"Authorization": "Basic x"}) == ""
    assert vendor.refuse_key("").status == 403
    assert vertex.refuse_key("x").kind == "UNAUTHENTICATED"
    assert vendor.refuse_size().status == 400
    assert vendor.refuse_path("GET", "/").kind == "NOT_FOUND"
    assert vendor.refuse_syntax().status == 400
    assert b"models/gemini-3.5-flash" in vendor.render_models()
    assert ask(Turn(text="a"), "/v1/projects/p/locations/l/publishers/google/models/gemini-2.5-pro:generateContent",
               service="vertex").status == 200  # fmt: skip


def test_a_repeated_prompt_is_read_from_the_cache() -> None:
    async def test() -> None:
        async with World((ServerSpec("gemini"),), script=Fixed(Turn(calls=(ToolCall("f"),)))) as world:
            long = {"contents": [{"role": "user", "parts": [{"text": "word " * 2000}]}]}
            for known in (False, True):
                got = await post(world.gemini, long, path=WHOLE, headers=KEY)
                assert ("cachedContentTokenCount" in got.json["usageMetadata"]) is known

    run(test())
