"""Collecting problems of a flow that has been read, each at its place."""

from orchestrator.core.spec import FlowSpec, Path, Problem

MAX_PROBLEMS = 200


class Findings:
    """Problems found by rules; the places come from the flow's document while it is at hand."""

    def __init__(self, flow: FlowSpec, *, broken_expressions_warn: bool = False) -> None:
        self.places = flow.places
        self.broken_expressions_warn = broken_expressions_warn
        self.problems: list[Problem] = []

    @property
    def full(self) -> bool:
        """Whether there are so many problems that looking for more helps nobody."""
        return len(self.problems) >= MAX_PROBLEMS

    def problem(
        self,
        path: Path,
        message: str,
        *,
        line: int = 1,
        mend: str = "",
        at_key: bool = False,
        warning: bool = False,
    ) -> None:
        """Note a problem with the value at `path`; `line` is used when the document is not at hand."""
        if self.full:
            return
        place = (line, 1)
        if self.places is not None:
            place = self.places.key_position(path) if at_key else self.places.position(path)
        self.problems.append(Problem(message, *place, path=path, mend=mend, warning=warning))

    def in_text(self, path: Path, found: Problem, *, line: int = 1, warning: bool = False) -> None:
        """Note a problem that was found in an expression inside of the text at `path`."""
        if self.full:
            return
        warning = warning or self.broken_expressions_warn
        place = (line, 1)
        if self.places is not None:
            place = self.places.place_in_text(path, found.line, found.column)
        self.problems.append(Problem(found.message, *place, path=path, mend=found.mend, warning=warning))

    def sorted(self) -> list[Problem]:
        """Return the problems in the order of the source."""
        return sorted(self.problems, key=lambda problem: (problem.line, problem.column, problem.message))
