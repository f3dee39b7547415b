"""How a fault changes an answer: first the turn, then the rendered pieces. Pure; it decides where a stream
is cut and never when, and it knows no vendor.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from gammainfra.simulate.faults import TEXT_FIRST, Fault
from gammainfra.simulate.reply import Ending, Piece, Stage
from gammainfra.simulate.script import Turn
from gammainfra.simulate.tokens import BYTES_PER_TOKEN, count_tokens

PREFACE = "Let me look at this step by step. "
PONDERING = "Let me think about what comes next."


def bend_turn(turn: Turn, fault: Fault | None) -> Turn:
    """The turn under the fault: emptied, thought only, or given text that can be shown before the cut."""
    if fault is Fault.EMPTY:
        return Turn()
    if fault is Fault.REASONING_ONLY:
        return Turn(thinking=turn.thinking or PONDERING)
    if fault in TEXT_FIRST and not turn.text.strip():
        return replace(turn, text=PREFACE)
    return turn


def bend_arguments(arguments: str, fault: Fault | None) -> str:
    """The JSON text of a call under the fault: cut in the middle for ``bad_json``."""
    return arguments[: max(1, len(arguments) // 2)] if fault is Fault.BAD_JSON else arguments


def break_stream(pieces: Sequence[Piece], fault: Fault | None, error_event: bytes) -> tuple[tuple[Piece, ...], Ending]:
    """The pieces that still leave under the fault, and how the connection ends after them."""
    kept = tuple(pieces)
    error = Piece(error_event, Stage.END)
    match fault:
        case Fault.EARLY_ERROR:
            return (*_through(kept, Stage.OPEN), error), Ending.CLEAN
        case Fault.CUT_BEFORE_CONTENT:
            return _through(kept, Stage.OPEN), Ending.RESET
        case Fault.CUT_AFTER_TEXT:
            return _through(kept, Stage.TEXT), Ending.RESET
        case Fault.CUT_IN_ARGUMENTS:
            return _into(kept), Ending.RESET
        case Fault.STALL_BEFORE:
            return (), Ending.HANG
        case Fault.STALL_AFTER_TEXT:
            return _through(kept, Stage.TEXT), Ending.HANG
        case Fault.NO_FINISH:
            return _through(kept, Stage.CALL_END), Ending.CLEAN
        case Fault.LATE_ERROR:
            return (*_through(kept, Stage.FINISH), error), Ending.CLEAN
        case Fault.LATE_CUT:
            return _through(kept, Stage.FINISH), Ending.RESET
        case _:
            return kept, Ending.CLEAN


def break_whole(body: Piece, fault: Fault | None) -> tuple[tuple[Piece, ...], Ending]:
    """The part of a JSON body that still leaves, after headers that announced all of it. The model had made
    all of its tokens by then, as it has when a real body is cut.
    """
    half = replace(body, raw=body.raw[: len(body.raw) // 2])
    match fault:
        case Fault.EARLY_ERROR:
            return (replace(body, tokens=0),), Ending.CLEAN
        case Fault.CUT_BEFORE_CONTENT:
            return (replace(body, raw=b""),), Ending.RESET
        case Fault.CUT_AFTER_TEXT | Fault.CUT_IN_ARGUMENTS:
            return (half,), Ending.RESET
        case Fault.STALL_BEFORE:
            return (), Ending.HANG
        case Fault.STALL_AFTER_TEXT:
            return (half,), Ending.HANG
        case _:
            return (body,), Ending.CLEAN


def _through(pieces: Sequence[Piece], last: Stage) -> tuple[Piece, ...]:
    return tuple(piece for piece in pieces if piece.stage <= last)


def _into(pieces: Sequence[Piece]) -> tuple[Piece, ...]:
    """Up to the middle of the first call's arguments; without calls, up to the middle of the text."""
    spots = [at for at, piece in enumerate(pieces) if piece.stage is Stage.ARGUMENTS]
    if spots:
        first_end = next(at for at, piece in enumerate(pieces) if piece.stage is Stage.CALL_END)
        spots = [at for at in spots if at < first_end]
        return tuple(pieces[: spots[(len(spots) - 1) // 2] + 1])
    spots = [at for at, piece in enumerate(pieces) if piece.stage is Stage.TEXT]
    if not spots:
        return _through(pieces, Stage.OPEN)
    return tuple(pieces[: spots[(len(spots) - 1) // 2] + 1])


def limit_turn(turn: Turn, max_tokens: int | None) -> tuple[Turn, str | None, bool]:
    """The turn within the token limit: ``(turn, arguments the last call is cut to, whether it was cut)``.

    Thinking is spent first, then text, then calls, in the order in which a model writes them.
    """
    if max_tokens is None or count_turn_tokens(turn) <= max_tokens:
        return turn, None, False
    thinking = _cut_text(turn.thinking, max_tokens)
    left = max_tokens - count_tokens(thinking)
    text = _cut_text(turn.text, left)
    left -= count_tokens(text)
    calls = []
    for call in turn.calls:
        arguments = call.render_arguments()
        left -= count_tokens(call.name)
        if left <= 0:
            break
        calls.append(call)
        if count_tokens(arguments) > left:
            return Turn(text, thinking, tuple(calls)), _cut_text(arguments, left), True
        left -= count_tokens(arguments)
    return Turn(text, thinking, tuple(calls)), None, True


def count_turn_tokens(turn: Turn) -> int:
    """Output tokens of a turn: thinking, text, and each call's name and arguments."""
    calls = sum(count_tokens(call.name) + count_tokens(call.render_arguments()) for call in turn.calls)
    return count_tokens(turn.thinking) + count_tokens(turn.text) + calls


def _cut_text(text: str, tokens: int) -> str:
    return text.encode()[: max(0, tokens) * BYTES_PER_TOKEN].decode("utf-8", "ignore")
