"""gate-run: every reachable state of the Run, in every case, keeps the law of routing/run.py and can end."""

from __future__ import annotations

import argparse

from tests.routing.closure import CASES, explore

REDUCED = ("one candidate",)


def main() -> int:
    """Print a line for each case and the sums; the status is 0 when nothing is broken or stuck."""
    parser = argparse.ArgumentParser(prog="gate-run")
    parser.add_argument("--reduced", action="store_true", help="the smallest case only")
    cases = REDUCED if parser.parse_args().reduced else tuple(CASES)
    sums = [0, 0, 0, 0]
    for case in cases:
        states, transitions, broken, stuck = explore(CASES[case])
        print(f"{case:24} states={states} transitions={transitions} violations={len(broken)} stuck={stuck}")
        for line in broken[:5]:
            print("   ", line)
        sums = [a + b for a, b in zip(sums, (states, transitions, len(broken), stuck), strict=True)]
    passed = sums[2] == sums[3] == 0
    fields = "states={} transitions={} violations={} stuck={}".format(*sums)
    print(f"gate run: {'PASS' if passed else 'FAIL'} cases={len(cases)} {fields}")
    return 0 if passed else 1


if __name__ == "__main__":
    raise SystemExit(main())
