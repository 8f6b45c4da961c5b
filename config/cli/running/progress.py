"""How runs go, for a person: a line for each task that ended, what it logged, and what is running now."""

import shutil
import sys
from datetime import UTC, datetime
from pathlib import Path
from typing import TextIO

from orchestrator.core.states import FINAL, State
from orchestrator.models import Execution, LogLine, TaskRun

GOOD, BAD, OTHER, FAINT, PLAIN = "\x1b[32m", "\x1b[31m", "\x1b[33m", "\x1b[2m", "\x1b[0m"
COLOURS = {State.SUCCESS: GOOD, State.FAILED: BAD, State.KILLED: BAD}


class Progress:
    """Prints what is new at every look. On a terminal the last line names what is running."""

    def __init__(self, names: dict[str, str], out: TextIO = sys.stdout) -> None:
        self._names = names  # by execution id
        self._many = len(names) > 1
        self._out = out
        self._terminal = out.isatty()
        self._shown: dict[str, set[str]] = {execution_id: set() for execution_id in names}
        self._lines: set[tuple[str, int, int]] = set()
        self._status = ""

    def look(self) -> None:
        """Print what happened since the last look."""
        for execution_id in self._names:
            self._news(execution_id)
        self._say_running()

    def ended(self, execution: Execution) -> None:
        """Print how an execution ended, and what it gave out."""
        self._news(execution.pk)
        until = execution.ended_at or datetime.now(UTC)
        took = (until - execution.created_at).total_seconds()
        self._print(f"{self._coloured(execution.state)} {self._names.pop(execution.pk)}  {took:.2f} s")
        if execution.error:
            self._print(f"  {execution.error}")
        for name, value in (execution.outputs or {}).items():
            self._print(f"  {name}: {value}")

    def _news(self, execution_id: str) -> None:
        runs = TaskRun.across_tenants.filter(execution_id=execution_id, hidden=False, ended_at__isnull=False)
        fresh = sorted(runs.exclude(pk__in=self._shown[execution_id]), key=_when)
        names = dict(TaskRun.across_tenants.filter(execution_id=execution_id).values_list("pk", "task_id"))
        for line in LogLine.across_tenants.filter(execution_id=execution_id).order_by("at", "n"):
            key = (line.task_run_id, line.attempt, line.n)
            if key not in self._lines:
                self._lines.add(key)
                task = self._faint(names.get(line.task_run_id, ""))
                self._print(f"  {self._whose(execution_id)}{task} {line.level}: {line.message}")
        for run in fresh:
            self._shown[execution_id].add(run.pk)
            self._print(f"  {self._whose(execution_id)}{self._task_line(run)}")

    def _whose(self, execution_id: str) -> str:
        """Return which run a line belongs to, where there are several."""
        return f"{Path(self._names[execution_id]).stem}: " if self._many else ""

    def _task_line(self, run: TaskRun) -> str:
        value = f" [{run.value}]" if run.value is not None else ""
        tries = f"  {run.attempt} attempts" if run.attempt > 1 else ""
        error = f"  {run.error}" if run.error and run.state in {State.FAILED, State.WARNING} else ""
        return f"{self._coloured(run.state)} {run.task_id}{value}  {_seconds(run)}{tries}{error}"

    def _say_running(self) -> None:
        if not self._terminal:
            return
        open_runs = TaskRun.across_tenants.filter(execution_id__in=list(self._names), hidden=False, ended_at=None)
        shown = open_runs.order_by("position")[:20]
        text = ", ".join(f"{run.task_id} {run.state.lower()} {_seconds(run)}" for run in shown)
        text = text[: shutil.get_terminal_size().columns - 1]
        if text != self._status:
            self._status = text
            self._out.write(f"\r\x1b[K{self._faint(text)}")
            self._out.flush()

    def _print(self, line: str) -> None:
        if self._status:
            self._out.write("\r\x1b[K")
            self._status = ""
        self._out.write(f"{line}\n")
        self._out.flush()

    def _coloured(self, state: str) -> str:
        return f"{COLOURS.get(State(state), OTHER)}{state}{PLAIN}" if self._terminal else state

    def _faint(self, text: str) -> str:
        return f"{FAINT}{text}{PLAIN}" if self._terminal and text else text


def _when(run: TaskRun) -> tuple[datetime | None, bool, int]:
    """Return what sorts runs by their ends, those that hold others after these."""
    holds = bool(run.counts)
    return run.ended_at, holds, -run.position if holds else run.position


def _seconds(run: TaskRun) -> str:
    if run.started_at is None:
        return "" if run.state in FINAL else "waiting"
    return f"{((run.ended_at or datetime.now(UTC)) - run.started_at).total_seconds():.2f} s"
