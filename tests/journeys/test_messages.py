"""Rings that are lost, doubled, late and heard by several workers in any order: the result is the same."""

import random
from collections.abc import Callable

import pytest

from orchestrator import recovery
from orchestrator.worker import Worker
from tests.orchestrator.engine.conftest import Crank

pytestmark = pytest.mark.django_db(transaction=True)

FLOW = """
id: mixed
namespace: company.team
tasks:
  - id: both
    type: core.flow.Parallel
    tasks:
      - id: count
        type: scripts.shell.Commands
        commands: ['echo ::{\\"outputs\\":{\\"n\\":3}}::']
      - id: name
        type: core.debug.Return
        format: "{{ inputs.name }}"
  - id: each
    type: core.flow.ForEach
    values: [a, b, c]
    concurrencyLimit: 2
    tasks:
      - id: shout
        type: scripts.shell.Commands
        env: {VALUE: "{{ taskrun.value }}"}
        commands: ['echo "$VALUE"']
  - id: if_three
    type: core.flow.If
    condition: "{{ outputs.count.vars.n == 3 }}"
    then:
      - id: yes
        type: core.debug.Return
        format: "{{ outputs.name.value }} has {{ outputs.count.vars.n }}"
inputs:
  - {id: name, type: STRING}
outputs:
  - {id: said, type: STRING, value: "{{ outputs.yes.value }}"}
"""


@pytest.mark.parametrize("seed", range(4))
def test_any_order_of_rings_leads_to_the_same_end(crank: Crank, seed: int) -> None:
    chance = random.Random(seed)
    names = ["Anna", "Boris", "Cleo"]
    ids = [crank.start(FLOW, {"name": name}) for name in names]
    workers = [Worker(), Worker()]
    hands: list[Callable[[], object]] = [
        lambda: chance.choice(workers).work("default"),
        crank.advance,
        recovery.tick,
        lambda: None,  # a ring that nobody heard
    ]
    for _turn in range(300):
        if all(crank.look(execution_id).state == "SUCCESS" for execution_id in ids):
            break
        act = chance.choice(hands)
        for _time in range(chance.choice([1, 1, 2])):  # some are heard twice
            act()
    for execution_id, name in zip(ids, names, strict=True):
        run = crank.look(execution_id)
        assert run.state == "SUCCESS", run.states
        assert run.execution.outputs == {"said": f"{name} has 3"}
        assert sorted(run.logs) == ["a", "b", "c"] or sorted(line for line in run.logs if len(line) == 1) == [
            "a",
            "b",
            "c",
        ]
        assert len({(one.task_id, one.path) for one in run.task_runs}) == len(run.task_runs)
