"""What a page shows: stages, blocks sifted for a viewer, values in the shape that fits them, steps in plain words."""

import pytest

from apps_portal.core.app_spec import Stage
from apps_portal.core.app_yaml import parse
from apps_portal.core.audiences import Viewer, is_audience
from apps_portal.core.blocks import Fact
from apps_portal.core.chart import chart_of
from apps_portal.core.outside import Source
from apps_portal.core.page import Facts, needs_of, page_at
from apps_portal.core.stage import stage_of
from apps_portal.core.steps import Seen, progress_of
from apps_portal.core.values import Shape, present, table_of
from orchestrator.core import flow_yaml
from orchestrator.core.states import State

HEAD = "id: a\ntype: apps.Execution\nnamespace: company.team\nflowId: f\n"
BOB = Viewer(user_id=1, is_requester=True)


def app(layout: str = ""):
    return parse(HEAD + layout)


def page(layout: str, stage: Stage = Stage.SUCCESS, viewer: Viewer = BOB, **scope):
    withheld = frozenset(scope.pop("withheld", ()))
    return page_at(app(layout), stage, Facts(scope=scope, withheld=withheld), viewer)


@pytest.mark.parametrize(
    ("state", "stage"),
    [
        (None, Stage.OPEN),
        (State.CREATED, Stage.CREATED),
        (State.QUEUED, Stage.CREATED),
        (State.RUNNING, Stage.RUNNING),
        (State.RETRYING, Stage.RUNNING),
        (State.KILLING, Stage.RUNNING),
        (State.PAUSED, Stage.PAUSE),
        (State.BREAKPOINT, Stage.PAUSE),
        (State.SUCCESS, Stage.SUCCESS),
        (State.WARNING, Stage.SUCCESS),
        (State.SKIPPED, Stage.SUCCESS),
        (State.FAILED, Stage.FAILURE),
        (State.KILLED, Stage.FAILURE),
        (State.CANCELLED, Stage.FAILURE),
        (State.RETRIED, Stage.FAILURE),
    ],
)
def test_each_state_has_its_stage(state, stage):
    assert stage_of(state) is stage


def test_every_state_has_a_stage():
    assert all(stage_of(state) in Stage for state in State)


def test_who_may_decide_sees_the_pause_although_a_branch_still_runs():
    assert stage_of(State.RUNNING, may_decide=True) is Stage.PAUSE
    assert stage_of(State.SUCCESS, may_decide=True) is Stage.SUCCESS


def test_resume_is_shown_only_where_the_app_wrote_something_for_it():
    assert stage_of(State.RUNNING, was_paused=True) is Stage.RUNNING
    assert stage_of(State.RUNNING, was_paused=True, written={Stage.RESUME}) is Stage.RESUME


def test_an_app_without_layout_has_a_page_in_every_stage():
    for stage in Stage:
        assert page("", stage).blocks
    assert page("", Stage.OPEN).has == {"CreateExecutionForm", "CreateExecutionButton"}
    assert "Approval" in page("", Stage.PAUSE).has
    assert "Outputs" in page("", Stage.SUCCESS).has


def test_a_stage_without_blocks_falls_back():
    layout = "layout:\n  - on: FALLBACK\n    blocks: [{type: Markdown, content: closed}]\n"
    assert page(layout, Stage.RUNNING).blocks[0].data["content"] == "closed"
    assert "CreateExecutionForm" in page(layout, Stage.OPEN).has


def test_a_page_always_offers_the_decision_to_who_may_decide():
    layout = "layout:\n  - on: PAUSE\n    blocks: [{type: Markdown, content: x}]\n"
    facts = Facts(scope={}, may_decide=True)
    assert page_at(app(layout), Stage.PAUSE, facts, BOB).has == {"Approval", "Markdown"}
    assert Fact.APPROVAL in needs_of(app(layout), Stage.PAUSE, may_decide=True)


SIFTED = """
layout:
  - on: SUCCESS
    blocks:
      - {type: Markdown, content: "for {{ inputs.name }}", showIf: "{{ inputs.name == 'Bob' }}"}
      - {type: Markdown, content: finance, visibleTo: [group:Finance]}
      - {type: Markdown, content: nobody, visibleTo: [nobody]}
      - {type: Markdown, content: "{{ outputs.secret }}"}
      - {type: Outputs}
      - {type: Markdown, content: "{{ inputs.nowhere }}"}
      - {type: Divider}
"""


