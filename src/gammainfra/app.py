"""The composition root: reads settings, builds every part once, and ends them in order. It decides nothing else."""

from __future__ import annotations

import asyncio
import logging
import secrets
import signal
import socket
import time
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from types import FrameType

import msgspec
import uvicorn

from gammainfra.accounts.keys import LOCAL_ACCOUNT, ApiKeys
from gammainfra.accounts.login import LoginLinks, Logins
from gammainfra.accounts.pepper import FILE_NAME as PEPPER
from gammainfra.accounts.pepper import PepperUnusable, read_or_create
from gammainfra.billing.fees import PLANS
from gammainfra.catalog import load, snapshot
from gammainfra.catalog.load import CatalogError
from gammainfra.catalog.refreshed import refreshed
from gammainfra.domain import limits
from gammainfra.domain.endpoint import key_variable
from gammainfra.domain.ledger import Hold
from gammainfra.domain.plan import Plan
from gammainfra.domain.ports import Clock, LedgerDown
from gammainfra.domain.record import ApiKey
from gammainfra.domain.secret import Secret
from gammainfra.gateway.admission import Admission
from gammainfra.gateway.billing import Billing
from gammainfra.gateway.counting import Counting
from gammainfra.gateway.host import Host, HostKey
from gammainfra.gateway.idempotency import Given, Idempotency, Stored
from gammainfra.gateway.large_bodies import LargeBodies
from gammainfra.gateway.means import Means
from gammainfra.gateway.reaper import reap
from gammainfra.gateway.refresh import Refresh
from gammainfra.gateway.services import Services
from gammainfra.gateway.state.health_board import HealthBoard
from gammainfra.gateway.state.health_report import report
from gammainfra.gateway.state.hedge_budget import HedgeBudget
from gammainfra.gateway.state.rate_limits import RateBoard
from gammainfra.gateway.state.session_board import SessionBoard
from gammainfra.gateway.turns import Turns
from gammainfra.providers import registry
from gammainfra.providers.compatible import DIALECTS, USUAL_DIALECT, compatible
from gammainfra.providers.provider import Provider
from gammainfra.routing.explain import explain
from gammainfra.routing.roster import enrol
from gammainfra.settings import BOOTSTRAP_VARIABLE, ProviderSettings, Settings, SettingsWrong
from gammainfra.store import desk as books_desk
from gammainfra.store.address import engine_at
from gammainfra.store.database import FILE_NAME, version_note
from gammainfra.store.engine import Engine, StoreUnusable
from gammainfra.store.journal import FILE_NAME as JOURNAL
from gammainfra.store.keys import Keys
from gammainfra.store.ledger import StoredBooks
from gammainfra.store.lock import FolderLock
from gammainfra.store.reader import Reader
from gammainfra.store.writer import Writer
from gammainfra.telemetry.log import Observed, configure, note_loop_defect
from gammainfra.telemetry.metrics import Metrics
from gammainfra.upstream.exchange import Upstream, WayOut
from gammainfra.upstream.token_source import CredentialsUnusable, is_service_account, project_of, service_account
from gammainfra.web import count_tokens, model_info, stored
from gammainfra.web import routes as routes_shown
from gammainfra.web.api import Api
from gammainfra.web.connection import Connection
from gammainfra.web.cors import Cors
from gammainfra.web.dashboard.desk import Desk
from gammainfra.web.health import Health
from gammainfra.web.later import Later
from gammainfra.web.models import Models
from gammainfra.web.reads import Reads
from gammainfra.web.recent_refusals import RecentRefusals

DASHBOARD = "gammainfra.web.dashboard.site"
_DAY_S = 86_400
_log = logging.getLogger(__name__)

UNUSABLE = (SettingsWrong, CatalogError, StoreUnusable, PepperUnusable)  # why a gateway cannot be built


class SystemClock:
    """Implements domain.ports.Clock."""

    def now(self) -> float:
        """Monotonic seconds."""
        return time.monotonic()

    def wall(self) -> float:
        """Epoch seconds."""
        return time.time()


