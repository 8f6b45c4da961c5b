"""Reads a template into Jinja's nodes, with the field's operators, precedences and tags.

Jinja's node types are closed, so what it has no node for is written as a `Filter` node whose name begins with a
colon: `:+`, `:??`, `:truth`. `compiler.py` knows them all.
"""

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, NoReturn

from jinja2 import nodes
from jinja2.lexer import Token
from jinja2.parser import Parser

from orchestrator.core.expressions.lexer import place_of
from orchestrator.core.expressions.problems import Place, failed_at, near
from orchestrator.core.sentences import say

if TYPE_CHECKING:
    from jinja2 import Environment

MAX_HEIGHT = 60  # of one expression's tree; Python's own parser stops at 100 to 200
MAX_TAGS = 15  # within one another; Python allows 20 loops

# How tightly an operator binds, as in the field: `??` and `..` tighter than `~`, `~` tighter than `|`.
BINARY = {
    "or": 10,
    "||": 10,
    "and": 15,
    "&&": 15,
    "is": 20,
    "is not": 20,
    "contains": 20,
    "in": 20,
    "isIn": 20,
    "not in": 20,
    "isNotIn": 20,
    "==": 30,
    "equals": 30,
    "!=": 30,
    ">": 30,
    "<": 30,
    ">=": 30,
    "<=": 30,
    "+": 40,
    "-": 40,
    "*": 60,
    "/": 60,
    "%": 60,
    "|": 100,
    "~": 110,
    "..": 120,
    "??": 120,
    "???": 120,
}
NOT = 16  # `not a == b` is `not (a == b)`; the field fails there
SIGN = 500
SAME = {"||": "or", "&&": "and", "equals": "==", "isIn": "in", "isNotIn": "not in", "!": "not"}
WORDS = {
    "true": True,
    "TRUE": True,
    "false": False,
    "FALSE": False,
    "null": None,
    "NULL": None,
    "none": None,
    "NONE": None,
}
REMOVED = frozenset(
    {
        "autoescape",
        "extends",
        "embed",
        "flush",
        "import",
        "include",
        "parallel",
        "cache",
        "from",
        "call",
        "with",
        "print",
    }
)
ENDS = frozenset(
    {"elseif", "elif", "else", "endif", "endfor", "endmacro", "endblock", "endfilter", "endscope", "endset"}
)

# A function that looks at more than its arguments, and what it looks at.
LOOKS_AT: dict[str, tuple[tuple[str, ...], ...]] = {
    "currentEachOutput": (("parents",), ("taskrun", "value")),
    "currentOutput": (("parents",), ("taskrun", "value")),
    "env": (("envs",),),
    "iterationOutput": (("parents",), ("taskrun",), ("task",), ("outputs",)),
    "iterationOutputs": (("parents",), ("taskrun",), ("task",), ("outputs",)),
    "parentOutput": (("parents",), ("parent",), ("outputs",)),
    "tasksWithState": (("tasks",),),
}
LOOKS_AT_ALL = frozenset({"render", "renderOnce", "printContext", "fetchContext"})
ROOTS = tuple(
    (name,)
    for name in [
        "flow",
        "execution",
        "task",
        "taskrun",
        "parent",
        "parents",
        "inputs",
        "outputs",
        "tasks",
        "trigger",
        "schedule",
        "vars",
        "labels",
        "envs",
        "globals",
        "workingDir",
        "outputDir",
        "inputFiles",
        "item",
        "kestra",
        "portico",
        "files",
        "namespace",
    ]
)


@dataclass(slots=True)
class Part:
    """A piece of a template that is rendered on demand: a macro, a block, the inside of a `filter` tag."""

    body: list[nodes.Node]
    parameters: tuple[str, ...] = ()
    defaults: tuple[nodes.Expr | None, ...] = ()


@dataclass(slots=True)
class Tree:
    """A template that has been read."""

    source: str
    body: list[nodes.Node] = field(default_factory=list)
    parts: list[Part] = field(default_factory=list)
    macros: dict[str, int] = field(default_factory=dict)  # name -> index of its part
    blocks: dict[str, int] = field(default_factory=dict)
    names: frozenset[tuple[str, ...]] = frozenset()
    single: nodes.Expr | None = None  # the expression, when there is nothing else but white space


