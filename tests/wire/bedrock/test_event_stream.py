from __future__ import annotations

import binascii

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gammainfra.wire.bedrock.event_stream import Broken, Framer, Message, TooLarge
from tests.wire.bedrock.frames import framed, header

TWO = framed(header("a", "b"), b"one") + framed(b"", b"")


@given(st.integers(1, 50))
def test_messages_come_out_the_same_whatever_the_pieces(size: int) -> None:
    framer = Framer()
    messages = [message for at in range(0, len(TWO), size) for message in framer.feed(TWO[at : at + size])]
    assert messages == [Message({"a": "b"}, b"one"), Message({}, b"")]
    assert not framer.is_open


def test_an_unfinished_message_is_open() -> None:
    framer = Framer()
    assert list(framer.feed(TWO[:-1])) == [Message({"a": "b"}, b"one")]
    assert framer.is_open


@given(st.integers(0, len(TWO) - 17), st.integers(1, 255))
def test_a_changed_byte_is_always_noticed(at: int, change: int) -> None:
    raw = bytearray(TWO)
    raw[at] ^= change
    with pytest.raises(Broken):
        list(Framer().feed(bytes(raw)))


def test_headers_of_every_type_are_passed_over_and_texts_are_kept() -> None:
    values = {0: b"", 1: b"", 2: b"1", 3: b"12", 4: b"1234", 5: b"12345678", 6: b"\0\1x", 8: b"12345678", 9: b"u" * 16}
    headers = b"".join(b"\1h" + bytes([kind]) + value for kind, value in values.items()) + header("t", "é")
    assert list(Framer().feed(framed(headers, b"p"))) == [Message({"t": "é"}, b"p")]


@pytest.mark.parametrize("headers", [b"\5ab", b"\1h\7\0\5ab", b"\1h\7\0", b"\1h\7\0\1\xff", b"\1h"])
def test_headers_that_cannot_be_read_break_the_stream(headers: bytes) -> None:
    with pytest.raises(Broken):
        list(Framer().feed(framed(headers, b"")))


@pytest.mark.parametrize(("total", "headers"), [(15, 0), (16, 1), (20, 5)])
def test_lengths_that_contradict_each_other_break_the_stream(total: int, headers: int) -> None:
    prelude = total.to_bytes(4, "big") + headers.to_bytes(4, "big")
    with pytest.raises(Broken):
        list(Framer().feed(prelude + binascii.crc32(prelude).to_bytes(4, "big") + b"\0" * 8))


def test_a_message_beyond_the_limit_is_refused_before_it_is_kept() -> None:
    with pytest.raises(TooLarge):
        list(Framer(limit=20).feed(framed(b"", b"x" * 10)))
