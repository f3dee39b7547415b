"""Which settings exist: name, form, default and meaning of each. Reading them, and docs/settings.md, follow this table.

It decides what an operator may write, in words that errors and documentation share; it reads nothing.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final, Literal

ENV_PREFIX: Final = "GAMMAINFRA_"

Form = Literal[
    "text",
    "port",
    "ms",
    "seconds",
    "days",
    "texts",
    "origins",
    "chain",
    "folder",
    "url",
    "secret",
    "secrets",
    "billing",
    "fees",
    "yes_no",
    "level",
    "format",
    "delay",
    "share",
    "count",
]

ALLOWED: Final[Mapping[Form, str]] = {
    "text": "a text that is not empty",
    "port": "a whole number from 0 to 65535 (0: any free port)",
    "ms": "a whole number of milliseconds from 0 to 600000",
    "seconds": "a number of seconds from 0 to 3600",
    "days": "a whole number of days from 1 to 36500",
    "texts": "a list of texts (in the environment: separated by commas)",
    "origins": "a list such as https://app.example, or * (in the environment: separated by commas)",
    "chain": "a list of at least one model name",
    "folder": "the path of a folder",
    "url": "http:// or https://, a host, perhaps a port and a path, and nothing else",
    "secret": "env:NAME, file:PATH or the secret itself",
    "secrets": "a list of env:NAME, file:PATH or secrets (in the environment: separated by commas)",
    "billing": "one of off, credits",
    "fees": "one of launch, standard",
    "yes_no": "true or false",
    "level": "one of debug, info, warning, error",
    "format": "one of text, json",
    "delay": '"p90" or a number of milliseconds from 0 to 60000',
    "share": "a number from 0 to 1",
    "count": "a whole number from 0 to 999999999",
}
CHOICES: Final[Mapping[str, tuple[str, ...]]] = {
    "billing": ("off", "credits"),
    "fees": ("launch", "standard"),
    "yes_no": ("true", "false"),
    "level": ("debug", "info", "warning", "error"),
    "format": ("text", "json"),
}


@dataclass(frozen=True, slots=True)
class Setting:
    """One row of the table. ``name`` is ``section.key``, with ``<name>`` where the operator chooses.

    ``default`` is written as in the file; where it is None, ``without`` says in words what happens without the setting.
    """

    name: str
    form: Form
    default: object
    meaning: str
    without: str = ""

    @property
    def default_shown(self) -> str:
        """The default as the documentation prints it."""
        return self.without or ("none" if self.default == [] else str(self.default))

    @property
    def section(self) -> str:
        """The part before the key: ``server``, ``providers.<name>``."""
        return self.name.rpartition(".")[0]

    @property
    def key(self) -> str:
        """The last part."""
        return self.name.rpartition(".")[2]

    @property
    def allowed(self) -> str:
        """The allowed form, in words."""
        return ALLOWED[self.form]

    @property
    def variables(self) -> tuple[str, ...]:
        """Its environment variables: none under models and aliases, whose names do not fit into one."""
        if self.section in {"models.<name>", "aliases"}:
            return ()
        long = ENV_PREFIX + self.name.upper().replace(".", "_")
        return (ENV_PREFIX + self.key.upper(), long) if self.section == "server" else (long,)


SETTINGS: Final[tuple[Setting, ...]] = (
    Setting("server.host", "text", "127.0.0.1", "address to listen on; 0.0.0.0 is every one of this machine"),
    Setting("server.port", "port", 8787, "port to listen on"),
    Setting("server.data_dir", "folder", None, "folder of the database and the pepper", "per platform, see below"),
    Setting("server.cors_origins", "origins", [], "web origins that may call the API from a browser"),
    Setting("server.drain_s", "seconds", 120, "how long running answers may take to end when the gateway stops"),
    Setting(
        "store.url",
        "secret",
        None,
        "address of the database: sqlite:///FILE, postgresql://USER:PASSWORD@HOST:PORT/DATABASE, or memory: to keep "
        "nothing",
        "an SQLite file in server.data_dir",
    ),
    Setting("store.keep_days", "days", 90, "how long requests, tasks and hours are kept; sums by day stay for ever"),
    Setting("stream.head_after_ms", "ms", 20_000, "when a silent stream gets its status and keep-alives"),
    Setting(
        "providers.<name>.base_url",
        "url",
        None,
        "where the provider is; must be set for a name of one's own",
        "the vendor's",
    ),
    Setting("providers.<name>.api_key", "secret", None, "its key", "the vendor's variable, see below"),
    Setting(
        "providers.<name>.api_keys",
        "secrets",
        [],
        "several keys, instead of api_key: each attempt takes the best one (health.md)",
    ),
    Setting(
        "providers.<name>.dialect",
        "text",
        None,
        "its wire format; only for a name of one's own",
        "openai_chat",
    ),
    Setting("providers.<name>.models", "texts", [], "models it serves that the catalog does not know"),
    Setting("providers.<name>.project", "text", None, "the account's project (vertex)", "the service account's"),
    Setting("providers.<name>.location", "text", None, "the region of the account's endpoint (vertex)", "global"),
    Setting("models.<name>.chain", "chain", None, "a model of one's own: the models it stands for, best first", "none"),
    Setting("aliases.<pattern>", "text", None, "a model name, perhaps with *, and the model it means", "none"),
    Setting(
        "catalog.refresh_s",
        "seconds",
        0,
        "how often providers are asked what their models can do, at start and then this often; 0 is never",
    ),
    Setting("billing.mode", "billing", "off", "off: metered, nobody is charged; credits: callers pay from credit"),
    Setting("billing.fees", "fees", "launch", "launch: 3 % on top-ups, 1 % on own keys; standard: 5 % and 2 %"),
    Setting(
        "hedging.enabled",
        "yes_no",
        "false",
        "whether a caller that wants speed may be answered by a second endpoint while the first is silent",
    ),
    Setting(
        "hedging.delay",
        "delay",
        "p90",
        "how long the first may be silent: p90 is what nearly all its answers need, 0 asks both at once",
    ),
    Setting("hedging.extra_max", "share", 0.05, "the most second requests, as a share of those that may have one"),
    Setting("rate_limits.requests_per_minute", "count", 0, "of each API key; 0: no limit"),
    Setting("rate_limits.tokens_per_minute", "count", 0, "of each API key, questions and answers; 0: no limit"),
    Setting("rate_limits.concurrency", "count", 0, "requests at a time of each API key; 0: no limit"),
    Setting(
        "dashboard.allow_http",
        "yes_no",
        "false",
        "show the dashboard to other machines without https: who can read along can log in",
    ),
    Setting("log.level", "level", "info", "how much is logged; never prompts or answers"),
    Setting("log.format", "format", "text", "lines for people, or one JSON object each"),
    Setting("metrics.token", "secret", None, "bearer token that opens /metrics to other machines", "none"),
)
