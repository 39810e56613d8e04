"""Every benchmark, one after the other, each printing its table: `make benchmark`.

    python benchmarks/run.py [NAME ...]

Those over recorded outcomes are left out, and say so, where the outcomes are not there.
"""

from __future__ import annotations

import os
import subprocess
import sys
import time
from pathlib import Path

HERE = Path(__file__).resolve().parent
REALDATA = Path(os.environ.get("LLMROUTE_REALDATA", HERE.parent.parent / "shared" / "realdata"))

BENCHMARKS: dict[str, tuple[bool, list[str]]] = {
    "throughput": (False, []),
    "whole_process": (False, []),
    "resume": (False, []),
    "rate_limit": (False, []),
    "racing": (True, []),
    "decision_rule": (True, ["--draws", "20"]),
    "gate": (True, ["--draws", "20"]),
    "recogniser": (False, []),
    "judge_correction": (False, ["--draws", "100"]),
    "hostile_rubrics": (False, []),
    "judge_attacks": (False, ["--answers", "5"]),
    "sandboxes": (False, []),
    "cascades": (True, ["--seeds", "1"]),
    "calibration_guarantee": (
        True,
        ["--splits", "50", "--refits", "5", "--shuffles", "10", "--cascade-shuffles", "3"],
    ),
    "calibration_speed": (True, []),
}
"""Name → whether it needs the recorded outcomes, and its arguments."""


def main() -> None:
    wanted = sys.argv[1:] or list(BENCHMARKS)
    if unknown := set(wanted) - set(BENCHMARKS):
        raise SystemExit(f"unknown: {', '.join(unknown)}; known: {', '.join(BENCHMARKS)}")
    for name in wanted:
        needs_data, arguments = BENCHMARKS[name]
        print(f"\n=== {name}", flush=True)
        if needs_data and not REALDATA.is_dir():
            print(f"left out: no recorded outcomes at {REALDATA} (LLMROUTE_REALDATA)")
            continue
        start = time.perf_counter()
        subprocess.run([sys.executable, str(HERE / f"{name}.py"), *arguments], check=True)
        print(f"({time.perf_counter() - start:.0f} s)", flush=True)


if __name__ == "__main__":
    main()
