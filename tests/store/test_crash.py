"""SIGKILL while writing: what was acknowledged is there, what is there is whole, and the sums say so."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from gammainfra.store.reader import Reader
from tests.store.making import DAYS, writer_on

ROOT = Path(__file__).resolve().parents[2]
WRITE_FOR_EVER = """
import sys
from pathlib import Path
from tests.store.making import record, writer_on
with writer_on(Path(sys.argv[1])) as writer:
    start = int(sys.argv[2])
    for number in range(start, start + 1_000_000):
        writer.add(record(number, session_id=f"task-{number % 7}"))
        if number % 37 == 0:
            writer.flush_blocking()
            print(number, flush=True)
"""


@pytest.mark.skipif(os.name != "posix", reason="platform: SIGKILL is POSIX's")
def test_what_was_acknowledged_before_a_kill_is_there_and_the_sums_agree(tmp_path: Path) -> None:
    acknowledged = 0
    for kills in range(3):
        start = kills * 1_000_000 + 1
        child = subprocess.Popen(
            [sys.executable, "-c", WRITE_FOR_EVER, str(tmp_path), str(start)],
            cwd=ROOT,
            env={**os.environ, "PYTHONPATH": f"{ROOT / 'src'}{os.pathsep}{ROOT}"},
            stdout=subprocess.PIPE,
            text=True,
        )
        assert child.stdout is not None
        numbers = [int(child.stdout.readline()) for _ in range(10 + 7 * kills)]
        child.send_signal(signal.SIGKILL)
        numbers += map(int, child.stdout.read().split())
        child.wait()
        child.stdout.close()
        acknowledged += numbers[-1] - start + 1

        with writer_on(tmp_path) as writer:
            assert [day for day in DAYS if not writer.verify_day(day).result(30).ok] == []
        reader = Reader(writer.engine)
        assert reader.find_damage() is None
        assert reader.generation("local", f"gen-{numbers[-1]:06}") is not None
        assert reader.sum_cost_nano().requests >= acknowledged
        reader.close()
