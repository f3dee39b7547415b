"""The rule that breaks most translations to Anthropic: every ``tool_use`` has its ``tool_result`` at the head
of the next user turn, ids are unique, and nothing answers what was not asked.
"""

from __future__ import annotations

from collections.abc import Sequence

from gammainfra.simulate.blocks_anthropic import refuse
from gammainfra.simulate.vendor import Body


def check_pairing(turns: Sequence[tuple[str, list[Body]]]) -> None:
    """Raises Refusal unless calls and results of the merged conversation belong together."""
    seen: set[str] = set()
    open_ids: list[str] = []
    for at, (role, blocks) in enumerate(turns):
        if role == "assistant":
            if open_ids:
                raise _unanswered(at - 1, open_ids)
            open_ids = [block["id"] for block in blocks if block["type"] == "tool_use"]
            if len(set(open_ids)) != len(open_ids) or seen.intersection(open_ids):
                raise refuse("messages: `tool_use` ids must be unique")
            seen.update(open_ids)
            continue
        _check_results(at, blocks, open_ids)
        open_ids = []
    if open_ids:
        raise _unanswered(len(turns) - 1, open_ids)


def _check_results(at: int, blocks: Sequence[Body], open_ids: Sequence[str]) -> None:
    answered: set[str] = set()
    for spot, block in enumerate(blocks):
        if block["type"] != "tool_result":
            continue
        call_id = block["tool_use_id"]
        if call_id not in open_ids:
            raise refuse(
                f"messages.{at}.content.{spot}: unexpected `tool_use_id` found in `tool_result` blocks: "
                f"{call_id}. Each `tool_result` block must have a corresponding `tool_use` block in the "
                "previous message."
            )
        if call_id in answered:
            raise refuse(
                f"messages.{at}.content.{spot}: each tool_use must have a single result. Found multiple "
                f"`tool_result` blocks with id: {call_id}"
            )
        if spot and blocks[spot - 1]["type"] != "tool_result":
            raise _unanswered(at - 1, [call_id])
        answered.add(call_id)
    missing = [call_id for call_id in open_ids if call_id not in answered]
    if missing:
        raise _unanswered(at - 1, missing)


def _unanswered(at: int, ids: Sequence[str]) -> Exception:
    return refuse(
        f"messages.{at}: `tool_use` ids were found without `tool_result` blocks immediately after: "
        f"{', '.join(ids)}. Each `tool_use` block must have a corresponding `tool_result` block in the next "
        "message."
    )
