"""Event streams in any fragmentation, with any line end, and what happens to broken ones."""

from __future__ import annotations

from collections.abc import Iterable

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gammainfra.wire.sse import Event, EventTooLarge, Framer


def frame(pieces: Iterable[bytes]) -> list[Event]:
    framer = Framer()
    return [event for piece in pieces for event in framer.feed(piece)] + framer.eof()


def whole(text: bytes) -> list[Event]:
    return frame([text])


def test_one_line_events_lose_one_leading_space() -> None:
    assert whole(b"data: a\n\ndata:b\n\ndata:  c\n\n") == [Event("", b"a"), Event("", b"b"), Event("", b" c")]


def test_names_and_many_lines_belong_to_one_event() -> None:
    assert whole(b"event: error\ndata: a\ndata: b\n\ndata: c\n\n") == [Event("error", b"a\nb"), Event("", b"c")]


def test_comments_and_unknown_fields_are_no_events() -> None:
    assert whole(b": keepalive\n\nid: 7\nretry: 10\nnonsense\n\ndata: a\n: inside\n\n") == [Event("", b"a")]


@pytest.mark.parametrize("end", [b"\n", b"\r\n", b"\r"])
def test_every_line_end_is_read(end: bytes) -> None:
    text = end.join([b"event: x", b"data: a", b"data: b", b"", b"data: c", b"", b""])
    assert whole(text) == [Event("x", b"a\nb"), Event("", b"c")]


def test_a_byte_order_mark_is_no_part_of_the_first_field() -> None:
    text = b"\xef\xbb\xbfdata: a\n\n"
    assert whole(text) == frame(bytes([byte]) for byte in text) == [Event("", b"a")]


def test_a_stream_that_ends_within_its_mark_is_empty() -> None:
    assert whole(b"\xef\xbb") == []


def test_the_last_event_needs_no_blank_line() -> None:
    assert whole(b"data: a\n\ndata: b") == [Event("", b"a"), Event("", b"b")]


def test_an_event_that_crosses_pieces_line_by_line_is_one() -> None:
    assert frame([b"event: x\n", b"data: a\n", b"data: b\n", b"\n"]) == [Event("x", b"a\nb")]


def test_empty_data_is_an_event_but_no_data_is_none() -> None:
    assert whole(b"data:\n\nevent: x\n\n\n\n") == [Event("", b"")]


@pytest.mark.parametrize("text", [b"data: " + b"x" * 40 + b"\n\n", b"data: xxxxxxxxxx\n" * 4, b"x" * 40])
def test_an_event_above_the_limit_is_refused_however_it_arrives(text: bytes) -> None:
    with pytest.raises(EventTooLarge, match="larger than 32 bytes"):
        Framer(limit=32).feed(text)
    framer = Framer(limit=32)
    with pytest.raises(EventTooLarge):
        list(map(framer.feed, (bytes([byte]) for byte in text)))


def test_the_limit_is_per_event_and_not_per_stream() -> None:
    framer = Framer(limit=32)
    assert sum(len(framer.feed(b"data: 1\n\nevent: x\ndata: 2\n\n")) for _ in range(100)) == 200


PIECES = st.sampled_from(
    [b"data: ", b"data:", b"event: e", b"x", b"\n", b"\r", b"\r\n", b"\n\n", b": c", b" ", b"\xef\xbb\xbf", b"{}"]
)


@settings(deadline=None)
@given(st.lists(PIECES, max_size=40), st.lists(st.integers(1, 5), max_size=60))
def test_fragmentation_changes_nothing(pieces: list[bytes], cuts: list[int]) -> None:
    text = b"".join(pieces)
    fragments, place = [], 0
    for cut in cuts:
        fragments.append(text[place : place + cut])
        place += cut
    fragments.append(text[place:])
    assert frame(fragments) == whole(text) == frame(bytes([byte]) for byte in text)
