from __future__ import annotations

import base64

import pytest

from gammainfra.domain.chat import Document, Image
from gammainfra.wire.gemini.media import document_part, image_part
from tests.wire.conversations import PNG, user
from tests.wire.gemini.shapes import written

WEBP = base64.b64encode(b"RIFF\x00\x00\x00\x00WEBP").decode()


@pytest.mark.parametrize(
    ("image", "media_type"),
    [
        (Image("image/jpg", PNG), "image/png"),
        (Image("image/jpg", "AAAA"), "image/jpeg"),
        (Image("", WEBP), "image/webp"),
        (Image(url=f"data:image/jpeg;base64,{PNG}"), "image/png"),
        (Image("image/heic", "not base64"), "image/heic"),
    ],
)
def test_a_picture_has_the_type_of_its_bytes(image: Image, media_type: str) -> None:
    part = image_part(image)
    assert part is not None
    assert part["inlineData"] == {"mimeType": media_type, "data": (image.data or PNG)}


@pytest.mark.parametrize(
    ("url", "media_type"),
    [
        ("https://x.example/a.png?b=c", "image/png"),
        ("https://x.example/a", "image/jpeg"),
        ("https://[x/a", "image/jpeg"),
    ],
)
def test_a_picture_by_address(url: str, media_type: str) -> None:
    assert image_part(Image(url=url)) == {"fileData": {"mimeType": media_type, "fileUri": url}}


@pytest.mark.parametrize(
    "image", [Image("image/gif", "R0lGODlh"), Image("image/png", ""), Image(url="https://x.example/a.gif")]
)
def test_a_picture_that_is_refused_is_named(image: Image) -> None:
    assert image_part(image) is None
    assert written(user("a", image)).dropped_params == ("image_url",)


@pytest.mark.parametrize(
    ("document", "sent"),
    [
        (Document("", "JVBERi0x"), {"inlineData": {"mimeType": "application/pdf", "data": "JVBERi0x"}}),
        (Document("application/json", "e30="), {"inlineData": {"mimeType": "text/plain", "data": "e30="}}),
        (
            Document(url="https://x.example/a.txt"),
            {"fileData": {"mimeType": "text/plain", "fileUri": "https://x.example/a.txt"}},
        ),
        (
            Document(url="https://x.example/paper"),
            {"fileData": {"mimeType": "application/pdf", "fileUri": "https://x.example/paper"}},
        ),
        (Document(file_id="gs://b/a"), {"fileData": {"mimeType": "application/pdf", "fileUri": "gs://b/a"}}),
        (Document(file_id="file-of-openai"), None),
        (Document("", "AAAA"), None),
    ],
)
def test_a_document_travels_whole_by_address_or_by_a_name_of_googles(document: Document, sent: object) -> None:
    assert document_part(document) == sent
    assert written(user("a", document)).dropped_params == (() if sent else ("file",))
