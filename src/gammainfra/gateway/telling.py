"""What the reader of a Turn is told, and what is kept so that another reader can be told the same.

It renders what attempts say, holds back what must leave as one piece, joins a second attempt's text to a first one's,
and keeps the journal for a reader that joins or asks again. It decides neither who speaks nor when the head leaves.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping

from gammainfra.domain import limits
from gammainfra.domain.bill import Closing
from gammainfra.domain.failure import Refused
from gammainfra.gateway import facts
from gammainfra.gateway.asked import Asked
from gammainfra.gateway.attempt import Attempt
from gammainfra.gateway.reply import Head, Reply
from gammainfra.wire.answer import Answer
from gammainfra.wire.dialect import Renderer


class Telling:
    """One Turn's voice. ``left`` is called when the present reader hangs up before the end."""

    def __init__(self, asked: Asked, left: Callable[[], None]) -> None:
        self.reader: Reply | None = None
        self.call_ids: list[tuple[str, str]] = []
        self.over = False
        self.heard = False  # a reader was there when the tail left
        self._asked = asked
        self._left = left
        self._answer = Answer(asked.sketch.call_ids)
        self._renderer = self._new_renderer()
        self._opened: Reply | None = None  # the reader that has the head and everything said before it came
        self._head: Head | None = None
        self._journal: list[bytes] | None = []  # None once it is too long to be said again
        self._journal_bytes = 0
        self._speaking: Attempt | None = None
        self._stitched = False

    # ---- readers ----------------------------------------------------------------------------------------------------
    def join(self) -> Reply:
        """A reader for this answer; the one before gets nothing more."""
        before, self.reader = self.reader, None
        if before is not None:
            before.leave()
        reply = self.reader = Reply(self._reader_left, self._asked.dialect.keepalive)
        self.open()
        if self.over:
            reply.end()
        return reply

    def open(self) -> None:
        """Give the present reader the head and everything said so far, once."""
        if self.reader is not None and self._head is not None and self._opened is not self.reader:
            self._opened = self.reader
            self.reader.put_head(self._head)
            self.reader.put(b"".join(self._journal or ()))

    def _reader_left(self, reply: Reply) -> None:
        if self.over:
            self.heard = False  # it left before it had taken the end
        elif reply is self.reader:
            self.reader = None
            self._left()

    def dismiss(self) -> None:
        """Treat the present reader as gone."""
        if self.reader is not None:
            hang_up = self.reader.hang_up
            self.reader.leave()
            hang_up()

    async def has_room(self) -> bool:
        """Wait while the reader is too slow; False when it is as good as gone."""
        return self.reader is None or await self.reader.room()

    @property
    def journal_bytes(self) -> int | None:
        """The size of what can be said again, None when it cannot."""
        return None if self._journal is None else self._journal_bytes

    # ---- who speaks -------------------------------------------------------------------------------------------------
    def ask(self, *, stitched: bool) -> None:
        """Another attempt begins. What was shown stays (``stitched``), or nobody has seen it and it is forgotten."""
        self._speaking, self._stitched = None, stitched
        if not stitched:
            self._answer.restart()
            if self.reader is None:
                self._head, self._journal, self._journal_bytes = None, [], 0
                self._renderer = self._new_renderer()

    def release(self, attempt: Attempt) -> None:
        """This attempt is the winner: what it says is told."""
        self._speaking = attempt
        self.flow(attempt)

    def flow(self, attempt: Attempt) -> None:
        """Tell what the winner said since last time, as far as it may stream."""
        if attempt is self._speaking and self._asked.sketch.stream and not self._stitched:
            fresh = attempt.speech.drain()
            if fresh:
                self._put(self._renderer.render(self._answer.tell(fresh)))

    # ---- head, tail, error ------------------------------------------------------------------------------------------
    def send_head(self, known: Mapping[str, str]) -> None:
        """Status 200 and what is known by now."""
        rows = facts.headers(self._asked.id, self._renderer.content_type, known)
        self._head = Head(200, rows)
        self.open()

    def end(self, winner: Attempt, closing: Closing) -> None:
        """The rest of the answer and its end, as one piece."""
        if self._asked.sketch.stream:
            body = self._renderer.tail(self._answer.tail(winner.speech, stitched=self._stitched), closing)
        else:
            body = self._renderer.whole(self._answer.whole(winner.speech), closing)
        if self._head is None:
            self.send_head(closing.facts)
        self.open()
        self._put(body)
        self.call_ids += self._answer.shown_ids
        self._close()

    def refuse(self, refused: Refused, known: Mapping[str, str]) -> None:
        """The error instead of an answer: by status before the head, in-band after it."""
        asked = self._asked
        if self._head is not None:
            self.open()
            self._put(self._renderer.error(refused))
        elif self.reader is not None:
            self.reader.put_head(Head(refused.status, facts.refusal_headers(asked.id, refused, known)))
            self.reader.put(asked.dialect.write_error(refused, asked.id))
        self._journal = None
        self._close()

    def _new_renderer(self) -> Renderer:
        asked = self._asked
        return asked.dialect.renderer(
            asked.sketch, answer_id=asked.id, model=asked.plan.asked, created_at=int(asked.at)
        )

    def _put(self, body: bytes) -> None:
        if self._journal is not None and body:
            self._journal.append(body)
            self._journal_bytes += len(body)
            if self._journal_bytes > limits.JOURNAL_BYTES:
                self._journal = None
        if self.reader is not None:
            self.reader.put(body)

    def _close(self) -> None:
        self.over = True
        if self.reader is not None:
            self.heard = True
            self.reader.end()
        # Whoever hangs up now changes nothing. Without these ways back, an answer is freed when it is forgotten and
        # not when the garbage collector finds it: bodies are large.
        self.reader = self._opened = self._speaking = None
        self._left = _nothing


def _nothing() -> None:
    """What a hang-up after the end means."""