class SystemRandom:
    """Implements domain.ports.Random."""

    def bytes(self, n: int) -> bytes:
        """From the operating system."""
        return secrets.token_bytes(n)

    def uniform(self) -> float:
        """In [0, 1)."""
        return secrets.randbelow(1 << 53) / (1 << 53)


@dataclass(slots=True)
class App:
    """Everything that runs. ``first_key`` is the secret of a key that was made because there was none."""

    settings: Settings
    asgi: Api
    services: Services
    keys: ApiKeys
    hosts: Mapping[str, Host]
    writer: Writer
    reader: Reader
    upstream: WayOut
    refresh: Refresh
    links: LoginLinks
    pages: Later
    lock: FolderLock
    first_key: str | None
    books: StoredBooks
    billing: Billing | None = None

    def notes(self) -> list[str]:
        """What the operator should know at start."""
        notes = list(self.settings.warnings)
        note = version_note()
        if note is not None and self.writer.engine.dialect == "sqlite":
            notes.append(note)
        if self.keys.unusable:
            names = ", ".join(f"{key.name} (...{key.last4})" for key in self.keys.unusable)
            notes.append(
                f"these API keys cannot be checked, because the pepper they were made with is gone: {names}. Restore "
                f"{self.settings.server.data_dir / PEPPER} from a backup, or make new ones: gammainfra keys create"
            )
        return notes

    async def watch_keys(self) -> None:
        """Take up keys that ``gammainfra keys`` makes or revokes, every few seconds, until cancelled."""
        while True:
            await asyncio.sleep(limits.KEY_RELOAD_S)
            await asyncio.to_thread(self.keys.reload)

    async def forget_old(self) -> None:
        """Delete what is past ``store.keep_days``, a little at a time, again every hour, until cancelled."""
        passing: tuple[type[Exception], ...] = (*self.writer.engine.errors, StoreUnusable)
        while True:
            before = self.services.clock.wall() - self.settings.keep_days * _DAY_S
            try:
                gone = await asyncio.wrap_future(self.writer.forget(before))
            except passing as error:
                _log.warning("what is past its days could not be deleted, another try follows: %s", error)
                gone = 0
            await asyncio.sleep(limits.FORGET_PAUSE_S if gone else limits.FORGET_EVERY_S)

    async def watch_books(self) -> None:
        """End holds that nobody will settle, those of an earlier boot first, until cancelled."""
        billing, clock = self.billing, self.services.clock
        passing: tuple[type[Exception], ...] = (*self.writer.engine.errors, StoreUnusable)
        while billing is not None:
            now = clock.wall()

            async def find(node: str = billing.node, now: float = now) -> Sequence[Hold]:
                job = self.writer.submit(lambda _: self.books.orphans(node=node, now=now, most=limits.REAP_BATCH))
                try:
                    return await asyncio.wrap_future(job)
                except passing as error:
                    raise LedgerDown(str(error)) from error

            await reap(billing.ledger, find, now)
            await asyncio.sleep(limits.REAP_EVERY_S)

    async def close(self) -> None:
        """Let running answers end (settings ``server.drain_s``), then close what is open, the store last."""
        self.services.admission.draining = True
        await self.services.turns.drain(self.settings.server.drain_s)
        await self.upstream.close()
        await asyncio.to_thread(self.pages.close)
        await asyncio.to_thread(self.writer.close)
        self.reader.close()
        self.lock.release()


def build(settings: Settings, *, clock: Clock | None = None, upstream: WayOut | None = None) -> App:
    """Build the whole gateway from settings; another time and another way out are for simulations.

    Raises UNUSABLE, in words for people.
    """
    configure(settings.log_level, settings.log_format)
    folder = data_folder(settings)
    lock = FolderLock(folder)
    try:
        return _build(settings, folder, lock, clock or SystemClock(), upstream or Upstream())
    except UNUSABLE:
        lock.release()
        raise


