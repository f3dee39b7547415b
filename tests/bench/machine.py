"""The machine that is measured on: which core does what, what a process has used, and how fast the machine is.

Where the system does not tell (no ``/proc``, no affinity), figures are None and the table says so; none is guessed.
"""

from __future__ import annotations

import asyncio
import gc
import os
import platform
import re
import statistics
import sys
import time
from collections.abc import Coroutine
from pathlib import Path
from typing import Any, Final

import msgspec

from tests.bench import bodies

GATEWAY_CORE: Final = 0
LOAD_CORE: Final = 1
_CALIBRATIONS: Final = 7


def pin(core: int, pid: int = 0) -> bool:
    """Keep a process (0: this one) on one core; False where that cannot be done."""
    if sys.platform != "linux" or (os.cpu_count() or 1) <= core:
        return False
    os.sched_setaffinity(pid, {core})
    return True


def cpu_s(pid: int) -> float | None:
    """Processor time that a process has used so far, all threads, user and kernel."""
    if sys.platform != "linux":
        return None
    fields = Path(f"/proc/{pid}/stat").read_text("ascii").rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def memory_mb(pid: int) -> float | None:
    """Resident memory of a process, in MB (10^6 bytes)."""
    if sys.platform != "linux":
        return None
    found = re.search(r"VmRSS:\s+(\d+) kB", Path(f"/proc/{pid}/status").read_text("utf-8"))
    return None if found is None else int(found[1]) * 1024 / 1e6


def calibration_us() -> float:
    """Processor time of a fixed piece of work on the gateway's core: how fast this machine is at this moment.

    Half of it is msgspec on a body of 50 KB, half is plain Python. Compare figures of two runs only together with it.
    """
    body = bodies.template("50 KB", (bodies.OPENAI,), stream=False, task=0).fill(0)
    before = os.sched_getaffinity(0) if sys.platform == "linux" else None
    pin(GATEWAY_CORE)
    times = [_work(body) for _ in range(_CALIBRATIONS)]
    if sys.platform == "linux" and before is not None:
        os.sched_setaffinity(0, before)
    return statistics.median(times) * 1e6


def _work(body: bytes) -> float:
    start = time.process_time()
    for _ in range(10):
        msgspec.json.encode(msgspec.json.decode(body))
    counts: dict[str, int] = {}
    for number in range(15_000):
        name = f"name-{number % 97}"
        counts[name] = counts.get(name, 0) + number
    return time.process_time() - start


def described() -> str:
    """The machine in one line."""
    model = platform.processor() or platform.machine()
    cpu_file = Path("/proc/cpuinfo")
    if cpu_file.exists():
        found = re.search(r"model name\s*:\s*(.+)", cpu_file.read_text("utf-8", "replace"))
        model = found[1].strip() if found else model
    return f"{model}, {os.cpu_count()} cores, {platform.system()}, Python {platform.python_version()}"


def run_loop(main: Coroutine[Any, Any, None]) -> None:
    """Run on uvloop where it exists, as the gateway does; without garbage collection, which would be timed too."""
    gc.disable()
    factory = None
    if sys.platform != "win32":
        import uvloop  # noqa: PLC0415 - not made for Windows

        factory = uvloop.new_event_loop
    with asyncio.Runner(loop_factory=factory) as runner:
        runner.run(main)
