"""What the gateway must know of a provider: data, plus tiny pure hooks. One file per provider holds one of these.

It decides where a request goes, how it is authenticated and what that host wants written differently; never whether
it is asked. A provider that speaks a known dialect needs about ten lines.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Literal
from urllib.parse import urlsplit

from gammainfra.domain.endpoint import Endpoint
from gammainfra.domain.failure import Cause, Failure
from gammainfra.domain.headroom import Headroom
from gammainfra.domain.stream import Finished, StreamEvent
from gammainfra.domain.target import IdRule, ReasoningField, Target
from gammainfra.providers.rate_limits import read_headroom
from gammainfra.wire.dialect import ProviderDialect

LimitScope = Literal["model", "key"]
OnDisconnect = Literal["cancel", "drain"]
Continue = Callable[[bytes, Sequence[StreamEvent], Finished], bytes]
Auth = Callable[[str], Mapping[str, str]]
Address = Callable[[str], str]


def bearer(key: str) -> Mapping[str, str]:
    """``Authorization: Bearer``; nothing when there is no key (a host on one's own machine)."""
    return {"authorization": f"Bearer {key}"} if key else {}


def api_key(key: str) -> Mapping[str, str]:
    """Azure's header."""
    return {"api-key": key} if key else {}


def x_api_key(key: str) -> Mapping[str, str]:
    """Anthropic's header."""
    return {"x-api-key": key} if key else {}


def x_goog_api_key(key: str) -> Mapping[str, str]:
    """Google's header: a key in the address would end in logs."""
    return {"x-goog-api-key": key} if key else {}


@dataclass(frozen=True, slots=True)
class Unsent:
    """A request that is complete but for who asks: ``at`` is epoch seconds. The value never prints itself."""

    key: str
    url: str
    headers: Mapping[str, str]
    body: bytes
    at: float

    def __repr__(self) -> str:
        return f"Unsent({len(self.body)} bytes)"


Sign = Callable[[Unsent], Mapping[str, str]]


@dataclass(frozen=True, slots=True)
class Provider:
    """One host.

    ``owns_dialect``: it defined the dialect it speaks, so clean requests travel verbatim. ``drop`` and ``renames`` name
    request parameters (OpenAI's names) it refuses or calls otherwise. ``failures`` overrides the dialect's reading of a
    status. ``reasoning_required``: a tool-call turn without its reasoning is refused. ``automatic_cache_marks``: it
    caches prompts only where it is told to. ``needs_key`` is False for hosts that work without one. ``id_rule`` names
    the tool-call ids it accepts, ``accepts`` further parameters of a compatible host, ``reasoning_field`` the message
    field in which it takes reasoning back, ``user_after_tool`` False that a tool result may not be followed by a user.
    ``request_id_headers`` are where it names a request for its own support, the first that is there.
    ``limit_scope``: whether a 429 is about the key at that model or about the key at all of them. ``headroom`` reads
    what an answer's headers say is left (names in lower case, epoch seconds of now).
    ``strict_messages``, ``efforts`` and ``thinking_off`` are told in domain.target.
    ``versioned_base``: by its dialect's custom a base URL ends with the version (``.../v1``, ``.../v4``). ``address``
    makes the URL from the base URL where that custom does not hold. ``needs_address``: every customer has a base URL
    of his own, and ``base_url`` is only what it looks like. ``list_query`` asks for all of the model list at once.
    ``on_disconnect`` "drain": it generates and bills an answer to its end although the connection is closed, "cancel":
    it stops (OpenRouter's documentation on stream cancellation lists both kinds).
    ``further_dialects`` it speaks beside its usual one, for models that are served in those only.
    ``sign`` makes the headers of ``auth`` where these depend on the request.
    ``continues`` writes a request anew after an answer that the provider paused: (body, what was said, its pause).
    ``account_url`` makes the base URL of an account's (project, location), for hosts that have no common one.
    """

    name: str
    title: str
    dialect: ProviderDialect
    base_url: str
    docs: str
    auth: Auth = bearer
    headers: Mapping[str, str] = field(default_factory=dict)
    owns_dialect: bool = False
    drop: frozenset[str] = frozenset()
    renames: Mapping[str, str] = field(default_factory=dict)
    failures: Mapping[int, Cause] = field(default_factory=dict)
    reasoning_required: bool = False
    automatic_cache_marks: bool = False
    needs_key: bool = True
    id_rule: IdRule = "openai"
    accepts: frozenset[str] = frozenset()
    reasoning_field: ReasoningField = ""
    user_after_tool: bool = True
    strict_messages: bool = False
    efforts: Mapping[str, str] = field(default_factory=dict)
    thinking_off: Mapping[str, object] = field(default_factory=dict)
    address: Address | None = None
    needs_address: bool = False
    list_query: str = ""
    versioned_base: bool = True
    limit_scope: LimitScope = "model"
    headroom: Callable[[Mapping[str, str], float], Headroom | None] = read_headroom
    request_id_headers: tuple[str, ...] = ("x-request-id", "request-id")
    on_disconnect: OnDisconnect = "cancel"
    account_url: Callable[[str, str], str] | None = None
    continues: Continue | None = None
    sign: Sign | None = None
    further_dialects: tuple[ProviderDialect, ...] = ()

    def speaking(self, dialect: str) -> Provider:
        """The same host, spoken to in ``dialect``; as it usually is when it does not know that one."""
        other = next((one for one in self.further_dialects if one.name == dialect), None)
        return self if other is None else replace(self, dialect=other)

    def authenticate(self, unsent: Unsent) -> Mapping[str, str]:
        """The headers that say who asks."""
        return self.auth(unsent.key) if self.sign is None else self.sign(unsent)

    def url(self, base_url: str | None = None) -> str:
        """Where requests go, for the base URL as people write it: with the version or without."""
        base = (base_url or self.base_url).rstrip("/")
        if self.address is not None:
            return self.address(base)
        path = self.dialect.path
        version = "/" + path.split("/")[1]
        has_version = base.endswith(version) or (self.versioned_base and bool(urlsplit(base).path))
        return base + (path.removeprefix(version) if has_version else path)

    def list_url(self, url: str) -> str | None:
        """Where the models are listed of a host whose requests go to ``url``; None where no list is known."""
        path = self.dialect.path
        tail = path.removeprefix("/" + path.split("/")[1])
        if not url.endswith(tail) or self.needs_address or self.account_url is not None:
            return None  # at an account's own address the list is of everything that could be deployed
        return url.removesuffix(tail) + "/models" + self.list_query

    def target(self, endpoint: Endpoint, *, stream: bool) -> Target:
        """How a request for ``endpoint`` is written."""
        capabilities = endpoint.model.capabilities
        return Target(
            provider=self.name,
            dialect=self.dialect.name,
            model=endpoint.upstream_model,
            capabilities=capabilities,
            owns_dialect=self.owns_dialect,
            drop=self.drop | capabilities.refuses,
            renames={**self.renames, **capabilities.renames},
            reasoning_required=self.reasoning_required,
            automatic_cache_marks=self.automatic_cache_marks,
            stream=stream,
            id_rule=self.id_rule,
            accepts=self.accepts,
            reasoning_field=self.reasoning_field,
            user_after_tool=self.user_after_tool,
            strict_messages=self.strict_messages,
            efforts=self.efforts,
            thinking_off=self.thinking_off,
        )

    def request_id(self, headers: Mapping[str, str]) -> str | None:
        """How it calls this request, None when it does not say. ``headers`` has lower-case names."""
        return next((headers[name] for name in self.request_id_headers if headers.get(name)), None)

    def read_error(self, status: int, headers: Mapping[str, str], body: bytes) -> Failure:
        """The dialect's reading of an error, corrected by what this host means with the status."""
        failure = self.dialect.read_error(status, headers, body)
        cause = self.failures.get(status)
        return failure if cause is None else replace(failure, cause=cause)
