"""AWS Signature Version 4 of one POST: a pure function of the request, the keys and the time.

It decides the headers that prove who asks; it reads no clock and no environment. Algorithm:
https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_sigv-create-signed-request.html.
"""

from __future__ import annotations

import hashlib
import hmac
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from urllib.parse import parse_qsl, quote, urlsplit

_ALGORITHM = "AWS4-HMAC-SHA256"


@dataclass(frozen=True, slots=True)
class AwsKeys:
    """An access key. ``session`` is the token of temporary keys, "" for lasting ones."""

    access: str
    secret: str
    session: str = ""

    def __repr__(self) -> str:
        return f"AwsKeys({self.access[:4]}***)"


def signed_headers(
    url: str, headers: Mapping[str, str], body: bytes, keys: AwsKeys, *, region: str, service: str, at: float,
    method: str = "POST",
) -> dict[str, str]:  # fmt: skip
    """The headers to add: ``x-amz-date``, ``authorization`` and, for temporary keys, ``x-amz-security-token``.

    ``headers`` are those that are signed beside ``host``, names in lower case; ``at`` is epoch seconds.
    """
    parts = urlsplit(url)
    stamp = datetime.fromtimestamp(at, UTC).strftime("%Y%m%dT%H%M%SZ")
    added = {"x-amz-date": stamp, **({"x-amz-security-token": keys.session} if keys.session else {})}
    signed = dict(sorted({**headers, **added, "host": parts.netloc}.items()))
    names = ";".join(signed)
    canonical = "\n".join(
        [
            method,
            quote(parts.path or "/", safe="/-_.~"),
            _query(parts.query),
            *(f"{name}:{' '.join(value.split())}" for name, value in signed.items()),
            "",
            names,
            hashlib.sha256(body).hexdigest(),
        ]
    )
    scope = f"{stamp[:8]}/{region}/{service}/aws4_request"
    to_sign = "\n".join([_ALGORITHM, stamp, scope, hashlib.sha256(canonical.encode()).hexdigest()])
    key = f"AWS4{keys.secret}".encode()
    for word in (stamp[:8], region, service, "aws4_request"):
        key = hmac.digest(key, word.encode(), "sha256")
    signature = hmac.new(key, to_sign.encode(), "sha256").hexdigest()
    credential = f"{keys.access}/{scope}"
    return {
        **added,
        "authorization": f"{_ALGORITHM} Credential={credential}, SignedHeaders={names}, Signature={signature}",
    }


def _query(query: str) -> str:
    pairs = sorted((quote(name, safe="-_.~"), quote(value, safe="-_.~")) for name, value in parse_qsl(query, True))  # noqa: FBT003
    return "&".join(f"{name}={value}" for name, value in pairs)
