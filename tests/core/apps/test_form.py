"""The form: which fields are there, what becomes of what was given, and that a hidden field is never sent."""

from dataclasses import replace
from datetime import UTC, datetime

from hypothesis import given
from hypothesis import strategies as st

from apps_portal.core.app_rules import problems
from apps_portal.core.app_spec import AppSpec, FieldSpec, FormSpec, OptionsSpec, StepSpec
from apps_portal.core.app_yaml import read
from apps_portal.core.form import Context, fill_in, form_of, start_values, value_at
from orchestrator.core.flow_yaml import parse
from orchestrator.core.spec import InputSpec

NOW = datetime(2026, 3, 1, 12, tzinfo=UTC)
BOB = {"email": "bob@example.com", "groups": ["Buyers"]}
CONTEXT = Context(at=NOW, zone="Europe/Berlin", scope={"requester": BOB})


def app(steps=(), **fields: FieldSpec) -> AppSpec:
    named = {name: replace(field, id=name) for name, field in fields.items()}
    return AppSpec("a", "company.team", "f", "A", form=FormSpec(tuple(steps), named))


def an(input_id: str, kind: str = "STRING", **more) -> InputSpec:
    return InputSpec(input_id, kind, **more)


def field(**more) -> FieldSpec:
    return FieldSpec("", **more)


def test_a_field_whose_condition_does_not_hold_is_not_there_and_not_sent():
    spec = app(vat=field(show_if="{{ inputs.country != 'US' }}"))
    inputs = [an("country"), an("vat", required=False)]
    there = fill_in(spec, inputs, {"country": "HU", "vat": "HU1"}, CONTEXT)
    gone = fill_in(spec, inputs, {"country": "US", "vat": "HU1"}, CONTEXT)
    assert there.values["vat"] == "HU1"
    assert gone.hidden == {"vat"}
    assert "vat" not in gone.raw
    assert gone.values["vat"] is None


def test_conditions_chain_in_whatever_order_they_are_written():
    spec = app(
        third=field(show_if="{{ inputs.second == 'yes' }}"),
        second=field(show_if="{{ inputs.first == 'yes' }}"),
    )
    inputs = [an("third", required=False), an("second", required=False), an("first", required=False)]
    given_all = {"first": "no", "second": "yes", "third": "secret"}
    assert fill_in(spec, inputs, given_all, CONTEXT).hidden == {"second", "third"}
    assert fill_in(spec, inputs, {**given_all, "first": "yes"}, CONTEXT).hidden == frozenset()


def test_fields_that_hide_each_other_come_to_rest():
    spec = app(
        a=field(show_if="{{ inputs.b == null }}"),
        b=field(show_if="{{ inputs.a == null }}"),
    )
    filled = fill_in(spec, [an("a", required=False), an("b", required=False)], {"a": "1", "b": "2"}, CONTEXT)
    assert not (filled.raw.keys() & filled.hidden)


def test_the_inputs_own_condition_and_the_apps_must_both_hold():
    spec = app(bonus=field(show_if="{{ inputs.kind == 'raise' }}"))
    inputs = [
        an("kind"),
        an("amount", "INT", required=False),
        an("bonus", required=False, depends_on=("amount",), condition="{{ inputs.amount > 10 }}"),
    ]

    def is_there(kind: str, amount: str) -> bool:
        return "bonus" not in fill_in(spec, inputs, {"kind": kind, "amount": amount, "bonus": "x"}, CONTEXT).hidden

    assert [is_there("raise", "20"), is_there("raise", "5"), is_there("cut", "20")] == [True, False, False]


def test_a_fixed_field_is_computed_and_what_was_posted_is_ignored():
    spec = app(by=field(fixed="{{ requester.email }}"), copy=field(fixed="{{ inputs.name }}!"))
    inputs = [an("by", "EMAIL"), an("name"), an("copy")]
    filled = fill_in(spec, inputs, {"by": "eve@example.com", "name": "Bob", "copy": "?"}, CONTEXT)
    assert filled.values == {"by": "bob@example.com", "name": "Bob", "copy": "Bob!"}
    assert not filled.problems


