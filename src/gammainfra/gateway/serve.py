"""The line every request travels, top to bottom: who, admit, read, what, how, which task, join, plan, open.

Each step is one decision of another module; this file only puts them in order. It owns nothing that outlives the
socket: from ``open`` on the Turn does. Whatever is refused on the way is a Refused, rendered by the web layer.
"""

from __future__ import annotations

from gammainfra.domain import ids
from gammainfra.domain.policy import Policy
from gammainfra.gateway.asked import Asked
from gammainfra.gateway.call import Call
from gammainfra.gateway.reply import Reply
from gammainfra.gateway.services import Services
from gammainfra.routing.options import read_options
from gammainfra.routing.plan import plan
from gammainfra.sessions.budget import check_budget
from gammainfra.sessions.client import client_name
from gammainfra.sessions.name import name


async def serve(call: Call, on: Services) -> Reply:
    """Answer one call. Raises Refused; the Reply is the caller's view of a Turn that no longer needs the caller."""
    began, at = on.clock.now(), on.clock.wall()
    caller = on.accounts.authenticate(call.credential)  # who: headers only, before a byte of body
    with on.admission.admit(caller, call.content_length) as permit:  # admit: may shed
        raw = await call.body(permit)  # read: bounded by the permit
        read_s = on.clock.now() - began
        sketch = call.dialect.sketch(raw)  # what: one scan
        options = read_options(call.headers)  # how
        task = name(call.headers, sketch, caller, on.sessions, at)  # which task
        turn = on.turns.adopt(caller, raw, options)  # join: the same question again
        if turn is not None:
            on.turns.keep(turn, permit.keep())
            return turn.join()
        session = on.sessions.view(caller.account_id, task)
        check_budget(session, options.max_session_nano)
        policy = Policy(caller.key.allowed_models, priced_only=on.priced_only)
        chain = plan(  # by whom
            sketch, options, policy, on.roster,
            health=on.health.snapshot(), session=session, now=on.clock.now(), wall=at,
        )  # fmt: skip
        on.sessions.arrived(caller.account_id, caller.key.id, task, sketch, at)
        asked = Asked(
            ids.generation_id(on.random.bytes(16)), raw, call.dialect, sketch, options, caller,
            client_name(call.headers, sketch.tool_names), session, chain, at, began, read_s,
            call.headers.get("anthropic-beta", ""),
        )  # fmt: skip
        return on.turns.open(asked, permit.keep())
