"""Regular expressions of authors: RE2 only, so that no pattern can take more than linear time."""

from collections.abc import Callable
from functools import lru_cache
from typing import Any

import re2

from orchestrator.core.expressions.bounds import bounded_join
from orchestrator.core.expressions.problems import Refused
from orchestrator.core.sentences import say

MAX_PATTERN = 1_000  # characters
MAX_MEMORY = 4 << 20  # bytes for one compiled pattern
FINDING = 2  # each match may look through the rest of the text once more: a match costs length / FINDING characters

Spend = Callable[[int], None]


@lru_cache(maxsize=256)
def _compiled(pattern: str) -> Any:  # noqa: ANN401 - RE2 has no types
    options = re2.Options()
    options.max_mem = MAX_MEMORY
    options.log_errors = False
    try:
        return re2.compile(pattern, options)
    except re2.error as error:
        message = say(
            "`%(pattern)s` is not a regular expression that can be used here: %(why)s", pattern=pattern, why=error
        )
        raise Refused(message) from None


def regex(pattern: str) -> Any:  # noqa: ANN401 - RE2 has no types
    """Return the compiled pattern, in RE2's syntax; raise `Refused` where RE2 cannot do it (look-around, for one)."""
    if len(pattern) > MAX_PATTERN:
        raise Refused(say("A regular expression may have at most %(most)s characters.", most=MAX_PATTERN))
    return _compiled(pattern)


def matches(pattern: str, text: str) -> bool:
    """Say whether the pattern is found anywhere in the text."""
    return regex(pattern).search(text) is not None


def extract(pattern: str, text: str, group: int) -> str | None:
    """Return a group of the first match, None when there is none."""
    found = regex(pattern).search(text)
    if found is None:
        return None
    if not 0 <= group <= regex(pattern).groups:
        raise Refused(say("The regular expression has no group %(group)s.", group=group))
    result: str | None = found.group(group)
    return result


def replace_all(pattern: str, replacement: str, text: str, spend: Spend) -> str:
    """Replace every match; `$1` in the replacement is the first group, as in the field. `spend` takes the price."""
    compiled = regex(pattern)
    pieces = _pieces(replacement, compiled.groups)

    def parts() -> Any:  # noqa: ANN401
        end = 0
        for found in compiled.finditer(text):
            spend(len(text) // FINDING)
            yield text[end : found.start()]
            for piece in pieces:
                yield piece if isinstance(piece, str) else found.group(piece) or ""
            end = found.end()
        yield text[end:]

    return bounded_join("", parts())


def _pieces(replacement: str, groups: int) -> list[str | int]:
    pieces: list[str | int] = []
    at = 0
    while at < len(replacement):
        sign = replacement[at]
        following = replacement[at + 1 : at + 2]
        if sign == "$" and following.isdecimal() and int(following) <= groups:
            pieces.append(int(following))
            at += 2
        elif sign == "\\" and following:
            pieces.append(following)
            at += 2
        else:
            pieces.append(sign)
            at += 1
    return pieces
