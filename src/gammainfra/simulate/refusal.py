"""The one exception of this package: a vendor refuses a request. It says what the vendor says; each vendor
module renders it in its own shape.
"""

from __future__ import annotations


class Refusal(Exception):
    """An HTTP error answer in the making.

    ``kind`` is the vendor's error type, ``param`` and ``code`` exist in the OpenAI shape only, ``headers``
    are added to the vendor's usual ones.
    """

    def __init__(
        self,
        status: int,
        kind: str,
        message: str,
        *,
        param: str | None = None,
        code: str | None = None,
        headers: tuple[tuple[str, str], ...] = (),
    ) -> None:
        super().__init__(f"{status} {kind}: {message}")
        self.status = status
        self.kind = kind
        self.message = message
        self.param = param
        self.code = code
        self.headers = headers
