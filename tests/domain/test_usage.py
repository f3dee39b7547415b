"""Token counts and sizes: the sums that clients expect, and what is reckoned before a provider says it."""

from __future__ import annotations

from gammainfra.domain.sketch import Sketch
from gammainfra.domain.usage import Usage


def test_the_sums_that_clients_expect_hold_every_class_once() -> None:
    usage = Usage(1, 20, 300, 4_000, 50_000, 600_000)
    assert (usage.prompt_tokens, usage.completion_tokens) == (4_321, 650_000)


def test_a_prompt_has_at_most_a_token_for_two_bytes_and_usually_one_for_four() -> None:
    sketch = Sketch("openai_chat", "acme/one", stream=True, n_bytes=4_000, n_messages=1)
    assert (sketch.input_tokens_bound, sketch.input_tokens_guess) == (2_016, 1_008)
