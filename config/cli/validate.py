"""Check flow files without saving them: each problem on a line `file:line:column: what. How to mend it.`"""

import argparse
import json
import sys
from pathlib import Path

from config.cli.running.asked import flow_files
from orchestrator.core.flow_rules import problems_of
from orchestrator.core.spec import Problem
from orchestrator.saying import said
from orchestrator.tasks.registry import catalogue

GOOD, WRONG, UNREADABLE = 0, 1, 2


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare what `portico validate` understands."""
    what = "a flow in YAML, or a folder of them; - reads standard input"
    parser.add_argument("files", nargs="+", metavar="FILE|DIR", help=what)
    parser.add_argument("--json", action="store_true", help="print a line of JSON for each file")


def run(arguments: argparse.Namespace) -> int:
    """Print every problem of every file; 0 when all can be saved, 1 when one cannot, 2 when a file cannot be read."""
    worst = GOOD
    for name in arguments.files:
        files = [name] if name == "-" else [str(file) for file in flow_files(Path(name))]
        if not files:
            print(f"{name}: no flow files (.yaml, .yml) in here", file=sys.stderr)
            worst = UNREADABLE
        for file in files:
            worst = max(worst, _check(file, as_json=arguments.json))
    return worst


def _check(name: str, *, as_json: bool) -> int:
    try:
        source = sys.stdin.buffer.read() if name == "-" else Path(name).read_bytes()
    except OSError as unreadable:
        if as_json:
            _print_json(name, [Problem(f"The file cannot be read: {unreadable.strerror}.")])
        else:
            print(f"{name}: {unreadable.strerror}", file=sys.stderr)
        return UNREADABLE
    _, problems = problems_of(source, catalogue())
    if as_json:
        _print_json(name, problems)
    else:
        _print_lines(name, problems)
    return WRONG if any(not problem.warning for problem in problems) else GOOD


def _print_json(name: str, problems: list[Problem]) -> None:
    found = [
        {
            "line": problem.line,
            "column": problem.column,
            "message": said(problem.message),
            "mend": said(problem.mend),
            "warning": problem.warning,
        }
        for problem in problems
    ]
    print(json.dumps({"file": name, "valid": all(problem["warning"] for problem in found), "problems": found}))


def _print_lines(name: str, problems: list[Problem]) -> None:
    for problem in problems:
        kind = "warning: " if problem.warning else ""
        mend = f" {said(problem.mend)}" if problem.mend else ""
        print(f"{name}:{problem.line}:{problem.column}: {kind}{said(problem.message)}{mend}")
    if all(problem.warning for problem in problems):
        print(f"{name}: good")
