"""What a value of each input type is: how texts and JSON values are read, and the one form in which they are kept.

Every kept value is plain JSON (a SECRET is a `SecretText`), and reading a kept value gives the same value again.
"""

import json
import math
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta, tzinfo

from orchestrator.core.documents import load
from orchestrator.core.durations import read_duration, write_duration
from orchestrator.core.errors import DocumentInvalid
from orchestrator.core.sentences import say

MAX_TEXT = 1_000_000
MAX_DEPTH = 60
_WHOLE = re.compile(r"[+-]?\d{1,19}", re.ASCII)
_NUMBER = re.compile(r"[+-]?(?:\d+(?:\.\d*)?|\.\d+)(?:[eE][+-]?\d{1,3})?", re.ASCII)
_DATE = re.compile(r"\d{4}-\d{2}-\d{2}", re.ASCII)
_TIME = re.compile(r"(\d{2}:\d{2})(:\d{2})?(?:\.(\d{1,9}))?", re.ASCII)
_DATETIME = re.compile(
    r"(\d{4}-\d{2}-\d{2})[T ](\d{2}:\d{2})(:\d{2})?(?:\.(\d{1,9}))?(Z|[+-]\d{2}(?::?\d{2})?)?", re.ASCII
)
_URI = re.compile(r"[a-zA-Z][a-zA-Z0-9+.-]*://[^\s<>\"{}|\\^`\x00-\x1f]+", re.ASCII)
_EMAIL = re.compile(
    r"[^@\s<>\"(),:;\\\[\]\x00-\x1f]{1,64}@[^@\s.<>\"(),:;\\\[\]\x00-\x1f]+(?:\.[^@\s.<>\"(),:;\\\[\]\x00-\x1f]+)+"
)
_FILE = re.compile(r"(?:portico|kestra|nsfile):///[^\x00-\x1f]+")
_NOT_STORABLE = re.compile("[\x00\ud800-\udfff]")


class Unfit(ValueError):
    """A value is not one of its type; the sentence is for the person who gave it."""

    def __init__(self, sentence: str) -> None:
        self.sentence = sentence
        super().__init__(sentence)


class SecretText(str):
    """A text that must not be shown: callers mask it wherever it would appear."""

    __slots__ = ()

    def __repr__(self) -> str:
        """Hide the text."""
        return "SecretText(******)"


@dataclass(frozen=True, slots=True)
class FoundFile:
    """The file that a value names."""

    uri: str  # "portico:///..."
    name: str = ""  # as the person knows it; its ending is what is checked
    size: int | None = None  # bytes


FindFile = Callable[[str], FoundFile]  # raises Unfit, or ValueError, for what is no file of the person


@dataclass(frozen=True, slots=True)
class Setting:
    """What reading a value depends on beside the value."""

    zone: tzinfo = UTC  # of a DATETIME without offset
    find_file: FindFile | None = None  # None: only addresses of stored files are accepted


def shown(value: object) -> str:
    """Return `value` short enough for a sentence."""
    text = _NOT_STORABLE.sub("\N{REPLACEMENT CHARACTER}", value if isinstance(value, str) else repr(value))
    return text if len(text) <= 60 else text[:57] + "..."


def read_text(value: object, setting: Setting) -> str:
    """Read a STRING; numbers and booleans become the text they are written as."""
    del setting
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, (int, float)):
        return str(value)
    if not isinstance(value, str):
        raise Unfit(say("This must be a text."))
    return _storable(value)


def read_int(value: object, setting: Setting) -> int:
    """Read a whole number of at most 64 bits."""
    del setting
    number: int | None = None
    if isinstance(value, int) and not isinstance(value, bool):
        number = value
    elif isinstance(value, str):
        number = int(value) if _WHOLE.fullmatch(value.strip()) else None
    elif isinstance(value, float) and value.is_integer():
        number = int(value)
    if number is None or not -(2**63) <= number < 2**63:
        raise Unfit(say("`%(value)s` is not a whole number.", value=shown(value)))
    return number


