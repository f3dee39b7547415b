"""What the operator decides, read once at start: flags, environment, gammainfra.toml, defaults, in this order.

It decides how settings are read and which source wins; it starts nothing and knows no provider.
Strict: an unknown name is an error that names the place and the nearest known name, a wrong value one that says the
allowed form. The table in settings_table.py is the only list of them: reading and ``describe`` follow it.
"""

from __future__ import annotations

import difflib
import os
import re
import stat
import sys
import tomllib
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Final, Literal, cast
from urllib.parse import urlsplit

from gammainfra.domain.policy import Hedging, RateLimits
from gammainfra.domain.secret import HIDDEN, Secret
from gammainfra.domain.vendor_variables import PLACE_VARIABLES, VENDOR_ADDRESSES, VENDOR_VARIABLES
from gammainfra.settings_table import ALLOWED, CHOICES, ENV_PREFIX, SETTINGS, Form

FILE_NAME: Final = "gammainfra.toml"
CONFIG_VARIABLE: Final = "GAMMAINFRA_CONFIG"
BOOTSTRAP_VARIABLE: Final = "GAMMAINFRA_BOOTSTRAP_KEY"
# Variables with our prefix that belong to clients of the gateway; they are no settings and no mistakes.
CLIENT_VARIABLES: Final = frozenset({"GAMMAINFRA_API_KEY", "GAMMAINFRA_BASE_URL"})

BillingMode = Literal["off", "credits"]
FeePlan = Literal["launch", "standard"]
LogLevel = Literal["debug", "info", "warning", "error"]
LogFormat = Literal["text", "json"]
_NUMBER_BOUNDS: Final[Mapping[str, int]] = {
    "port": 65_535,
    "ms": 600_000,
    "seconds": 3600,
    "share": 1,
    "delay": 60_000,
    "count": 999_999_999,
    "days": 36_500,
}
_WHOLE: Final = frozenset({"port", "ms", "count", "days"})
_PROVIDER_NAME: Final = re.compile(r"[a-z0-9][a-z0-9_-]*\Z")
_NUMBER: Final = re.compile(r"\d{1,9}(\.\d{1,3})?\Z", re.ASCII)


class SettingsWrong(Exception):
    """A setting cannot be used; the text names the place, the value (never a secret) and the allowed form."""


_PROVIDER_KEYS: Final = tuple(s.key for s in SETTINGS if s.section == "providers.<name>")
_FIXED: Final = tuple(s for s in SETTINGS if "<" not in s.name)
_FORMS: Final[Mapping[str, Form]] = {setting.name: setting.form for setting in SETTINGS}
_DEFAULTS: Final = {setting.name: setting.default for setting in SETTINGS}
_SECTIONS: Final = tuple(dict.fromkeys(setting.name.split(".")[0] for setting in SETTINGS))


@dataclass(frozen=True, slots=True)
class ServerSettings:
    """``[server]``."""

    host: str
    port: int
    data_dir: Path
    cors_origins: tuple[str, ...]
    drain_s: float


@dataclass(frozen=True, slots=True)
class ProviderSettings:
    """``[providers.<name>]``. None means: as the provider's own file says (``openai_chat`` where there is none)."""

    name: str
    base_url: str | None = None
    api_keys: tuple[Secret, ...] = ()
    dialect: str | None = None
    models: tuple[str, ...] = ()
    project: str = ""
    location: str = ""


@dataclass(frozen=True, slots=True)
class Described:
    """One setting in force: ``value`` is ``***`` for a secret, ``source`` says where it was set."""

    name: str
    value: str
    source: str


@dataclass(frozen=True, slots=True)
class Settings:
    """Everything the operator decided. ``warnings`` are said at start; ``file`` is the one that was read."""

    server: ServerSettings
    head_after_ms: int
    providers: Mapping[str, ProviderSettings]
    models: Mapping[str, tuple[str, ...]]
    aliases: Mapping[str, str]
    refresh_s: float
    hedging: Hedging
    rate_limits: RateLimits
    billing: BillingMode
    fees: FeePlan
    dashboard_allow_http: bool
    log_level: LogLevel
    log_format: LogFormat
    metrics_token: Secret | None
    store_url: Secret | None = None
    keep_days: int = 90
    bootstrap_key: Secret | None = None
    file: Path | None = None
    warnings: tuple[str, ...] = ()
    described: tuple[Described, ...] = field(default=(), repr=False)

    def describe(self) -> Iterator[Described]:
        """Every setting in force with its source, for ``gammainfra check``; secrets are ``***``."""
        yield from self.described


