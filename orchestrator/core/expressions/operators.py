"""What the operators do, as the field has it: null-safe, without surprises of Python, every result bounded."""

import json
import math
from collections.abc import Callable, Iterable, Mapping
from datetime import date, datetime, time, timedelta
from decimal import Decimal

from orchestrator.core.expressions.bounds import MAX_ROUNDS, bounded_join, fits
from orchestrator.core.expressions.printing import kind_of, printed
from orchestrator.core.expressions.problems import Refused
from orchestrator.core.sentences import say

Number = int | float | Decimal


def truth(value: object) -> bool:
    """Return what `if`, `? :`, `and`, `or` and `not` take a value for."""
    return bool(value)


def same(left: object, right: object) -> bool:
    """Compare like the field: numbers by value, everything else only with its own kind; `true` is not 1."""
    if isinstance(left, bool) or isinstance(right, bool):
        return left is right
    if isinstance(left, tuple) or isinstance(right, tuple):
        left, right = _as_list(left), _as_list(right)
    try:
        return bool(left == right)
    except TypeError:
        return False


def identity(value: object) -> object:
    """Return something hashable that is equal for values that are `same`; linear in their size."""
    kind = type(value)
    if kind is str or kind is int or kind is float:
        return value
    if kind is bool or value is None:
        return (kind, value)
    if isinstance(value, (Mapping, list, tuple)):
        return (dict, json.dumps(value, sort_keys=True, default=str))
    return value


def _as_list(value: object) -> object:
    return list(value) if isinstance(value, tuple) else value


def before(left: object, right: object) -> bool:
    """Say whether `left < right`; null is neither before nor after anything."""
    if left is None or right is None:
        return False
    if _is_number(left) and _is_number(right):
        return left < right  # type: ignore[operator, no-any-return]
    comparable = (str, datetime, date, time, timedelta)
    if isinstance(left, comparable) and isinstance(right, comparable):
        try:
            return left < right  # type: ignore[operator]
        except TypeError:
            pass
    raise Refused(say("%(left)s and %(right)s cannot be compared.", left=kind_of(left), right=kind_of(right)))


def contains(whole: object, part: object) -> bool:
    """Say whether a list has an item (or all of a list), a map a key, a text a text."""
    match whole:
        case None:
            return False
        case str():
            return printed(part) in whole
        case Mapping():
            return isinstance(part, (str, int)) and part in whole
        case list() | tuple() if isinstance(part, (list, tuple)):
            return set(map(identity, part)) <= set(map(identity, whole))
        case list() | tuple():
            return any(same(item, part) for item in whole)
    raise Refused(say("%(kind)s cannot contain anything.", kind=kind_of(whole)))


def is_in(part: object, whole: object) -> bool:
    """Say whether `part` is an item of a list, a key or value of a map, a piece of a text; compared as text."""
    if part is None or whole is None:
        return False
    wanted = printed(part)
    match whole:
        case str():
            return wanted in whole
        case Mapping():
            return any(printed(item) == wanted for pair in whole.items() for item in pair)
        case list() | tuple():
            return any(printed(item) == wanted for item in whole)
    return False


def add(left: object, right: object) -> object:
    """Add numbers, join texts, append to a list."""
    if isinstance(left, str) or isinstance(right, str):
        return bounded_join("", (printed(left), printed(right)))
    if isinstance(left, (list, tuple)):
        return [*left, *(right if isinstance(right, (list, tuple)) else [right])]
    if isinstance(left, (datetime, date, timedelta)) and isinstance(right, timedelta):
        return _date_result(lambda: left + right)
    one, other = _numbers(left, right, "+")
    return _result(one + other)  # type: ignore[operator]


def subtract(left: object, right: object) -> object:
    """Subtract numbers, take items out of a list."""
    if isinstance(left, (list, tuple)):
        gone = set(map(identity, right if isinstance(right, (list, tuple)) else [right]))
        return [item for item in left if identity(item) not in gone]
    if isinstance(left, (datetime, date, timedelta)) and isinstance(right, (datetime, date, timedelta)):
        return _date_result(lambda: left - right)  # type: ignore[operator]
    one, other = _numbers(left, right, "-")
    return _result(one - other)  # type: ignore[operator]


