"""From a vendor, a turn and a fault to a reply: the place where everything pure comes together. It never
touches a socket and never waits.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

from gammainfra.simulate.breakage import (
    bend_arguments,
    bend_turn,
    break_stream,
    break_whole,
    count_turn_tokens,
    limit_turn,
)
from gammainfra.simulate.cache import PrefixMemory
from gammainfra.simulate.faults import UNFINISHED, Fault
from gammainfra.simulate.ids import Mint
from gammainfra.simulate.pace import Pace
from gammainfra.simulate.refusal import Refusal
from gammainfra.simulate.reply import Ending, Piece, Reply, Stage
from gammainfra.simulate.script import Ask, Raw, Turn
from gammainfra.simulate.tokens import count_tokens
from gammainfra.simulate.usage import SimulatedUsage
from gammainfra.simulate.vendor import Answer, Body, Finish, Vendor, WrittenCall

JSON_TYPE = ("content-type", "application/json")
NO_CACHE = ("cache-control", "no-cache")
HTML_HEADERS = (("content-type", "text/html; charset=utf-8"),)
HTML_BAD_GATEWAY = (
    b"<html>\r\n<head><title>502 Bad Gateway</title></head>\r\n<body>\r\n<center><h1>502 Bad Gateway</h1>"
    b"</center>\r\n</body>\r\n</html>\r\n"
)
HTML_WELCOME = b"<!doctype html><html><head><title>Welcome</title></head><body>It works.</body></html>\n"

LOWEST_ERROR_STATUS = 400

Headers = tuple[tuple[str, str], ...]


@dataclass(frozen=True, slots=True)
class Order:
    """One generation request, decided and ready to be rendered."""

    vendor: Vendor
    ask: Ask
    body: Body
    turn: Turn
    fault: Fault | None
    pace: Pace
    now_s: float
    cache_root: str
    headers: Headers


def prepare_answer(order: Order, memory: PrefixMemory, mint: Mint, repeated_id: str) -> Reply:
    """The reply of an order that is not refused; remembers the prompt in the cache."""
    fault, vendor, ask = order.fault, order.vendor, order.ask
    bent = bend_turn(vendor.dress(order.turn, ask), fault)
    turn, cut_arguments, was_cut = limit_turn(bent, ask.max_tokens)
    issued = repeated_id if fault is Fault.REPEATED_CALL_ID else None
    ids = [issued or vendor.make_call_id(mint, at) for at in range(len(turn.calls))]
    usage = replace(
        vendor.meter(order.body, order.cache_root, memory),
        output_tokens=count_turn_tokens(turn) if cut_arguments is None else ask.max_tokens or 0,
        reasoning_tokens=count_tokens(turn.thinking),
    )
    answer = Answer(
        answer_id=vendor.make_answer_id(mint),
        created_s=order.now_s,
        ask=ask,
        body=order.body,
        text=turn.text,
        thinking=turn.thinking,
        calls=_write_calls(turn, ids, fault, cut_arguments),
        finish=_name_finish(turn, fault, was_cut=was_cut),
        usage=usage,
        pace=order.pace,
    )
    call_ids = () if ask.stream or fault in {Fault.NO_CALL_ID, Fault.EARLY_ERROR} else tuple(ids)
    return _render(order, answer, mint, call_ids)


def _write_calls(turn: Turn, ids: list[str], fault: Fault | None, cut_arguments: str | None) -> tuple[WrittenCall, ...]:
    calls = [
        WrittenCall(
            None if fault is Fault.NO_CALL_ID else call_id,
            call.name,
            bend_arguments(call.render_arguments(), fault),
        )
        for call_id, call in zip(ids, turn.calls, strict=True)
    ]
    if cut_arguments is not None:
        calls[-1] = replace(calls[-1], arguments=cut_arguments)
    return tuple(calls)


def _name_finish(turn: Turn, fault: Fault | None, *, was_cut: bool) -> Finish | None:
    if fault is Fault.NO_FINISH:
        return None
    if was_cut:
        return Finish.LENGTH
    return Finish.CALLS if turn.calls else Finish.STOP


def _render(order: Order, answer: Answer, mint: Mint, call_ids: tuple[str, ...]) -> Reply:
    vendor, fault, pace = order.vendor, order.fault, order.pace
    error = vendor.render_error_event(vendor.make_request_id(mint))
    length: int | None = None
    if answer.ask.stream:
        pieces, ending = break_stream(vendor.render_stream(answer), fault, error)
        headers = (("content-type", vendor.stream_type), NO_CACHE, *order.headers)
    else:
        whole = _render_whole(vendor, answer, fault)
        pieces, ending = break_whole(Piece(whole, Stage.WHOLE, answer.usage.output_tokens), fault)
        headers, length = (JSON_TYPE, *order.headers), len(whole)
    return Reply(
        status=200,
        headers=headers,
        pieces=pieces,
        ending=ending,
        complete=_is_complete(fault, stream=answer.ask.stream),
        usage=answer.usage,
        call_ids=call_ids,
        length_bytes=length,
        first_token_s=pace.slow_first_token_s if fault is Fault.SLOW_FIRST_TOKEN else pace.first_token_s,
        burst=pace.tokens_per_s <= 0,
    )


def _render_whole(vendor: Vendor, answer: Answer, fault: Fault | None) -> bytes:
    if fault is Fault.EARLY_ERROR:
        refusal = vendor.refuse_by_fault(Fault.OVERLOADED, answer.ask.model, answer.pace)
        return vendor.render_refusal(refusal, answer.answer_id)
    return vendor.render_whole(answer)


def _is_complete(fault: Fault | None, *, stream: bool) -> bool:
    """A whole without a finish reason has its last byte; a stream without one has no terminal event."""
    return fault not in UNFINISHED or (fault is Fault.NO_FINISH and not stream)


def prepare_refusal(vendor: Vendor, refusal: Refusal, request_id: str, headers: Headers) -> Reply:
    """The reply of a vendor's error answer; its own headers win over the usual ones."""
    body = vendor.render_refusal(refusal, request_id)
    own = {name for name, _ in refusal.headers}
    usual = tuple((name, value) for name, value in headers if name not in own)
    retry = "true" if refusal.status in {408, 409, 429} or refusal.status >= 500 else "false"  # noqa: PLR2004
    extra = (("x-should-retry", retry),) if vendor.name == "anthropic" else ()
    return prepare_body(body, (JSON_TYPE, *usual, *refusal.headers, *extra), refusal.status)


