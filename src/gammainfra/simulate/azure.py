"""Azure OpenAI as a simulated vendor: OpenAI behind another address and header. A stream opens with a chunk that
tells of filters and has no choices.
"""

from __future__ import annotations

from collections.abc import Mapping

from gammainfra.simulate.chat import render_event
from gammainfra.simulate.openai import OpenAI
from gammainfra.simulate.refusal import Refusal
from gammainfra.simulate.reply import Piece, Stage
from gammainfra.simulate.vendor import Answer

_FILTERS = [{"prompt_index": 0, "content_filter_results": {"hate": {"filtered": False, "severity": "safe"}}}]


class Azure(OpenAI):
    """``POST /openai/v1/chat/completions``, also by deployment, and ``GET /openai/v1/models``."""

    name = "azure"
    base_path = "/openai/v1"
    generate_paths = frozenset(
        {"/openai/v1/chat/completions", "/openai/deployments/gpt-4.1/chat/completions"},
    )
    model_paths = frozenset({"/openai/v1/models"})

    def read_key(self, headers: Mapping[str, str]) -> str:
        """The ``api-key`` header, or a bearer token."""
        return headers.get("api-key", "") or super().read_key(headers)

    def refuse_key(self, key: str) -> Refusal:
        """401, with the code as a text."""
        del key
        message = "Access denied due to invalid subscription key or wrong API endpoint."
        return Refusal(401, "", message, code="401")

    def render_stream(self, answer: Answer) -> list[Piece]:
        """Filters first."""
        frame = {"id": "", "object": "", "created": 0, "model": "", "choices": [], "prompt_filter_results": _FILTERS}
        return [Piece(render_event(frame), Stage.OPEN), *super().render_stream(answer)]
