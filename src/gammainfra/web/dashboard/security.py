"""What a browser may do here: the headers of every answer, the cookie, and where a form may come from.

It decides from headers alone. Cookies carry only log-ins and the choice of a theme; a bearer key is never looked at.
"""

from __future__ import annotations

import hmac
from collections.abc import Mapping
from typing import Final
from urllib.parse import urlsplit

from gammainfra.accounts.login import Login

CSP: Final = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self'; "
    "form-action 'self'; frame-ancestors 'none'; base-uri 'none'"
)
HEADERS: Final[tuple[tuple[bytes, bytes], ...]] = (
    (b"content-security-policy", CSP.encode()),
    (b"x-content-type-options", b"nosniff"),
    (b"referrer-policy", b"no-referrer"),
    (b"cross-origin-opener-policy", b"same-origin"),
    (b"cross-origin-resource-policy", b"same-origin"),
    (b"permissions-policy", b"camera=(), microphone=(), geolocation=(), payment=()"),
)
SAFE_COOKIE: Final = "__Host-gammainfra"
PLAIN_COOKIE: Final = "gammainfra"
THEME_COOKIE: Final = "gammainfra-theme"
FORM_TOKEN: Final = "form_token"


def is_https(headers: Mapping[str, str], scheme: str) -> bool:
    """Whether the browser came by https, itself or up to a proxy. Who lies about it only loses its own cookie."""
    return scheme == "https" or headers.get("x-forwarded-proto", "").split(",")[0].strip() == "https"


def is_loopback(host: str) -> bool:
    """Whether the browser is on this machine, by the name it used: browsers keep Secure cookies of such a name."""
    name = urlsplit("//" + host).hostname or ""
    return name in {"localhost", "::1"} or name.endswith(".localhost") or name.startswith("127.")


def is_private(headers: Mapping[str, str], scheme: str) -> bool:
    """Whether nobody between can read along: https, or the same machine."""
    return is_https(headers, scheme) or is_loopback(headers.get("host", ""))


def cookie_of(cookies: Mapping[str, str], *, private: bool) -> str:
    """The log-in's cookie; the plain one counts only where the safe one cannot exist."""
    return cookies.get(SAFE_COOKIE if private else PLAIN_COOKIE, "")


def set_cookie(value: str, max_age_s: float, *, private: bool) -> str:
    """The header that sets it; an empty value takes it back."""
    name, secure = (SAFE_COOKIE, "; Secure") if private else (PLAIN_COOKIE, "")
    return f"{name}={value}; Path=/; Max-Age={int(max_age_s) if value else 0}; HttpOnly; SameSite=Lax{secure}"


def is_own_form(headers: Mapping[str, str], form: Mapping[str, str], login: Login) -> bool:
    """Whether a POST was sent by one of our own pages: the browser says so, and the page's token is in it."""
    site = headers.get("sec-fetch-site")
    if site is not None:
        ours = site == "same-origin"
    else:
        ours = urlsplit(headers.get("origin", "")).netloc == headers.get("host", " ")
    return ours and hmac.compare_digest(form.get(FORM_TOKEN, "").encode(), login.form_token.encode())
