"""Our own errors as both of OpenAI's dialects show them (C60): the type is a word for the status, the code is ours."""

from __future__ import annotations

from typing import Final

import msgspec

from gammainfra.domain.failure import Refused

_TYPES: Final = {
    400: "invalid_request_error",
    401: "authentication_error",
    402: "billing_error",
    403: "permission_error",
    404: "not_found_error",
    409: "conflict_error",
    413: "request_too_large",
    429: "rate_limit_error",
}


def write_error(refused: Refused, request_id: str) -> bytes:
    """The JSON body of a refusal: ``{"error": {message, type, code, param, request_id, metadata}}``."""
    error = {
        "message": refused.message,
        "type": _TYPES.get(refused.status, "invalid_request_error" if refused.status < 500 else "api_error"),  # noqa: PLR2004
        "code": refused.code,
        "param": refused.param,
        "request_id": request_id,
        "metadata": dict(refused.metadata),
    }
    return msgspec.json.encode({"error": error})