def read_float(value: object, setting: Setting) -> float:
    """Read a number."""
    del setting
    number = math.nan
    if isinstance(value, (int, float)) and not isinstance(value, bool):
        number = float(value) if abs(value) < 1e308 else math.inf
    elif isinstance(value, str) and len(value) < 400 and _NUMBER.fullmatch(value.strip()):
        number = float(value)
    if not math.isfinite(number):
        raise Unfit(say("`%(value)s` is not a number.", value=shown(value)))
    return number


def read_bool(value: object, setting: Setting) -> bool:
    """Read a boolean: `true` in any case, and what a ticked box sends, are true; every other text is false."""
    del setting
    if isinstance(value, (dict, list)):
        raise Unfit(say("This must be true or false."))
    return value is True or (isinstance(value, str) and value.strip().lower() in {"true", "on"})


def read_date(value: object, setting: Setting) -> date:
    """Read a date, `2024-12-31`."""
    del setting
    if isinstance(value, date) and not isinstance(value, datetime):
        return value
    if isinstance(value, str) and _DATE.fullmatch(value.strip()):
        try:
            return date.fromisoformat(value.strip())
        except ValueError:
            pass
    raise Unfit(say("`%(value)s` is not a date like 2024-12-31.", value=shown(value)))


def read_time(value: object, setting: Setting) -> time:
    """Read a time of day, `18:30` or `18:30:15.5`."""
    del setting
    if isinstance(value, time) and value.tzinfo is None:
        return value
    found = _TIME.fullmatch(value.strip()) if isinstance(value, str) else None
    if found:
        try:
            return time.fromisoformat(_clock(found[1], found[2], found[3]))
        except ValueError:
            pass
    raise Unfit(say("`%(value)s` is not a time like 18:30.", value=shown(value)))


def read_datetime(value: object, setting: Setting) -> datetime:
    """Read a moment; without offset it is one of the setting's zone."""
    try:
        moment = value if isinstance(value, datetime) else _moment(value)
        if moment is not None:
            return (moment if moment.tzinfo else moment.replace(tzinfo=setting.zone)).astimezone(UTC)
    except (ValueError, OverflowError):
        pass
    raise Unfit(say("`%(value)s` is not a date and time like 2024-12-31T18:30.", value=shown(value)))


def read_length(value: object, setting: Setting) -> timedelta:
    """Read a duration, `PT1H30M`."""
    del setting
    if isinstance(value, timedelta):
        return value
    try:
        if isinstance(value, str):
            return read_duration(value)
    except ValueError:
        pass
    raise Unfit(say("`%(value)s` is not a duration like PT30M or P1D.", value=shown(value)))


def read_json(value: object, setting: Setting) -> object:
    """Read JSON from its text; maps, lists, numbers and booleans are taken as they are.

    A text alone is refused: whether it is JSON or already read could not be told later.
    """
    del setting
    if not isinstance(value, str):
        return _plain(value)
    if len(value) > MAX_TEXT:
        raise Unfit(say("This is longer than %(limit)s characters.", limit=MAX_TEXT))
    try:
        found = json.loads(value, parse_constant=_refuse_constant)
    except (ValueError, RecursionError):
        raise Unfit(say("This is not JSON.")) from None
    if isinstance(found, str):
        raise Unfit(say("A text alone is not taken here; give a map, a list, a number or true or false."))
    return _plain(found)


def read_yaml(value: object, setting: Setting) -> object:
    """Read YAML from its text; anything else is taken as it is."""
    del setting
    if not isinstance(value, str):
        return _plain(value)
    found = _yaml(value)
    if isinstance(found, str) and found != value and _yaml(found) != found:
        raise Unfit(say("A text alone is not taken here; give a map, a list, a number or true or false."))
    return _plain(found)


def read_uri(value: object, setting: Setting) -> str:
    """Read an address with its scheme."""
    text = read_text(value, setting).strip()
    if not _URI.fullmatch(text):
        raise Unfit(say("`%(value)s` is not an address like https://example.com/page.", value=shown(value)))
    return text


