"""Amazon Bedrock's Converse and ConverseStream, spoken to providers: JSON in, JSON or an event stream out.

It decides how requests and answers of this dialect are written and read; no region, key or signature is known here.
Source: https://docs.aws.amazon.com/bedrock/latest/APIReference/API_runtime_ConverseStream.html.
"""

from __future__ import annotations

from gammainfra.wire.bedrock.provider import PROVIDER

__all__ = ["PROVIDER"]
