from __future__ import annotations

import asyncio
import threading

import pytest

from gammainfra.domain import limits
from gammainfra.domain.failure import Refused
from gammainfra.web.reads import Reads
from tests.gateway_in_process import run


def test_few_questions_run_some_wait_and_more_are_refused() -> None:
    async def test() -> None:
        reads, go_on, running = Reads(), threading.Event(), threading.Semaphore(limits.STORE_READERS)

        def question() -> bool:
            alone = running.acquire(blocking=False)
            go_on.wait(10)
            running.release()
            return alone

        asked = [asyncio.create_task(reads.read(question)) for _ in range(limits.READS_WAITING)]
        await asyncio.sleep(0)
        with pytest.raises(Refused) as refused:
            await reads.read(question)
        go_on.set()
        assert all(await asyncio.gather(*asked))
        assert (refused.value.status, refused.value.code, refused.value.retry) == (503, "overloaded", True)
        assert await reads.read(lambda: 7) == 7

    run(test())


def test_a_question_that_fails_fails_for_who_asked_and_frees_its_place() -> None:
    async def test() -> None:
        reads = Reads()
        for _ in range(limits.READS_WAITING + 1):
            with pytest.raises(ZeroDivisionError):
                await reads.read(lambda: 1 // 0)
        assert await reads.read(lambda: 7) == 7

    run(test())
