"""Who may look at the dashboard of an installation without accounts: one-time links, and the log-ins they open.

It decides whether a link and a cookie are good; it never sees an API key. A link is an HMAC under the pepper, so that
``gammainfra login`` can make one for a gateway that runs already without telling it. It opens once, for five minutes,
and only the gateway that was running when it was made: a restart, which forgets the used ones, refuses all older ones.
Log-ins live in memory: a restart ends them.
"""

from __future__ import annotations

import hashlib
import hmac
from collections import OrderedDict
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Final

from gammainfra.accounts.pepper import Pepper
from gammainfra.domain import ids, limits
from gammainfra.domain.ports import Clock, Random

_NONCE_CHARS: Final = 22
_TIME_CHARS: Final = 9
_MAC_CHARS: Final = 64
_PURPOSE: Final = "link to the dashboard "
_TOKEN_BYTES: Final = 32
_TOKEN_CHARS: Final = 43


def make_link(pepper: Pepper, at: float, random: bytes) -> str:
    """A token for ``/dashboard/login?token=``, made at epoch seconds ``at`` from 16 random bytes; good for one use."""
    body = ids.base62(round(at * 1000), _TIME_CHARS) + ids.base62(int.from_bytes(random[:16], "big"), _NONCE_CHARS)
    return body + pepper.digest(_PURPOSE + body).hex()


class LoginLinks:
    """Opens links. Used by one thread; ``peppers`` are newest first."""

    def __init__(self, peppers: Sequence[Pepper], *, clock: Clock, random: Random) -> None:
        self._peppers = tuple(peppers)
        self._clock = clock
        self._random = random
        self._since = clock.wall()
        self._used: OrderedDict[str, float] = OrderedDict()

    def make(self) -> str:
        """A new link's token."""
        return make_link(self._peppers[0], self._clock.wall(), self._random.bytes(16))

    def open(self, token: str) -> bool:
        """Whether this token is good now. It is used up by a yes."""
        body, mac = token[:-_MAC_CHARS], token[-_MAC_CHARS:]
        if len(body) != _TIME_CHARS + _NONCE_CHARS or not (token.isascii() and token.isalnum()):
            return False
        if not any(hmac.compare_digest(pepper.digest(_PURPOSE + body).hex(), mac) for pepper in self._peppers):
            return False
        now = self._clock.wall()
        made = _read_base62(body[:_TIME_CHARS]) / 1000
        while self._used and next(iter(self._used.values())) + limits.LOGIN_LINK_S < now:
            self._used.popitem(last=False)
        fresh = self._since - 0.001 <= made <= now + 1 and now - made <= limits.LOGIN_LINK_S
        if not fresh or body in self._used or len(self._used) >= limits.LOGIN_LINKS:
            return False
        self._used[body] = now
        return True


@dataclass(frozen=True, slots=True)
class Login:
    """One browser that is logged in; times are monotonic seconds. ``form_token`` stands in every form it is shown."""

    account_id: str
    form_token: str
    made_at: float
    seen_at: float


class Logins:
    """The log-ins, by a digest of their cookie: what is kept would open nothing. Used by one thread."""

    def __init__(self, *, clock: Clock, random: Random) -> None:
        self._clock = clock
        self._random = random
        self._open: OrderedDict[str, Login] = OrderedDict()

    def open(self, account_id: str) -> tuple[str, Login]:
        """A new log-in and the cookie that carries it; the one unused for longest makes room."""
        now = self._clock.now()
        cookie, form_token = self._token(), self._token()
        login = Login(account_id, form_token, now, now)
        self._open[_digest(cookie)] = login
        while len(self._open) > limits.LOGINS:
            self._open.popitem(last=False)
        return cookie, login

    def find(self, cookie: str) -> Login | None:
        """The log-in of a cookie, if it has not ended; its idle time starts anew."""
        digest = _digest(cookie)
        login = self._open.get(digest)
        if login is None:
            return None
        now = self._clock.now()
        if not self.holds(cookie):
            del self._open[digest]
            return None
        self._open[digest] = login = replace(login, seen_at=now)
        self._open.move_to_end(digest)
        return login

    def holds(self, cookie: str) -> bool:
        """Whether the log-in of a cookie has not ended, without counting as a use of it."""
        login = self._open.get(_digest(cookie))
        now = self._clock.now()
        return (
            login is not None and now - login.seen_at <= limits.LOGIN_IDLE_S and now - login.made_at <= limits.LOGIN_S
        )

    def close(self, cookie: str) -> None:
        """End a log-in; nothing when there is none."""
        self._open.pop(_digest(cookie), None)

    def _token(self) -> str:
        return ids.base62(int.from_bytes(self._random.bytes(_TOKEN_BYTES), "big"), _TOKEN_CHARS)


def _digest(cookie: str) -> str:
    return hashlib.sha256(cookie.encode("utf-8", "surrogateescape")).hexdigest()


def _read_base62(text: str) -> int:
    number = 0
    for digit in text:
        number = number * 62 + ids.ALPHABET.index(digit)
    return number
