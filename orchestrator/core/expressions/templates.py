"""Templates, read once and kept; and the few verbs that the rest of the engine uses."""

from collections.abc import Mapping
from functools import cached_property, lru_cache

from orchestrator.core.expressions.language import LANGUAGE, Root, Single
from orchestrator.core.expressions.parser import Tree
from orchestrator.core.expressions.problems import Call, ExpressionFailed, Missing, Refused, failed_at
from orchestrator.core.expressions.run import Run
from orchestrator.core.sentences import say
from orchestrator.core.spec import Problem

Scope = Mapping[str, object]
Fetched = Mapping[Call, object]

NOTHING: Fetched = {}
FALSY = frozenset({"", "false", "0", "-0"})
SHORT = 8_000  # characters; longer templates are kept apart, fewer of them
MAX_TREE_DEPTH = 100


class Template:
    """A text with expressions, read and checked; its Python code is loaded when it is first rendered."""

    def __init__(self, source: str) -> None:
        self.source = source
        self.literal = "{{" not in source and "{%" not in source
        self._tree: Tree | None = None if self.literal else LANGUAGE.read(source)
        self._code = "" if self._tree is None else LANGUAGE.write(self._tree)

    @property
    def names(self) -> frozenset[tuple[str, ...]]:
        """What the template reads: ("outputs", "a"); ("outputs",) alone when only the run tells what of it."""
        return frozenset() if self._tree is None else self._tree.names

    @property
    def single(self) -> bool:
        """Whether the text is one single `{{ }}`."""
        return self._tree is not None and self._tree.single is not None and self.source.strip() == self.source

    @cached_property
    def _loaded(self) -> tuple[Root, Single | None]:
        assert self._tree is not None
        return LANGUAGE.load(self._tree, self._code)

    def text(self, run: Run) -> str:
        """Render to text."""
        try:
            return run.gathered(self._loaded[0])
        except Refused as refused:
            raise failed_at(self.source, (0, 0), refused.message) from None

    def value(self, run: Run) -> object:
        """Return the value of a single expression as it is; the rendered text of everything else.

        White space around a single expression is dropped where the value is a map or a list, as it cannot be joined
        to one; otherwise it is part of the text.
        """
        alone = self._loaded[1]
        if alone is None:
            return self.text(run)
        value = alone(run)
        if self.single or isinstance(value, (Mapping, list, tuple)):
            return value
        return self.text(run)


def compile_template(source: str) -> Template:
    """Return the template for a text, kept from the last time; raise `ExpressionFailed` where it cannot be read."""
    return _short(source) if len(source) <= SHORT else _long(source)


@lru_cache(maxsize=4096)
def _short(source: str) -> Template:
    return Template(source)


@lru_cache(maxsize=32)
def _long(source: str) -> Template:
    return Template(source)


def render(source: str, scope: Scope, fetched: Fetched = NOTHING) -> str:
    """Return `source` with its expressions worked out in `scope`, as text.

    Raises `Needs` when something has to be fetched first, `ExpressionFailed` when it cannot be done. `$at`, `$zone`
    and `$random` in the scope are for functions (see `scope.py`).
    """
    template = compile_template(source)
    if template.literal:
        return source
    return str(_done(template, scope, fetched, typed=False))


def evaluate(source: str, scope: Scope, fetched: Fetched = NOTHING) -> object:
    """Return the value of a text that is one single `{{ }}`, and the rendered text of every other."""
    template = compile_template(source)
    if template.literal:
        return source
    return _done(template, scope, fetched, typed=True)


def render_tree(structure: object, scope: Scope, fetched: Fetched = NOTHING, depth: int = 0) -> object:
    """Return a structure of maps and lists with every text in it rendered, keys too; other values stay as they are."""
    if isinstance(structure, str):
        return render(structure, scope, fetched)
    if depth > MAX_TREE_DEPTH:
        raise ExpressionFailed(say("The structure is more than %(most)s levels deep.", most=MAX_TREE_DEPTH))
    if isinstance(structure, Mapping):
        return {
            render(key, scope, fetched) if isinstance(key, str) else key: render_tree(value, scope, fetched, depth + 1)
            for key, value in structure.items()
        }
    if isinstance(structure, (list, tuple)):
        return [render_tree(item, scope, fetched, depth + 1) for item in structure]
    return structure


def truthy(value: object) -> bool:
    """Say whether a rendered condition holds: all does but null, `false`, `0`, `-0` and the empty text."""
    if isinstance(value, str):
        return value not in FALSY
    if value is None or value is False:
        return False
    return not (isinstance(value, (int, float)) and value == 0)


def problems_in(text: str) -> list[Problem]:
    """Return what is wrong with a template, without rendering it: one problem, the first, or none."""
    try:
        compile_template(text)
    except ExpressionFailed as failed:
        return [Problem(failed.message, failed.line, failed.column, mend=failed.mend)]
    return []


def _done(template: Template, scope: Scope, fetched: Fetched, *, typed: bool) -> object:
    run = Run(template.source, scope, fetched, _again)
    try:
        return template.value(run) if typed else template.text(run)
    except Missing as missing:
        raise missing.told() from None
    except RecursionError:
        raise failed_at(template.source, (0, 0), say("The expression goes too deep.")) from None


def _again(run: Run, source: str) -> object:
    template = compile_template(source)
    return source if template.literal else template.text(run)
