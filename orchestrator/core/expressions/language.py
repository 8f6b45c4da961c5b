"""The field's expression language, as a subclass of Jinja's immutable sandbox.

Everything that Jinja would offer by itself (globals, filters, tests, attributes, methods) is taken away; what there
is instead is in `catalogue.py`.
"""

from collections.abc import Callable, Generator
from types import CodeType

from jinja2.lexer import TokenStream
from jinja2.sandbox import ImmutableSandboxedEnvironment

from orchestrator.core.expressions.compiler import Writer
from orchestrator.core.expressions.lexer import tokens
from orchestrator.core.expressions.operators import truth
from orchestrator.core.expressions.parser import Reader, Tree
from orchestrator.core.expressions.problems import failed_at
from orchestrator.core.expressions.run import Run
from orchestrator.core.sentences import say

Root = Callable[[Run], Generator[str, None, None]]
Single = Callable[[Run], object]


class Language(ImmutableSandboxedEnvironment):
    """Reads and writes templates; there is one, `LANGUAGE`."""

    code_generator_class = Writer

    def __init__(self) -> None:
        super().__init__(autoescape=False, optimized=False, cache_size=0, auto_reload=False, keep_trailing_newline=True)
        self.globals.clear()
        self.filters.clear()
        self.tests.clear()

    def _tokenize(
        self, source: str, name: str | None, filename: str | None = None, state: str | None = None
    ) -> TokenStream:
        del state  # a part of a template is never read alone
        return TokenStream(tokens(source), name, filename)

    def is_safe_attribute(self, obj: object, attr: str, value: object) -> bool:
        """Nothing of a Python object is safe; the written code has no way to ask, this is the second lock."""
        del obj, attr, value
        return False

    def is_safe_callable(self, obj: object) -> bool:
        """Nothing that a template holds can be called."""
        del obj
        return False

    def read(self, source: str) -> Tree:
        """Return the tree of a template; raise `ExpressionFailed` where it cannot be read."""
        try:
            return Reader(self, source).read()
        except (RecursionError, MemoryError):
            raise failed_at(source, (0, 0), say("The expression is nested too deeply.")) from None

    def write(self, tree: Tree) -> str:
        """Return the code of a template; raise `ExpressionFailed` for unknown filters, functions and arguments."""
        try:
            return Writer(self, tree).written()
        except (RecursionError, MemoryError):
            raise failed_at(tree.source, (0, 0), say("The expression is nested too deeply.")) from None

    def load(self, tree: Tree, code: str) -> tuple[Root, Single | None]:
        """Return what renders a template, and what works out its single expression when it has one."""
        try:
            compiled: CodeType = compile(code, "<expression>", "exec")
        except (SyntaxError, RecursionError, MemoryError):
            raise failed_at(tree.source, (0, 0), say("The expression is nested too deeply.")) from None
        room: dict[str, object] = {"truth": truth, "__builtins__": {"dict": dict}}
        exec(compiled, room)  # noqa: S102 - our own code, written from nodes; texts enter it by repr() alone
        return room["root"], room.get("single")  # type: ignore[return-value]


LANGUAGE = Language()
