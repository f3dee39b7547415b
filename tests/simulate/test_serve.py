from __future__ import annotations

import argparse
import asyncio

import pytest

from gammainfra.simulate import (
    At,
    Echo,
    Ending,
    Fault,
    FirstOfEachStep,
    Fixed,
    Never,
    Raw,
    Seeded,
    ToolCall,
    Turn,
)
from gammainfra.simulate.control import read_schedule, read_script
from gammainfra.simulate.serve import add_arguments, build_world, run, serve_forever
from gammainfra.simulate.server import VENDORS
from tests.simulate import asking


def parse(*arguments: str) -> argparse.Namespace:
    parser = argparse.ArgumentParser()
    add_arguments(parser)
    off = [f"--port-{vendor}=0" for vendor in VENDORS]
    return parser.parse_args([*off, *arguments])


def test_the_command_announces_every_base_url_and_serves_until_it_is_stopped() -> None:
    async def check() -> None:
        lines: list[str] = []
        stop, announced = asyncio.Event(), asyncio.Event()

        def announce(line: str) -> None:
            lines.append(line)
            if len(lines) == len(VENDORS):
                announced.set()

        options = parse("--dialect", "cline", "--fault", "cut_after_text", "--schedule", "first-of-each-step")
        serving = asyncio.create_task(serve_forever(options, announce, stop))
        async with asyncio.timeout(2):
            await announced.wait()
        names, urls = zip(*(line.split() for line in lines), strict=True)
        assert names == tuple(VENDORS)
        assert urls[0].startswith("http://127.0.0.1:")
        assert urls[0].endswith("/v1")
        stop.set()
        await serving

    asking.run(check())


def test_the_options_make_the_schedule() -> None:
    world = build_world(parse("--fault", "empty", "--fault", "reset", "--schedule", "first-of-each-step"))
    assert world.openai.schedule == FirstOfEachStep((Fault.EMPTY, Fault.RESET))
    world = build_world(parse("--fault", "3=late_cut", "--schedule", "at", "--port-deepseek", "-1"))
    assert world.openai.schedule == At({3: Fault.LATE_CUT})
    assert [server.name for server in world] == [vendor for vendor in VENDORS if vendor != "deepseek"]


def test_scripts_and_schedules_are_read_from_json() -> None:
    call = {"name": "run", "arguments": {"command": "ls"}}
    fixed = Fixed(Turn("a", "b", (ToolCall("run", {"command": "ls"}),)))
    assert read_script({"kind": "fixed", "text": "a", "thinking": "b", "calls": [call]}) == fixed
    raw = Raw(status=500, headers=(("x", "y"),), body=b"oh", chunk_bytes=1, ending=Ending.RESET)
    given = {"kind": "raw", "status": 500, "headers": {"x": "y"}, "body": "oh", "chunk_bytes": 1}
    assert read_script({**given, "ending": "reset"}) == Fixed(raw)
    assert read_script({"kind": "echo"}) == Echo()
    assert read_schedule({"kind": "never"}) == Never()
    assert read_schedule({"kind": "seeded", "seed": 2, "rate": 0.5, "faults": ["empty"]}) == Seeded(
        2, 0.5, (Fault.EMPTY,)
    )
    with pytest.raises(ValueError, match="schedule kind"):
        read_schedule({"kind": "sometimes"})


def test_options_that_make_no_sense_end_with_2(capsys: pytest.CaptureFixture[str]) -> None:
    assert run(parse("--fault", "no_such_fault")) == 2
    assert run(parse("--schedule", "always")) == 2
    assert "gammainfra simulate:" in capsys.readouterr().err