class Reader(Parser):
    """Reads one template."""

    def __init__(self, environment: "Environment", source: str) -> None:
        super().__init__(environment, source)
        self.tree = Tree(source)
        self.reads: set[tuple[str, ...]] = set()
        self.bound: list[str] = []  # loop variables and macro parameters in force
        self.last_end = 0
        self.depth = 0
        self.open_tags: list[Token] = []

    def read(self) -> Tree:
        """Return the whole template as a tree; raise `ExpressionFailed` at the first thing that cannot be read."""
        tree = self.tree
        tree.body = self.subparse()
        tree.names = frozenset(self.reads)
        printed = [node for output in tree.body for node in getattr(output, "nodes", [None])]
        shown = [node for node in printed if not (isinstance(node, nodes.TemplateData) and not node.data.strip())]
        if len(shown) == 1 and isinstance(shown[0], nodes.Expr) and not isinstance(shown[0], nodes.TemplateData):
            tree.single = shown[0]
        return tree

    # -- words

    def advance(self) -> Token:
        found = next(self.stream)
        self.last_end = place_of(found)[1]
        return found

    def sees(self, value: str) -> bool:
        current = self.stream.current
        return current.value == value and current.type in {"operator", "name"}

    def skip(self, value: str) -> bool:
        if self.sees(value):
            self.advance()
            return True
        return False

    def need(self, value: str) -> Token:
        if not self.sees(value):
            self.refuse(
                say("`%(sign)s` is expected here, not %(found)s.", sign=value, found=_described(self.stream.current))
            )
        return self.advance()

    def need_name(self) -> Token:
        current = self.stream.current
        if current.type != "name" or current.value in WORDS:
            self.refuse(say("A name is expected here, not %(found)s.", found=_described(current)))
        return self.advance()

    def need_end_of_tag(self) -> None:
        if self.stream.current.type != "block_end":
            self.refuse(
                say("The tag should end here, not go on with %(found)s.", found=_described(self.stream.current))
            )

    def refuse(self, message: str, mend: str = "", place: Place | None = None) -> NoReturn:
        raise failed_at(self.tree.source, place or place_of(self.stream.current), message, mend)

    # -- the template and its tags

    def subparse(self, end_tokens: tuple[str, ...] | None = None) -> list[nodes.Node]:
        body: list[nodes.Node] = []
        while (current := self.stream.current).type != "eof":
            if current.type == "data":
                self.advance()
                body.append(nodes.Output([nodes.TemplateData(current.value)]))
            elif current.type == "variable_begin":
                self.advance()
                body.append(nodes.Output([self.parse_expression()]))
                if self.stream.current.type != "variable_end":
                    found = _described(self.stream.current)
                    self.refuse(say("The expression should end here, not go on with %(found)s.", found=found))
                self.advance()
            else:
                self.advance()
                tag = self.stream.current
                if end_tokens and tag.type == "name" and tag.value in end_tokens:
                    return body
                body.extend(self.tag(end_tokens))
        if end_tokens:
            tag = self.open_tags[-1]
            self.refuse(
                say("`%(tag)s` is not closed.", tag=tag.value),
                say("Write `{%% %(tag)s %%}` at its end.", tag=end_tokens[-1]),
                place_of(tag),
            )
        return body

    def tag(self, end_tokens: tuple[str, ...] | None) -> list[nodes.Node]:
        name = self.stream.current
        if name.type != "name":
            self.refuse(say("The name of a tag is expected here, not %(found)s.", found=_described(name)))
        tags: dict[str, Callable[[], list[nodes.Node]]] = {
            "if": self.tag_if,
            "for": self.tag_for,
            "set": self.tag_set,
            "filter": self.tag_filter,
            "macro": self.tag_macro,
            "block": self.tag_block,
            "scope": self.tag_scope,
        }
        if name.value in REMOVED:
            self.refuse(say("The tag `%(tag)s` is not available.", tag=name.value))
        if name.value in ENDS:
            mend = say("`%(tag)s` is expected first.", tag=end_tokens[-1]) if end_tokens else ""
            self.refuse(say("There is nothing that `%(tag)s` could belong to.", tag=name.value), mend)
        if name.value not in tags:
            self.refuse(say("There is no tag `%(tag)s`.", tag=name.value), near(name.value, [*tags, "raw", "verbatim"]))
        if len(self.open_tags) >= MAX_TAGS:
            self.refuse(say("Tags may stand at most %(most)s deep within one another.", most=MAX_TAGS))
        self.open_tags.append(name)
        self.advance()
        result = tags[name.value]()
        self.open_tags.pop()
        self.need_end_of_tag()
        self.advance()
        return result

    def inside(self, *ends: str) -> list[nodes.Node]:
        """Read up to one of the tags `ends`, whose name becomes the current word; the usual end comes last."""
        self.need_end_of_tag()
        self.advance()
        return self.subparse(ends)

    def tag_if(self) -> list[nodes.Node]:
        first = node = nodes.If(self.truth(self.parse_expression()), [], [], [])
        while True:
            node.body = self.inside("elseif", "elif", "else", "endif")
            word = self.advance().value
            if word not in {"elseif", "elif"}:
                break
            node = nodes.If(self.truth(self.parse_expression()), [], [], [])
            first.elif_.append(node)
        if word == "else":
            first.else_ = self.inside("endif")
            self.advance()
        return [first]

    def tag_for(self) -> list[nodes.Node]:
        start = place_of(self.stream.current)
        name = self.need_name().value
        self.need("in")
        over = self.parse_expression()
        self.bound += [name, "loop"]
        body = self.inside("else", "endfor")
        del self.bound[-2:]
        otherwise: list[nodes.Node] = []
        if self.advance().value == "else":
            otherwise = self.inside("endfor")
            self.advance()
        return [nodes.For(nodes.Name(name, "store"), over, body, otherwise, None, None, lineno=start)]

    def tag_set(self) -> list[nodes.Node]:
        name = self.need_name()
        self.need("=")
        target = nodes.Name(name.value, "store")
        return [nodes.Assign(target, self.parse_expression(), lineno=name.lineno)]

    def tag_filter(self) -> list[nodes.Node]:
        part = self.part(Part([]))
        node: nodes.Expr = _op(":part", None, [nodes.Const(part)], place_of(self.stream.current))
        while True:
            node = self.parse_filter_call(node)
            if not self.skip("|"):
                break
        self.tree.parts[part].body = self.inside("endfilter")
        self.advance()
        return [nodes.Output([node])]

    def tag_macro(self) -> list[nodes.Node]:
        name = self.need_name()
        parameters: list[str] = []
        defaults: list[nodes.Expr | None] = []
        self.need("(")
        while not self.skip(")"):
            if parameters:
                self.need(",")
            parameters.append(self.need_name().value)
            defaults.append(self.parse_expression() if self.skip("=") else None)
        if name.value in self.tree.macros:
            self.refuse(say("There are two macros `%(name)s`.", name=name.value), place=place_of(name))
        part = self.part(Part([], tuple(parameters), tuple(defaults)))
        self.tree.macros[name.value] = part
        self.bound += parameters
        self.tree.parts[part].body = self.inside("endmacro")
        del self.bound[len(self.bound) - len(parameters) :]
        self.advance()
        if self.stream.current.type == "name":
            self.advance()
        return []

    def tag_block(self) -> list[nodes.Node]:
        name = self.advance()
        if name.type not in {"name", "string"}:
            self.refuse(say("The name of the block is expected here."), place=place_of(name))
        if name.value in self.tree.blocks:
            self.refuse(say("There are two blocks `%(name)s`.", name=name.value), place=place_of(name))
        part = self.part(Part([]))
        self.tree.blocks[name.value] = part
        self.tree.parts[part].body = self.inside("endblock")
        self.advance()
        if self.stream.current.type in {"name", "string"}:
            self.advance()
        return [nodes.Output([_op(":part", None, [nodes.Const(part)], place_of(name))])]

    def tag_scope(self) -> list[nodes.Node]:
        body = self.inside("endscope")
        self.advance()
        return [nodes.Scope(body)]

    def part(self, part: Part) -> int:
        self.tree.parts.append(part)
        return len(self.tree.parts) - 1

    # -- expressions

    def parse_expression(self, with_condexpr: bool = True, least: int = 0) -> nodes.Expr:  # noqa: ARG002, FBT001, FBT002
        """Read an expression whose operators bind at least as tightly as `least`."""
        self.depth += 1
        if self.depth > MAX_HEIGHT:
            self.refuse(say("The expression is nested too deeply."))
        node = self.operand()
        while (operator := self.operator()) is not None and BINARY[operator] >= least:
            node = self.infix(node, operator)
        if least == 0 and self.sees("?"):
            self.advance()
            chosen = self.parse_expression()
            self.need(":")
            other = self.parse_expression()
            node = self.grown(nodes.CondExpr(self.truth(node), chosen, other), node, chosen, other)
        self.depth -= 1
        return node

    def operator(self) -> str | None:
        current = self.stream.current
        if current.type not in {"operator", "name"}:
            return None
        value = current.value
        if value in {"is", "not"} and current.type == "name":
            following = self.stream.look()
            if value == "is" and following.value == "not" and following.type == "name":
                return "is not"
            if value == "not":
                return "not in" if following.value == "in" and following.type == "name" else None
        return value if value in BINARY else None

    def infix(self, left: nodes.Expr, operator: str) -> nodes.Expr:
        place = place_of(self.advance())
        if operator in {"is not", "not in"}:
            self.advance()
        if operator == "|":
            return self.parse_filter_call(left)
        if operator in {"is", "is not"}:
            return self.parse_test_call(left, negated=operator == "is not")
        right = self.parse_expression(least=BINARY[operator] + 1)
        operator = SAME.get(operator, operator)
        if operator in {"and", "or"}:
            kind = nodes.And if operator == "and" else nodes.Or
            return self.grown(kind(self.truth(left), self.truth(right)), left, right)
        if operator == "~":  # a long chain is one node, not a tall tree
            if isinstance(left, nodes.Filter) and left.name == ":~":
                left.args.append(right)
                return self.grown(left, right)
            return self.grown(_op(":~", None, [left, right], place), left, right)
        return self.grown(_op(f":{operator}", left, [right], place), left, right)

    def operand(self) -> nodes.Expr:
        current = self.stream.current
        place = place_of(current)
        if current.type == "name" and current.value == "not":
            return self.negated(place)
        if current.type == "operator":
            if current.value == "!":
                return self.negated(place)
            if current.value in {"-", "+"}:
                self.advance()
                inner = self.parse_expression(least=SIGN)
                return self.grown(_op(f":sign{current.value}", inner, [], place), inner)
            if current.value == "[":
                return self.parse_postfix(self.parse_list())
            if current.value == "{":
                return self.parse_postfix(self.parse_dict())
            if current.value == "(":
                self.advance()
                inner = self.parse_expression()
                self.need(")")
                return self.parse_postfix(inner)
        return self.parse_postfix(self.primary())

    def negated(self, place: Place) -> nodes.Expr:
        self.advance()
        inner = self.parse_expression(least=NOT)
        return self.grown(nodes.Not(self.truth(inner), lineno=place), inner)

    def primary(self) -> nodes.Expr:
        current = self.advance()
        place = place_of(current)
        match current.type:
            case "string":
                return nodes.Const(current.value, lineno=place)
            case "integer":
                return self.integer(current.value, place)
            case "float":
                return nodes.Const(float(current.value), lineno=place)
            case "name" if current.value in WORDS:
                return nodes.Const(WORDS[current.value], lineno=place)
            case "name" if self.sees("("):
                return self.function_call(current.value, place)
            case "name":
                return nodes.Name(current.value, "load", lineno=place)
            case _:
                message = say("A value is expected here, not %(found)s.", found=_described(current))
                raise failed_at(self.tree.source, place, message)

    def integer(self, text: str, place: Place) -> nodes.Expr:
        number = text.rstrip("L")
        if len(number) > 18:
            self.refuse(say("The number is too large."), place=place)
        return nodes.Const(int(number), lineno=place)

    def parse_postfix(self, node: nodes.Expr) -> nodes.Expr:
        start = place_of(node)[0]
        steps: list[str] | None = [node.name] if isinstance(node, nodes.Name) else None
        root = node if isinstance(node, nodes.Name) else None
        while self.stream.current.type == "operator" and self.stream.current.value in {".", "[", "("}:
            if self.sees("("):
                self.refuse(
                    say("Methods cannot be called."), say("Use a filter or a function, such as `name | upper`.")
                )
            key = self.key()
            if steps is not None and isinstance(key, nodes.Const) and isinstance(key.value, str):
                steps.append(key.value)
            else:
                self.note(root, steps)
                steps = None
                root = None
            node = self.grown(nodes.Getitem(node, key, "load", lineno=(start, self.last_end)), node, key)
        self.note(root, steps)
        return node

    def key(self) -> nodes.Expr:
        if self.skip("["):
            key = self.parse_expression()
            self.need("]")
            return key
        self.advance()  # the dot
        name = self.advance()
        if name.type in {"integer", "string"} or name.type != "name":
            self.refuse(
                say("A name is expected after the dot, not %(found)s.", found=_described(name)),
                say("Other keys are written `['...']`."),
                place_of(name),
            )
        return nodes.Const(name.value, lineno=name.lineno)

    def note(self, root: nodes.Name | None, steps: list[str] | None) -> None:
        """Remember what of the context is read: a root and the first key below it, where that is known."""
        if root is not None and root.name not in self.bound:
            self.reads.add(tuple(steps[:2]) if steps else (root.name,))

    def function_call(self, name: str, place: Place) -> nodes.Expr:
        args, kwargs = self.arguments()
        self.reads.update(LOOKS_AT.get(name, ()))
        if name in LOOKS_AT_ALL:
            self.reads.update(ROOTS)
        node = nodes.Call(nodes.Name(name, "load"), args, kwargs, None, None, lineno=(place[0], self.last_end))
        return self.grown(node, *args, *(pair.value for pair in kwargs))

    def parse_filter_call(self, node: nodes.Expr) -> nodes.Expr:
        name = self.need_name()
        args, kwargs = self.arguments() if self.sees("(") else ([], [])
        made = nodes.Filter(node, name.value, args, kwargs, None, None, lineno=(place_of(name)[0], self.last_end))
        return self.grown(made, node, *args, *(pair.value for pair in kwargs))

    def parse_test_call(self, node: nodes.Expr, *, negated: bool) -> nodes.Expr:
        name = self.advance()
        if name.type != "name":
            self.refuse(say("The name of a test is expected here."), place=place_of(name))
        args, kwargs = self.arguments() if self.sees("(") else ([], [])
        test: nodes.Expr = nodes.Test(node, name.value, args, kwargs, None, None, lineno=name.lineno)
        self.grown(test, node, *args)
        return self.grown(nodes.Not(test), test) if negated else test

    def arguments(self) -> tuple[list[nodes.Expr], list[nodes.Keyword]]:
        args: list[nodes.Expr] = []
        kwargs: list[nodes.Keyword] = []
        self.need("(")
        while not self.skip(")"):
            if args or kwargs:
                self.need(",")
            if self.stream.current.type == "name" and self.stream.look().value == "=":
                name = self.advance()
                self.advance()
                kwargs.append(nodes.Keyword(name.value, self.parse_expression(), lineno=name.lineno))
            elif kwargs:
                self.refuse(say("Arguments without a name come first."))
            else:
                args.append(self.parse_expression())
        return args, kwargs

    def parse_list(self) -> nodes.List:
        place = place_of(self.need("["))
        items: list[nodes.Expr] = []
        while not self.skip("]"):
            if items:
                self.need(",")
                if self.skip("]"):
                    break
            items.append(self.parse_expression())
        node = nodes.List(items, lineno=place)
        self.grown(node, *items)
        return node

    def parse_dict(self) -> nodes.Dict:
        place = place_of(self.need("{"))
        items: list[nodes.Pair] = []
        while not self.skip("}"):
            if items:
                self.need(",")
                if self.skip("}"):
                    break
            items.append(self.pair())
        node = nodes.Dict(items, lineno=place)
        self.grown(node, *(pair.value for pair in items))
        return node

    def pair(self) -> nodes.Pair:
        current = self.stream.current
        if current.type == "name" and current.value not in WORDS and self.stream.look().value == ":":
            key: nodes.Expr = nodes.Const(self.advance().value, lineno=current.lineno)
        else:
            key = self.parse_expression()
        self.need(":")
        return nodes.Pair(key, self.parse_expression())

    def truth(self, node: nodes.Expr) -> nodes.Expr:
        """Return `node` as the true or false that conditions and `and`, `or`, `not` want."""
        if isinstance(node, (nodes.Not, nodes.And, nodes.Or, nodes.Test)):
            return node
        return self.grown(_op(":truth", node, [], (0, 0)), node)

    def grown(self, node: nodes.Expr, *children: nodes.Expr) -> nodes.Expr:
        """Note how tall the tree has become; what walks it later is recursive."""
        height = max(
            getattr(node, "height", 1), 1 + max((getattr(child, "height", 0) for child in children), default=0)
        )
        if height > 2 * MAX_HEIGHT:
            self.refuse(say("The expression is too long to be one: break it up with `set`."))
        node.height = height  # type: ignore[attr-defined]
        return node


def _op(name: str, left: nodes.Expr | None, args: list[nodes.Expr], place: Place) -> nodes.Filter:
    return nodes.Filter(left, name, args, [], None, None, lineno=place)


def _described(found: Token) -> str:
    match found.type:
        case "eof":
            return say("the end of the text")
        case "variable_end" | "block_end":
            return f"`{found.value}`"
        case "string":
            return say("the text '%(text)s'", text=found.value[:40])
        case "data":
            return say("text outside of an expression")
    return f"`{found.value[:40]}`"
