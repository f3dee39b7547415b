"""Makes a provider's words safe to show and to store: providers echo keys, headers and whole documents.

It decides what is cut out of one piece of text. It never judges whose text it is or what it means.
"""

from __future__ import annotations

import re
from typing import Final

_HIDDEN: Final = "[hidden]"

# `Bearer x`, `api_key: x`, `"x-api-key": "x"`: the word stays, what follows it goes. A credential has a digit (or
# stars, where the provider shortened it), so that `bearer token is missing` can still be read.
_AFTER_WORD: Final = re.compile(
    r"(?i)\b(bearer|basic|authorization|(?:x-)?(?:goog-)?api[-_ ]?key(?:\s+provided)?|access[-_ ]?token|secret)"
    r"""(["']?\s*[:=]\s*["']?|\s+)(?=[^\s"',;]*[0-9*])[^\s"',;]{6,}"""
)
_KEY: Final = re.compile(
    r"\b(?:(?:sk|pk|rk|gsk|csk|xai|nvapi|hf|pplx|fw|r8|ghp|key)[-_]|AKIA|ASIA|AIza|ya29\.)"
    r"(?=[A-Za-z0-9_\-.*…]*[0-9*…])[A-Za-z0-9_\-.*…]{8,}"
)

# Paths and model names are as long as tokens, but made of short words: a token has a long piece with a digit in it.
_LONG_RUN: Final = re.compile(r"[A-Za-z0-9+/_=-]{40,}")
_TOKEN_PIECE: Final = re.compile(r"[A-Za-z]*[0-9][A-Za-z0-9]*")
_TOKEN_PIECE_CHARS: Final = 20

_CONTROL: Final = re.compile(r"[\x00-\x1f\x7f-\x9f\u200b-\u200f\u2028-\u202e\u2060-\u2069\ufeff\ud800-\udfff]+")

# A megabyte of HTML is not worth scanning: what is shown is its head. Generous, because hiding shortens.
_SCANNED_CHARS: Final = 8192


def sanitise(text: str, limit: int = 500) -> str:
    """``text`` in one line without credentials, long encoded runs and control characters, at most ``limit`` long."""
    clean = _CONTROL.sub(" ", text[:_SCANNED_CHARS])
    clean = _AFTER_WORD.sub(rf"\1\2{_HIDDEN}", clean)
    clean = _KEY.sub(_HIDDEN, clean)
    clean = _LONG_RUN.sub(_hide_token, clean)
    clean = " ".join(clean.split())
    return clean if len(clean) <= limit else clean[: limit - 1].rstrip() + "…"


def _hide_token(run: re.Match[str]) -> str:
    is_token = any(len(piece) >= _TOKEN_PIECE_CHARS for piece in _TOKEN_PIECE.findall(run[0]))
    return _HIDDEN if is_token else run[0]
