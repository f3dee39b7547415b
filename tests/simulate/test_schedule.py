from __future__ import annotations

from gammainfra.simulate import (
    AgentTask,
    Ask,
    At,
    Dispatch,
    Fault,
    FirstOfEachStep,
    Fixed,
    Seeded,
    ServerSpec,
    Turn,
    World,
)
from tests.simulate.asking import chat_body, follow_anthropic, follow_chat, post, run


def ask(step: int = 0, tools: tuple[str, ...] = ("run",)) -> Ask:
    return Ask("openai", "gpt-5", step, "task", "task", 1, tools, (), False, False, False, None)


def dispatch(number: int, *, first: bool = True, step: int = 0) -> Dispatch:
    return Dispatch("openai", number, first, ask(step))


def faults_of(world: World, server: str) -> list[Fault | None]:
    return [record.fault for record in world[server].log]


def test_the_first_dispatch_of_a_step_fails_on_whichever_server_and_the_next_is_healthy() -> None:
    async def check() -> None:
        schedule = FirstOfEachStep(Fault.SERVER_ERROR)
        async with World(script=AgentTask(steps=5), schedule=schedule) as world:
            await post(world.openai, chat_body("openai"))
            await post(world.anthropic, chat_body("anthropic"))
            await post(world.openai, chat_body("openai"))
            await post(world.anthropic, chat_body("anthropic", messages=follow_anthropic(["toolu_1"])))
            await post(world.deepseek, chat_body("deepseek", messages=follow_chat(["call_1"])))
            assert faults_of(world, "openai") == [Fault.SERVER_ERROR, None]
            assert faults_of(world, "anthropic") == [None, Fault.SERVER_ERROR]
            assert faults_of(world, "deepseek") == [None]

    run(check())


def test_title_requests_and_other_conversations_have_their_own_first_dispatch() -> None:
    async def check() -> None:
        async with World(schedule=FirstOfEachStep(Fault.EMPTY)) as world:
            other = [{"role": "user", "content": "Another task."}]
            for body in (
                chat_body("openai", with_tools=False),
                chat_body("openai"),
                chat_body("openai"),
                chat_body("openai", messages=other),
            ):
                await post(world.openai, body)
            assert faults_of(world, "openai") == [None, Fault.EMPTY, None, Fault.EMPTY]

    run(check())


def test_a_conversation_is_the_same_whether_a_translation_joined_its_messages_or_not() -> None:
    async def check() -> None:
        async with World(schedule=FirstOfEachStep(Fault.EMPTY)) as world:
            apart = [{"role": "user", "content": "Write"}, {"role": "user", "content": "a file."}]
            joined = [{"role": "user", "content": [{"type": "text", "text": "Write\n\na file."}]}]
            await post(world.openai, chat_body("openai", messages=apart))
            await post(world.anthropic, chat_body("anthropic", messages=joined))
            assert faults_of(world, "openai") == [Fault.EMPTY]
            assert faults_of(world, "anthropic") == [None]

    run(check())


def test_several_faults_take_turns_by_step() -> None:
    schedule = FirstOfEachStep((Fault.EMPTY, Fault.RESET))
    assert [schedule(dispatch(1, step=step)) for step in range(3)] == [Fault.EMPTY, Fault.RESET, Fault.EMPTY]
    assert schedule(dispatch(1, first=False)) is None


def test_faults_at_numbers_count_valid_generation_requests_of_one_server() -> None:
    async def check() -> None:
        async with World(script=Fixed(Turn(text="x")), schedule=At({2: Fault.BILLING_402})) as world:
            await post(world.openai, chat_body("openai"))
            await post(world.openai, {"model": "gpt-5"})
            await post(world.openai, chat_body("openai"))
            await post(world.openai, chat_body("openai"))
            assert [record.status for record in world.openai.log] == [200, 400, 402, 200]
            assert [record.dispatch for record in world.openai.log] == [1, 0, 2, 3]

    run(check())


def test_seeded_faults_are_the_same_in_every_run_and_differ_by_server() -> None:
    schedule = Seeded(7, 0.3, (Fault.EMPTY, Fault.RESET))
    first = [schedule(dispatch(number)) for number in range(500)]
    assert first == [schedule(dispatch(number)) for number in range(500)]
    assert 100 < sum(fault is not None for fault in first) < 200
    other = [schedule(Dispatch("other", number, True, ask())) for number in range(500)]
    assert other != first


def test_a_server_may_have_its_own_schedule_script_and_name() -> None:
    async def check() -> None:
        servers = (
            ServerSpec("openai", name="ill", schedule=At({1: Fault.OVERLOADED})),
            ServerSpec("openai", name="well", script=Fixed(Turn(text="I am well."))),
        )
        async with World(servers) as world:
            assert (await post(world["ill"], chat_body("openai"))).status == 529
            got = await post(world["well"], chat_body("openai"))
            assert got.json["choices"][0]["message"]["content"] == "I am well."
            assert [server.name for server in world] == ["ill", "well"]

    run(check())
