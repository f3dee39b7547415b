"""Event-stream messages as AWS frames them, written from its description and not from ours."""

from __future__ import annotations

import binascii
import json
from typing import Any


def header(name: str, value: str) -> bytes:
    return bytes([len(name)]) + name.encode() + b"\x07" + len(value.encode()).to_bytes(2, "big") + value.encode()


def framed(headers: bytes, payload: bytes) -> bytes:
    prelude = (16 + len(headers) + len(payload)).to_bytes(4, "big") + len(headers).to_bytes(4, "big")
    head = prelude + binascii.crc32(prelude).to_bytes(4, "big") + headers + payload
    return head + binascii.crc32(head).to_bytes(4, "big")


def event(kind: str, **fields: Any) -> bytes:
    headers = (
        header(":event-type", kind) + header(":content-type", "application/json") + header(":message-type", "event")
    )
    return framed(headers, json.dumps({**fields, "p": "abcd"}).encode())


def exception(name: str, message: str) -> bytes:
    headers = header(":exception-type", name) + header(":message-type", "exception")
    return framed(headers, json.dumps({"message": message}).encode())
