"""A large flow is validated in a small multiple of the time that reading it with PyYAML's C loader takes."""

import time
from collections.abc import Callable

import yaml

from orchestrator.core.expressions import compile_template
from orchestrator.core.flow_rules import problems_of
from tests.core.flow_yaml.known_types import CATALOGUE

MOST = 6.0


def thousand_tasks() -> str:
    tasks = "".join(
        f"  - id: task_{number}\n"
        "    type: io.kestra.plugin.core.log.Log\n"
        f'    message: "Hello {{{{ inputs.name }}}} from {{{{ outputs.task_{number}.value | upper }}}}"\n'
        "    level: INFO\n"
        "    description: One of a thousand\n"
        "    allowFailure: true\n"
        "    retry:\n"
        "      type: constant\n"
        "      interval: PT1S\n"
        "      maxAttempts: 3\n"
        for number in range(1_000)
    )
    return f"id: large\nnamespace: company.team\ntasks:\n{tasks}"


def seconds(act: Callable[[], object]) -> float:
    begun = time.process_time()
    act()
    return time.process_time() - begun


def test_a_thousand_tasks_are_validated_in_at_most_six_times_what_reading_costs() -> None:
    source = thousand_tasks()
    assert problems_of(source, CATALOGUE)[1] == []
    reading = min(seconds(lambda: yaml.load(source, yaml.CSafeLoader)) for _ in range(3))
    validating = min(seconds(lambda: _fresh(source)) for _ in range(3))
    assert validating <= MOST * reading, f"{validating / reading:.1f} x"


def _fresh(source: str) -> None:
    """Validate as if none of the expressions had been seen before."""
    for name in ("_short", "_long"):
        clear = getattr(compile_template.__globals__.get(name), "cache_clear", None)
        if clear:
            clear()
    problems_of(source, CATALOGUE)