def _build(settings: Settings, folder: Path, lock: FolderLock, clock: Clock, upstream: WayOut) -> App:
    random = SystemRandom()
    hosts = hosts_of(settings.providers)
    tables = tables_of(settings)
    catalog = catalog_of(settings, hosts, tables)
    peppers = read_or_create(folder, random.bytes)
    engine = engine_of(settings, folder)
    writer = Writer(engine, show_plan=show_plan, journal=folder / JOURNAL)
    reader = Reader(engine)
    keys = ApiKeys(Keys(writer), peppers, clock=clock, random=random)
    rates = RateBoard(clock, settings.rate_limits)
    admission, sessions, health = Admission(rates), SessionBoard(), HealthBoard(random.uniform)
    _restore(sessions, reader, clock.wall())
    metrics = Metrics(
        in_flight=lambda: admission.requests,
        queued=lambda: writer.waiting,
        lost=lambda: writer.lost,
        health=lambda: report(health, clock.now(), clock.wall()),
    )
    observer = Observed(metrics)
    books = StoredBooks(engine, lambda: writer.connection, writer.reopen_if_gone)
    billing = _billing(settings, writer, books, random)
    hedges, charged = HedgeBudget(settings.hedging.extra_max), billing is not None
    once = Idempotency(_given_by(reader), clock, must_know=charged)
    means = Means(
        hosts, upstream, health, sessions, writer, observer, clock, hedges, once, rates, settings.head_after_ms / 1000,
        billing, charged,
    )  # fmt: skip
    on = Services(
        keys, admission, sessions, health, enrol(catalog), Turns(means), clock, random, once, LargeBodies(clock),
        settings.hedging, charged,
    )  # fmt: skip
    models, shown = Models(on), routes_shown.Routes(on)
    checks = Health(
        on,
        store_ready=lambda: writer.lost == 0 and writer.waiting < limits.RECORD_QUEUE,
        show_metrics=metrics.show,
        metrics_token=settings.metrics_token.reveal() if settings.metrics_token else "",
    )
    routes = {
        ("POST", count_tokens.PATH): count_tokens.CountTokens(Counting(on, hosts, upstream)).answer,
        ("GET", "/v1/models"): models.every,
        ("GET", "/v1/models/*"): models.one,
        ("GET", model_info.PATH): model_info.ModelInfo(on).answer,
        ("GET", routes_shown.HEALTH): shown.health,
        ("POST", routes_shown.EXPLAIN): shown.explain,
        **stored.routes(on, reader, writer.flush_blocking),
        ("GET", "/healthz"): checks.live,
        ("GET", "/readyz"): checks.ready,
        ("GET", "/metrics"): checks.metrics,
    }
    origins = settings.server.cors_origins
    links, refusals = LoginLinks(peppers, clock=clock, random=random), RecentRefusals()
    desk = Desk(
        on,
        engine,
        writer,
        keys,
        hosts,
        tuple(settings.describe()),
        links,
        Logins(clock=clock, random=random),
        refusals,
        LOCAL_ACCOUNT,
        allow_http=settings.dashboard_allow_http,
        provider_variables=tuple(key_variable(name) for name in sorted(registry.known())),
    )
    pages = Later(DASHBOARD, desk)
    api = Api(on, observer, routes, Cors(origins) if origins else None, pages=pages, refusals=refusals)
    first_key = _first_key(keys, settings.bootstrap_key)
    refresh = Refresh(on, hosts, upstream, lambda heard: enrol(catalog_of(settings, hosts, refreshed(tables, heard))))
    return App(
        settings, api, on, keys, hosts, writer, reader, upstream, refresh, links, pages, lock, first_key, books, billing
    )


def _billing(settings: Settings, writer: Writer, books: StoredBooks, random: SystemRandom) -> Billing | None:
    """The books in front of every request; None with billing off, where nothing waits for them."""
    if settings.billing == "off":
        return None
    desk = books_desk.Desk(books, lambda job, give_up: writer.hurry(lambda _: job(), give_up))
    return Billing(desk, random.bytes(8).hex(), PLANS[settings.fees])


def data_folder(settings: Settings) -> Path:
    """The folder of database and pepper, made when there is none. Raises SettingsWrong."""
    folder = settings.server.data_dir
    try:
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    except OSError as error:
        message = f"the data folder {folder} cannot be made ({error.strerror}): name another one with --data-dir"
        raise SettingsWrong(message) from error
    return folder


