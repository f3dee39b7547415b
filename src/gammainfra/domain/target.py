"""Everything a dialect must know to write one request for one endpoint: facts in, no look-ups.

gateway builds it from the endpoint, the provider file and the repair that an earlier failure asked for.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

from gammainfra.domain.endpoint import Capabilities

IdRule = Literal["openai", "anthropic", "mistral"]
ReasoningField = Literal["", "reasoning_content", "reasoning", "reasoning_details", "thinking_part"]


@dataclass(frozen=True, slots=True)
class Target:
    """One endpoint as the writer sees it.

    ``dialect`` is the provider's; ``model`` the name to send. ``owns_dialect``: the provider defined the dialect, so a
    client's clean request of that dialect travels verbatim; a compatible host gets only what is known to be accepted.
    ``drop`` names further parameters to leave out, ``renames`` parameters with another name there.
    ``default_max_tokens`` is sent when the client named no limit and the dialect demands one. ``drop_thinking``
    leaves all reasoning of the history out. ``reasoning_required``: a tool-call turn without reasoning is refused
    (DeepSeek). ``origin_account`` tells apart keys whose signatures do not travel.

    ``id_rule`` is the family of tool-call ids it accepts (wire.tool_ids). ``reasoning_field`` is the message field in
    which a host of OpenAI's dialect takes earlier reasoning back, "" when it takes none; ``thinking_part`` is a part of
    the content instead (Mistral). ``accepts`` names parameters that a compatible host takes beyond the usual ones;
    ``user_after_tool`` False: it refuses a user message right after a tool result; ``strict_messages``: it refuses
    message fields of OpenAI's that its own pages do not name (a speaker's name, a refusal, the developer's role).
    ``efforts`` maps OpenAI's words for reasoning effort to this host's, those left out stay; ``thinking_off`` are the
    fields that it wants instead of the effort ``none``.
    ``betas`` is the client's own ``anthropic-beta`` header, "" without one.
    """

    provider: str
    dialect: str
    model: str
    capabilities: Capabilities
    owns_dialect: bool = False
    drop: frozenset[str] = frozenset()
    renames: Mapping[str, str] = field(default_factory=dict)
    default_max_tokens: int = 32_000
    clamp_max_tokens: int | None = None
    drop_thinking: bool = False
    reasoning_required: bool = False
    automatic_cache_marks: bool = False
    stream: bool = False
    origin_account: str = ""
    id_rule: IdRule = "openai"
    reasoning_field: ReasoningField = ""
    accepts: frozenset[str] = frozenset()
    user_after_tool: bool = True
    strict_messages: bool = False
    efforts: Mapping[str, str] = field(default_factory=dict)
    thinking_off: Mapping[str, object] = field(default_factory=dict)
    betas: str = ""


@dataclass(frozen=True, slots=True)
class Written:
    """A request ready to send: the body, and what was left out, by name (``X-GammaInfra-Dropped-Params``).

    ``dropped_context`` names reasoning that could not be carried (``X-GammaInfra-Dropped-Context``), ``call_ids`` the
    (shown to the client, sent upstream) pairs of tool-call ids that differ, ``tool_names`` the same for the names of
    tools: calls come back with the name that was sent. ``headers`` are extra request headers. ``path`` follows the
    provider's URL where model and method are part of the address.
    """

    body: bytes
    dropped_params: tuple[str, ...] = ()
    dropped_context: tuple[str, ...] = ()
    call_ids: tuple[tuple[str, str], ...] = ()
    headers: Mapping[str, str] = field(default_factory=dict)
    tool_names: tuple[tuple[str, str], ...] = ()
    path: str = ""
