"""One reader's view of one answer."""

from __future__ import annotations

from gammainfra.domain import limits
from gammainfra.gateway.reply import Head, Piece, Reply
from tests.conversations.virtual import VirtualLoop


class Reader:
    """A reader that notes what it gets and when."""

    def __init__(self) -> None:
        self.loop = VirtualLoop()
        self.left: list[Reply] = []
        self.reply = Reply(self.left.append, b": keepalive\n\n")
        self.got: list[Head | Piece] = []
        self.task = self.loop.create_task(self._read())

    async def _read(self) -> None:
        async for part in self.reply:
            self.got.append(part)

    def new(self) -> list[Head | Piece]:
        self.loop.advance(0.0)
        got, self.got = self.got, []
        return got

    def close(self) -> None:
        assert self.task.done()
        assert self.loop.timers() == []
        self.loop.close()


def test_what_waits_leaves_in_one_piece_behind_the_first_head() -> None:
    reader = Reader()
    reader.reply.put_head(Head(200, ()))
    reader.reply.put_head(Head(500, ()))
    reader.reply.put(b"a")
    reader.reply.put(b"")
    reader.reply.put(b"b")
    reader.reply.end()
    assert reader.new() == [Head(200, ()), Piece(b"ab", last=True)]
    reader.reply.leave()
    assert reader.left == []
    reader.close()


def test_a_silent_answer_is_kept_alive_after_its_head_only() -> None:
    reader = Reader()
    reader.loop.advance(100.0)
    assert reader.new() == []
    reader.reply.put_head(Head(200, ()))
    assert reader.new() == [Head(200, ())]
    reader.loop.advance(limits.KEEPALIVE_EVERY_S + 0.1)
    assert reader.new() == [Piece(b": keepalive\n\n", last=False)]
    reader.reply.end()
    assert reader.new() == [Piece(b"", last=True)]
    reader.close()


def test_who_leaves_gets_nothing_more_and_is_told_of_once() -> None:
    reader = Reader()
    reader.loop.advance(1.0)
    reader.reply.leave()
    reader.reply.leave()
    reader.reply.put(b"late")
    assert reader.new() == []
    assert reader.left == [reader.reply]
    reader.close()


def test_room_is_waited_for_as_long_as_a_reader_may_be_slow() -> None:
    loop = VirtualLoop()
    reply = Reply(lambda _: None, b"")
    reply.put(b"x" * limits.JOURNAL_BYTES)
    small = loop.create_task(reply.room())
    loop.advance(0.0)
    assert small.result() is True
    reply.put(b"x")
    slow = loop.create_task(reply.room())
    loop.advance(limits.SLOW_READER_S + 0.1)
    assert slow.result() is False
    left = loop.create_task(reply.room())
    loop.advance(1.0)
    reply.leave()
    loop.advance(0.0)
    assert left.result() is True
    gone = loop.create_task(reply.room())
    loop.advance(0.0)
    assert gone.result() is True
    loop.close()
