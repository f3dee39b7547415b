"""Amazon Bedrock: Converse, with an API key of Bedrock's or an access key that signs each request.

A key is either what AWS calls a Bedrock API key (a bearer token), or ``access:secret`` or ``access:secret:session`` of
an access key. The region is the address's; model ids say where they may run (``us.``, ``eu.``, ``apac.``, ``global.``).
"""

from __future__ import annotations

import re
from collections.abc import Mapping

from gammainfra.providers.provider import Provider, Unsent, bearer
from gammainfra.providers.sigv4 import AwsKeys, signed_headers
from gammainfra.wire import bedrock

_ACCESS_KEY = re.compile(r"(?P<access>A[A-Z0-9]{15,127}):(?P<secret>[A-Za-z0-9/+=]{16,})(?::(?P<session>\S+))?\Z")
_REGION = re.compile(r"//bedrock-runtime(?:-fips)?\.(?P<region>[a-z0-9-]+)\.")
_USUAL_REGION = "us-east-1"


def region_of(url: str) -> str:
    """The region that an address of Bedrock's names; the usual one for any other address (a private endpoint)."""
    found = _REGION.search(url)
    return found["region"] if found else _USUAL_REGION


def sign(unsent: Unsent) -> Mapping[str, str]:
    """A bearer token for an API key, a signature for an access key."""
    keys = _ACCESS_KEY.match(unsent.key)
    if keys is None:
        return bearer(unsent.key)
    signed = {"content-type": unsent.headers["content-type"]}
    found = AwsKeys(keys["access"], keys["secret"], keys["session"] or "")
    return signed_headers(
        unsent.url, signed, unsent.body, found, region=region_of(unsent.url), service="bedrock", at=unsent.at
    )


PROVIDER = Provider(
    name="bedrock",
    title="Amazon Bedrock",
    dialect=bedrock.PROVIDER,
    base_url="https://bedrock-runtime.us-east-1.amazonaws.com",
    docs="https://docs.aws.amazon.com/bedrock/latest/APIReference/API_runtime_Converse.html",
    sign=sign,
    automatic_cache_marks=True,
    id_rule="anthropic",
    versioned_base=False,
    on_disconnect="drain",
)
