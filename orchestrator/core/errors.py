"""What the core refuses: one small tree, each with a code for machines and its problems for people."""

from collections.abc import Iterable

from orchestrator.core.spec import InputProblem, Problem


class CoreError(ValueError):
    """Something that a person wrote or sent cannot be used."""

    code = "invalid"


class DocumentInvalid(CoreError):
    """A YAML document cannot be read as what it should be; `problems` holds all that is wrong, in its order."""

    code = "document_invalid"

    def __init__(self, problems: Iterable[Problem]) -> None:
        self.problems = tuple(problems)
        super().__init__("; ".join(f"{p.line}:{p.column} {p.message}" for p in self.problems[:5]))


class FlowInvalid(DocumentInvalid):
    """A flow's source cannot be used."""

    code = "flow_invalid"


class InputInvalid(CoreError):
    """Values given for inputs are missing or wrong; `problems` holds one or more per input."""

    code = "input_invalid"

    def __init__(self, problems: Iterable[InputProblem]) -> None:
        self.problems = tuple(problems)
        super().__init__("; ".join(f"{p.input_id}: {p.message}" for p in self.problems))
