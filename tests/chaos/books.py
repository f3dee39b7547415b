"""The books of both sides after the storm: what the store says each answer cost, and what the providers counted."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from gammainfra.simulate import Record
from tests.gates.demo import bill_nano

SERVED = """
SELECT requests.id, requests.cost_nano, requests.usage_estimated, attempts.upstream_request_id
FROM requests JOIN attempts ON attempts.seq = requests.seq AND attempts.outcome = 'served'
"""
FAILED = "SELECT count(*) FROM requests WHERE ending <> 'served'"
# Until the attempt that served was sent, per failure before it.
DELAYS = """
SELECT attempts.started_us / requests.absorbed_attempts
FROM requests JOIN attempts ON attempts.seq = requests.seq AND attempts.outcome = 'served'
WHERE requests.absorbed_attempts > 0
"""


@dataclass(frozen=True, slots=True)
class Balance:
    """``diff_nano`` is summed answer by answer. ``estimated`` answers lost their usage on the wire: the provider

    counted them, and the store says that its figure is an estimate; they are left out of the difference.
    """

    served: int
    failed: int
    absorbed: int
    estimated: int
    diff_nano: int
    unknown: int
    delay_p50_ms: float
    delay_p99_ms: float


def balance(path: Path, records: Iterable[Record]) -> Balance:
    """Compare the database with the providers' logs."""
    counted = {record.request_id.removeprefix("req_"): record for record in records}
    with sqlite3.connect(f"file:{path}?mode=ro", uri=True) as database:
        rows = database.execute(SERVED).fetchall()
        delays = sorted(delay for (delay,) in database.execute(DELAYS))
        (failed,) = database.execute(FAILED).fetchone()
        (absorbed,) = database.execute("SELECT count(*) FROM attempts WHERE outcome = 'absorbed'").fetchone()
    diff_nano = unknown = estimated = 0
    for _, cost_nano, is_estimated, upstream_id in rows:
        record = counted.get(upstream_id.removeprefix("req_"))
        if record is None:
            unknown += 1
        elif is_estimated:
            estimated += 1
        else:
            diff_nano += abs(cost_nano - bill_nano(record))
    return Balance(
        served=len(rows),
        failed=failed,
        absorbed=absorbed,
        estimated=estimated,
        diff_nano=diff_nano,
        unknown=unknown,
        delay_p50_ms=_at(delays, 0.5),
        delay_p99_ms=_at(delays, 0.99),
    )


def _at(ordered_us: list[int], share: float) -> float:
    return ordered_us[int(share * (len(ordered_us) - 1))] / 1000 if ordered_us else 0.0
