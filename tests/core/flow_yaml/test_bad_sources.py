"""Whatever is sent as a flow, the answer is a flow or its problems."""

from pathlib import Path

import yaml
from hypothesis import given
from hypothesis import strategies as st

from orchestrator.core.errors import FlowInvalid
from orchestrator.core.flow_rules import problems_of
from orchestrator.core.flow_yaml import parse
from orchestrator.core.graph import graph_of, steps_of
from orchestrator.core.spec import FlowSpec, Problem
from tests.core.flow_yaml.known_types import CATALOGUE, FLOWS

SOURCES = [file.read_text() for file in sorted(FLOWS.glob("*/*.yaml"))]
WORDS = sorted({word for source in SOURCES for word in source.replace(":", " ").split()})
SCALARS = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(),
    st.floats(),
    st.text(max_size=20),
    st.sampled_from(WORDS),
    st.dates(),
    st.binary(max_size=5),
)
TREES = st.recursive(
    SCALARS,
    lambda inner: st.lists(inner, max_size=5) | st.dictionaries(st.sampled_from(WORDS) | SCALARS, inner, max_size=6),
    max_leaves=25,
)


def check(source: str | bytes) -> None:
    """Parsing gives a flow or FlowInvalid; validating gives problems with a place; neither raises anything else."""
    flow: FlowSpec | None = None
    refused: tuple[Problem, ...] = ()
    try:
        flow = parse(source)
    except FlowInvalid as invalid:
        refused = invalid.problems
    assert (flow is None) == bool(refused)
    read, problems = problems_of(source, CATALOGUE)
    assert all(problem.message and problem.line >= 1 and problem.column >= 1 for problem in problems)
    assert flow is not None or any(not problem.warning for problem in problems)
    if read is not None:
        graph_of(read)
        steps_of(read)


@given(st.binary(max_size=400))
def test_random_bytes(source: bytes) -> None:
    check(source)


@given(st.text(max_size=400))
def test_random_text(source: str) -> None:
    check(source)


@given(st.text("[]{}:-?&*!|>'\"%@` \n\tab1.~<#,", max_size=120))
def test_random_signs(source: str) -> None:
    check(source)


@given(TREES)
def test_random_yaml(tree: object) -> None:
    check(yaml.dump(tree, allow_unicode=True))


@given(
    st.sampled_from([*("id", "namespace", "tasks", "errors", "inputs", "outputs", "triggers", "labels", "retry")]),
    TREES,
)
def test_a_flow_with_one_property_replaced(name: str, tree: object) -> None:
    flow = {"id": "a", "namespace": "b", "tasks": [{"id": "c", "type": "core.log.Log", "message": "d"}], name: tree}
    check(yaml.dump(flow, allow_unicode=True))


@given(st.dictionaries(st.sampled_from(WORDS), TREES, max_size=6), st.sampled_from(WORDS), st.sampled_from(WORDS))
def test_a_task_of_any_properties(properties: dict[str, object], type_: str, input_type: str) -> None:
    task = {"id": "a", **properties, "type": type_}
    spec = {"id": "a", **properties, "type": input_type}
    check(yaml.dump({"id": "a", "namespace": "b", "tasks": [task], "inputs": [spec], "triggers": [task]}))


@st.composite
def mutated(draw: st.DrawFn) -> str:
    source = draw(st.sampled_from(SOURCES))
    for _ in range(draw(st.integers(1, 4))):
        at = draw(st.integers(0, len(source)))
        to = min(len(source), at + draw(st.integers(0, 12)))
        piece = draw(
            st.sampled_from(["", " ", "\n", "- ", ": ", "{{ ", " }}", "[", "]", "null", "&a ", "*a", "<<: *a"])
        )
        source = source[:at] + piece + source[to:]
    return source


@given(mutated())
def test_mutated_flows(source: str) -> None:
    check(source)


def test_every_prefix_of_a_flow() -> None:
    source = (FLOWS / "valid" / "every_flow_property.yaml").read_text()
    for length in range(0, len(source), 7):
        check(source[:length])


def test_a_thousand_wrong_tasks_are_told_in_reasonable_numbers() -> None:
    tasks = "".join(f"  - {{id: t{number}, type: core.log.Lug{number}, mesage: x}}\n" for number in range(1_000))
    _, problems = problems_of(f"id: a\nnamespace: b\ntasks:\n{tasks}", CATALOGUE)
    assert 100 < len(problems) <= 400


def test_files_are_there() -> None:
    assert len(SOURCES) > 30
    assert Path(FLOWS / "valid").is_dir()
