"""Run the workloads side by side and print one table."""

import argparse
import json
import math
import os
import platform
from datetime import UTC, datetime
from pathlib import Path

from benchmarks import celery_peer, stack

RESULTS = Path(__file__).parent / "results"
WIDTHS = (100, 300, 1_000)


def main() -> int:
    """Measure and print; exit 1 when a goal of this release is missed."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description=main.__doc__)
    parser.add_argument("workloads", nargs="*", default=["W0", "W1", "W3", "W4", "W5", "W6"])
    parser.add_argument("--seconds", type=float, default=10, help="length of W0")
    arguments = parser.parse_args()
    rows: list[dict[str, object]] = []
    with stack.servers() as (pair, folder):
        peer = measure_celery(pair.redis_url, folder, set(arguments.workloads))
        prepare_database()
        with stack.portico(pair, folder, web="W0" in arguments.workloads) as running:
            from benchmarks.portico import Portico

            rows = measure_portico(Portico.prepare(running), peer, arguments)
    show(rows)
    missed = [row for row in rows if row.get("met") is False]
    return 1 if missed else 0


def prepare_database() -> None:
    """Bring the database up to date."""
    import django

    django.setup()
    from django.core.management import call_command

    call_command("migrate", verbosity=0)


def measure_celery(redis_url: str, folder: Path, wanted: set[str]) -> dict[str, float]:
    """Measure the peer, alone on the machine."""
    from config.celery import broker_url

    found: dict[str, float] = {}
    with celery_peer.worker(redis_url, broker_url(redis_url), folder / "celery.log"):
        celery = celery_peer.Celery()
        celery.rate(200)
        found["rate"] = celery.rate(2_000)
        found["p50"], found["p95"] = celery.round_trips(100)
        if "W1" in wanted:
            found["chain"] = celery.chain(40, 10)
        if "W3" in wanted:
            found["join"] = min(celery.join(100) for _ in range(3))
        if "W6" in wanted:
            found["stepwise"] = celery.join(1_000)
    return found


def measure_portico(portico: object, peer: dict[str, float], arguments: argparse.Namespace) -> list[dict[str, object]]:
    """Measure Portico and set each figure against the peer's."""
    from benchmarks.portico import ONE_TASK, Portico, chain, for_each, parallel

    assert isinstance(portico, Portico)
    portico.warm_up()
    rows = []

    def row(workload: str, ours: str, theirs: str, ratio: float, goal: str, met: bool | None = None) -> None:
        rows.append({"workload": workload, "portico": ours, "celery": theirs, "ratio": ratio, "goal": goal, "met": met})
        print(f"  {workload}: {ours} against {theirs}: {ratio:.2f}", flush=True)

    wanted = set(arguments.workloads)
    if "W5" in wanted:
        p50, p95 = portico.w5(100)
        row("W5 latency p50", ms(p50), ms(peer["p50"]), p50 / peer["p50"], "<= 6", p50 <= 6 * peer["p50"])
        row("W5 latency p95", ms(p95), ms(peer["p95"]), p95 / peer["p95"], "later: <= 3")
    if "W0" in wanted:
        w0 = portico.w0(arguments.seconds)
        rate = w0["per_second"]
        row(
            "W0 over HTTP",
            f"{rate:.0f}/s",
            f"{peer['rate']:.0f}/s",
            rate / peer["rate"],
            ">= 0.3",
            rate >= 0.3 * peer["rate"],
        )
        row("W0 request to end p50", ms(w0["end_p50"]), ms(peer["p50"]), w0["end_p50"] / peer["p50"], "later: < 5")
        drained = w0["drained_per_second"]
        row("W0 worker side alone", f"{drained:.0f}/s", f"{peer['rate']:.0f}/s", drained / peer["rate"], "later: >= 4")
    if "W1" in wanted:
        revision = portico.save(chain(40, 10))
        spent = min(portico.timed(revision) for _ in range(3))
        row("W1 chain of 40 scripts", s(spent), s(peer["chain"]), spent / peer["chain"], "later: <= 2")
    if "W3" in wanted:
        revision = portico.save(parallel(100))
        spent = min(portico.timed(revision) for _ in range(3))
        row("W3 fan of 100", s(spent), s(peer["join"]), spent / peer["join"], "later: < 1")
    if "W4" in wanted:
        revision = portico.save(ONE_TASK)
        for number in (200, 2_000):
            rate = number / portico.timed(revision, number)
            row(f"W4 burst of {number}", f"{rate:.0f}/s", f"{peer['rate']:.0f}/s", rate / peer["rate"], "later: >= 1.5")
    if "W6" in wanted:
        for name, make in (("Parallel", parallel), ("ForEach", for_each)):
            spent_by_width = {}
            for width in WIDTHS:
                revision = portico.save(make(width))
                spent_by_width[width] = min(portico.timed(revision) for _ in range(3))
            each = {width: spent / width for width, spent in spent_by_width.items()}
            exponent = math.log(spent_by_width[WIDTHS[-1]] / spent_by_width[WIDTHS[0]]) / math.log(
                WIDTHS[-1] / WIDTHS[0]
            )
            costs = ", ".join(f"{width}: {ms(cost)}" for width, cost in each.items())
            row(f"W6 growth, {name}", costs, "-", exponent, "exponent <= 1.05", exponent <= 1.05)
            row(
                f"W6 1,000 at once, {name}",
                s(spent_by_width[1_000]),
                s(peer["stepwise"]),
                spent_by_width[1_000] / peer["stepwise"],
                "later: < 1",
            )
    return rows


def ms(seconds: float) -> str:
    """Milliseconds for people."""
    return f"{seconds * 1000:.2f} ms"


def s(seconds: float) -> str:
    """Seconds for people."""
    return f"{seconds:.2f} s"


def show(rows: list[dict[str, object]]) -> None:
    """Print the table and keep it as JSON."""
    head = ("workload", "portico", "celery", "ratio", "goal", "met")
    lines = [head] + [
        (
            str(row["workload"]),
            str(row["portico"]),
            str(row["celery"]),
            f"{row['ratio']:.2f}",
            str(row["goal"]),
            {True: "yes", False: "NO", None: ""}[row["met"]],  # type: ignore[index]
        )
        for row in rows
    ]
    widths = [max(len(line[column]) for line in lines) for column in range(len(head))]
    for number, line in enumerate(lines):
        print("  ".join(text.ljust(width) for text, width in zip(line, widths, strict=True)).rstrip())
        if not number:
            print("  ".join("-" * width for width in widths))
    RESULTS.mkdir(exist_ok=True)
    facts = {
        "at": datetime.now(UTC).isoformat(timespec="seconds"),
        "python": platform.python_version(),
        "cores": os.cpu_count(),
        "machine": platform.machine(),
        "rows": rows,
    }
    (RESULTS / "latest.json").write_text(json.dumps(facts, indent=1) + "\n", encoding="utf-8")


if __name__ == "__main__":
    raise SystemExit(main())
