"""The typed outputs of a flow, rendered when an execution ends."""

from collections.abc import Callable, Sequence
from datetime import datetime

from orchestrator.core.inputs import bind
from orchestrator.core.spec import InputSpec, OutputSpec
from orchestrator.core.walk import as_texts

TEXTS = frozenset({"STRING", "FILE", "URI", "SECRET"})


class OutputInvalid(ValueError):
    """A flow's output is not what its type says; the sentence names it."""


def flow_outputs(specs: Sequence[OutputSpec], render: Callable[[object], object], at: datetime) -> dict[str, object]:
    """Return the outputs by id; raises OutputInvalid, and what `render` raises.

    A map given to a STRING is its JSON text, as the field has it. An output that is not required may be null.
    """
    outputs: dict[str, object] = {}
    for spec in specs:
        value = render(spec.value)
        if value is None or value == "":
            if spec.required and value is None:
                raise OutputInvalid(f"The output {spec.id} has no value.")
            outputs[spec.id] = value
            continue
        if spec.type in TEXTS:
            outputs[spec.id] = as_texts([value])[0]
            continue
        bound = bind([InputSpec("value", spec.type, item_type=spec.item_type)], {"value": value}, at=at)
        if bound.problems:
            raise OutputInvalid(f"The output {spec.id}: {bound.problems[0].message}")
        outputs[spec.id] = bound.values["value"]
    return outputs
