"""Pictures and files as ``inlineData`` (base64) or ``fileData`` (an address): one part, or None where none fits.

It decides the media type: that of the bytes, else what was declared. Accepted types:
https://ai.google.dev/gemini-api/docs/image-understanding and /document-processing.
"""

from __future__ import annotations

import base64
import binascii
from typing import Final
from urllib.parse import urlsplit

from gammainfra.domain.chat import Document, Image
from gammainfra.wire.gemini.notes import Block

_MAGIC: Final = (
    (b"\x89PNG", "image/png"),
    (b"\xff\xd8\xff", "image/jpeg"),
    (b"GIF8", "image/gif"),
    (b"%PDF-", "application/pdf"),
)
_IMAGE_TYPES: Final = frozenset({"image/png", "image/jpeg", "image/webp", "image/heic", "image/heif"})
_BY_SUFFIX: Final = {
    "png": "image/png",
    "webp": "image/webp",
    "heic": "image/heic",
    "heif": "image/heif",
    "gif": "image/gif",
    "pdf": "application/pdf",
    "txt": "text/plain",
    "md": "text/plain",
    "csv": "text/csv",
    "html": "text/html",
}
_HEAD_CHARS: Final = 16
_FILES: Final = ("files/", "gs://", "https://generativelanguage.googleapis.com/")  # the service's own names of files


def image_part(part: Image) -> Block | None:
    """A picture of a type the API takes; ``image/jpg`` is meant as ``image/jpeg``, GIF is refused there."""
    if part.url and not part.url.startswith("data:"):
        media_type = part.media_type or _type_of_url(part.url) or "image/jpeg"
        return _by_url(part.url, media_type) if media_type in _IMAGE_TYPES else None
    encoded, declared = _encoded(part.data or part.url, part.media_type)
    media_type = _sniffed(encoded) or declared.replace("image/jpg", "image/jpeg")
    return _inline(encoded, media_type) if encoded and media_type in _IMAGE_TYPES else None


def document_part(part: Document) -> Block | None:
    """A PDF, a text or any other file with a type; a file by name only where this API gave the name."""
    if part.file_id:
        media_type = part.media_type or "application/pdf"
        return _by_url(part.file_id, media_type) if part.file_id.startswith(_FILES) else None
    if part.url and not part.url.startswith("data:"):
        return _by_url(part.url, part.media_type or _type_of_url(part.url) or "application/pdf")
    encoded, declared = _encoded(part.data or part.url, part.media_type)
    media_type = _sniffed(encoded) or ("text/plain" if declared == "application/json" else declared)
    return _inline(encoded, media_type) if encoded and media_type else None


def _inline(encoded: str, media_type: str) -> Block:
    return {"inlineData": {"mimeType": media_type, "data": encoded}}


def _by_url(url: str, media_type: str) -> Block:
    return {"fileData": {"mimeType": media_type, "fileUri": url}}


def _type_of_url(url: str) -> str:
    try:
        path = urlsplit(url).path
    except ValueError:
        return ""
    return _BY_SUFFIX.get(path.rpartition(".")[2].lower(), "")


def _encoded(text: str, media_type: str) -> tuple[str, str]:
    """The base64 and media type of ``text``, which may be a data URI (RFC 2397)."""
    if not text.startswith("data:"):
        return text, media_type
    head, _, encoded = text.partition(",")
    return encoded, head.removeprefix("data:").partition(";")[0] or media_type


def _sniffed(encoded: str) -> str | None:
    try:
        head = base64.b64decode(encoded[:_HEAD_CHARS])
    except (binascii.Error, ValueError):
        return None
    if head.startswith(b"RIFF") and head[8:] == b"WEBP":
        return "image/webp"
    return next((media_type for magic, media_type in _MAGIC if head.startswith(magic)), None)