def read_email(value: object, setting: Setting) -> str:
    """Read a mail address."""
    text = read_text(value, setting).strip()
    if len(text) > 254 or not _EMAIL.fullmatch(text):
        raise Unfit(say("`%(value)s` is not an e-mail address.", value=shown(value)))
    return text


def read_secret(value: object, setting: Setting) -> SecretText:
    """Read a SECRET; the sentence about a wrong one never repeats it."""
    return SecretText(read_text(value, setting))


def read_file(value: object, setting: Setting) -> FoundFile:
    """Read a FILE: the address of a stored file, or whatever the setting's `find_file` knows."""
    if not isinstance(value, str):
        raise Unfit(say("This must be a file."))
    text = _storable(value)
    if setting.find_file is not None:
        try:
            return setting.find_file(text)
        except Unfit:
            raise
        except ValueError:
            raise Unfit(say("This file is not there any more; choose it again.")) from None
    if not _FILE.fullmatch(text) or "/../" in text + "/":
        raise Unfit(say("`%(value)s` is not a stored file.", value=shown(value)))
    return FoundFile(text, name=text.rpartition("/")[2])


Read = Callable[[object, Setting], object]

READERS: Mapping[str, Read] = {
    "STRING": read_text,
    "INT": read_int,
    "FLOAT": read_float,
    "BOOL": read_bool,
    "DATE": read_date,
    "TIME": read_time,
    "DATETIME": read_datetime,
    "DURATION": read_length,
    "FILE": read_file,
    "JSON": read_json,
    "YAML": read_yaml,
    "URI": read_uri,
    "EMAIL": read_email,
    "SECRET": read_secret,
}


def kept(value: object) -> object:
    """Return the form in which a value that was read is kept."""
    match value:
        case datetime():
            return value.isoformat().replace("+00:00", "Z")
        case date() | time():
            return value.isoformat()
        case timedelta():
            return write_duration(value)
        case FoundFile():
            return value.uri
    return value


def _clock(minutes: str, seconds: str | None, fraction: str | None) -> str:
    if fraction and not seconds:
        raise ValueError(fraction)
    return minutes + (seconds or "") + (f".{fraction[:6]:0<6}" if fraction else "")


def _moment(value: object) -> datetime | None:
    found = _DATETIME.fullmatch(value.strip()) if isinstance(value, str) else None
    if found is None:
        return None
    return datetime.fromisoformat(f"{found[1]}T{_clock(found[2], found[3], found[4])}{found[5] or ''}")


def _storable(text: str) -> str:
    if len(text) > MAX_TEXT:
        raise Unfit(say("This is longer than %(limit)s characters.", limit=MAX_TEXT))
    if _NOT_STORABLE.search(text):
        raise Unfit(say("This holds a character that cannot be kept."))
    return text


def _yaml(text: str) -> object:
    try:
        return load(text).value
    except DocumentInvalid as invalid:
        problem = invalid.problems[0]
        raise Unfit(say("Line %(line)s: %(message)s", line=problem.line, message=problem.message)) from None


def _refuse_constant(name: str) -> object:
    raise ValueError(name)


def _plain(value: object, depth: int = 0) -> object:
    """Return `value` made of JSON's kinds only."""
    if depth > MAX_DEPTH:
        raise Unfit(say("This is nested deeper than %(limit)s levels.", limit=MAX_DEPTH))
    match value:
        case None | bool() | int():
            return value
        case float():
            if not math.isfinite(value):
                raise Unfit(say("`%(value)s` is not a number.", value=value))
            return value
        case str():
            return _storable(value)
        case dict():
            return {_key(key): _plain(item, depth + 1) for key, item in value.items()}
        case list() | tuple():
            return [_plain(item, depth + 1) for item in value]
        case datetime() | date() | time() | timedelta():
            return kept(value)
    raise Unfit(say("This cannot be kept as JSON."))


def _key(key: object) -> str:
    if not isinstance(key, str):
        raise Unfit(say("The names in a map must be texts."))
    return _storable(key)
