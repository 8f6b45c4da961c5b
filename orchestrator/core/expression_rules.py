"""Every text of a flow that will be rendered must be readable as a template."""

from collections.abc import Iterator, Mapping
from typing import Any

from orchestrator.core.expressions import problems_in
from orchestrator.core.findings import Findings
from orchestrator.core.spec import FlowSpec, InputSpec, Path, TaskSpec, TriggerSpec


def check_task(findings: Findings, task: TaskSpec, schema: Mapping[str, Any]) -> None:
    """Check what is rendered of one task, without its children."""
    known = schema.get("properties", {})
    for key, value in task.properties.items():
        if key not in known or known[key].get("x-dynamic", True) is not False:
            check_value(findings, value, (*task.path, key), task.line)
    for key, text in (("timeout", task.timeout), ("runIf", task.run_if)):
        check_value(findings, text, (*task.path, key), task.line)


def check_trigger(findings: Findings, trigger: TriggerSpec) -> None:
    """Check what is rendered of one trigger."""
    check_value(findings, trigger.properties, trigger.path, trigger.line)
    check_value(findings, trigger.inputs, (*trigger.path, "inputs"), trigger.line)
    check_value(findings, trigger.conditions, (*trigger.path, "conditions"), trigger.line)


def check_input(findings: Findings, spec: InputSpec) -> None:
    """Check what is rendered of one input."""
    texts = ((("defaults",), spec.defaults), (("prefill",), spec.prefill), (("expression",), spec.expression))
    for keys, value in (*texts, (("dependsOn", "condition"), spec.condition)):
        check_value(findings, value, (*spec.path, *keys), spec.line)


def check_flow(findings: Findings, flow: FlowSpec) -> None:
    """Check what is rendered of the flow itself; variables are rendered only where someone asks, so they warn."""
    for output in flow.outputs:
        check_value(findings, output.value, (*output.path, "value"), output.line)
    check_value(findings, flow.variables, ("variables",), 1, warning=True)


def check_value(findings: Findings, value: object, path: Path, line: int, *, warning: bool = False) -> None:
    """Check every text in a structure, keys too."""
    if value is None:
        return
    for where, text in _texts(value, path):
        for found in problems_in(text):
            findings.in_text(where, found, line=line, warning=warning)


def _texts(value: object, path: Path) -> Iterator[tuple[Path, str]]:
    if isinstance(value, str):
        if "{{" in value or "{%" in value:
            yield path, value
    elif isinstance(value, Mapping):
        for key, item in value.items():
            if "{{" in key:
                yield (*path, key), key
            yield from _texts(item, (*path, key))
    elif isinstance(value, (list, tuple)):
        for number, item in enumerate(value):
            yield from _texts(item, (*path, number))
