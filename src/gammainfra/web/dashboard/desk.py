"""What the dashboard is given by the composition root, and what one page is given of a request: values."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Protocol

from gammainfra.accounts.keys import ApiKeys
from gammainfra.accounts.login import Login, LoginLinks, Logins
from gammainfra.domain.health import HealthSnapshot
from gammainfra.gateway.host import Host
from gammainfra.gateway.services import Services
from gammainfra.store.engine import Engine
from gammainfra.web.recent_refusals import RecentRefusals

if TYPE_CHECKING:
    from gammainfra.store.dashboard import DashboardReader


class SettingShown(Protocol):
    """A setting in force; a secret's value is hidden already."""

    @property
    def name(self) -> str:
        """``section.key``."""
        ...

    @property
    def value(self) -> str:
        """As text."""
        ...

    @property
    def source(self) -> str:
        """Where it was set."""
        ...


class Written(Protocol):
    """The store's writer, as far as it is watched."""

    @property
    def written(self) -> int:
        """Records written since the start."""
        ...

    @property
    def waiting(self) -> int:
        """Records in the queue."""
        ...

    @property
    def lost(self) -> int:
        """Records that will never be written."""
        ...


@dataclass(frozen=True, slots=True)
class Desk:
    """Everything the pages may look at or do. ``store`` is the database; ``lacks`` says what is not set up."""

    on: Services
    store: Engine
    writer: Written
    keys: ApiKeys
    hosts: Mapping[str, Host]
    settings: Sequence[SettingShown]
    links: LoginLinks
    logins: Logins
    refusals: RecentRefusals
    account_id: str
    allow_http: bool
    provider_variables: Sequence[str]


@dataclass(frozen=True, slots=True)
class Ask:
    """One request for a page. ``query`` and ``form`` hold the first value of each name; ``now`` is epoch seconds."""

    desk: Desk
    reader: DashboardReader
    login: Login
    path: Mapping[str, str]
    query: Mapping[str, str]
    form: Mapping[str, str]
    base_url: str
    now: float
    monotonic: float
    health: HealthSnapshot

    @property
    def account_id(self) -> str:
        """Whose rows may be seen."""
        return self.login.account_id


@dataclass(frozen=True, slots=True)
class Page:
    """What to show: a template and its values."""

    template: str
    values: Mapping[str, object] = field(default_factory=dict)
    status: int = 200


@dataclass(frozen=True, slots=True)
class GoTo:
    """Look at another page instead (303)."""

    where: str


class Missing(Exception):
    """There is no such thing; ``what`` says what was looked for."""

    def __init__(self, what: str) -> None:
        super().__init__(what)
        self.what = what


View = Callable[[Ask], Page | GoTo]
