"""Check flow files without saving them: each problem on a line `file:line:column: what. How to mend it.`"""

import argparse
import sys
from pathlib import Path

from orchestrator.core.flow_rules import problems_of
from orchestrator.tasks.registry import catalogue


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare what `portico validate` understands."""
    parser.add_argument("files", nargs="+", metavar="FILE", help="a flow in YAML; - reads standard input")


def run(arguments: argparse.Namespace) -> int:
    """Print every problem of every file; 0 when all can be saved, 1 when one cannot, 2 when a file cannot be read."""
    worst = 0
    for name in arguments.files:
        worst = max(worst, _check(name))
    return worst


def _check(name: str) -> int:
    try:
        source = sys.stdin.buffer.read() if name == "-" else Path(name).read_bytes()
    except OSError as unreadable:
        print(f"{name}: {unreadable.strerror}", file=sys.stderr)
        return 2
    _, problems = problems_of(source, catalogue())
    for problem in problems:
        kind = "warning: " if problem.warning else ""
        mend = f" {problem.mend}" if problem.mend else ""
        print(f"{name}:{problem.line}:{problem.column}: {kind}{problem.message}{mend}")
    errors = [problem for problem in problems if not problem.warning]
    if not errors:
        print(f"{name}: good")
    return 1 if errors else 0