def engine_of(settings: Settings, folder: Path) -> Engine:
    """The database: where ``store.url`` says, else a file in the data folder. Opens nothing. Raises StoreUnusable."""
    return engine_at(folder / FILE_NAME if settings.store_url is None else settings.store_url.reveal())


def catalog_of(settings: Settings, hosts: Mapping[str, Host], tables: load.Tables | None = None) -> snapshot.Catalog:
    """The catalog with the operator's names and providers, and with his files unless ``tables`` are read already.

    Raises CatalogError.
    """
    served = {name: settings.providers[name].models for name in hosts}
    tables = tables or tables_of(settings)
    return snapshot.build(tables, hosts, settings.aliases, settings.models, served=served, known=registry.known())


def tables_of(settings: Settings) -> load.Tables:
    """The models and prices that the package and the operator's files know, configured or not. Raises CatalogError."""
    return load.load(_operator_files(settings.server.data_dir))


def hosts_of(providers: Mapping[str, ProviderSettings]) -> dict[str, Host]:
    """The configured providers: those with a key, and those that work without one at an address of one's own.

    Raises SettingsWrong.
    """
    try:
        known = registry.known()
    except ValueError as error:
        raise SettingsWrong(str(error)) from error
    hosts: dict[str, Host] = {}
    for name, setting in providers.items():
        provider = known.get(name) or _own(setting, known)
        if setting.dialect not in {None, provider.dialect.name}:
            message = f"[providers.{name}] dialect cannot be changed: {name} speaks {provider.dialect.name}"
            raise SettingsWrong(f"{message}. Remove the setting, or give the host a name of your own")
        keys = tuple(_key(f"{name}-{n}", secret, provider) for n, secret in enumerate(setting.api_keys, 1))
        if not keys and provider.needs_key and setting.base_url is None:
            continue
        if provider.needs_address and setting.base_url is None:
            message = f"[providers.{name}] needs base_url: your own address, which looks like {provider.base_url}"
            raise SettingsWrong(message)
        keys = keys or (HostKey(f"{name}-0", Secret("")),)
        base_url = setting.base_url or _address(provider, setting)
        urls = {one.name: provider.speaking(one.name).url(base_url) for one in provider.further_dialects}
        hosts[name] = Host(provider, provider.url(base_url), keys, urls)
    return hosts


def _key(key_id: str, secret: Secret, provider: Provider) -> HostKey:
    """A key; where a provider takes access tokens, the JSON of a service account makes them."""
    if provider.account_url is None or not is_service_account(secret.reveal()):
        return HostKey(key_id, secret)
    try:
        return HostKey(key_id, secret, service_account(secret.reveal()))
    except CredentialsUnusable as error:
        raise SettingsWrong(f"[providers.{provider.name}] api_key: {error}") from error


def _address(provider: Provider, setting: ProviderSettings) -> str | None:
    """The base URL of the account, where a provider has one for each: its project is the setting's or its key's."""
    if provider.account_url is None:
        if setting.project or setting.location:
            raise SettingsWrong(f"[providers.{setting.name}] has no project or location: remove them")
        return None
    project = setting.project or next(filter(None, (project_of(key.reveal()) for key in setting.api_keys)), "")
    if not project:
        message = f"[providers.{setting.name}] needs project: the id of your Google Cloud project"
        raise SettingsWrong(f"{message} (or set GOOGLE_CLOUD_PROJECT)")
    return provider.account_url(project, setting.location)


def _own(setting: ProviderSettings, known: Collection[str]) -> Provider:
    """A host of the operator's own."""
    name = setting.name
    if setting.base_url is None:
        near = ", ".join(sorted(known))
        raise SettingsWrong(f"[providers.{name}] needs base_url: {name} is none of the known providers ({near})")
    dialect = setting.dialect or USUAL_DIALECT
    if dialect not in DIALECTS:
        raise SettingsWrong(f"[providers.{name}] dialect {dialect!r} is not known: it is one of {', '.join(DIALECTS)}")
    return compatible(name, setting.base_url, dialect)


