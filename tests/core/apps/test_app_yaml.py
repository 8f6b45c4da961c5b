"""Reading apps: every property, every spelling of the field, every problem with its place."""

import textwrap

import pytest

from apps_portal.core.app_spec import Stage
from apps_portal.core.app_yaml import AppInvalid, parse, read
from apps_portal.core.blocks import BLOCKS

HEAD = "id: report\ntype: apps.Execution\nnamespace: company.team\nflowId: build\n"


def app(rest: str = ""):
    return parse(HEAD + textwrap.dedent(rest))


def problems(rest: str) -> list[tuple[int, int, str, str]]:
    found = read(HEAD + textwrap.dedent(rest)).problems
    return [(one.line, one.column, str(one.message), str(one.mend)) for one in found if not one.warning]


def test_an_app_needs_four_lines():
    spec = app()
    assert (spec.id, spec.namespace, spec.flow_id, spec.display_name) == ("report", "company.team", "build", "report")
    assert not spec.access.public
    assert spec.access.listed
    assert spec.layout == {}


@pytest.mark.parametrize("missing", ["id", "type", "namespace", "flowId"])
def test_each_of_the_four_is_missed_by_name(missing):
    source = "".join(line for line in HEAD.splitlines(keepends=True) if not line.startswith(missing + ":"))
    found = read(source)
    assert found.spec is None
    assert any(f"`{missing}`" in one.message for one in found.problems)


def test_the_vendors_class_names_are_the_same_types():
    source = """
        layout:
          - on: OPEN
            blocks:
              - {type: io.kestra.plugin.ee.apps.core.blocks.Markdown, content: a}
              - {type: io.kestra.plugin.ee.apps.execution.blocks.CreateExecutionForm}
              - {type: io.kestra.ee.apps.blocks.CreateExecutionButton}
              - {type: core.blocks.Loading}
              - {type: apps.blocks.Divider}
              - {type: io.kestra.plugin.ee.apps.execution.blocks.internal.Route}
        """
    kinds = [block.name for block in app(source).layout[Stage.OPEN]]
    assert kinds == ["Markdown", "CreateExecutionForm", "CreateExecutionButton", "Loading", "Divider", "Route"]


def test_the_vendors_app_type_and_the_bare_access_of_its_first_releases_are_read():
    source = HEAD.replace("apps.Execution", "io.kestra.plugin.ee.apps.Execution") + "access: PUBLIC\n"
    assert parse(source).access.public


def test_on_is_a_text_and_not_a_yes():
    assert list(app("layout:\n  - on: SUCCESS\n    blocks: []\n").layout) == [Stage.SUCCESS]


def test_what_later_releases_act_on_is_kept_and_said():
    found = read(HEAD + "notify: []\nundo: {flowId: x}\ntexts: {de: {}}\nagent: ask_human\n")
    assert found.spec is not None
    assert set(found.spec.extra) == {"notify", "undo", "texts", "agent"}
    assert [one.line for one in found.problems] == [5, 6, 7, 8]
    assert all(one.warning for one in found.problems)


@pytest.mark.parametrize("gate", ["approval: {risk: 1}", "window: {calendar: freeze}", "stepUp: true"])
def test_an_app_that_asks_for_a_gate_does_not_run_without_it(gate: str):
    found = read(HEAD + gate + "\n")
    assert [(one.line, one.warning) for one in found.problems] == [(5, False)]
    assert "unguarded" in found.problems[0].message


def test_a_form_is_read_with_steps_and_fields():
    spec = app("""
        form:
          steps:
            - {title: Company, fields: [country, vat]}
          fields:
            country: {label: Country, help: Where, placeholder: HU}
            vat: {showIf: "{{ inputs.country != 'US' }}"}
            who: {fixed: "{{ requester.email }}"}
            bank: {sensitive: {revealTo: [group:Finance]}}
            kind: {options: [a, b]}
        """)
    assert spec.form.steps[0].fields == ("country", "vat")
    assert spec.form.fields["who"].fixed == "{{ requester.email }}"
    assert spec.form.fields["kind"].options.values == ("a", "b")
    assert spec.sensitive == ("bank",)
    assert spec.form.fields["bank"].reveal_to == ("group:Finance",)


