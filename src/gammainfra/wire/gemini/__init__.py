"""Google's generateContent, spoken to providers: ``PROVIDER`` at the Gemini API, ``VERTEX`` at Vertex AI.

It decides how requests and answers of this dialect are written and read. The two differ in what only they can know
again: the thought signatures of one are refused by the other.
"""

from __future__ import annotations

from gammainfra.wire.gemini.provider import PROVIDER, VERTEX

__all__ = ["PROVIDER", "VERTEX"]
