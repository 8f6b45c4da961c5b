"""What a person sees of an app in a stage: its blocks, rendered and sifted. The one place that decides it.

Templates only draw what `page_at` returns; what they need of the run beyond it (form, approval, steps, files) is loaded
by the names in `needs_of`.
"""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace

from apps_portal.core.app_spec import AppSpec, BlockSpec, Stage
from apps_portal.core.audiences import Viewer
from apps_portal.core.blocks import BLOCKS, Fact, Kind
from apps_portal.core.chart import Chart, chart_of
from apps_portal.core.outside import Source, names_in
from apps_portal.core.stage import blocks_for
from apps_portal.core.values import Presented, Table, present, table_of
from orchestrator.core.durations import read_duration
from orchestrator.core.expressions import ExpressionFailed, truthy
from orchestrator.core.sentences import say

_DECIDES = frozenset({"Approval", "ResumeExecutionForm", "ResumeExecutionButton"})
_APPROVAL = BlockSpec("apps.blocks.Approval")


@dataclass(frozen=True, slots=True)
class Facts:
    """What is known when a page is made: the names that expressions may use, and what this viewer may not see."""

    scope: Mapping[str, object]
    source: Source = field(default_factory=Source)
    withheld: frozenset[str] = frozenset()  # aspects (inputs, outputs, ...) this viewer may not see
    may_decide: bool = False


@dataclass(frozen=True, slots=True)
class Part:
    """Titled blocks inside a block."""

    title: str
    blocks: tuple["Block", ...]


@dataclass(frozen=True, slots=True)
class Block:
    """One block as it is shown; `problem` says in words why it cannot be."""

    name: str
    template: str
    data: Mapping[str, object] = field(default_factory=dict)
    parts: tuple[Part, ...] = ()
    problem: str = ""
    number: int = 0
    chart: Chart | None = None
    table: Table | None = None
    presented: Presented | None = None
    results: tuple[Presented, ...] = ()


@dataclass(frozen=True, slots=True)
class Page:
    """A whole page: a stage and its blocks."""

    stage: Stage
    blocks: tuple[Block, ...]

    @property
    def has(self) -> frozenset[str]:
        """Return the names of the blocks on it."""
        return frozenset(_names(self.blocks))


def written_for(app: AppSpec, stage: Stage, *, may_decide: bool = False) -> tuple[BlockSpec, ...]:
    """Return the blocks of a stage as written; where the viewer may decide, a page always offers it."""
    written = blocks_for(app, stage)
    if may_decide and not any(spec.name in _DECIDES for spec in _all(written)):
        return (_APPROVAL, *written)
    return written


def needs_of(app: AppSpec, stage: Stage, *, may_decide: bool = False) -> frozenset[Fact]:
    """Return what must be loaded to show the stage."""
    written = tuple(_all(written_for(app, stage, may_decide=may_decide)))
    needs = {need for spec in written for need in BLOCKS[spec.type].needs}
    if any("outputs" in path for spec in written for path in _names_in(spec)):
        needs.add(Fact.OUTPUTS)
    return frozenset(needs)


def page_at(app: AppSpec, stage: Stage, facts: Facts, viewer: Viewer) -> Page:
    """Return the page of `app` in `stage` for `viewer`.

    A block whose expression fails says so and leaves the others alone.
    """
    counter = iter(range(1, 10_000))
    found = (_block(spec, facts, viewer, counter) for spec in written_for(app, stage, may_decide=facts.may_decide))
    return Page(stage, tuple(block for block in found if block is not None))


def _block(spec: BlockSpec, facts: Facts, viewer: Viewer, counter: Iterator[int]) -> Block | None:
    if spec.visible_to is not None and not viewer.is_one_of(spec.visible_to):
        return None
    known = BLOCKS[spec.type]
    number = next(counter)
    if _withheld(spec, facts):
        return None
    try:
        if spec.show_if is not None and not truthy(facts.source.evaluate(spec.show_if, facts.scope)):
            return None
        data: dict[str, object] = {key: prop.default or "" for key, prop in known.properties.items()}
        data.update(
            {key: _property(known.properties[key].kind, value, facts) for key, value in spec.properties.items()}
        )
        parts = tuple(
            Part(
                _text(title, facts), tuple(b for one in inner if (b := _block(one, facts, viewer, counter)) is not None)
            )
            for title, inner in spec.parts
        )
    except ExpressionFailed as error:
        problem = say("This part cannot be shown: %(reason)s", reason=error.message)
        return Block(spec.name, "apps_portal/blocks/problem.html", problem=problem, number=number)
    return _drawn(Block(spec.name, known.template, data, parts, number=number))


