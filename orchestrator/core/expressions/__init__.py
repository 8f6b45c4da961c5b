"""The expression language: what stands between `{{` and `}}` in flows and apps.

Use `render`, `evaluate`, `render_tree`, `truthy`, `compile_template` and `problems_in`; the rest is how they work:

templates.py   templates and the verbs above            scope.py      private names of the scope: `$at` ...
language.py    the sandbox that ties it all together     problems.py   ExpressionFailed, Needs, Call; near names
lexer.py       words and signs, brackets counted         bounds.py     what one rendering may cost
parser.py      operators, precedences, tags              printing.py   how values look as text
compiler.py    the Python code of a template             operators.py  `+`, `==`, `contains`, `..`
run.py         one rendering: names, values, budget      catalogue.py  the white list: filters, functions, tests
functions.py, filters_text.py, filters_data.py, filters_dates.py, tests_.py
and for them dates.py, jq.py, regexes.py, ion.py
"""

from orchestrator.core.expressions.problems import Call, ExpressionFailed, Needs
from orchestrator.core.expressions.scope import AT, RANDOM, ZONE
from orchestrator.core.expressions.templates import (
    Template,
    compile_template,
    evaluate,
    problems_in,
    render,
    render_tree,
    truthy,
)

__all__ = [
    "AT",
    "RANDOM",
    "ZONE",
    "Call",
    "ExpressionFailed",
    "Needs",
    "Template",
    "compile_template",
    "evaluate",
    "problems_in",
    "render",
    "render_tree",
    "truthy",
]