def multiply(left: object, right: object) -> object:
    """Multiply numbers; texts and lists are not repeated."""
    one, other = _numbers(left, right, "*")
    return _result(one * other)  # type: ignore[operator]


def divide(left: object, right: object) -> object:
    """Divide numbers; whole numbers give a whole number, cut towards zero."""
    one, other = _numbers(left, right, "/")
    if other == 0:
        raise Refused(say("A number cannot be divided by 0."))
    if isinstance(one, int) and isinstance(other, int):
        quotient = abs(one) // abs(other)
        return fits(quotient if (one < 0) == (other < 0) else -quotient)
    return _result(one / other)  # type: ignore[operator]


def remainder(left: object, right: object) -> object:
    """Return the rest of a division; it has the sign of the dividend."""
    one, other = _numbers(left, right, "%")
    if other == 0:
        raise Refused(say("A number cannot be divided by 0."))
    if isinstance(one, int) and isinstance(other, int):
        rest = abs(one) % abs(other)
        return rest if one >= 0 else -rest
    return math.fmod(one, other)


def span(first: object, last: object, step: object = 1) -> list[object]:
    """Return the numbers, or letters, from `first` to `last`, both included."""
    if isinstance(first, str) and isinstance(last, str) and len(first) == len(last) == 1:
        return [chr(code) for code in _steps(ord(first), ord(last), step)]
    if not isinstance(first, int) or not isinstance(last, int):
        raise Refused(say("A range goes from one whole number to another."))
    return list(_steps(first, last, step))


def negative(value: object) -> object:
    """Return a number with the other sign."""
    return multiply(-1, value)


def positive(value: object) -> object:
    """Return a number as it is."""
    return multiply(1, value)


def _steps(first: int, last: int, step: object) -> range:
    if not isinstance(step, int) or step == 0:
        raise Refused(say("The step of a range is a whole number other than 0."))
    if abs(last - first) // abs(step) >= MAX_ROUNDS:
        raise Refused(say("A range may have at most %(most)s items.", most=MAX_ROUNDS))
    return range(first, last + (1 if step > 0 else -1), step)


def _numbers(left: object, right: object, sign: str) -> tuple[Number, Number]:
    if _is_number(left) and _is_number(right):
        one: Number = left  # type: ignore[assignment]
        other: Number = right  # type: ignore[assignment]
        if isinstance(one, Decimal) != isinstance(other, Decimal):
            return Decimal(str(one)), Decimal(str(other))
        return one, other
    raise Refused(
        say(
            "`%(sign)s` needs two numbers, not %(left)s and %(right)s.",
            sign=sign,
            left=kind_of(left),
            right=kind_of(right),
        )
    )


def _is_number(value: object) -> bool:
    return isinstance(value, (int, float, Decimal)) and not isinstance(value, bool)


def _result(number: Number) -> Number:
    return fits(number) if isinstance(number, int) else number


def _date_result(work: Callable[[], object]) -> object:
    try:
        return work()
    except (TypeError, OverflowError):
        raise Refused(say("These dates and durations cannot be worked out together.")) from None


def joined(values: Iterable[object]) -> str:
    """Return the texts of `values`, one after the other."""
    return bounded_join("", map(printed, values))


WORKED_OUT: dict[str, Callable[..., object]] = {
    "+": add,
    "-": subtract,
    "*": multiply,
    "/": divide,
    "%": remainder,
    "..": span,
    "sign-": negative,
    "sign+": positive,
}
COMPARED: dict[str, Callable[[object, object], bool]] = {
    "==": same,
    "!=": lambda left, right: not same(left, right),
    "<": before,
    ">": lambda left, right: before(right, left),
    "<=": lambda left, right: left is not None and right is not None and not before(right, left),
    ">=": lambda left, right: left is not None and right is not None and not before(left, right),
    "contains": contains,
    "in": is_in,
    "not in": lambda left, right: not is_in(left, right),
}
