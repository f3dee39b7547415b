"""Templates: compiled once, autoescaped, and blind to everything but the values of their page."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from functools import cache
from pathlib import Path
from typing import Final

from jinja2 import Environment, FileSystemLoader, StrictUndefined

from gammainfra.web.dashboard import format as show
from gammainfra.web.dashboard import words
from gammainfra.web.dashboard.desk import Page
from gammainfra.web.dashboard.filters import session_path

_HERE: Final = Path(__file__).resolve().parent
_TYPES: Final = {".css": "text/css; charset=utf-8", ".js": "text/javascript; charset=utf-8", ".svg": "image/svg+xml"}


@cache
def statics() -> Mapping[str, tuple[str, bytes]]:
    """Type and bytes of every file that may be fetched, by its path below ``static/``."""
    folder = _HERE / "static"
    return {
        path.relative_to(folder).as_posix(): (_TYPES[path.suffix], path.read_bytes())
        for path in sorted(folder.rglob("*"))
        if path.suffix in _TYPES
    }


@cache
def static_url(name: str) -> str:
    """Where a file is fetched: a changed file has another address, so that it may be kept for ever."""
    return f"/dashboard/static/{name}?v={hashlib.sha256(statics()[name][1]).hexdigest()[:12]}"


@cache
def environment() -> Environment:
    """The one environment."""
    made = Environment(
        loader=FileSystemLoader(_HERE / "templates"),
        autoescape=True,
        auto_reload=False,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    made.globals |= {"show": show, "words": words, "static_url": static_url, "session_path": session_path}
    return made


def render(page: Page, frame: Mapping[str, object]) -> bytes:
    """The page as HTML; ``frame`` is what every page has."""
    return environment().get_template(page.template).render({**frame, **page.values}).encode()
