"""Writes the Python code of a template: a generator of texts for the template and one for each of its parts.

The code touches values only through `Run` (`run.py`), so nothing of Python can be reached from a template:

    def root(context):
        names = context.names
        yield 'Hello '
        yield context.shown(context.inside(context.name('inputs', (9, 15)), 'name', (9, 20)))
"""

# ruff: noqa: N802 - Jinja finds the methods by the names of its nodes

from collections.abc import Mapping
from io import StringIO
from typing import TYPE_CHECKING, Any

from jinja2 import nodes
from jinja2.compiler import CodeGenerator, Frame
from jinja2.nodes import EvalContext

from orchestrator.core.expressions.catalogue import FETCHED, FILTERS, FUNCTIONS, TESTS, Signature, bound
from orchestrator.core.expressions.lexer import place_of
from orchestrator.core.expressions.parser import Part, Tree
from orchestrator.core.expressions.problems import Place, Refused, failed_at, near
from orchestrator.core.sentences import say

if TYPE_CHECKING:
    from jinja2 import Environment

_LAZY = {":??": "or_if_null", ":???": "or_if_missing"}
_COMPARED = frozenset({":==", ":!=", ":<", ":>", ":<=", ":>=", ":contains", ":in", ":not in"})


class Writer(CodeGenerator):
    """Writes one tree as code; raise `ExpressionFailed` for names of filters, functions and arguments that are not."""

    def __init__(self, environment: "Environment", tree: Tree) -> None:
        super().__init__(environment, None, None, StringIO(), optimized=False)
        self.tree = tree

    def written(self) -> str:
        """Return the code of the template and all its parts."""
        frame = Frame(EvalContext(self.environment))
        self.generator("root", self.tree.body, frame)
        for index, part in enumerate(self.tree.parts):
            self.generator(f"part_{index}", part.body, frame, part)
        if self.tree.single is not None:
            self.writeline("def single(context):")
            self.indent()
            self.writeline("return ")
            self.visit(self.tree.single, frame)
            self.outdent()
        parts = ", ".join(f"({part.parameters!r}, part_{index})" for index, part in enumerate(self.tree.parts))
        self.writeline(f"parts = ({parts},)" if parts else "parts = ()")
        return self.stream.getvalue()  # type: ignore[attr-defined, no-any-return]

    def generator(self, name: str, body: list[nodes.Node], frame: Frame, part: Part | None = None) -> None:
        self.writeline(f"def {name}(context):")
        self.indent()
        self.writeline("names = context.names")
        self.writeline("if 0: yield ''")
        for parameter, default in zip(part.parameters, part.defaults, strict=True) if part else ():
            self.writeline(f"if {parameter!r} not in names:")
            self.indent()
            self.writeline(f"names[{parameter!r}] = ")
            self.visit(default or nodes.Const(None), frame)
            self.outdent()
        self.blockvisit(body, frame)
        self.outdent()

    # -- statements

    def visit_Output(self, node: nodes.Output, frame: Frame) -> None:
        for child in node.nodes:
            if isinstance(child, nodes.TemplateData):
                self.writeline(f"yield {child.data!r}")
            else:
                self.writeline("yield context.shown(")
                self.visit(child, frame)
                self.write(f", {place_of(child)})")

    def visit_For(self, node: nodes.For, frame: Frame) -> None:
        none_yet = self.temporary_identifier()
        self.writeline(f"{none_yet} = True")
        self.writeline("for _ in context.each(")
        self.visit(node.iter, frame)
        assert isinstance(node.target, nodes.Name)
        self.write(f", {node.target.name!r}, {place_of(node)}):")
        self.indent()
        self.writeline(f"{none_yet} = False")
        self.blockvisit(node.body, frame)
        self.outdent()
        if node.else_:
            self.writeline(f"if {none_yet}:")
            self.indent()
            self.blockvisit(node.else_, frame)
            self.outdent()

    def visit_Assign(self, node: nodes.Assign, frame: Frame) -> None:
        assert isinstance(node.target, nodes.Name)
        self.writeline(f"names[{node.target.name!r}] = ")
        self.visit(node.node, frame)

    def visit_Scope(self, node: nodes.Scope, frame: Frame) -> None:
        kept = self.temporary_identifier()
        self.writeline(f"{kept} = dict(names)")
        self.blockvisit(node.body, frame)
        self.writeline("names.clear()")
        self.writeline(f"names.update({kept})")

    # -- values

    def visit_Name(self, node: nodes.Name, frame: Frame) -> None:  # noqa: ARG002
        self.write(f"context.name({node.name!r}, {place_of(node)})")

    def visit_Getitem(self, node: nodes.Getitem, frame: Frame) -> None:
        self.write("context.inside(")
        self.visit(node.node, frame)
        self.write(", ")
        self.visit(node.arg, frame)
        self.write(f", {place_of(node)})")

    def visit_Const(self, node: nodes.Const, frame: Frame) -> None:  # noqa: ARG002
        self.write(repr(node.value))

    def visit_List(self, node: nodes.List, frame: Frame) -> None:
        self.write("context.made([")
        for item in node.items:
            self.visit(item, frame)
            self.write(", ")
        self.write(f"], {place_of(node)})")

    def visit_Dict(self, node: nodes.Dict, frame: Frame) -> None:
        self.write("context.made_map((")
        for pair in node.items:
            self.write("(")
            self.visit(pair.key, frame)
            self.write(", ")
            self.visit(pair.value, frame)
            self.write("), ")
        self.write(f"), {place_of(node)})")

    def visit_CondExpr(self, node: nodes.CondExpr, frame: Frame) -> None:
        self.write("(")
        self.visit(node.expr1, frame)
        self.write(" if ")
        self.visit(node.test, frame)
        self.write(" else ")
        assert node.expr2 is not None
        self.visit(node.expr2, frame)
        self.write(")")

    def visit_And(self, node: nodes.BinExpr, frame: Frame, word: str = "and") -> None:
        self.write("(")
        self.visit(node.left, frame)
        self.write(f" {word} ")
        self.visit(node.right, frame)
        self.write(")")

    def visit_Or(self, node: nodes.BinExpr, frame: Frame) -> None:
        self.visit_And(node, frame, "or")

    def visit_Not(self, node: nodes.UnaryExpr, frame: Frame) -> None:
        self.write("(not ")
        self.visit(node.node, frame)
        self.write(")")

    # -- operators, which are filters whose names begin with a colon

    def visit_Filter(self, node: nodes.Filter, frame: Frame) -> None:
        name = node.name
        if not name.startswith(":"):
            self.named_filter(node, frame)
        elif name == ":truth":
            assert node.node is not None
            self.write("truth(")
            self.visit(node.node, frame)
            self.write(")")
        elif name == ":part":
            number = node.args[0]
            assert isinstance(number, nodes.Const)
            self.write(f"context.captured(part_{number.value}, {place_of(node)})")
        elif name in _LAZY:
            self.write(f"context.{_LAZY[name]}(lambda: ")
            self.visit_all([node.node, *node.args], frame, ", lambda: ")
            self.write(")")
        elif name == ":~":
            self.write(f"context.concatenated({place_of(node)}, ")
            self.visit_all(node.args, frame)
            self.write(")")
        else:
            how = "compared" if name in _COMPARED else "worked_out"
            self.write(f"context.{how}({name[1:]!r}, {place_of(node)}, ")
            self.visit_all([node.node, *node.args], frame)
            self.write(")")

    def visit_all(self, children: list[Any], frame: Frame, between: str = ", ") -> None:
        for index, child in enumerate(children):
            if index:
                self.write(between)
            self.visit(child, frame)

    # -- filters, tests, functions and macros, by name

    def named_filter(self, node: nodes.Filter, frame: Frame) -> None:
        place = place_of(node)
        signature = self.known(FILTERS, node.name, place, say("There is no filter `%(name)s`.", name=node.name))
        assert node.node is not None
        if node.name == "default":
            self.write("context.defaulted(lambda: ")
            self.visit(node.node, frame)
            self.write(", lambda: ")
            self.visit(self.given(signature, node.name, node.args, node.kwargs, place)["default_"], frame)
            self.write(")")
            return
        self.write(f"context.filtered({node.name!r}, {place}, ")
        self.visit(node.node, frame)
        self.pass_on(self.given(signature, node.name, node.args, node.kwargs, place), frame)

    def visit_Test(self, node: nodes.Test, frame: Frame) -> None:
        place = place_of(node)
        if node.name == "defined":
            self.write("context.defined(lambda: ")
            self.visit(node.node, frame)
            self.write(")")
            return
        signature = self.known(TESTS, node.name, place, say("There is no test `%(name)s`.", name=node.name))
        self.write(f"context.tested({node.name!r}, {place}, ")
        self.visit(node.node, frame)
        self.pass_on(self.given(signature, node.name, node.args, node.kwargs, place), frame)

    def visit_Call(self, node: nodes.Call, frame: Frame, forward_caller: bool = False) -> None:  # noqa: ARG002, FBT001, FBT002
        assert isinstance(node.node, nodes.Name)
        name, place = node.node.name, place_of(node)
        if name in self.tree.macros:
            self.macro_call(name, node, frame)
            return
        if name == "block":
            self.block_call(node)
            return
        how = "fetched" if name in FETCHED else "called"
        known = {**FUNCTIONS, **FETCHED, **dict.fromkeys(self.tree.macros)}
        signature = self.known(known, name, place, say("There is no function `%(name)s`.", name=name))
        self.write(f"context.{how}({name!r}, {place}")
        self.pass_on(self.given(signature, name, node.args, node.kwargs, place), frame)

    def macro_call(self, name: str, node: nodes.Call, frame: Frame) -> None:
        number = self.tree.macros[name]
        part = self.tree.parts[number]
        signature = Signature({parameter: parameter for parameter in part.parameters}, required=0, wants_run=False)
        given = self.given(signature, name, node.args, node.kwargs, place_of(node))
        self.write(f"context.expanded(part_{number}, {part.parameters!r}, {place_of(node)}, {{")
        for parameter, value in given.items():
            self.write(f"{parameter!r}: ")
            self.visit(value, frame)
            self.write(", ")
        self.write("})")

    def block_call(self, node: nodes.Call) -> None:
        name = node.args[0] if len(node.args) == 1 else None
        if not isinstance(name, nodes.Const) or name.value not in self.tree.blocks:
            message = say("`block` takes the name of a block of this text.")
            raise failed_at(self.tree.source, place_of(node), message, near("", self.tree.blocks))
        self.write(f"context.captured(part_{self.tree.blocks[name.value]}, {place_of(node)})")

    def known(self, table: Mapping[str, Any], name: str, place: Place, message: str) -> Any:  # noqa: ANN401
        if name not in table:
            raise failed_at(self.tree.source, place, message, near(name, table))
        return table[name]

    def given(
        self, signature: Signature, name: str, args: list[nodes.Expr], kwargs: list[Any], place: Place
    ) -> dict[str, nodes.Expr]:
        try:
            return bound(signature, name, args, {pair.key: pair.value for pair in kwargs})
        except Refused as refused:
            raise failed_at(self.tree.source, place, refused.message) from None

    def pass_on(self, given: dict[str, nodes.Expr], frame: Frame) -> None:
        for parameter, value in given.items():
            self.write(f", {parameter}=")
            self.visit(value, frame)
        self.write(")")
