"""Google's Vertex AI: generateContent under an account's project and location, with an access token.

The key is an access token, or the JSON of a service account, which makes tokens. Signatures of the Gemini API are not
valid here, and the other way round.
"""

from __future__ import annotations

from urllib.parse import quote

from gammainfra.providers.provider import Provider
from gammainfra.wire import gemini

_SHARED = {"us", "eu"}  # multi-region endpoints have a host name of their own


def account_url(project: str, location: str) -> str:
    """The base URL; ``location`` is a region (``europe-west4``), ``us``, ``eu`` or ``global`` ("" means that).

    https://cloud.google.com/vertex-ai/generative-ai/docs/learn/locations
    """
    location = location or "global"
    if location == "global":
        host = "aiplatform.googleapis.com"
    elif location in _SHARED:
        host = f"aiplatform.{location}.rep.googleapis.com"
    else:
        host = f"{quote(location, safe='')}-aiplatform.googleapis.com"
    place = f"projects/{quote(project, safe=':')}/locations/{quote(location, safe='')}"
    return f"https://{host}/v1/{place}"


PROVIDER = Provider(
    name="vertex",
    title="Google Vertex AI",
    dialect=gemini.VERTEX,
    base_url="https://aiplatform.googleapis.com",
    docs="https://cloud.google.com/vertex-ai/generative-ai/docs/model-reference/inference",
    owns_dialect=True,
    account_url=account_url,
)
