"""What the inputs of one form must keep among themselves."""

from collections.abc import Mapping, Sequence
from datetime import UTC

from orchestrator.core.expression_rules import check_input
from orchestrator.core.findings import Findings
from orchestrator.core.input_types import READERS, Setting, Unfit
from orchestrator.core.inputs import check_default
from orchestrator.core.sentences import say
from orchestrator.core.similar import did_you_mean
from orchestrator.core.spec import InputSpec

_SETTING = Setting(UTC)


def check_inputs(findings: Findings, specs: Sequence[InputSpec]) -> None:
    """Check ids, dependencies, limits and defaults of the inputs of a flow or of a task's form."""
    by_id: dict[str, InputSpec] = {}
    for spec in specs:
        first = by_id.setdefault(spec.id, spec)
        if first is not spec:
            message = say("The id `%(id)s` is already that of the input in line %(line)s.", id=spec.id, line=first.line)
            findings.problem((*spec.path, "id"), message, line=spec.line)
    for spec in by_id.values():
        _check_group(findings, spec, by_id)
        _check_dependencies(findings, spec, by_id)
        _check_limits(findings, spec)
        _check_default(findings, spec)
        check_input(findings, spec)
    _check_circles(findings, by_id)


def _check_group(findings: Findings, spec: InputSpec, by_id: Mapping[str, InputSpec]) -> None:
    parts = spec.id.split(".")
    for depth in range(1, len(parts)):
        above = ".".join(parts[:depth])
        if above in by_id:
            message = say("`%(above)s` is an input already, so `%(id)s` cannot stand in it.", above=above, id=spec.id)
            findings.problem((*spec.path, "id"), message, line=spec.line)
            return


def _check_dependencies(findings: Findings, spec: InputSpec, by_id: Mapping[str, InputSpec]) -> None:
    for number, wanted in enumerate(spec.depends_on):
        if wanted not in by_id:
            message = say("There is no input `%(id)s` to depend on.", id=wanted[:80])
            path = (*spec.path, "dependsOn", "inputs", number)
            findings.problem(path, message, line=spec.line, mend=did_you_mean(wanted, by_id))


def _check_circles(findings: Findings, by_id: Mapping[str, InputSpec]) -> None:
    """Take away inputs that wait for nothing, again and again; what is left goes in circles."""
    waits = {spec.id: {one for one in spec.depends_on if one in by_id} for spec in by_id.values()}
    followers: dict[str, list[str]] = {}
    for input_id, wanted in waits.items():
        for one in wanted:
            followers.setdefault(one, []).append(input_id)
    free = [input_id for input_id, wanted in waits.items() if not wanted]
    while free:
        done = free.pop()
        del waits[done]
        for follower in followers.get(done, ()):
            waits[follower].discard(done)
            if not waits[follower]:
                free.append(follower)
    if waits:
        first = by_id[next(iter(waits))]
        message = say("These inputs depend on each other in a circle: %(ids)s.", ids=", ".join(list(waits)[:10]))
        findings.problem((*first.path, "dependsOn"), message, line=first.line)


def _check_limits(findings: Findings, spec: InputSpec) -> None:
    names = ("after", "before") if spec.type in {"DATE", "TIME", "DATETIME"} else ("min", "max")
    read = []
    for name, bound in zip(names, (spec.minimum, spec.maximum), strict=True):
        if bound is None:
            continue
        try:
            read.append(READERS[spec.type](bound, _SETTING))
        except Unfit as unfit:
            findings.problem((*spec.path, name), unfit.sentence, line=spec.line)
    if len(read) == 2 and read[0] > read[1]:  # type: ignore[operator]
        message = say("`%(least)s` is larger than `%(most)s`.", least=names[0], most=names[1])
        findings.problem((*spec.path, names[0]), message, line=spec.line)


def _check_default(findings: Findings, spec: InputSpec) -> None:
    for name, value in (("defaults", spec.defaults), ("prefill", spec.prefill)):
        if value is None:
            continue
        try:
            check_default(spec, value)
        except Unfit as unfit:
            findings.problem((*spec.path, name), unfit.sentence, line=spec.line)
