"""One call of `portico run`, from its words to its exit status."""

import argparse
import json
import sys
from collections.abc import Mapping, Sequence
from datetime import timedelta
from pathlib import Path

from django.conf import settings
from django.db import Error, connections

from config.cli.running.asked import Asked
from config.cli.running.crew import CrewLost, crew
from config.cli.running.desk import Desk, FlowFile, input_problems, queues_of, read_file
from config.cli.running.follow import exit_code, follow
from config.cli.running.progress import Progress
from config.cli.running.results import result_of, result_of_invalid, runs_of
from orchestrator.core.spec import Problem
from orchestrator.models import Execution
from tenants.errors import PorticoError


def run(arguments: argparse.Namespace, asked: Sequence[Asked], beside: Sequence[Path]) -> int:
    """Run what is asked for, with the flows of `beside` at hand, and return the exit status."""
    files = {path: read_file(path) for path in [*beside, *dict.fromkeys(one.file for one in asked)]}
    try:
        with crew(queues_of(files.values()), arguments.processes or settings.WORKER_CONCURRENCY) as workers:
            session = _Session(as_json=arguments.json)
            session.save([files[path] for path in beside])
            session.start(asked, files)
            progress = Progress(dict(session.names)) if not arguments.json else None
            follow(
                session.names,
                workers,
                patience=timedelta(seconds=arguments.patience),
                ended=lambda execution: session.ended(execution, progress),
                looked=progress.look if progress else lambda: None,
            )
            return exit_code(session.states)
    except CrewLost as lost:
        print(f"portico run: {lost}", file=sys.stderr)
        return 1
    except Error as failed:
        print(f"portico run: the database refused: {str(failed).splitlines()[0]}", file=sys.stderr)
        return 2
    finally:
        connections.close_all()


class _Session:
    """What was started, and how it ended."""

    def __init__(self, *, as_json: bool) -> None:
        self.names: dict[str, str] = {}  # what each run is called, by execution id
        self.states: dict[str, str] = {}
        self._as_json = as_json
        self._desk = Desk()

    def save(self, files: Sequence[FlowFile]) -> None:
        """Save the flows that others may start; one that is not valid is left out, and missed when it is started."""
        for file in files:
            if file.good:
                try:
                    self._desk.save(file)
                except PorticoError as refused:
                    print(f"{file.path}: {refused.sentence}", file=sys.stderr)

    def start(self, asked: Sequence[Asked], files: Mapping[Path, FlowFile]) -> None:
        """Start all that can be started; the rest is told at once."""
        for one in asked:
            file = files[one.file]
            if not file.good:
                self._invalid(one, file.problems)
                continue
            try:
                self.names[self._desk.start(one, file)] = one.id
            except PorticoError as refused:
                self._invalid(one, input_problems(refused, file))

    def ended(self, execution: Execution, progress: Progress | None) -> None:
        """Tell how a run ended."""
        name = self.names[execution.pk]
        self.states[name] = execution.state
        if progress is not None:
            progress.ended(execution)
        else:
            print(json.dumps(result_of(name, execution, runs_of(execution))), flush=True)

    def _invalid(self, one: Asked, problems: Sequence[Problem]) -> None:
        self.states[one.id] = "INVALID"
        result = result_of_invalid(one.id, problems)
        if self._as_json:
            print(json.dumps(result), flush=True)
            return
        for problem in problems:
            print(f"{one.file}:{problem.line}:{problem.column}: {problem.message} {problem.mend}".rstrip())
