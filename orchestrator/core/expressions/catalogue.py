"""Every filter, function and test there is, by its name, with the arguments it takes.

The tables are the white list: what is not in them cannot be called.
"""

import inspect
import re
from collections.abc import Callable, Mapping, Sequence
from typing import NamedTuple, TypeVar

from orchestrator.core.expressions.filters_data import FILTERS as DATA
from orchestrator.core.expressions.filters_dates import FILTERS as DATES
from orchestrator.core.expressions.filters_text import FILTERS as TEXT
from orchestrator.core.expressions.functions import FETCHED as FETCHED_ARGUMENTS
from orchestrator.core.expressions.functions import FUNCTIONS as FUNCTION_CODE
from orchestrator.core.expressions.problems import Refused, near
from orchestrator.core.expressions.tests_ import TESTS as TEST_CODE
from orchestrator.core.sentences import say

T = TypeVar("T")
Implementation = Callable[..., object]


class Signature(NamedTuple):
    """The arguments that something takes after its first value."""

    parameters: Mapping[str, str]  # the author's name -> the implementation's
    required: int
    wants_run: bool  # the running render comes as `run`


FILTER_CODE: dict[str, Implementation] = {**TEXT, **DATA, **DATES}


def bound(signature: Signature, name: str, args: Sequence[T], kwargs: Mapping[str, T]) -> dict[str, T]:
    """Return the arguments by the implementation's names; raise `Refused` for too many, too few or unknown ones."""
    parameters = signature.parameters
    if len(args) > len(parameters):
        raise Refused(
            say("`%(name)s` takes at most %(count)s arguments.", name=name, count=len(parameters))
            if parameters
            else say("`%(name)s` takes no arguments.", name=name)
        )
    given = dict(zip(parameters, args, strict=False))
    for key, value in kwargs.items():
        if key not in parameters:
            message = say("`%(name)s` has no argument `%(argument)s`.", name=name, argument=key)
            raise Refused(f"{message} {near(key, parameters)}")
        if key in given:
            raise Refused(say("`%(name)s` is given `%(argument)s` twice.", name=name, argument=key))
        given[key] = value
    for needed in list(parameters)[: signature.required]:
        if needed not in given:
            raise Refused(say("`%(name)s` expects the argument `%(argument)s`.", name=name, argument=needed))
    return {parameters[key]: given[key] for key in parameters if key in given}


def _camel(name: str) -> str:
    return re.sub(r"_([a-z])", lambda found: found.group(1).upper(), name.strip("_"))


def _signature(code: Implementation, *, values: int) -> Signature:
    parameters = list(inspect.signature(code).parameters.values())
    wants_run = bool(parameters) and parameters[0].name == "run"
    named = parameters[wants_run + values :]
    required = sum(parameter.default is inspect.Parameter.empty for parameter in named)
    return Signature({_camel(parameter.name): parameter.name for parameter in named}, required, wants_run)


def _signatures(table: Mapping[str, Implementation], *, values: int) -> dict[str, Signature]:
    return {name: _signature(code, values=values) for name, code in table.items()}


FILTERS = _signatures(FILTER_CODE, values=1)
TESTS = _signatures(TEST_CODE, values=1) | {"defined": Signature({}, 0, wants_run=False)}
FUNCTIONS = _signatures(FUNCTION_CODE, values=0)
FETCHED = {
    name: Signature({parameter: parameter for parameter in names}, required, wants_run=False)
    for name, (names, required) in FETCHED_ARGUMENTS.items()
}

__all__ = [
    "FETCHED",
    "FILTERS",
    "FILTER_CODE",
    "FUNCTIONS",
    "FUNCTION_CODE",
    "TESTS",
    "TEST_CODE",
    "Implementation",
    "Signature",
    "bound",
]
