"""Large questions are parsed one at a time, with a breath between them."""

from __future__ import annotations

import asyncio
import json
from dataclasses import dataclass, field
from typing import Any

from gammainfra.domain import limits
from gammainfra.gateway.large_bodies import LargeBodies
from gammainfra.wire import openai_chat
from tests.skipping_loop import SkippingLoop

LARGE = json.dumps({"model": "m", "messages": [{"role": "user", "content": "x" * limits.LARGE_BODY_BYTES}]}).encode()
SMALL = b'{"model": "m", "messages": [{"role": "user", "content": "x"}]}'


@dataclass(slots=True)
class _Clock:
    """Every look at it is two seconds later."""

    looks: list[float] = field(default_factory=list)

    def now(self) -> float:
        self.looks.append(2.0 * len(self.looks))
        return self.looks[-1]

    def wall(self) -> float:
        return 0.0


def test_a_second_large_body_waits_as_long_as_the_first_one_took_and_small_ones_do_not() -> None:
    order: list[str] = []

    async def test() -> None:
        bodies, loop = LargeBodies(_Clock()), asyncio.get_running_loop()
        began = loop.time()

        async def read(name: str, raw: bytes) -> Any:
            sketch = await bodies.sketch(openai_chat.CLIENT, raw)
            order.append(f"{name} {round(loop.time() - began)}")
            return sketch

        sketches = await asyncio.gather(read("large", LARGE), read("larger", LARGE), read("small", SMALL))
        assert {sketch.model for sketch in sketches} == {"m"}

    with asyncio.Runner(loop_factory=SkippingLoop) as runner:
        runner.run(test())
    assert order == ["small 0", "large 2", "larger 4"]