def shown(**more) -> list[str]:
    found = page(SIFTED, inputs={"name": "Bob"}, outputs={"secret": "42"}, **more)
    return [str(block.data.get("content", "")) or (block.problem and "problem") or block.name for block in found.blocks]


def test_blocks_are_sifted_by_condition_and_audience_and_a_broken_one_says_so():
    assert shown() == ["for Bob", "42", "Outputs", "problem", "Divider"]
    finance = Viewer(groups=frozenset({"Finance"}))
    assert "finance" in shown(viewer=finance)


def test_a_block_that_speaks_of_what_one_may_not_see_is_left_out():
    assert shown(withheld=["outputs"]) == ["for Bob", "problem", "Divider"]
    assert shown(withheld=["inputs", "outputs"]) == ["Divider"]


def test_a_value_from_outside_is_fetched_once():
    calls = []

    def fetch(call):
        calls.append(call.name)
        return "content of the file"

    content = "{{ read(outputs.f) }} {{ read(outputs.f) }}"
    layout = f"layout:\n  - on: SUCCESS\n    blocks: [{{type: Markdown, content: '{content}'}}]\n"
    facts = Facts(scope={"outputs": {"f": "portico:///x"}}, source=Source(fetch))
    block = page_at(app(layout), Stage.SUCCESS, facts, BOB).blocks[0]
    assert block.data["content"] == "content of the file content of the file"
    assert calls == ["read"]


def test_tables_charts_and_figures_read_outputs():
    layout = """
layout:
  - on: SUCCESS
    blocks:
      - {type: Table, data: "{{ outputs.rows }}", columns: [city, delay]}
      - {type: Chart, data: "{{ outputs.rows }}", kind: line, x: city, y: delay}
      - {type: Kpi, label: Total, value: "{{ outputs.total }}"}
      - {type: TaskOutputs, outputs: [{displayName: Soon, value: "{{ outputs.later.value }}", type: INT}]}
"""
    rows = [{"city": "Pécs", "delay": 4, "x": 1}, {"city": "Bonn", "delay": None, "x": 2}]
    table, chart, kpi, soon = page(layout, outputs={"rows": rows, "total": 336776}).blocks
    assert table.table.rows == (("Pécs", 4), ("Bonn", None))
    assert chart.chart.data == {
        "kind": "line", "labels": ["Pécs", "Bonn"], "series": [{"name": "Delay", "values": [4.0, None]}],
    }  # fmt: skip
    assert kpi.presented.shape is Shape.NUMBER
    assert soon.results[0].shape is Shape.EMPTY, "a result that is not there yet is no mistake"


def test_what_a_person_typed_is_data_in_a_block_too():
    layout = 'layout:\n  - on: SUCCESS\n    blocks: [{type: Markdown, content: "{{ inputs.name }}"}]\n'
    assert page(layout, inputs={"name": "{{ 7 * 7 }}"}).blocks[0].data["content"] == "{{ 7 * 7 }}"


@pytest.mark.parametrize(
    ("value", "kind", "shape"),
    [
        (None, "", Shape.EMPTY),
        ("", "", Shape.EMPTY),
        (0, "INT", Shape.NUMBER),
        (False, "BOOL", Shape.BOOL),
        ("hello", "STRING", Shape.TEXT),
        ("a\nb", "STRING", Shape.LONG),
        ("# Report\n\ntext", "STRING", Shape.MARKDOWN),
        ("a | b\n| - | - |\n| 1 | 2 |", "STRING", Shape.MARKDOWN),
        ("https://example.com/a", "URI", Shape.LINK),
        ("javascript:alert(1)", "URI", Shape.TEXT),
        ("portico:///company/x.csv", "FILE", Shape.FILE),
        ("kestra:///company/x.csv", "FILE", Shape.FILE),
        ("hunter2", "SECRET", Shape.MASKED),
        ([], "ARRAY", Shape.EMPTY),
        (["a", 1], "ARRAY", Shape.LIST),
        ([{"a": 1}], "ARRAY", Shape.TABLE),
        ([{"a": 1}, "b"], "ARRAY", Shape.CODE),
        ({"a": 1, "b": "x"}, "JSON", Shape.FACTS),
        ({"a": {"b": 1}}, "JSON", Shape.CODE),
        ({"chart": "bar", "data": [{"a": "x", "b": 1}]}, "JSON", Shape.CHART),
    ],
)
def test_a_value_is_shown_in_the_shape_that_fits_it(value, kind, shape):
    assert present(value, kind).shape is shape