def test_a_read_only_field_keeps_what_the_app_gives_it():
    spec = app(team=field(read_only=True, default="{{ requester.groups[0] }}"))
    assert fill_in(spec, [an("team")], {"team": "Board"}, CONTEXT).values == {"team": "Buyers"}


def test_what_a_person_types_is_never_rendered():
    filled = fill_in(app(), [an("name")], {"name": "{{ requester.email }}"}, CONTEXT)
    assert filled.values["name"] == "{{ requester.email }}"


def test_an_app_narrows_the_choices_and_never_widens_them():
    spec = app(size=field(options=OptionsSpec(values=("S", "XXL"))))
    inputs = [an("size", "SELECT", values=("S", "M", "L"))]

    def refused(value: str) -> bool:
        return bool(fill_in(spec, inputs, {"size": value}, CONTEXT).problems)

    assert [refused("S"), refused("M"), refused("XXL")] == [False, True, True]


def test_choices_follow_what_was_chosen_before():
    spec = app(city=field(options=OptionsSpec(expression="{{ inputs.country == 'HU' ? ['Pécs'] : ['Bonn'] }}")))
    inputs = [an("country"), an("city")]

    def choices(country: str) -> list[str]:
        filled = fill_in(spec, inputs, {"country": country}, CONTEXT)
        form = form_of(spec, inputs, filled, CONTEXT, show_problems=False)
        return [option.value for option in form.fields[1].options]

    assert choices("HU") == ["Pécs"]
    assert choices("DE") == ["Bonn"]


def test_a_fresh_form_begins_with_an_earlier_run_then_the_app_then_the_flow():
    spec = app(b=field(default="{{ requester.email }}"), c=field(default="app"))
    inputs = [an("a", defaults="flow"), an("b", defaults="flow"), an("c"), an("d", prefill="try"), an("e")]
    assert start_values(spec, inputs, CONTEXT, {"c": "earlier"}) == {
        "a": "flow", "b": "bob@example.com", "c": "earlier", "d": "try",
    }  # fmt: skip


def test_fields_in_no_step_go_to_the_last_one():
    steps = (StepSpec("One", ("b",)), StepSpec("Two", ("a",)))
    inputs = [an("a", required=False), an("b", required=False), an("c", required=False)]
    filled = fill_in(app(steps), inputs, {}, CONTEXT)
    form = form_of(app(steps), inputs, filled, CONTEXT, show_problems=False)
    assert [(part.title, [one.name for one in part.fields]) for part in form.sections] == [
        ("One", ["b"]), ("Two", ["a", "c"]),
    ]  # fmt: skip


def test_a_field_shows_label_help_value_and_what_is_wrong():
    spec = app(count=field(label="How many", help="A number", placeholder="3"))
    inputs = [an("count", "INT", minimum=1), an("unit_price", "FLOAT", display_name="Price")]
    filled = fill_in(spec, inputs, {"count": "many"}, CONTEXT)
    count, price = form_of(spec, inputs, filled, CONTEXT, show_problems=True).fields
    assert (count.label, count.help, count.placeholder, count.value) == ("How many", "A number", "3", "many")
    assert count.error
    assert (price.label, price.error) == ("Price", "A value is required.")
    assert form_of(spec, inputs, filled, CONTEXT, show_problems=False).wrong == ()


def test_a_secret_never_comes_back_and_a_moment_comes_in_the_persons_zone():
    inputs = [an("key", "SECRET"), an("at", "DATETIME"), an("on", "BOOL")]
    filled = fill_in(app(), inputs, {"key": "s3cret", "at": "2026-07-01T10:00:00Z", "on": "true"}, CONTEXT)
    key, at, on = form_of(app(), inputs, filled, CONTEXT, show_problems=False).fields
    assert (key.value, at.value, on.value) == ("", "2026-07-01T12:00", True)