@pytest.mark.parametrize(
    ("rest", "line", "column", "words", "mend"),
    [
        ("dispalyName: x\n", 5, 1, "`dispalyName`", "Did you mean `displayName`?"),
        ("access: {type: PUBLC}\n", 5, 16, "PUBLIC", "Did you mean `PUBLIC`?"),
        ("visibility: {logs: [operatrs]}\n", 5, 21, "operatrs", "Did you mean `operators`?"),
        ("layout:\n  - on: SUCESS\n    blocks: []\n", 6, 9, "SUCESS", "Did you mean `SUCCESS`?"),
        (
            "layout:\n  - on: OPEN\n    blocks:\n      - {type: apps.blocks.Makdown, content: x}\n",
            8, 16, "Makdown", "Did you mean `apps.blocks.Markdown`?",
        ),
        (
            "layout:\n  - on: OPEN\n    blocks:\n      - {type: apps.blocks.Alert, content: x, styel: INFO}\n",
            8, 47, "styel", "Did you mean `style`?",
        ),
        (
            "layout:\n  - on: OPEN\n    blocks:\n      - {type: apps.blocks.Alert, content: x, style: INFOO}\n",
            8, 54, "style", "Did you mean `INFO`?",
        ),
        ("layout:\n  - on: OPEN\n    blocks:\n      - {type: apps.blocks.Markdown}\n", 8, 9, "`content`", ""),
        ("title: \"{{ inputs.x\"\n", 5, 9, "not closed", "Write `}}` where it ends."),
        ("form: {fields: {a: {options: {sql: 'select {{ x }}'}}}}\n", 5, 36, "change the query", "Use `:name`"),
        ("form: {fields: {a: {options: {sql: s, kv: k}}}}\n", 5, 30, "one source", ""),
        ("limits: {perUser: often}\n", 5, 19, "`often`", "20/PT1H"),
        ("expiration: {endDate: tomorrow}\n", 5, 23, "tomorrow", "2026-01-31"),
        ("namespace: UPPER\n", 5, 1, "twice", ""),
        ("stepUp: [1]\n", 5, 9, "shape", ""),
    ],
)  # fmt: skip
def test_a_problem_says_where_what_and_how_to_mend_it(rest, line, column, words, mend):
    found = problems(rest)
    assert len(found) == 1, found
    assert found[0][:2] == (line, column)
    assert words in found[0][2]
    assert mend in found[0][3]


def test_every_problem_is_found_at_once():
    found = problems("titel: x\nownr: y\naccess: {groups: {}, catlog: true}\n")
    assert len(found) == 4
    with pytest.raises(AppInvalid) as error:
        app("titel: x\nownr: y\n")
    assert len(error.value.problems) == 2


@pytest.mark.parametrize(
    "source",
    ["", "just a text", "- a\n- list\n", "id: [", "a: &a [*a]", "{" * 5000, "id: !!python/object:os.system x"],
)
def test_what_is_no_app_is_refused_with_a_problem(source):
    found = read(source)
    assert found.spec is None
    assert found.problems


def test_containers_hold_blocks_and_too_many_are_refused():
    spec = app("""
        layout:
          - on: SUCCESS
            blocks:
              - type: apps.blocks.Tabs
                tabs:
                  - title: One
                    blocks: [{type: apps.blocks.Columns, columns: [[{type: apps.blocks.Divider}], [{type: Divider}]]}]
                  - title: Two
                    blocks: [{type: apps.blocks.Card, title: x, blocks: []}]
        """)
    tabs = spec.layout[Stage.SUCCESS][0]
    assert [title for title, _ in tabs.parts] == ["One", "Two"]
    assert [len(blocks) for _, blocks in tabs.parts[0][1][0].parts] == [1, 1]


@pytest.mark.parametrize("block", BLOCKS.values(), ids=lambda block: block.name)
def test_every_block_says_what_it_and_its_properties_are_for(block):
    assert block.help.endswith(".")
    assert all(prop.help for prop in block.properties.values())


