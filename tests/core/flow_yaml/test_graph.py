"""The graph and the plain steps of a flow; the pictures are kept in golden files."""

import json
from pathlib import Path

import pytest

from orchestrator.core.flow_yaml import parse
from orchestrator.core.graph import graph_of, humanised, steps_of

GOLDEN = sorted((Path(__file__).parents[2] / "golden" / "graph").glob("*.yaml"))


@pytest.mark.parametrize("file", GOLDEN, ids=lambda file: file.stem)
def test_the_graph_is_the_one_that_was_agreed_on(file: Path) -> None:
    assert graph_of(parse(file.read_text())) == json.loads(file.with_suffix(".json").read_text())


@pytest.mark.parametrize("file", GOLDEN, ids=lambda file: file.stem)
def test_every_edge_joins_two_nodes_and_every_parent_is_one(file: Path) -> None:
    graph = graph_of(parse(file.read_text()))
    ids = {node["id"] for node in graph["nodes"]}
    assert len(ids) == len(graph["nodes"])
    assert {end for edge in graph["edges"] for end in (edge["from"], edge["to"])} <= ids
    assert {node["parent"] for node in graph["nodes"]} <= {*ids, None}


def test_the_steps_of_a_flow_are_told_in_plain_words() -> None:
    flow = parse("""
id: onboard
namespace: company.team
tasks:
  - id: load_register
    type: core.log.Log
    description: |
      **Look the supplier up** in the register
      and more detail.
  - id: checks
    type: core.flow.Parallel
    tasks:
      - {id: checkVAT, type: core.log.Log}
      - {id: check-bank-account, type: core.log.Log}
  - id: described
    type: core.flow.Sequential
    description: Tell everybody
    tasks:
      - {id: mail, type: core.log.Log}
      - {id: unused, type: core.log.Log, disabled: true}
  - id: finance_ok
    type: core.flow.Approval
    groups: [Finance]
  - id: large
    type: core.flow.If
    condition: "{{ true }}"
    then:
      - {id: report, type: core.log.Log}
    errors:
      - {id: not_shown, type: core.log.Log}
errors:
  - {id: not_shown_either, type: core.log.Log}
""")
    assert [(step.depth, step.title, step.kind) for step in steps_of(flow)] == [
        (0, "Look the supplier up in the register", "task"),
        (0, "Check VAT", "task"),
        (0, "Check bank account", "task"),
        (0, "Tell everybody", "group"),
        (1, "Mail", "task"),
        (0, "Finance ok", "wait"),
        (0, "Large", "choice"),
        (1, "Report", "task"),
    ]


def test_an_id_becomes_words() -> None:
    assert humanised("load_dailyReport-2") == "Load daily report 2"
    assert humanised("HTTP_call") == "HTTP call"
    assert humanised("") == ""
