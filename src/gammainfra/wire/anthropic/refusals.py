"""How the gateway's own "no" looks in this dialect: ``{"type": "error", "error": {...}, "request_id": ...}``.

Types are Anthropic's (https://platform.claude.com/docs/en/api/errors), ``code`` and ``metadata`` ours (docs/errors.md).
"""

from __future__ import annotations

from typing import Final

import msgspec

from gammainfra.domain.failure import Refused

_TYPES: Final = {
    401: "authentication_error",
    402: "billing_error",
    403: "permission_error",
    404: "not_found_error",
    409: "conflict_error",
    413: "request_too_large",
    429: "rate_limit_error",
    503: "overloaded_error",
    504: "timeout_error",
}
_SERVER_ERRORS: Final = 500
# Claude Code compacts the conversation when it reads these words, and gives up when it does not.
_TOO_LONG: Final = "prompt is too long: "


def write_error(refused: Refused, request_id: str) -> bytes:
    """The JSON body of a refusal; in a stream the data of ``event: error``."""
    usual = "api_error" if refused.status >= _SERVER_ERRORS else "invalid_request_error"
    prefix = _TOO_LONG if refused.code == "context_length_exceeded" else ""
    error = {
        "type": _TYPES.get(refused.status, usual),
        "message": prefix + refused.message,
        "code": refused.code,
        "param": refused.param,
        "metadata": dict(refused.metadata),
    }
    return msgspec.json.encode({"type": "error", "error": error, "request_id": request_id})
