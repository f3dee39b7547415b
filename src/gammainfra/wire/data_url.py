"""Files and pictures inside a URL, as OpenAI's dialects carry them."""

from __future__ import annotations


def data_url(url: str) -> tuple[str, str]:
    """Media type and base64 of a ``data:`` URL (RFC 2397), ("", "") for any other."""
    if not url.startswith("data:"):
        return "", ""
    head, comma, encoded = url[5:].partition(",")
    media_type, *parameters = head.split(";")
    if not comma or "base64" not in parameters:
        return "", ""
    return media_type.strip().lower(), encoded
