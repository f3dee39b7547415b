"""How much of a request a sketch keeps, and where clients of any dialect hide the name of their session.

It decides sizes and that one spelling; what the excerpts are used for is told in domain.sketch.
"""

from __future__ import annotations

from typing import Final

import msgspec

PREFIX_CHARS: Final = 2048
TEXT_CHARS: Final = 4096
HINT_CHARS: Final = 256
ROLES_KEPT: Final = 8


def session_of(user_id: object) -> object:
    """The session inside Anthropic's ``metadata.user_id``: an object, its JSON text, or ``..._session_<id>``."""
    if isinstance(user_id, str):
        if not user_id.startswith("{"):
            _, marker, session = user_id.rpartition("_session_")
            return session if marker else None
        try:
            user_id = msgspec.json.decode(user_id)
        except (ValueError, RecursionError):
            return None
    return user_id.get("session_id") if isinstance(user_id, dict) else None
