from __future__ import annotations

from typing import Any

from gammainfra.simulate import Always, Fault, Fixed, SimulatedUsage, Turn, World
from tests.simulate.asking import FakeClock, chat_body, post, run

LONG = "many words " * 1000
SPEAK = Fixed(Turn(text="Yes."))


def mark(text: str, **more: str) -> dict[str, Any]:
    return {"type": "text", "text": text, "cache_control": {"type": "ephemeral", **more}}


def asked(*blocks: dict[str, Any]) -> dict[str, Any]:
    return chat_body("anthropic", with_tools=False, messages=[{"role": "user", "content": list(blocks)}])


def counted(world: World) -> list[tuple[int, int]]:
    """(read, written) of every answer."""
    usages = [record.usage for record in world.anthropic.log]
    return [(usage.cache_read_tokens, usage.cache_write_tokens) for usage in usages]


def test_a_marked_prefix_is_written_once_and_read_afterwards() -> None:
    async def check() -> None:
        async with World(script=SPEAK) as world:
            await post(world.anthropic, asked(mark(LONG), {"type": "text", "text": "one"}))
            await post(world.anthropic, asked(mark(LONG), {"type": "text", "text": "two"}))
            (read_1, written_1), (read_2, written_2) = counted(world)
            assert (read_1, written_2) == (0, 0)
            assert written_1 == read_2 > 2500
            totals = {record.usage.prompt_tokens for record in world.anthropic.log}
            assert len(totals) == 1

    run(check())


def test_a_moved_mark_reads_the_old_prefix_and_writes_the_rest() -> None:
    async def check() -> None:
        async with World(script=SPEAK) as world:
            await post(world.anthropic, asked(mark(LONG)))
            await post(world.anthropic, asked({"type": "text", "text": LONG}, mark("and more " * 100)))
            (_, first), (read, written) = counted(world)
            assert read == first
            assert 200 < written < 300

    run(check())


def test_a_changed_prefix_another_key_or_another_model_reads_nothing() -> None:
    async def check() -> None:
        async with World(script=SPEAK) as world:
            await post(world.anthropic, asked(mark(LONG)))
            await post(world.anthropic, asked(mark("x" + LONG)))
            headers = {"x-api-key": "other", "anthropic-version": "2023-06-01"}
            await post(world.anthropic, asked(mark(LONG)), headers=headers)
            await post(world.anthropic, {**asked(mark(LONG)), "model": "claude-haiku-4-5"})
            assert [read for read, _ in counted(world)] == [0, 0, 0, 0]

    run(check())


def test_the_cache_forgets_after_five_minutes_and_reading_renews_it() -> None:
    async def check() -> None:
        clock = FakeClock()
        async with World(script=SPEAK, clock=clock) as world:
            for wait_s in (0, 299, 299, 301):
                clock.now_s += wait_s
                await post(world.anthropic, asked(mark(LONG)))
            assert [read > 0 for read, _ in counted(world)] == [False, True, True, False]

    run(check())


def test_an_hour_long_mark_is_counted_apart_and_lives_an_hour() -> None:
    async def check() -> None:
        clock = FakeClock()
        async with World(script=SPEAK, clock=clock) as world:
            got = await post(world.anthropic, asked(mark(LONG, ttl="1h"), mark("tail " * 100)))
            split = got.json["usage"]["cache_creation"]
            assert split["ephemeral_1h_input_tokens"] > 2500
            assert 100 < split["ephemeral_5m_input_tokens"] < 200
            clock.now_s += 3000
            await post(world.anthropic, asked(mark(LONG, ttl="1h"), mark("tail " * 100)))
            assert counted(world)[1][0] == split["ephemeral_1h_input_tokens"]

    run(check())


def test_a_short_prefix_is_never_cached() -> None:
    async def check() -> None:
        async with World(script=SPEAK) as world:
            await post(world.anthropic, asked(mark("short")))
            await post(world.anthropic, asked(mark("short")))
            assert counted(world) == [(0, 0), (0, 0)]

    run(check())


def test_openai_caches_long_prefixes_by_itself_in_steps_of_128() -> None:
    async def check() -> None:
        async with World(script=SPEAK) as world:
            first = [{"role": "user", "content": LONG}]
            longer = [*first, {"role": "assistant", "content": "Yes."}, {"role": "user", "content": "More."}]
            for messages in (first, longer, [{"role": "user", "content": "short"}] * 3):
                await post(world.openai, chat_body("openai", with_tools=False, messages=messages))
            cached = [record.usage.cache_read_tokens for record in world.openai.log]
            assert cached[0] == cached[2] == 0
            assert cached[1] > 2500
            assert cached[1] % 128 == 0

    run(check())


def test_deepseek_counts_hits_in_steps_of_64_and_hit_and_miss_are_the_prompt() -> None:
    async def check() -> None:
        async with World(script=SPEAK) as world:
            body = chat_body("deepseek", messages=[{"role": "user", "content": "word " * 100}])
            await post(world.deepseek, body)
            usage = (await post(world.deepseek, body)).json["usage"]
            assert usage["prompt_cache_hit_tokens"] == 128
            assert usage["prompt_tokens"] == 128 + usage["prompt_cache_miss_tokens"]
            assert usage["prompt_tokens_details"]["cached_tokens"] == 128

    run(check())


def test_a_refused_prompt_costs_nothing_and_is_not_remembered() -> None:
    async def check() -> None:
        async with World(script=SPEAK, schedule=Always(Fault.OVERLOADED)) as world:
            await post(world.anthropic, asked(mark(LONG)))
            assert world.anthropic.log[0].usage == SimulatedUsage()
            world.set_schedule(lambda dispatch: None)
            await post(world.anthropic, asked(mark(LONG)))
            assert counted(world)[1][0] == 0

    run(check())


def test_an_image_weighs_the_same_however_long_its_base64_is() -> None:
    async def check() -> None:
        async with World(script=SPEAK) as world:
            for size in (4, 40_000):
                source = {"type": "base64", "media_type": "image/png", "data": "A" * size}
                await post(world.anthropic, asked({"type": "image", "source": source}))
            first, second = world.anthropic.log
            assert first.usage == second.usage
            assert first.usage.input_tokens == 1500

    run(check())


def test_the_limit_of_output_tokens_is_kept_and_named() -> None:
    async def check() -> None:
        async with World(script=Fixed(Turn(text="word " * 100))) as world:
            got = await post(world.anthropic, chat_body("anthropic", max_tokens=10))
            assert got.json["stop_reason"] == "max_tokens"
            assert got.json["usage"]["output_tokens"] == 10
            got = await post(world.openai, chat_body("openai", max_completion_tokens=10))
            assert got.json["choices"][0]["finish_reason"] == "length"
            assert got.json["usage"]["completion_tokens"] == 10

    run(check())
