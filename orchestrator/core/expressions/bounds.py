"""How much one rendering may cost, counted in steps and sizes, never in seconds.

Templates are written by people we do not know, so everything that can grow is measured: a loop costs steps, a text
costs by its length, and a structure made in a template is weighed node by node before anything walks over it.
"""

from collections.abc import Iterable, Mapping

from orchestrator.core.expressions.problems import Refused
from orchestrator.core.sentences import say

MAX_SOURCE = 1_000_000  # characters of one template
MAX_TEXT = 1_000_000  # characters of the output and of every text on the way
MAX_NODES = 200_000  # values in one structure, counted as if nothing were shared
MAX_DEPTH = 100  # levels of one structure
MAX_ROUNDS = 100_000  # rounds of all loops of one rendering
MAX_WORK = 10_000_000  # units, by the prices below
MAX_CALL_DEPTH = 20  # macros, blocks and render() within one another
MAX_WHOLE = 2**63  # whole numbers are 64 bits wide, as in the field

ROUND = 10  # of a loop
CALL = 30  # of a filter, a test, a function or a part
NODE = 4  # each time that a value inside of a structure is passed by
CHARACTERS = 16  # for one unit

_SCALARS = frozenset({type(None), bool, int, float})


class Budget:
    """What one rendering has left to spend."""

    __slots__ = ("rounds", "work")

    def __init__(self) -> None:
        self.work = MAX_WORK
        self.rounds = MAX_ROUNDS

    def spend(self, units: int) -> None:
        """Take `units` of work; raise `Refused` when nothing is left."""
        self.work -= units
        if self.work < 0:
            raise Refused(say("The expression does too much work and was stopped."))

    def round(self) -> None:
        """Take one round of a loop."""
        self.rounds -= 1
        if self.rounds < 0:
            raise Refused(say("The loops of the expression take more than %(most)s rounds.", most=MAX_ROUNDS))
        self.spend(ROUND)

    def held(self, value: object) -> object:
        """Return `value` if it is small enough to live; its size is taken from the budget."""
        kind = type(value)
        if kind in _SCALARS:
            if kind is int:
                fits(value)  # type: ignore[arg-type]
        elif isinstance(value, str):
            text_fits(len(value))
            self.spend(len(value) // CHARACTERS)
        else:
            self.spend(weigh(value))
        return value


def fits(number: int) -> int:
    """Return a whole number that 64 bits can hold; raise `Refused` for others."""
    if not -MAX_WHOLE <= number < MAX_WHOLE:
        raise Refused(say("The number is too large."))
    return number


def text_fits(length: int) -> None:
    """Raise `Refused` for a text of `length` characters that is longer than any may be."""
    if length > MAX_TEXT:
        raise Refused(say("The text would be longer than %(most)s characters.", most=MAX_TEXT))


def weigh(value: object) -> int:
    """Return the units a structure costs; raise `Refused` when it is too large, too deep, or holds itself.

    Walks without recursion and counts shared parts every time they are met, because whoever prints or compares the
    structure walks them every time too.
    """
    nodes = characters = depth = 0
    level: list[object] = [value]
    while level:
        nodes += len(level)
        depth += 1
        if depth > MAX_DEPTH:
            raise Refused(say("The structure is more than %(most)s levels deep.", most=MAX_DEPTH))
        below: list[object] = []
        for item in level:
            kind = type(item)
            if kind is str:
                characters += len(item)  # type: ignore[arg-type]
            elif kind not in _SCALARS:
                characters += _opened(item, below)
                if nodes + len(below) > MAX_NODES:
                    break
        if nodes + len(below) > MAX_NODES or characters > MAX_TEXT:
            raise Refused(
                say(
                    "The structure has more than %(values)s values or %(characters)s characters.",
                    values=MAX_NODES,
                    characters=MAX_TEXT,
                )
            )
        level = below
    return nodes * NODE + characters // CHARACTERS


def _opened(item: object, below: list[object]) -> int:
    """Put what is inside of `item` into `below`; return the characters of its keys, or of itself."""
    if isinstance(item, (list, tuple)):
        below.extend(item)
    elif isinstance(item, Mapping):
        below.extend(item.values())
        return sum(len(key) for key in item if isinstance(key, str))
    elif isinstance(item, str):
        return len(item)
    return 0


def bounded_join(separator: str, pieces: Iterable[str]) -> str:
    """Join texts; raise `Refused` before the result gets too long."""
    taken: list[str] = []
    size = 0
    for piece in pieces:
        size += len(piece) + len(separator)
        text_fits(size - len(separator))
        taken.append(piece)
    return separator.join(taken)