def _withheld(spec: BlockSpec, facts: Facts) -> bool:
    """A block that speaks of what the viewer may not see is left out, whatever it would say."""
    own = {need.value for need in BLOCKS[spec.type].needs if need in {Fact.INPUTS, Fact.OUTPUTS, Fact.LOGS, Fact.FILES}}
    named = {path[0] for path in _names_in(spec) if path}
    return bool(facts.withheld & (own | named))


def _drawn(block: Block) -> Block:
    data = block.data
    match block.name:
        case "Table":
            limit = data.get("limit")
            table = table_of(data.get("data"), data.get("columns"), limit if isinstance(limit, int) else 200)
            return replace(block, table=table)
        case "Chart":
            kind, x = str(data.get("kind") or "bar"), str(data.get("x") or "")
            return replace(block, chart=chart_of(data.get("data"), kind, x, data.get("y")))
        case "Kpi":
            return replace(block, presented=present(data.get("value")))
        case "TaskOutputs":
            outputs = data.get("outputs")
            results = tuple(
                present(one["value"], str(one["type"]), label=str(one["name"]), help_text=str(one["description"]))
                for one in (outputs if isinstance(outputs, tuple) else ())
            )
            return replace(block, results=results)
        case "Image":
            return replace(block, presented=present(data.get("source"), "FILE"))
        case "RedirectTo":
            seconds = read_duration(str(data.get("delay") or "PT0S")).total_seconds()
            return replace(block, data={**data, "seconds": int(seconds)})
        case _:
            return block


def _property(kind: Kind, value: object, facts: Facts) -> object:
    if kind is Kind.TEXT:
        return _text(str(value), facts)
    if kind is Kind.VALUE:
        return _value(value, facts)
    if kind is Kind.RESULTS and isinstance(value, tuple):
        return tuple({**one, "value": _result(one["value"], facts)} for one in value)
    return value


def _text(text: str, facts: Facts) -> str:
    return facts.source.render(text, facts.scope)


def _value(value: object, facts: Facts) -> object:
    if isinstance(value, str):
        return facts.source.evaluate(value, facts.scope)
    if isinstance(value, Mapping):
        return {str(key): _value(part, facts) for key, part in value.items()}
    if isinstance(value, (list, tuple)):
        return [_value(part, facts) for part in value]
    return value


def _result(value: object, facts: Facts) -> object:
    """A result that is not there yet is no mistake: the run is still going."""
    try:
        return _value(value, facts)
    except ExpressionFailed:
        return None


def _all(specs: Iterable[BlockSpec]) -> Iterator[BlockSpec]:
    for spec in specs:
        yield spec
        for _, inner in spec.parts:
            yield from _all(inner)


def _names(blocks: Iterable[Block]) -> Iterator[str]:
    for block in blocks:
        yield block.name
        for part in block.parts:
            yield from _names(part.blocks)


def _names_in(spec: BlockSpec) -> Iterator[tuple[str, ...]]:
    """Yield the names that the block's own expressions use."""
    for value in (*spec.properties.values(), spec.show_if):
        yield from names_in(value)


def results_of(
    declared: Iterable[tuple[str, str, str, str]],
    values: Mapping[str, object],
    chosen: Mapping[str, object] | None,
) -> tuple[Presented, ...]:
    """Return a flow's outputs as they are shown. `declared`: (id, type, name, description); `chosen`: a filter."""
    return tuple(
        present(values.get(output_id), kind, label=name or output_id, help_text=text, value_id=output_id)
        for output_id, kind, name, text in declared
        if is_chosen(output_id, chosen) and output_id in values
    )


def is_chosen(thing_id: str, chosen: Mapping[str, object] | None) -> bool:
    """Say whether a filter (`include`, `exclude`: ids) lets a thing through."""
    if not chosen:
        return True
    include, exclude = chosen.get("include") or (), chosen.get("exclude") or ()
    assert isinstance(include, (tuple, list))
    assert isinstance(exclude, (tuple, list))
    return (not include or thing_id in include) and thing_id not in exclude