EXAMPLES = [
    # the forms in which the field's documentation writes apps
    """
    id: monthly_sales_report
    type: io.kestra.plugin.ee.apps.Execution
    displayName: Monthly sales report
    description: Pick a month and region, get an Excel file.
    namespace: acme.finance
    flowId: build_sales_report
    flowRevision: 7
    tags: [Reporting, Finance]
    access: {type: PRIVATE, catalog: true, groups: [Finance, Controllers]}
    expiration: {startDate: "2026-01-01T00:00:00Z"}
    layout:
      - on: OPEN
        blocks:
          - {type: io.kestra.plugin.ee.apps.core.blocks.Markdown, content: "## {{ inputs.month }}"}
          - {type: io.kestra.plugin.ee.apps.execution.blocks.CreateExecutionForm}
          - {type: io.kestra.plugin.ee.apps.execution.blocks.CreateExecutionButton, text: Go, size: LARGE}
      - on: RUNNING
        blocks:
          - {type: io.kestra.plugin.ee.apps.core.blocks.Loading}
          - type: io.kestra.plugin.ee.apps.execution.blocks.TaskOutputs
            outputs: [{displayName: Rows so far, type: INT, value: "{{ outputs.count.value }}"}]
          - {type: io.kestra.plugin.ee.apps.execution.blocks.CancelExecutionButton, text: Stop, style: DANGER}
      - on: SUCCESS
        blocks:
          - {type: io.kestra.plugin.ee.apps.core.blocks.Alert, style: SUCCESS, showIcon: true, content: Ready.}
          - {type: io.kestra.plugin.ee.apps.execution.blocks.Outputs, filter: {include: [file, summary]}}
          - {type: io.kestra.plugin.ee.apps.core.blocks.Button, text: New report, url: "{{ app.url }}"}
      - on: FAILURE
        blocks:
          - {type: io.kestra.plugin.ee.apps.core.blocks.Alert, style: ERROR, content: Could not build the report.}
          - {type: io.kestra.plugin.ee.apps.execution.blocks.Logs, filter: {logLevel: ERROR}}
    """,
    """
    id: db_access
    type: io.kestra.plugin.ee.apps.Execution
    displayName: Database access request
    namespace: acme.platform
    flowId: grant_db_access
    layout:
      - on: CREATED
        blocks:
          - {type: io.kestra.plugin.ee.apps.core.blocks.Markdown, content: "Sent to the DBA team."}
          - {type: io.kestra.plugin.ee.apps.core.blocks.AutoRefresh}
          - {type: io.kestra.plugin.ee.apps.core.blocks.RedirectTo, url: "https://example.com", delay: PT60S}
      - on: PAUSE
        blocks:
          - {type: io.kestra.plugin.ee.apps.execution.blocks.Inputs, filter: {exclude: [internal_ref]}}
          - {type: io.kestra.plugin.ee.apps.execution.blocks.ResumeExecutionForm}
          - {type: io.kestra.plugin.ee.apps.execution.blocks.ResumeExecutionButton, text: Approve, style: SUCCESS}
          - {type: io.kestra.plugin.ee.apps.execution.blocks.CancelExecutionButton, text: Reject, style: WARNING}
      - on: FALLBACK
        blocks:
          - {type: io.kestra.plugin.ee.apps.core.blocks.Markdown, content: "This request is closed."}
    """,
    """
    id: q2_results
    type: io.kestra.plugin.ee.apps.Execution
    displayName: Q2 results
    namespace: acme.finance
    flowId: build_sales_report
    executionId: 1aBcD2eFgH3iJkL4mNoP5q
    access: {type: PUBLIC, catalog: false}
    expiration: {endDate: "2026-09-30T23:59:59Z"}
    layout:
      - on: SUCCESS
        blocks: [{type: io.kestra.plugin.ee.apps.execution.blocks.Outputs}]
    """,
]


@pytest.mark.parametrize("source", EXAMPLES, ids=["report", "approval", "public"])
def test_app_files_of_the_field_load_unchanged(source):
    found = read(textwrap.dedent(source))
    assert found.spec is not None, found.problems