def test_a_secret_is_not_in_what_is_shown():
    assert "hunter2" not in repr(present("hunter2", "SECRET"))


def test_a_long_table_says_how_much_is_left_out():
    table = table_of([{"n": number} for number in range(500)])
    assert (len(table.rows), table.total, table.left_out) == (200, 500, 300)
    assert table.columns[0].numeric


def test_a_chart_is_made_of_a_mapping_too_and_ignores_what_is_no_number():
    assert chart_of({"a": 1, "b": "2", "c": "x", "d": float("nan")}, "donut").series == ()
    chart = chart_of({"a": 1, "b": 2})
    assert chart.labels == ("a", "b")
    assert chart.series[0].values == (1.0, 2.0)
    assert chart_of("no data").empty
    assert chart_of([{"x": "a", "y": "4.5"}], y="y").series[0].values == (4.5,)


def test_audiences_are_words_or_groups():
    assert is_audience("group:Finance")
    assert not is_audience("group:")
    assert not is_audience("everyone")
    operator = Viewer(operates=frozenset({"logs"}))
    assert operator.is_in("operators", "logs")
    assert not operator.is_in("operators", "files")
    assert not operator.is_in("nobody", "logs")


FLOW = flow_yaml.parse("""
id: f
namespace: company.team
tasks:
  - {id: load_data, type: core.log.Log, message: x, description: Load the data}
  - id: checks
    type: core.flow.Parallel
    tasks:
      - {id: check_names, type: core.log.Log, message: x}
      - {id: check_sums, type: core.log.Log, message: x}
  - id: high
    type: core.flow.If
    condition: "{{ true }}"
    then:
      - {id: ask_finance, type: core.log.Log, message: x}
    else:
      - {id: go_on, type: core.log.Log, message: x}
  - id: each
    type: core.flow.ForEach
    values: [a, b]
    tasks:
      - {id: one, type: core.log.Log, message: x}
  - {id: never, type: core.log.Log, message: x, disabled: true}
errors:
  - {id: tell, type: core.log.Log, message: x}
""")


def labels(*runs: Seen, over: bool = False) -> list[tuple[str, str]]:
    progress = progress_of(FLOW, runs, over=over)
    return [(step.label, step.tone) for step in progress.bar]


def test_a_run_that_has_not_begun_is_its_steps_in_plain_words():
    assert labels() == [
        ("Load the data", "next"), ("Check names", "next"), ("Check sums", "next"), ("Ask finance", "next"),
        ("Each", "next"),
    ]  # fmt: skip


def test_the_branch_that_was_not_taken_goes_away():
    runs = [
        Seen("load_data", State.SUCCESS),
        Seen("checks", State.SUCCESS),
        Seen("checks/check_names", State.SUCCESS),
        Seen("checks/check_sums", State.WARNING),
        Seen("high", State.RUNNING),
        Seen("high/go_on", State.RUNNING),
    ]
    assert labels(*runs) == [
        ("Load the data", "success"), ("Check names", "success"), ("Check sums", "warning"), ("Go on", "running"),
        ("Each", "next"),
    ]  # fmt: skip


def test_a_loop_is_one_step_that_counts():
    runs = [Seen("each", State.RUNNING, rounds={"SUCCESS": 1, "RUNNING": 1})]
    step = progress_of(FLOW, runs, over=False).steps[-1]
    assert (step.label, step.done, step.total) == ("Each", 1, 2)


def test_a_run_that_is_over_shows_what_happened_and_where_it_failed():
    runs = [Seen("load_data", State.FAILED, error="No such table"), Seen("tell", State.SUCCESS)]
    progress = progress_of(FLOW, runs, over=True)
    assert [step.label for step in progress.steps] == ["Load the data", "Tell"]
    assert progress.failed.error == "No such table"
    assert (progress.done, progress.total) == (2, 2)
