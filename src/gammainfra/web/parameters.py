"""The query of a read endpoint, strictly read: a name that is unknown, given twice or empty is a 400 that says so.

It knows the forms of values (times, counts, choices, cursors) and nothing about what they select.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Final
from urllib.parse import parse_qsl

from gammainfra.domain.failure import Refused
from gammainfra.web.incoming import Incoming

_MOST: Final = 32
_TEXT_CHARS: Final = 256
_EPOCH: Final = re.compile(r"\d{1,11}(\.\d{1,6})?", re.ASCII)
_ISO: Final = re.compile(r"\d{4}-\d\d-\d\d(T\d\d:\d\d(:\d\d(\.\d{3}|\.\d{6})?)?(Z|\+00:00)?)?", re.ASCII)
_CURSOR: Final = re.compile(r"\d{1,18}\..{1,128}", re.ASCII)
_COUNTED_CURSOR: Final = re.compile(r"\d{1,18}\.\d{1,18}", re.ASCII)
_TIME_FORM: Final = "write ISO 8601 in UTC, such as 2026-11-23 or 2026-11-23T10:00:00Z, or epoch seconds"


def invalid(message: str, param: str) -> Refused:
    """A 400 about one parameter; the message says the form that is accepted."""
    return Refused(400, "invalid_request", message, param, retry=False)


@dataclass(frozen=True, slots=True)
class Parameters:
    """The parameters of one query by name. Every reader raises Refused 400 that names the parameter and its form."""

    given: Mapping[str, str]

    def text(self, name: str) -> str | None:
        """Any text of a bounded length."""
        value = self.given.get(name)
        if value is not None and not (value.isprintable() and len(value) <= _TEXT_CHARS):
            raise invalid(f"{name} is not readable: write at most {_TEXT_CHARS} printable characters", name)
        return value

    def time(self, name: str) -> float | None:
        """Epoch seconds of a moment; a day is its start, and a time without a zone is UTC."""
        value = self.given.get(name)
        if value is None:
            return None
        if _EPOCH.fullmatch(value):
            return float(value)
        try:
            if _ISO.fullmatch(value):
                return datetime.fromisoformat(value).replace(tzinfo=UTC).timestamp()
        except ValueError:
            pass
        raise invalid(f"{name} is not a time: {_TIME_FORM}", name)

    def count(self, name: str, usual: int, most: int) -> int:
        """A whole number from 1 to ``most``."""
        value = self.given.get(name, str(usual))
        if not (value.isascii() and value.isdecimal() and len(value) < len(str(most)) + 1 and 0 < int(value) <= most):
            raise invalid(f"{name} is not accepted: write a whole number from 1 to {most}", name)
        return int(value)

    def choice(self, name: str, allowed: Collection[str]) -> str | None:
        """One of a few words."""
        value = self.given.get(name)
        if value is not None and value not in allowed:
            raise invalid(f"{name} is not accepted: it is one of {', '.join(allowed)}", name)
        return value

    def several(self, name: str, allowed: Collection[str]) -> frozenset[str] | None:
        """Words of a few, with commas between them."""
        value = self.given.get(name)
        if value is None:
            return None
        words = value.split(",")
        if len(set(words)) < len(words) or not set(words) <= set(allowed):
            message = f"{name} is not accepted: write some of {', '.join(allowed)}, each once, with commas between them"
            raise invalid(message, name)
        return frozenset(words)

    def cursor(self, *, counted: bool) -> str | None:
        """The cursor of an earlier page; ``counted`` when it ends with a number."""
        value = self.given.get("cursor")
        form = _COUNTED_CURSOR if counted else _CURSOR
        if value is not None and not form.fullmatch(value):
            raise invalid("cursor is not one that an earlier page gave: leave it out to start anew", "cursor")
        return value

    def wants_csv(self, request: Incoming) -> bool:
        """Whether the answer is CSV: by ``format``, else by the Accept header."""
        chosen = self.choice("format", ("json", "csv"))
        return chosen == "csv" or (chosen is None and "text/csv" in request.headers.get("accept", ""))


def read_parameters(request: Incoming, known: Collection[str]) -> Parameters:
    """The parameters of a request whose endpoint knows these names; Refused 400."""
    try:
        pairs = parse_qsl(request.query, keep_blank_values=True, max_num_fields=_MOST, errors="strict")
    except ValueError:
        raise invalid(f"The query is not readable: send at most {_MOST} parameters, in UTF-8", "query") from None
    given: dict[str, str] = {}
    for name, value in pairs:
        if name not in known:
            shown = name[:_TEXT_CHARS] if name.isprintable() else "?"
            raise invalid(f"{request.path} has no parameter {shown!r}: it knows {', '.join(known) or 'none'}", shown)
        if name in given:
            raise invalid(f"{name} was given twice: give it once", name)
        if not value:
            raise invalid(f"{name} is empty: leave it out, or give it a value", name)
        given[name] = value
    return Parameters(given)