@dataclass(frozen=True, slots=True)
class _Raw:
    """A value as it was written, and where. ``as_text``: by a variable or a flag, which know no other type."""

    value: object
    source: str
    as_text: bool = False


def read_settings(
    *,
    flags: Mapping[str, str] | None = None,
    environ: Mapping[str, str],
    folder: Path,
    config: Path | None = None,
    home: Path | None = None,
    platform: str = sys.platform,
) -> Settings:
    """Read everything. ``flags`` maps names such as ``server.port`` to text; ``folder`` is the current one.

    ``config`` is the file of ``--config``. Empty variables count as absent. Raises SettingsWrong.
    """
    environ = {name: value for name, value in environ.items() if value}
    raw = _from_environ(environ)
    for name, text in (flags or {}).items():
        if name not in {setting.name for setting in _FIXED}:
            raise SettingsWrong(f"there is no flag for a setting {name}{_near(name, [s.name for s in _FIXED])}")
        raw[name] = _Raw(text, f"flag --{name.rpartition('.')[2].replace('_', '-')}", as_text=True)
    default_folder = default_data_dir(environ, home or Path.home(), platform)
    data_dir = folder / str(raw["server.data_dir"].value) if "server.data_dir" in raw else default_folder
    file = _find_file(environ, folder, config, data_dir)
    values = _Values(environ, folder)
    if file is not None:
        written = _from_file(file)
        if file.parent == data_dir != folder and config is None and "server.data_dir" in written:
            raise SettingsWrong(f"{file}: [server] data_dir cannot be set in the file that is found by it: remove it")
        values.warn_of_readable(file, written)
        raw = _merge(written, raw)
    _add_vendor_keys(environ, raw)
    values.raw = raw
    return _settings(values, default_folder, file, environ.get(BOOTSTRAP_VARIABLE))


def default_data_dir(environ: Mapping[str, str], home: Path, platform: str) -> Path:
    """Where the database is when nobody says: the platform's own place for a user's application."""
    if platform == "win32":
        return Path(environ.get("LOCALAPPDATA") or home / "AppData" / "Local") / "GammaInfra"
    if platform == "darwin":
        return home / "Library" / "Application Support" / "GammaInfra"
    return Path(environ.get("XDG_DATA_HOME") or home / ".local" / "share") / "gammainfra"


# ------------------------------------------------------------------------------------- sources


def _from_environ(environ: Mapping[str, str]) -> dict[str, _Raw]:
    """Every variable with our prefix, by setting name; a provider's name is lower-cased here and matched later."""
    known = {variable: setting.name for setting in _FIXED for variable in setting.variables}
    raw: dict[str, _Raw] = {}
    for variable, text in sorted(environ.items()):
        if not variable.startswith(ENV_PREFIX) or variable in {CONFIG_VARIABLE, BOOTSTRAP_VARIABLE, *CLIENT_VARIABLES}:
            continue
        name = known.get(variable) or _provider_setting(variable)
        if name is None:
            raise SettingsWrong(
                f"environment: there is no setting {variable}{_near(variable, [*known, BOOTSTRAP_VARIABLE])}"
            )
        if name in raw:
            raise SettingsWrong(f"environment: {variable} and {raw[name].source} are the same setting: keep one")
        raw[name] = _Raw(text, variable, as_text=True)
    return raw


def _provider_setting(variable: str) -> str | None:
    prefix = ENV_PREFIX + "PROVIDERS_"
    for key in sorted(_PROVIDER_KEYS, key=len, reverse=True):
        suffix = "_" + key.upper()
        if variable.startswith(prefix) and variable.endswith(suffix) and len(variable) > len(prefix + suffix):
            return f"providers.{variable[len(prefix) : -len(suffix)].lower()}.{key}"
    return None


def _find_file(environ: Mapping[str, str], folder: Path, config: Path | None, data_dir: Path) -> Path | None:
    named = config or (Path(environ[CONFIG_VARIABLE]) if CONFIG_VARIABLE in environ else None)
    if named is not None:
        if not (folder / named).is_file():
            raise SettingsWrong(f"there is no file {folder / named}: it was named by --config or {CONFIG_VARIABLE}")
        return folder / named
    return next((place / FILE_NAME for place in (folder, data_dir) if (place / FILE_NAME).is_file()), None)


