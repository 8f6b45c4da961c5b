"""What the core says, for people: its sentences in the reader's language, its refusals as this product's errors.

The core knows no languages; it leaves a template and values.
"""

from collections.abc import Iterable
from dataclasses import replace

from django.utils.translation import gettext

from orchestrator.core.errors import InputInvalid
from orchestrator.core.sentences import Sentence
from orchestrator.core.spec import Problem
from tenants.errors import FieldProblem, Invalid


def said(text: str) -> str:
    """Return `text` in the active language where it is a sentence of the core, else as it is.

    A value inside of it may be a sentence itself: "not %(kind)s" with "a list".
    """
    if not isinstance(text, Sentence):
        return text
    values = {name: said(value) if isinstance(value, str) else value for name, value in text.values.items()}
    return gettext(text.template) % values


def spoken(problems: Iterable[Problem]) -> list[Problem]:
    """Return problems of a flow's or an app's text in the active language, for an error that any door may show."""
    return [replace(problem, message=said(problem.message), mend=said(problem.mend)) for problem in problems]


def reason(error: Exception) -> str:
    """Return why an error of the core was raised, in the active language."""
    first = error.args[0] if error.args else ""
    return said(first) if isinstance(first, str) else str(error)


def as_invalid(refused: InputInvalid) -> Invalid:
    """Return the error for values that inputs do not accept: one problem for each, with the input's id as its path."""
    return Invalid([FieldProblem(said(problem.message), (problem.input_id,)) for problem in refused.problems])