names = st.sampled_from(["a", "b", "c", "d"])
conditions = st.one_of(
    st.none(),
    st.builds(lambda other, word: f"{{{{ inputs.{other} == '{word}' }}}}", names, st.sampled_from(["x", "y"])),
    st.builds(lambda other: f"{{{{ inputs.{other} != null }}}}", names),
    st.sampled_from(["false", "true", "{{ inputs.nowhere.at_all }}"]),
)


@given(
    shown=st.fixed_dictionaries(dict.fromkeys(["a", "b", "c", "d"], conditions)),
    posted=st.dictionaries(names, st.sampled_from(["x", "y", "z"])),
    defaults=st.dictionaries(names, st.sampled_from(["x", "default"])),
)
def test_a_hidden_fields_posted_value_reaches_nothing(shown, posted, defaults):
    spec = app(**{name: field(show_if=text) for name, text in shown.items()})
    inputs = [an(name, required=False, defaults=defaults.get(name)) for name in shown]
    filled = fill_in(spec, inputs, posted, CONTEXT)
    without = {name: value for name, value in posted.items() if name not in filled.hidden}
    for name in filled.hidden:
        assert name not in filled.raw
        assert value_at(filled.values, name) == defaults.get(name)
    # and what the hidden ones were given changes nothing about the others
    again = fill_in(spec, inputs, without, CONTEXT)
    for name in shown.keys() - filled.hidden - again.hidden:
        assert filled.values[name] == again.values[name]


@given(
    shown=st.fixed_dictionaries(dict.fromkeys(["a", "b", "c", "d"], conditions)),
    posted=st.dictionaries(names, st.sampled_from(["x", "y", "z"])),
)
def test_what_the_page_shows_is_what_is_sent(shown, posted):
    spec = app(**{name: field(show_if=text) for name, text in shown.items()})
    inputs = [an(name, required=False) for name in shown]
    filled = fill_in(spec, inputs, posted, CONTEXT)
    form = form_of(spec, inputs, filled, CONTEXT, show_problems=False)
    on_page = {one.name: one.value for one in form.fields if not one.hidden and one.value}
    sent = {name: value for name, value in filled.values.items() if value is not None}
    assert on_page == sent


FLOW = parse("""
id: f
namespace: company.team
inputs:
  - {id: country, type: STRING}
  - {id: vat, type: STRING}
  - {id: note, type: STRING, required: false}
  - {id: size, type: SELECT, values: [S, M]}
  - {id: when, type: DATE, required: false}
tasks:
  - {id: t, type: core.log.Log, message: x}
""")
HEAD = "id: a\ntype: apps.Execution\nnamespace: company.team\nflowId: f\n"


def beside(rest: str) -> list[tuple[int, str, str, bool]]:
    found = read(HEAD + rest)
    assert found.spec is not None
    assert found.places is not None
    return [
        (one.line, str(one.message), str(one.mend), one.warning) for one in problems(found.spec, FLOW, found.places)
    ]


def test_beside_its_flow_an_app_is_told_what_does_not_fit():
    assert beside("form: {fields: {contry: {}}}\n") == [
        (5, "The flow has no input `contry`.", "Did you mean `country`?", False),
    ]
    assert beside("form: {steps: [{title: A, fields: [vatt]}]}\n")[0][2] == "Did you mean `vat`?"
    assert "does not accept `XL`" in beside("form: {fields: {size: {options: [S, XL]}}}\n")[0][1]
    assert "has no options" in beside("form: {fields: {when: {options: [a]}}}\n")[0][1]
    assert beside('title: "{{ inputs.contry }}"\n')[0][3], "a name in an expression may exist later: only a warning"


def test_hiding_an_input_that_must_be_given_is_a_problem():
    hidden = beside("form: {fields: {vat: {showIf: \"{{ inputs.country != 'US' }}\"}}}\n")
    assert "cannot be hidden" in hidden[0][1]
    assert beside("form: {fields: {note: {showIf: \"{{ inputs.country != 'US' }}\"}}}\n") == []
