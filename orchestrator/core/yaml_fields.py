"""Reading the properties of a map one by one, collecting problems instead of stopping at the first."""

from collections.abc import Collection, Mapping, Sequence
from datetime import timedelta

from orchestrator.core.documents import Document
from orchestrator.core.durations import read_duration
from orchestrator.core.sentences import say
from orchestrator.core.similar import did_you_mean
from orchestrator.core.spec import Path, Problem

MAX_PROBLEMS = 200


class Reading:
    """One document being read: where its parts stand, and what was found wrong so far."""

    def __init__(self, document: Document) -> None:
        self.document = document
        self.problems: list[Problem] = []

    def problem(self, path: Path, message: str, *, mend: str = "", at_key: bool = False, warning: bool = False) -> None:
        """Note a problem with the value at `path`, or with its key."""
        if len(self.problems) >= MAX_PROBLEMS:
            return
        place = self.document.key_position(path) if at_key else self.document.position(path)
        self.problems.append(Problem(message, *place, path=path, mend=mend, warning=warning))

    def line(self, path: Path) -> int:
        """Return the line (1-based) in which the value at `path` begins."""
        return self.document.position(path)[0]

    def fields(self, value: object, path: Path, what: str) -> "Fields":
        """Return the fields of the map at `path`; anything else is a problem and has no fields."""
        if isinstance(value, dict):
            return Fields(self, value, path)
        self.problem(path, say("%(what)s must be a map of properties.", what=what))
        return Fields(self, {}, path)

    def items(self, value: object, path: Path, what: str) -> Sequence[object]:
        """Return the list at `path`; nothing is an empty list, anything else a problem."""
        if isinstance(value, list):
            return value
        if value is not None:
            self.problem(path, say("%(what)s must be a list.", what=what))
        return ()

    def text(self, value: object, path: Path, what: str) -> str | None:
        """Return a single value as text, exactly as written; None for none, a problem for maps and lists."""
        if value is None or isinstance(value, str):
            return value
        if isinstance(value, (dict, list)):
            self.problem(path, say("%(what)s must be a text.", what=what))
            return None
        return self.document.written(path) or ("true" if value is True else "false" if value is False else str(value))


class Fields:
    """The properties of one map."""

    def __init__(self, reading: Reading, values: Mapping[str, object], path: Path) -> None:
        self.reading = reading
        self.values = values
        self.path = path

    def at(self, key: str) -> Path:
        """Return the path of one property."""
        return (*self.path, key)

    def problem(self, key: str, message: str, *, mend: str = "", warning: bool = False) -> None:
        """Note a problem with the value of one property."""
        self.reading.problem(self.at(key), message, mend=mend, warning=warning)

    def refuse_unknown(self, known: Collection[str]) -> None:
        """Note each property that is not among `known`, with the one it resembles."""
        for key in self.values:
            if key not in known:
                self.unknown(key, known)

    def unknown(self, key: str, known: Collection[str]) -> None:
        """Note that one property is not known here."""
        message = say("There is no property `%(key)s` here.", key=key[:80])
        self.reading.problem(self.at(key), message, mend=did_you_mean(key, known), at_key=True)

    def text(self, key: str) -> str | None:
        """Return a property as text, or None."""
        value = self.values.get(key)
        if value is None or isinstance(value, str):
            return value
        return self.reading.text(value, self.at(key), f"`{key}`")

    def needed(self, key: str) -> str:
        """Return a property that must be there and hold a text; an empty text when it does not."""
        text = self.text(key)
        if text:
            return text
        if key in self.values:
            if not isinstance(self.values[key], (dict, list)):
                self.problem(key, say("`%(key)s` must not be empty.", key=key))
        else:
            self.reading.problem(self.path, say("`%(key)s` is missing.", key=key))
        return ""

    def flag(self, key: str, *, default: bool = False) -> bool:
        """Return a property that is true or false."""
        value = self.values.get(key)
        if isinstance(value, str) and value.lower() in {"true", "false"}:
            return value.lower() == "true"
        if value is None:
            return default
        if not isinstance(value, bool):
            self.problem(key, say("`%(key)s` must be true or false.", key=key))
            return default
        return value

    def choice(self, key: str, choices: Sequence[str]) -> str | None:
        """Return a property that must be one of a few words, in whatever case they are written."""
        text = self.text(key)
        if text is None:
            return None
        for choice in choices:
            if text.upper() == choice.upper():
                return choice
        message = say("`%(key)s` must be one of %(choices)s.", key=key, choices=", ".join(choices))
        self.problem(key, message, mend=did_you_mean(text, choices))
        return None

    def whole(self, key: str, *, least: int) -> int | None:
        """Return a whole number of at least `least`."""
        value = self.values.get(key)
        if isinstance(value, str) and value.isascii() and value.isdigit() and len(value) < 19:
            value = int(value)
        if value is None:
            return None
        if not isinstance(value, int) or isinstance(value, bool) or not least <= value < 2**63:
            self.problem(key, say("`%(key)s` must be a whole number of at least %(least)s.", key=key, least=least))
            return None
        return value

    def number(self, key: str) -> float | None:
        """Return a number."""
        value = self.values.get(key)
        if value is None:
            return None
        try:
            return float(value)  # type: ignore[arg-type]
        except (TypeError, ValueError, OverflowError):
            self.problem(key, say("`%(key)s` must be a number.", key=key))
            return None

    def duration(self, key: str) -> timedelta | None:
        """Return an ISO 8601 duration; a bare number means seconds."""
        value = self.values.get(key)
        if value is None:
            return None
        try:
            if isinstance(value, (int, float)) and not isinstance(value, bool):
                return timedelta(seconds=value)
            return read_duration(str(value))
        except (ValueError, OverflowError):
            message = say("`%(key)s` must be a duration.", key=key)
            self.problem(key, message, mend=say("Write it like PT30S, PT5M or P1D."))
            return None

    def map(self, key: str) -> dict[str, object]:
        """Return a property that is a map; an empty one when it is absent or wrong."""
        value = self.values.get(key)
        if isinstance(value, dict):
            return value
        if value is not None:
            self.problem(key, say("`%(key)s` must be a map.", key=key))
        return {}

    def items(self, key: str) -> Sequence[object]:
        """Return a property that is a list."""
        return self.reading.items(self.values.get(key), self.at(key), f"`{key}`")

    def texts(self, key: str) -> tuple[str, ...]:
        """Return a property that is a list of texts; one text alone is a list of one."""
        value = self.values.get(key)
        if isinstance(value, str):
            return (value,)
        found = (
            self.reading.text(one, (*self.at(key), number), f"`{key}`") for number, one in enumerate(self.items(key))
        )
        return tuple(text for text in found if text is not None)
