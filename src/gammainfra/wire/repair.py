"""Makes a conversation one that every provider accepts, without touching what is right.

It decides, on the hub, which calls and results belong together: every call has its result in the next message,
results stand before text, parallel results share one message, no id names two calls. It never looks at a target or
at a later turn: a turn is judged by itself, once the next assistant turn begins, so that repairing a longer history
repeats what was sent before. What one target refuses beyond that is its writer's business.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, replace
from typing import Final

import msgspec

from gammainfra.domain.chat import Message, Part, Role, Text, Thinking, ToolCall, ToolResult
from gammainfra.wire.tool_ids import minted_id

NOT_EXECUTED: Final = "This call was not executed."
NOTHING_SAID: Final = "Continue."


@dataclass(slots=True)
class _Turn:
    """One assistant turn and the group that answers it: all messages up to the next assistant turn."""

    said: list[Message] = field(default_factory=list)
    group: list[Message] = field(default_factory=list)


def repair(messages: tuple[Message, ...]) -> tuple[Message, ...]:
    """The conversation as providers want it; the same object when there is nothing to repair.

    Afterwards no two adjacent messages are both ``user`` or both ``assistant``. System messages stay where they are,
    but never between a call and its results. A turn of which nothing is left says ``NOTHING_SAID``: dropping it would
    make one turn of its neighbours.
    """
    if _is_right(messages):
        return messages
    # Agents say a word of their own behind every result: mostly, joining the two is all there is to do.
    joined = tuple(_joined(messages)) if all(message.parts for message in messages) else messages
    return joined if _is_right(joined) else _repaired(messages)


def _is_right(messages: Iterable[Message]) -> bool:
    """Whether ``_repaired`` would change nothing: the common case, told in one cheap pass."""
    seen: set[str] = set()
    unanswered: set[str] = set()
    last_role: Role = "system"
    for message in messages:
        role = message.role
        if not message.parts or (role == last_role != "system") or (unanswered and role != "user"):
            return False
        answered = 0
        calls: set[str] = set()
        for index, part in enumerate(message.parts):
            match part:
                case Text(text) if not text or text.isspace():
                    return False
                case ToolCall(call_id):
                    if role != "assistant" or call_id in seen:
                        return False
                    seen.add(call_id)
                    calls.add(call_id)
                case ToolResult(call_id, parts):
                    if index != answered or call_id not in unanswered or any(map(_is_empty, parts)):
                        return False
                    answered += 1
                    unanswered.remove(call_id)
                case Thinking() if role != "assistant":
                    return False
                case _:
                    pass
        if unanswered:
            return False
        unanswered, last_role = calls, role
    return not unanswered


def _repaired(messages: Iterable[Message]) -> tuple[Message, ...]:
    seen: set[str] = set()
    repaired: list[Message] = []
    for turn in _turns(messages):
        results = _results(turn.group)
        said, calls = _assistant(turn.said, results, seen)
        repaired += said
        repaired += _group(turn.group, _paired(results, calls))
    return tuple(_joined(repaired))


def _turns(messages: Iterable[Message]) -> list[_Turn]:
    turns = [_Turn()]
    for message in messages:
        if message.role != "assistant":
            turns[-1].group.append(message)
        elif turns[-1].group:
            turns.append(_Turn([message]))
        else:
            turns[-1].said.append(message)
    return [piece for turn in turns for piece in _split(turn)]


def _split(turn: _Turn) -> list[_Turn]:
    """Adjacent assistant messages are one turn (parallel calls apart, thinking apart from its calls).

    Only a message whose calls nobody answers closes its turn: so it was sent when it was the last one.
    """
    answered = {result.call_id for result in _results(turn.group)}
    pieces = [_Turn()]
    for message in turn.said:
        pieces[-1].said.append(message)
        ids = {part.id for part in message.parts if isinstance(part, ToolCall)}
        if ids and ids.isdisjoint(answered):
            pieces.append(_Turn())
    if len(pieces) > 1 and not pieces[-1].said:
        pieces.pop()
    pieces[-1].group = turn.group
    return pieces


def _results(group: Iterable[Message]) -> list[ToolResult]:
    return [part for message in group for part in message.parts if isinstance(part, ToolResult)]


def _is_empty(part: Part) -> bool:
    return isinstance(part, Text) and (not part.text or part.text.isspace())


def _assistant(
    said: Iterable[Message], results: Sequence[ToolResult], seen: set[str]
) -> tuple[list[Message], list[tuple[str, str]]]:
    """The turn's messages and the (old, new) id of each call, in order; ``seen`` grows by the new ids.

    The first call of an id keeps it, later ones are renamed by their position in the conversation.
    """
    kept: list[Message] = []
    calls: list[tuple[str, str]] = []
    own: dict[str, ToolCall] = {}
    for message in said:
        parts: list[Part] = []
        for part in message.parts:
            if isinstance(part, ToolCall):
                if part.id in own and _is_echo(own[part.id], part, results):
                    continue
                own.setdefault(part.id, part)
                new = minted_id(part.id, len(seen), seen) if part.id in seen else part.id
                seen.add(new)
                calls.append((part.id, new))
                parts.append(part if new == part.id else replace(part, id=new))
            elif not (isinstance(part, ToolResult) or _is_empty(part)):
                parts.append(part)
        kept.append(Message("assistant", tuple(parts), message.name))
    return kept, calls


def _is_echo(first: ToolCall, again: ToolCall, results: Iterable[ToolResult]) -> bool:
    """Whether a call of the same turn and id is the same call said twice (as content and as tool call)."""
    if first.name != again.name or sum(result.call_id == first.id for result in results) > 1:
        return False
    if first.arguments == again.arguments:
        return True
    try:
        return bool(msgspec.json.decode(first.arguments) == msgspec.json.decode(again.arguments))
    except msgspec.DecodeError:
        return False


def _paired(results: Iterable[ToolResult], calls: Sequence[tuple[str, str]]) -> tuple[ToolResult, ...]:
    """One result for each call: as received, of several the last, orphans dropped, what is missing made up.

    Calls of one id get their results in order; what is left over belongs to the last of them.
    """
    waiting: dict[str, list[str]] = {}
    for old, new in calls:
        waiting.setdefault(old, []).append(new)
    paired: dict[str, ToolResult] = {}
    for result in results:
        ids = waiting.get(result.call_id)
        if ids is not None:
            new = ids.pop(0) if len(ids) > 1 else ids[0]
            paired[new] = _result(result, new)
    for _, new in calls:
        if new not in paired:
            paired[new] = ToolResult(new, (Text(NOT_EXECUTED),), is_error=True)
    return tuple(paired.values())


def _result(result: ToolResult, call_id: str) -> ToolResult:
    parts = tuple(part for part in result.parts if not _is_empty(part))
    if call_id == result.call_id and len(parts) == len(result.parts):
        return result
    return replace(result, call_id=call_id, parts=parts)


def _group(group: Sequence[Message], results: tuple[ToolResult, ...]) -> list[Message]:
    """The messages between two assistant turns: all results first, then what else was said, in its order."""
    users = [message for message in group if message.role == "user"]
    kept = [Message("user", results, users[0].name if users else None)]
    for message in group:
        parts = tuple(
            part
            for part in message.parts
            if not (isinstance(part, ToolResult | ToolCall | Thinking) or _is_empty(part))
        )
        kept.append(Message(message.role, parts, message.name))
    left = {message.role for message in kept if message.parts}
    if (users and "user" not in left) or (group and not left):
        kept.append(Message("user", (Text(NOTHING_SAID),)))
    return kept


def _joined(messages: Iterable[Message]) -> list[Message]:
    """Without empty messages; adjacent ones of a role, which every provider reads as one turn, are one."""
    joined: list[Message] = []
    for message in messages:
        if not message.parts:
            continue
        last = joined[-1] if joined else None
        if last is not None and last.role == message.role != "system":
            name = last.name if last.name == message.name else None
            joined[-1] = Message(message.role, last.parts + message.parts, name)
        else:
            joined.append(message)
    return joined