def free_socket(host: str, port: int) -> socket.socket:
    """A listening socket. OSError when the port is taken."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    bound = socket.socket(family, socket.SOCK_STREAM)
    bound.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        bound.bind((host, port))
    except OSError:
        bound.close()
        raise
    bound.listen(2048)
    bound.settimeout(0)
    return bound


class Server(uvicorn.Server):
    """uvicorn, ending in our order: no new requests, running answers end, then connections close."""

    def __init__(self, app: App) -> None:
        super().__init__(
            uvicorn.Config(
                app.asgi, lifespan="off", access_log=False, log_config=None, server_header=False, ws="none",
                http=Connection, timeout_keep_alive=75, timeout_graceful_shutdown=5, proxy_headers=False,
            )
        )  # fmt: skip
        self._app = app
        self._chores: tuple[asyncio.Task[None], ...] = ()

    def obey_signals(self) -> None:
        """From here on a signal to end is obeyed, also one that comes before the loop runs: in the main thread only."""
        for one in (signal.SIGINT, signal.SIGTERM):
            signal.signal(one, self.handle_exit)

    def handle_exit(self, sig: int, frame: FrameType | None) -> None:
        """A signal to end is obeyed and no failure: uvicorn would raise it once more after everything was closed."""
        del frame
        self.force_exit = self.should_exit and sig == signal.SIGINT
        self.should_exit = True

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        """Listen, keep keys and models current, forget what is past its days, end what nobody will settle."""
        loop, app = asyncio.get_running_loop(), self._app
        loop.set_exception_handler(note_loop_defect)
        await super().startup(sockets)
        chores = (app.watch_keys(), app.refresh.keep(app.settings.refresh_s), app.forget_old(), app.watch_books())
        self._chores = tuple(loop.create_task(chore) for chore in chores)

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        """Stop listening, drain, close."""
        del sockets  # the servers close them
        for server in self.servers:  # first: asyncio's own loop must find the socket open to forget it
            server.close()
        for chore in self._chores:
            chore.cancel()
        await self._app.close()
        await super().shutdown(None)


def _first_key(keys: ApiKeys, bootstrap: Secret | None) -> str | None:
    if bootstrap is not None:
        try:
            keys.install(bootstrap.reveal())
        except ValueError as error:
            raise SettingsWrong(f"{BOOTSTRAP_VARIABLE} cannot be used: {error}") from error
        return None
    if any(key.revoked_at is None for key in keys.list()):
        return None
    secret, _ = keys.issue("first")
    return secret


def usable_keys(keys: ApiKeys) -> tuple[ApiKey, ...]:
    """The keys that are not revoked."""
    return tuple(key for key in keys.list() if key.revoked_at is None)


def _operator_files(folder: Path) -> list[tuple[str, str]]:
    """The operator's own models and prices: every ``models/*.toml`` in the data folder."""
    try:
        return [(str(path), path.read_text("utf-8")) for path in sorted((folder / "models").glob("*.toml"))]
    except (OSError, UnicodeDecodeError) as error:
        raise CatalogError(f"a file in {folder / 'models'} cannot be read: {error}") from error


def _given_by(reader: Reader) -> Stored:
    """Asks the store what an Idempotency-Key was answered with, in a thread."""
    reads = Reads()

    async def stored(account_id: str, key: str, since: float) -> Given | None:
        try:
            found = await reads.read(lambda: reader.served_to_idempotency_key(account_id, key, since))
        except StoreUnusable as error:
            raise OSError(str(error)) from error
        return None if found is None else Given(found.body, found.generation_id, found.at, served=True)

    return stored


def show_plan(plan: Plan) -> str:
    """A plan as it is stored."""
    return msgspec.json.encode(explain(plan)).decode()


def _restore(board: SessionBoard, reader: Reader, wall: float) -> None:
    since = wall - limits.SESSION_IDLE_S
    sessions = [(row.account_id, row.view()) for row in reversed(reader.recent_sessions(since))]
    calls = [(row.account_id, row.shown, row.session_id) for row in reversed(reader.recent_call_ids(since))]
    board.restore(sessions, calls)
