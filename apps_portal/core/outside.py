"""Expressions that may ask the outside world: `kv()`, `read()`. Who evaluates brings the way to fetch."""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field

from orchestrator.core.expressions import Call, ExpressionFailed, Needs, compile_template, evaluate, render
from orchestrator.core.sentences import say

MOST_FETCHES = 50  # by one expression

Fetch = Callable[[Call], object]  # raises ExpressionFailed


def nothing(call: Call) -> object:
    """Fetch nothing: these expressions see only what is in their scope."""
    raise ExpressionFailed(say("`%(name)s()` cannot be used here.", name=call.name), expression=call.name)


@dataclass(frozen=True, slots=True)
class Source:
    """Fetches what expressions ask for, each value once."""

    fetch: Fetch = nothing
    known: dict[Call, object] = field(default_factory=dict)

    def evaluate(self, text: str, scope: Mapping[str, object]) -> object:
        """Return the value of one single expression, else the rendered text; raises ExpressionFailed."""
        return self._repeated(lambda: evaluate(text, scope, self.known))

    def render(self, text: str, scope: Mapping[str, object]) -> str:
        """Return the rendered text; raises ExpressionFailed."""
        return str(self._repeated(lambda: render(text, scope, self.known)))

    def _repeated(self, attempt: Callable[[], object]) -> object:
        for _ in range(MOST_FETCHES):
            try:
                return attempt()
            except Needs as needs:
                self.known[needs.call] = self.fetch(needs.call)
        raise ExpressionFailed(say("This asks for more than %(most)s values from outside.", most=MOST_FETCHES))


def names_in(value: object) -> Iterator[tuple[str, ...]]:
    """Yield the names that the expressions of a text, or of all texts of a structure, use."""
    if isinstance(value, str):
        if "{{" in value or "{%" in value:
            yield from compile_template(value).names
    elif isinstance(value, Mapping):
        for part in value.values():
            yield from names_in(part)
    elif isinstance(value, (list, tuple)):
        for part in value:
            yield from names_in(part)
