"""Run the whole suite on two cores: first what needs quiet least, two groups at a time, then what measures time, alone.

Each group is a pytest of its own with its own servers. Exit status 1 when one of them fails.
"""

import os
import re
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

TESTS = Path(__file__).parent
TOGETHER = (("core", "house", "tenants"), ("orchestrator", "apps_portal"))
ALONE = (("journeys",), ("browser",), ("bad_input", "faults"))


def run(group: tuple[str, ...]) -> tuple[str, int, str]:
    """Run one group; its name, exit status and output."""
    folders = [str(TESTS / name) for name in group if (TESTS / name).is_dir()]
    began = time.monotonic()
    done = subprocess.run(
        [sys.executable, "-m", "pytest", "-q", "-m", "not deep", *folders],
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        check=False,
        env={**os.environ, "PYTHONUNBUFFERED": "1"},
    )
    name = " ".join(group)
    print(f"{name}: {done.stdout.strip().splitlines()[-1]} ({time.monotonic() - began:.0f} s)", flush=True)
    return name, done.returncode, done.stdout


def main() -> int:
    """Run all groups and print what failed."""
    with ThreadPoolExecutor(len(TOGETHER)) as pool:
        results = list(pool.map(run, TOGETHER))
    results += [run(group) for group in ALONE]
    for name, status, output in results:
        if status:
            print(f"\n==== {name} ====\n{output}", flush=True)
    totals = {word: sum(_count(output, word) for *_, output in results) for word in ("passed", "failed", "skipped")}
    errors = sum(_count(output, "error") for *_, output in results)
    print(f"{totals['passed']} passed, {totals['failed'] + errors} failed, {totals['skipped']} skipped")
    return 1 if any(status for _, status, _ in results) else 0


def _count(output: str, word: str) -> int:
    last = output.strip().splitlines()[-1]
    found = re.search(rf"(\d+) {word}", last)
    return int(found[1]) if found else 0


if __name__ == "__main__":
    raise SystemExit(main())
