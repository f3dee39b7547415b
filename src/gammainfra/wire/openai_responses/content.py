"""The content of messages and tool results as hub parts: text, pictures, files; the rest stays as it is, by its type.

What the Chat Completions writer knows by the same block (a refusal, audio) is kept as a block of that dialect.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from gammainfra.domain.chat import Document, Image, OpaquePart, Part, Text
from gammainfra.wire.cache_marks import cache_mark
from gammainfra.wire.data_url import data_url
from gammainfra.wire.lenient import refused
from gammainfra.wire.openai_responses.items import DIALECT


def read_content(content: object, at: str) -> tuple[Part, ...]:
    """The parts of ``content``, a string, a list of parts or null; Refused 400 for anything else."""
    match content:
        case None | "":
            return ()
        case str():
            return (Text(content),)
        case list():
            return tuple(_part(block, f"{at}[{index}]") for index, block in enumerate(content))
        case _:
            raise refused(f"`{at}`: expected a string or a list of parts", at)


def _part(block: object, at: str) -> Part:
    if isinstance(block, str):
        return Text(block)
    if not isinstance(block, dict):
        raise refused(f"`{at}`: expected an object", at)
    match block:
        case {"type": "input_text" | "output_text" | "text" | "summary_text", "text": str(text)}:
            return Text(text, cache_mark(block))
        case {"type": "input_image", "image_url": str(url)}:
            return _image(url, block)
        case {"type": "input_file"}:
            return _document(block)
        case {"type": "refusal" | "input_audio"}:
            return OpaquePart("openai_chat", block)
        case _:
            return OpaquePart(DIALECT, block)


def _image(url: str, block: Mapping[str, Any]) -> Image:
    detail, mark = _text(block, "detail"), cache_mark(block)
    media_type, encoded = data_url(url)
    if encoded:
        return Image(media_type=media_type, data=encoded, detail=detail, cache=mark)
    return Image(url=url, detail=detail, cache=mark)


def _document(block: Mapping[str, Any]) -> Document:
    """A file by its bytes (a ``data:`` URL, or bare base64 as some clients send it), its URL, or OpenAI's id."""
    source = _text(block, "file_data")
    media_type, encoded = data_url(source)
    if source and not encoded:
        media_type, encoded = "application/pdf", source
    return Document(
        media_type,
        encoded,
        _text(block, "file_url"),
        _text(block, "file_id"),
        _text(block, "filename"),
        cache_mark(block),
    )


def _text(block: Mapping[str, Any], name: str) -> str:
    value = block.get(name)
    return value if isinstance(value, str) else ""
