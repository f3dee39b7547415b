"""Answers made by hand after the vendors' pages, each with what must arrive, also by hand.

They cover every event kind of both dialects, whole and streamed: the gate's material where there are no recordings,
and the proof that the oracle reads recordings as a person does.
"""

from __future__ import annotations

FIXTURES = ()