def prepare_body(body: bytes, headers: Headers, status: int = 200) -> Reply:
    """A complete body of known length, without usage."""
    piece = Piece(body, Stage.WHOLE)
    return Reply(
        status=status,
        headers=headers,
        pieces=(piece,),
        complete=status < LOWEST_ERROR_STATUS,
        length_bytes=len(body),
    )


def prepare_raw(raw: Raw) -> Reply:
    """The exact bytes of a Raw, in its own chunks."""
    size = raw.chunk_bytes or max(1, len(raw.body))
    chunks = (raw.body[at : at + size] for at in range(0, len(raw.body), size))
    return Reply(
        status=raw.status,
        headers=raw.headers,
        pieces=tuple(Piece(chunk, Stage.WHOLE) for chunk in chunks),
        ending=raw.ending,
        complete=raw.ending is Ending.CLEAN,
        usage=SimulatedUsage(),
        piece_pause_s=raw.chunk_pause_s,
        burst=raw.chunk_bytes == 0,
    )


def prepare_fault_refusal(order: Order, request_id: str) -> Reply:
    """The reply of one of the refusal faults."""
    fault = order.fault
    if fault is None:
        raise ValueError("a refusal needs a fault")
    match fault:
        case Fault.RESET:
            return Reply(status=0, headers=(), complete=False)
        case Fault.HTML_502:
            return prepare_body(HTML_BAD_GATEWAY, HTML_HEADERS, 502)
        case Fault.WRONG_CONTENT_TYPE:
            return replace(prepare_body(HTML_WELCOME, HTML_HEADERS), complete=False)
        case _:
            refusal = order.vendor.refuse_by_fault(fault, order.ask.model, order.pace)
            return prepare_refusal(order.vendor, refusal, request_id, order.headers)