def _from_file(file: Path) -> dict[str, _Raw]:
    try:
        tree = tomllib.loads(file.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
        raise SettingsWrong(f"{file} cannot be read: {error}") from error
    raw: dict[str, _Raw] = {}
    for section, table in tree.items():
        place = f"{file}: [{section}]"
        if section not in _SECTIONS:
            raise SettingsWrong(f"{file}: there is no section [{section}]{_near(section, _SECTIONS)}")
        if section == "aliases":
            raw |= {f"aliases.{name}": _Raw(value, f"{place} {name}") for name, value in _table(table, place).items()}
        elif section in {"providers", "models"}:
            keys = _PROVIDER_KEYS if section == "providers" else ("chain",)
            for name, entries in _table(table, place).items():
                if section == "providers":
                    _check_provider_name(name, str(file))
                raw |= _entries(_table(entries, f"{file}: [{section}.{name}]"), f"{section}.{name}", keys, file)
        else:
            keys = tuple(setting.key for setting in _FIXED if setting.section == section)
            raw |= _entries(_table(table, place), section, keys, file)
    return raw


def _entries(table: Mapping[str, object], section: str, keys: Collection[str], file: Path) -> dict[str, _Raw]:
    raw = {}
    for key, value in table.items():
        if key not in keys:
            raise SettingsWrong(f"{file}: [{section}] has no setting {key}{_near(key, keys)}")
        raw[f"{section}.{key}"] = _Raw(value, f"{file}: [{section}] {key}")
    return raw


def _table(value: object, place: str) -> Mapping[str, object]:
    if not isinstance(value, dict):
        raise SettingsWrong(f"{place} should be a table")
    return value


def _merge(written: Mapping[str, _Raw], stronger: Mapping[str, _Raw]) -> dict[str, _Raw]:
    """Lay the environment and flags over the file; a variable's provider is the file's one of the same spelling."""
    named = {name.split(".")[1] for name in written if name.startswith("providers.")}
    providers = {_as_variable(name): name for name in named}
    merged = dict(written)
    for name, one in stronger.items():
        section, _, rest = name.partition(".")
        if section == "providers":
            provider, _, key = rest.partition(".")
            provider = providers.get(_as_variable(provider), provider)
            for other in {"api_key": ("api_keys",), "api_keys": ("api_key",)}.get(key, ()):
                merged.pop(f"providers.{provider}.{other}", None)
            merged[f"providers.{provider}.{key}"] = one
        else:
            merged[name] = one
    return merged


def _add_vendor_keys(environ: Mapping[str, str], raw: dict[str, _Raw]) -> None:
    for variable, provider in VENDOR_VARIABLES.items():
        named = f"providers.{provider}.api_key"
        if variable in environ and named not in raw and named + "s" not in raw:
            raw[named] = _Raw(f"env:{variable}", variable)
    for variable, provider in VENDOR_ADDRESSES.items():
        if environ.get(variable):
            raw.setdefault(f"providers.{provider}.base_url", _Raw(environ[variable], variable, as_text=True))
    configured = {name.split(".")[1] for name in raw if name.startswith("providers.")}
    for variable, (provider, key) in PLACE_VARIABLES.items():
        if variable in environ and provider in configured:
            raw.setdefault(f"providers.{provider}.{key}", _Raw(environ[variable], variable, as_text=True))


def _as_variable(name: str) -> str:
    return re.sub(r"[^A-Z0-9]", "_", name.upper())


def _near(name: str, known: Collection[str]) -> str:
    close = difflib.get_close_matches(name, list(known), n=1)
    return f": did you mean {close[0]}?" if close else f" (there are: {', '.join(sorted(known))})"


# -------------------------------------------------------------------------------------- values


class _Values:
    """Reads what was written into typed values, noting each with its source, and warnings on the way."""

    def __init__(self, environ: Mapping[str, str], folder: Path) -> None:
        self._environ = environ
        self._folder = folder
        self.raw: dict[str, _Raw] = {}
        self.warnings: list[str] = []
        self.described: list[Described] = []

    def text(self, name: str) -> str:
        """A text, a URL or one of a few words; '' when it is not set and has no default."""
        one, form = self._find(name)
        if one.value is None:
            return self._note(name, one, "")
        text = one.value
        if not isinstance(text, str) or not text.strip() or not _fits(form, text):
            raise _wrong(one, form)
        return self._note(name, one, text)

    def number(self, name: str) -> float:
        """A number within its bounds."""
        one, form = self._find(name)
        value = one.value
        if one.as_text and isinstance(value, str) and _NUMBER.match(value):
            value = float(value)
        if isinstance(value, bool) or not isinstance(value, int | float):
            raise _wrong(one, form)
        least = 1 if form == "days" else 0
        if not least <= value <= _NUMBER_BOUNDS[form] or (form in _WHOLE and value != int(value)):
            raise _wrong(one, form)
        self._note(name, one, f"{value:g}")
        return value

    def delay_ms(self, name: str) -> float | None:
        """A time in milliseconds, None for a measured one."""
        one, _ = self._find(name)
        if one.value == "p90":
            self._note(name, one, "p90")
            return None
        return self.number(name)

    def flag(self, name: str) -> bool:
        """Yes or no: a truth value in the file, a word elsewhere."""
        one, form = self._find(name)
        text = str(one.value).lower() if isinstance(one.value, bool | str) else ""
        if text not in CHOICES[form]:
            raise _wrong(one, form)
        return self._note(name, one, text) == "true"

    def texts(self, name: str) -> tuple[str, ...]:
        """A list; from the environment and flags, what stands between commas."""
        one, form = self._find(name)
        texts = self._split(one, form)
        if (form == "chain" and not texts) or (form == "origins" and not all(map(_is_origin, texts))):
            raise _wrong(one, form)
        self._note(name, one, ", ".join(texts))
        return texts

    def secret(self, name: str) -> Secret | None:
        """A secret, read from where it is kept."""
        one, form = self._find(name)
        if one.value is None:
            self._note(name, one, "")
            return None
        if not isinstance(one.value, str) or not one.value.strip():
            raise _wrong(one, form)
        self._note(name, one, HIDDEN)
        return self._open(one.value, one.source)

    def secrets(self, name: str) -> tuple[Secret, ...]:
        """A list of secrets."""
        one, form = self._find(name)
        written = self._split(one, form)
        self._note(name, one, ", ".join(HIDDEN for _ in written))
        return tuple(self._open(text, one.source) for text in written)

    def folder(self, name: str, otherwise: Path) -> Path:
        """A folder; a relative one is from the current folder."""
        if name not in self.raw:
            self._note(name, _Raw(None, "default"), str(otherwise))
            return otherwise
        return self._folder / _expanded(self.text(name), name)

    def warn_of_readable(self, file: Path, written: Mapping[str, _Raw]) -> None:
        """Warn when a configuration file with literal secrets in it can be read by everybody."""
        secrets = [name for name in written if _FORMS[_general(name)] in {"secret", "secrets"}]
        literal = [name for name in secrets if _is_literal(written[name].value)]
        if literal and _others_can_read(file):
            self.warnings.append(
                f"every user of this machine can read {file}, which holds {literal[0]}: run chmod 600 on it"
            )

    def _find(self, name: str) -> tuple[_Raw, Form]:
        general = _general(name)
        return self.raw.get(name, _Raw(_DEFAULTS[general], "default")), _FORMS[general]

    def _note(self, name: str, one: _Raw, shown: str) -> str:
        self.described.append(Described(name, shown, one.source))
        return shown

    def _split(self, one: _Raw, form: Form) -> tuple[str, ...]:
        parts = one.value
        if one.as_text and isinstance(parts, str):
            parts = [part.strip() for part in parts.split(",")]
        if not isinstance(parts, list):
            raise _wrong(one, form)
        texts = tuple(part for part in parts if isinstance(part, str) and part.strip())
        if len(texts) != len(parts):
            raise _wrong(one, form)
        return texts

    def _open(self, text: str, source: str) -> Secret:
        kind, colon, place = text.partition(":")
        if colon and kind == "env":
            if not self._environ.get(place):
                raise SettingsWrong(f"{source}: the variable {place} is not set")
            return Secret(self._environ[place].strip())
        if colon and kind == "file":
            return self._read_secret(self._folder / _expanded(place, source), source)
        return Secret(text.strip())

    def _read_secret(self, file: Path, source: str) -> Secret:
        try:
            text = file.read_text(encoding="utf-8").strip()
            ours = os.name == "posix" and file.stat().st_uid == os.getuid()
        except (OSError, UnicodeDecodeError) as error:
            raise SettingsWrong(f"{source}: the file {file} cannot be read: {error}") from error
        if not text:
            raise SettingsWrong(f"{source}: the file {file} is empty")
        if _others_can_read(file):
            if ours:
                raise SettingsWrong(f"{source}: every user of this machine can read {file}: run chmod 600 on it")
            self.warnings.append(f"{source}: every user of this machine can read {file}")
        return Secret(text)


def _settings(values: _Values, default_folder: Path, file: Path | None, bootstrap: str | None) -> Settings:
    raw = values.raw
    providers = sorted({name.split(".")[1] for name in raw if name.startswith("providers.")})
    chains = sorted(name for name in raw if name.startswith("models."))
    aliases = sorted(name for name in raw if name.startswith("aliases."))
    server = ServerSettings(
        host=values.text("server.host"),
        port=int(values.number("server.port")),
        data_dir=values.folder("server.data_dir", default_folder),
        cors_origins=values.texts("server.cors_origins"),
        drain_s=values.number("server.drain_s"),
    )
    settings = Settings(
        server=server,
        head_after_ms=int(values.number("stream.head_after_ms")),
        providers={name: _provider(values, name) for name in providers},
        models={_middle(name): values.texts(name) for name in chains},
        aliases={name.partition(".")[2]: values.text(name) for name in aliases},
        refresh_s=values.number("catalog.refresh_s"),
        hedging=Hedging(
            enabled=values.flag("hedging.enabled"),
            delay_ms=values.delay_ms("hedging.delay"),
            extra_max=values.number("hedging.extra_max"),
        ),
        rate_limits=RateLimits(
            requests_per_minute=int(values.number("rate_limits.requests_per_minute")),
            tokens_per_minute=int(values.number("rate_limits.tokens_per_minute")),
            concurrency=int(values.number("rate_limits.concurrency")),
        ),
        billing=cast("BillingMode", values.text("billing.mode")),
        fees=cast("FeePlan", values.text("billing.fees")),
        dashboard_allow_http=values.flag("dashboard.allow_http"),
        log_level=cast("LogLevel", values.text("log.level")),
        log_format=cast("LogFormat", values.text("log.format")),
        metrics_token=values.secret("metrics.token"),
        store_url=values.secret("store.url"),
        keep_days=int(values.number("store.keep_days")),
        bootstrap_key=Secret(bootstrap) if bootstrap else None,
        file=file,
    )
    return replace(settings, warnings=tuple(values.warnings), described=tuple(values.described))


def _check_provider_name(name: str, place: str) -> None:
    if not _PROVIDER_NAME.match(name):
        raise SettingsWrong(f"{place}: providers.{name}: a provider's name is lower-case letters, digits, - and _")


def _provider(values: _Values, name: str) -> ProviderSettings:
    section = f"providers.{name}"
    _check_provider_name(name, "environment")
    if f"{section}.api_key" in values.raw and f"{section}.api_keys" in values.raw:
        raise SettingsWrong(f"[{section}]: set api_key or api_keys, not both")
    one = values.secret(f"{section}.api_key")
    base_url = values.text(f"{section}.base_url").rstrip("/")
    return ProviderSettings(
        name=name,
        base_url=base_url or None,
        api_keys=(one,) if one else values.secrets(f"{section}.api_keys"),
        dialect=values.text(f"{section}.dialect") or None,
        models=values.texts(f"{section}.models"),
        project=values.text(f"{section}.project"),
        location=values.text(f"{section}.location"),
    )


def _general(name: str) -> str:
    """The name of the row in the table: ``providers.local.base_url`` is ``providers.<name>.base_url``."""
    section, _, rest = name.partition(".")
    match section:
        case "providers":
            return f"providers.<name>.{rest.partition('.')[2]}"
        case "models":
            return "models.<name>.chain"
        case "aliases":
            return "aliases.<pattern>"
        case _:
            return name


def _middle(name: str) -> str:
    return name.partition(".")[2].rpartition(".")[0]


def _fits(form: Form, text: str) -> bool:
    if form == "url":
        return _is_url(text)
    return form not in CHOICES or text in CHOICES[form]


def _is_url(text: str) -> bool:
    try:
        parts = urlsplit(text)
        port_fits = parts.port != 0
    except ValueError:
        return False
    plain = not (parts.query or parts.fragment or parts.username or parts.password or " " in text)
    return parts.scheme in {"http", "https"} and bool(parts.hostname) and port_fits and plain


def _is_origin(text: str) -> bool:
    """Whether a browser could send it: no path, not even a slash."""
    return text == "*" or (_is_url(text) and text == text.lower() and text.count("/") == 2)  # noqa: PLR2004


def _wrong(one: _Raw, form: Form) -> SettingsWrong:
    shown = HIDDEN if form in {"secret", "secrets", "url"} else repr(one.value)
    return SettingsWrong(f"{one.source}: {shown} cannot be used: it must be {ALLOWED[form]}")


def _is_literal(written: object) -> bool:
    """Whether a secret, or one of several, stands there itself."""
    several = written if isinstance(written, list) else [written]
    return any(not str(one).startswith(("env:", "file:")) for one in several)


def _others_can_read(file: Path) -> bool:
    return os.name == "posix" and bool(file.stat().st_mode & stat.S_IROTH)


def _expanded(text: str, source: str) -> Path:
    try:
        return Path(text).expanduser()
    except RuntimeError as error:
        raise SettingsWrong(f"{source}: {text!r} names the home of a user who has none here") from error
