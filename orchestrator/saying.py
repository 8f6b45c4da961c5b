"""What the core says, for people: its sentences in the reader's language, its refusals as this product's errors.

The core knows no languages; it leaves a template and values.
"""

from django.utils.translation import gettext

from orchestrator.core.errors import InputInvalid
from orchestrator.core.sentences import Sentence
from tenants.errors import FieldProblem, Invalid


def said(text: str) -> str:
    """Return `text` in the active language where it is a sentence of the core, else as it is."""
    if isinstance(text, Sentence):
        return gettext(text.template) % text.values
    return text


def as_invalid(refused: InputInvalid) -> Invalid:
    """Return the error for values that inputs do not accept: one problem for each, with the input's id as its path."""
    return Invalid([FieldProblem(said(problem.message), (problem.input_id,)) for problem in refused.problems])
