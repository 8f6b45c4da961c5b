"""Flows in files: what is read of the valid ones, and which problems the invalid ones have, with line and column."""

from pathlib import Path

import pytest

from orchestrator.core.errors import FlowInvalid
from orchestrator.core.flow_rules import problems_of
from orchestrator.core.flow_yaml import parse
from tests.core.flow_yaml.known_types import CATALOGUE, FLOWS, outline, told

VALID = sorted((FLOWS / "valid").glob("*.yaml"))
INVALID = sorted((FLOWS / "invalid").glob("*.yaml"))


@pytest.mark.parametrize("file", VALID, ids=lambda file: file.stem)
def test_a_valid_flow_is_read_as_expected(file: Path) -> None:
    flow, problems = problems_of(file.read_text(), CATALOGUE)
    assert flow is not None
    assert not [told(problem) for problem in problems if not problem.warning]
    said = outline(flow) + "".join(f"{told(problem)}\n" for problem in problems)
    assert said == file.with_suffix(".expected").read_text()


@pytest.mark.parametrize("file", VALID, ids=lambda file: file.stem)
def test_a_parsed_flow_keeps_no_document(file: Path) -> None:
    flow = parse(file.read_bytes())
    assert flow.places is None
    assert flow == problems_of(file.read_text(), CATALOGUE)[0]


@pytest.mark.parametrize("file", INVALID, ids=lambda file: file.stem)
def test_an_invalid_flow_has_its_problems_at_their_places(file: Path) -> None:
    _, problems = problems_of(file.read_text(), CATALOGUE)
    assert any(not problem.warning for problem in problems)
    said = "".join(f"{told(problem)}\n" for problem in problems)
    assert said == file.with_suffix(".problems").read_text()


def test_parse_raises_every_problem_at_once() -> None:
    with pytest.raises(FlowInvalid) as caught:
        parse("id: a b\nnamespace: A\ntask: []\n")
    assert [problem.line for problem in caught.value.problems] == [1, 1, 2, 3]
    assert "1:1" in str(caught.value)
