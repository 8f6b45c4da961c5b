"""Dates in the patterns of Java's `DateTimeFormatter`, written and read by our own small table."""

import re
from collections.abc import Callable
from datetime import UTC, date, datetime, time, timedelta, timezone
from functools import lru_cache
from zoneinfo import ZoneInfo

from orchestrator.core.expressions.printing import kind_of, printed
from orchestrator.core.expressions.problems import Refused
from orchestrator.core.sentences import say

MAX_PATTERN = 200  # characters

_MONTHS = {
    "en": [
        "January",
        "February",
        "March",
        "April",
        "May",
        "June",
        "July",
        "August",
        "September",
        "October",
        "November",
        "December",
    ],
    "de": [
        "Januar",
        "Februar",
        "März",
        "April",
        "Mai",
        "Juni",
        "Juli",
        "August",
        "September",
        "Oktober",
        "November",
        "Dezember",
    ],
}
_DAYS = {
    "en": ["Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday"],
    "de": ["Montag", "Dienstag", "Mittwoch", "Donnerstag", "Freitag", "Samstag", "Sonntag"],
}
_SHORT_MONTHS = {
    "en": ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"],
    "de": ["Jan.", "Feb.", "März", "Apr.", "Mai", "Juni", "Juli", "Aug.", "Sept.", "Okt.", "Nov.", "Dez."],
}
_SHORT_DAYS = {
    "en": ["Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun"],
    "de": ["Mo.", "Di.", "Mi.", "Do.", "Fr.", "Sa.", "So."],
}

NAMED = {
    "iso": "yyyy-MM-dd'T'HH:mm:ss.SSSSSSXXX",
    "iso_sec": "yyyy-MM-dd'T'HH:mm:ssXXX",
    "sql": "yyyy-MM-dd HH:mm:ss.SSSSSS",
    "sql_seq": "yyyy-MM-dd HH:mm:ss",
    "iso_date": "yyyy-MM-ddXXX",
    "iso_local_date": "yyyy-MM-dd",
    "iso_ordinal_date": "yyyy-DDDXXX",
    "iso_week_date": "YYYY-'W'ww-eXXX",
    "rfc_1123_date_time": "EEE, d MMM yyyy HH:mm:ss 'GMT'",
    "full": "EEEE, MMMM d, yyyy 'at' h:mm:ss a zzzz",
    "long": "MMMM d, yyyy 'at' h:mm:ss a z",
    "medium": "MMM d, yyyy, h:mm:ss a",
    "short": "M/d/yy, h:mm a",
}
# These write as many decimals of a second as there are.
_VARIABLE = {
    "iso_date_time": ("%Y-%m-%dT%H:%M:%S", "offset zone"),
    "iso_zoned_date_time": ("%Y-%m-%dT%H:%M:%S", "offset zone"),
    "iso_local_date_time": ("%Y-%m-%dT%H:%M:%S", ""),
    "iso_local_time": ("%H:%M:%S", ""),
    "iso_time": ("%H:%M:%S", "offset"),
    "iso_offset_time": ("%H:%M:%S", "offset"),
    "iso_instant": ("%Y-%m-%dT%H:%M:%S", "instant"),
}
UNITS: dict[str, timedelta] = {
    "NANOS": timedelta(microseconds=0.001),
    "MICROS": timedelta(microseconds=1),
    "MILLIS": timedelta(milliseconds=1),
    "SECONDS": timedelta(seconds=1),
    "MINUTES": timedelta(minutes=1),
    "HOURS": timedelta(hours=1),
    "HALF_DAYS": timedelta(hours=12),
}
DAYS = {"DAYS": 1, "WEEKS": 7}
MONTHS = {"MONTHS": 1, "YEARS": 12, "DECADES": 120, "CENTURIES": 1200, "MILLENNIA": 12000}

_PIECES = re.compile(r"'((?:[^']|'')*)'|([A-Za-z])\2*|(.)", re.DOTALL)


def zone_of(name: object, default: ZoneInfo) -> ZoneInfo:
    """Return the zone called `name`; raise `Refused` when there is none."""
    if name is None:
        return default
    text = {"Z": "UTC", "GMT": "UTC"}.get(str(name), str(name))
    try:
        return ZoneInfo(text)
    except (ValueError, OSError, LookupError):
        raise Refused(say("`%(zone)s` is not a time zone such as `Europe/Paris`.", zone=text[:60])) from None


def locale_of(name: object) -> str:
    """Return the language that names of days and months are written in."""
    language = re.split(r"[_-]", str(name or "en"))[0].lower()
    if language not in _MONTHS:
        raise Refused(say("Dates can be written in `en` and `de`."))
    return language


def moment(value: object, zone: ZoneInfo, existing: object = None, locale: str = "en") -> datetime:
    """Return what `value` means as an aware datetime: a date, epoch seconds, or a text (ISO 8601 or `existing`).

    A text without offset is in `zone`; a date value is its noon, a date text its midnight, as in the field.
    """
    match value:
        case datetime():
            return value if value.tzinfo else value.replace(tzinfo=zone)
        case date():
            return datetime.combine(value, time(12), zone)
        case bool():
            pass
        case int() | float():
            return datetime.fromtimestamp(value, zone)
        case str():
            found = _read(value, str(existing), locale) if existing is not None else _read_iso(value)
            return found if found.tzinfo else found.replace(tzinfo=zone)
    raise Refused(say("%(kind)s is not a date.", kind=kind_of(value)))


def written(at: datetime, pattern: str, zone: ZoneInfo | None = None, locale: str = "en") -> str:
    """Return `at` in a named format or a Java pattern, moved to `zone` when one is given."""
    if zone is not None:
        at = at.astimezone(zone)
    if pattern in _VARIABLE:
        return _with_decimals(at, *_VARIABLE[pattern])
    if pattern == "rfc_1123_date_time" and at.utcoffset():
        return _write(at, "EEE, d MMM yyyy HH:mm:ss xx", locale)
    return _write(at, NAMED.get(pattern, pattern), locale)


def added(at: datetime, amount: int, unit: str) -> datetime:
    """Return `at` moved by `amount` of a unit; days and longer keep the time of day."""
    unit = unit.upper()
    unit = unit if unit in {*UNITS, *DAYS, *MONTHS} else f"{unit}S"
    try:
        if unit in UNITS:
            moved = at.astimezone(UTC) + (
                timedelta(microseconds=amount / 1000) if unit == "NANOS" else amount * UNITS[unit]
            )
            return moved.astimezone(at.tzinfo)
        if unit in DAYS:
            return at + timedelta(days=amount * DAYS[unit])
        if unit in MONTHS:
            return _months_later(at, amount * MONTHS[unit])
    except (OverflowError, ValueError):
        raise Refused(say("The date would be out of the calendar.")) from None
    raise Refused(say("`%(unit)s` is not a unit such as DAYS or HOURS.", unit=unit[:40]))


def _months_later(at: datetime, months: int) -> datetime:
    year, month = divmod(at.year * 12 + at.month - 1 + months, 12)
    following = date(year + (month == 11), (month + 1) % 12 + 1, 1)
    return at.replace(year=year, month=month + 1, day=min(at.day, (following - timedelta(days=1)).day))


def _with_decimals(at: datetime, pattern: str, ending: str) -> str:
    if ending == "instant":
        at = at.astimezone(UTC)
    text = at.strftime(pattern)
    if pattern.startswith("%Y"):
        text = f"{at.year:04d}{text[text.index('-') :]}"
    if at.microsecond:
        text += f".{at.microsecond:06d}".removesuffix("000")
    if "offset" in ending:
        text += _offset(at, 3, zero="Z")
    if ending == "instant":
        text += "Z"
    if "zone" in ending and isinstance(at.tzinfo, ZoneInfo) and at.tzinfo.key != "UTC":
        text += f"[{at.tzinfo.key}]"
    return text


def _offset(at: datetime, width: int, *, zero: str = "") -> str:
    seconds = int((at.utcoffset() or timedelta(0)).total_seconds())
    if seconds == 0 and zero:
        return zero
    sign = "-" if seconds < 0 else "+"
    hours, minutes = divmod(abs(seconds) // 60, 60)
    if width == 1:
        return f"{sign}{hours:02d}" + (f"{minutes:02d}" if minutes else "")
    return f"{sign}{hours:02d}{':' if width in {3, 5} else ''}{minutes:02d}"


@lru_cache(maxsize=512)
def _cut(pattern: str) -> tuple[tuple[str, int, str], ...]:
    """Return the pieces of a pattern: (letter, how often, "") or ("", 0, text)."""
    if len(pattern) > MAX_PATTERN:
        raise Refused(say("A date pattern may have at most %(most)s characters.", most=MAX_PATTERN))
    pieces: list[tuple[str, int, str]] = []
    for found in _PIECES.finditer(pattern):
        quoted, letter, sign = found.groups()
        if letter:
            if letter not in _LETTERS:
                message = say("`%(letter)s` is not a letter of date patterns.", letter=letter)
                raise Refused(f"{message} {say('Put other texts into single quotes.')}")
            pieces.append((letter, len(found.group()), ""))
        elif sign is not None:
            pieces.append(("", 0, sign))
        else:
            pieces.append(("", 0, (quoted or "").replace("''", "'") or "'"))
    return tuple(pieces)


def _write(at: datetime, pattern: str, locale: str) -> str:
    return "".join(
        _LETTERS[letter](at, count, locale) if letter else text
        for letter, count, text in _cut(pattern)
        if text not in {"[", "]"}
    )


Writer = Callable[[datetime, int, str], str]


def _year(year: int, count: int) -> str:
    return f"{year % 100:02d}" if count == 2 else f"{year:0{count}d}"


def _month(at: datetime, count: int, locale: str) -> str:
    if count <= 2:
        return f"{at.month:0{count}d}"
    name = (_SHORT_MONTHS if count == 3 else _MONTHS)[locale][at.month - 1]
    return name[0] if count == 5 else name


def _day(at: datetime, count: int, locale: str) -> str:
    name = (_SHORT_DAYS if count <= 3 else _DAYS)[locale][at.weekday()]
    return name[0] if count == 5 else name


def _number(take: Callable[[datetime], int]) -> Writer:
    return lambda at, count, locale: f"{take(at):0{count}d}"  # noqa: ARG005


def _zone_name(at: datetime, count: int, locale: str) -> str:  # noqa: ARG001
    return at.tzname() or "UTC"


def _zone_id(at: datetime, count: int, locale: str) -> str:  # noqa: ARG001
    return at.tzinfo.key if isinstance(at.tzinfo, ZoneInfo) else _offset(at, 3, zero="Z")


_LETTERS: dict[str, Writer] = {
    "G": lambda at, count, locale: "AD",  # noqa: ARG005
    "y": lambda at, count, locale: _year(at.year, count),  # noqa: ARG005
    "u": lambda at, count, locale: _year(at.year, count),  # noqa: ARG005
    "Y": lambda at, count, locale: _year(at.isocalendar().year, count),  # noqa: ARG005
    "M": _month,
    "L": _month,
    "Q": lambda at, count, locale: f"{'Q' if count == 3 else ''}{(at.month + 2) // 3:0{min(count, 2)}d}",  # noqa: ARG005
    "w": _number(lambda at: at.isocalendar().week),
    "d": _number(lambda at: at.day),
    "D": _number(lambda at: at.timetuple().tm_yday),
    "E": _day,
    "e": _number(lambda at: at.isoweekday()),
    "a": lambda at, count, locale: "AM" if at.hour < 12 else "PM",  # noqa: ARG005
    "H": _number(lambda at: at.hour),
    "k": _number(lambda at: at.hour or 24),
    "K": _number(lambda at: at.hour % 12),
    "h": _number(lambda at: at.hour % 12 or 12),
    "m": _number(lambda at: at.minute),
    "s": _number(lambda at: at.second),
    "S": lambda at, count, locale: f"{at.microsecond:06d}000"[:count].ljust(count, "0"),  # noqa: ARG005
    "n": _number(lambda at: at.microsecond * 1000),
    "A": _number(lambda at: (at.hour * 3600 + at.minute * 60 + at.second) * 1000 + at.microsecond // 1000),
    "X": lambda at, count, locale: _offset(at, count, zero="Z"),  # noqa: ARG005
    "x": lambda at, count, locale: _offset(at, count),  # noqa: ARG005
    "Z": lambda at, count, locale: _offset(at, 3 if count == 5 else 2, zero="Z" if count == 5 else ""),  # noqa: ARG005
    "O": lambda at, count, locale: "GMT" + (_offset(at, 3) if at.utcoffset() else ""),  # noqa: ARG005
    "z": _zone_name,
    "V": _zone_id,
}


def _read_iso(text: str) -> datetime:
    text = text.strip()
    zone = re.fullmatch(r"(.{1,40})\[([A-Za-z0-9_+/-]{1,40})\]", text)
    try:
        found = datetime.fromisoformat(zone.group(1) if zone else text)
    except ValueError:
        raise Refused(say("`%(text)s` is not a date such as 2026-03-31T08:00:00Z.", text=text[:60])) from None
    return found.astimezone(zone_of(zone.group(2), ZoneInfo("UTC"))) if zone else found


_READ = {"y": 4, "u": 4, "M": 2, "L": 2, "d": 2, "D": 3, "H": 2, "h": 2, "K": 2, "k": 2, "m": 2, "s": 2, "S": 9, "n": 9}


def _reading(pattern: str, locale: str) -> tuple[re.Pattern[str], list[str]]:
    """Return a regular expression for texts in `pattern`, and the letters its groups stand for."""
    expression = ""
    letters: list[str] = []
    for letter, count, text in _cut(pattern):
        if not letter:
            expression += {"[": "(?:", "]": ")?"}.get(text, re.escape(text))
            continue
        letters.append(letter if count <= 2 or letter not in "ML" else f"{letter}{min(count, 4)}")
        if letter in "ML" and count > 2:
            names = (_SHORT_MONTHS if count == 3 else _MONTHS)[locale]
            expression += f"({'|'.join(map(re.escape, names))})"
        elif letter == "E":
            names = (_SHORT_DAYS if count <= 3 else _DAYS)[locale]
            expression += f"({'|'.join(map(re.escape, names))})"
        elif letter == "a":
            expression += "([AaPp][Mm])"
        elif letter in "XxZO":
            expression += r"(Z|(?:GMT)?[+-]\d{2}(?::?\d{2})?|GMT)"
        elif letter in "zV":
            expression += r"([A-Za-z][A-Za-z0-9_+/-]{0,40})"
        elif letter in _READ:
            expression += rf"(\d{{{max(1, count)},{max(count, _READ[letter] if count == 1 else count)}}})"
        else:
            raise Refused(say("Dates cannot be read by a pattern with `%(letter)s`.", letter=letter))
    return re.compile(expression, re.IGNORECASE), letters


def _read(text: str, pattern: str, locale: str) -> datetime:
    if pattern in _VARIABLE:
        return _read_iso(text)
    if pattern == "rfc_1123_date_time":
        pattern = "EEE, d MMM yyyy HH:mm:ss z" if text.rstrip().endswith("T") else "EEE, d MMM yyyy HH:mm:ss xx"
    compiled, letters = _reading(NAMED.get(pattern, pattern), locale)
    found = compiled.fullmatch(text[:200])
    if found is None:
        message = say("`%(text)s` is not a date in the pattern `%(pattern)s`.", text=text[:60], pattern=pattern)
        raise Refused(message)
    parts = {letter: value for letter, value in zip(letters, found.groups(), strict=True) if value is not None}
    try:
        return _assembled(parts, locale)
    except ValueError:
        raise Refused(say("`%(text)s` is not a date of the calendar.", text=text[:60])) from None


def _assembled(parts: dict[str, str], locale: str) -> datetime:
    year_text = parts.get("y", parts.get("u", "1970"))
    year = int(year_text) + (2000 if len(year_text) == 2 else 0)
    month = _month_of(parts, locale)
    day = int(parts.get("d", "1"))
    hour = int(parts.get("H", parts.get("k", "0"))) % 24
    if "h" in parts or "K" in parts:
        hour = int(parts.get("h", parts.get("K", "0"))) % 12 + (12 if parts.get("a", "am").lower() == "pm" else 0)
    micro = int(parts.get("S", "0").ljust(9, "0")[:6]) if "S" in parts else int(parts.get("n", "0")) // 1000
    at = datetime(year, month, day, hour, int(parts.get("m", "0")), int(parts.get("s", "0")), micro)  # noqa: DTZ001
    if "D" in parts:
        at = at.replace(month=1, day=1) + timedelta(days=int(parts["D"]) - 1)
    return at.replace(tzinfo=_zone_in(parts))


def _month_of(parts: dict[str, str], locale: str) -> int:
    for letter in "ML":
        if letter in parts:
            return int(parts[letter])
        for count, names in (("3", _SHORT_MONTHS[locale]), ("4", _MONTHS[locale])):
            if letter + count in parts:
                return [name.lower() for name in names].index(parts[letter + count].lower()) + 1
    return 1


def _zone_in(parts: dict[str, str]) -> timezone | ZoneInfo | None:
    for letter in "XxZO":
        if letter in parts:
            text = parts[letter].upper().removeprefix("GMT").replace(":", "")
            if text in {"Z", ""}:
                return UTC
            offset = timedelta(hours=int(text[1:3]), minutes=int(text[3:5] or 0))
            return timezone(-offset if text[0] == "-" else offset)
    name = parts.get("z", parts.get("V"))
    return None if name is None else zone_of(name, ZoneInfo("UTC"))


def day_of(value: object) -> date:
    """Return the calendar day that is written in `value`, without moving it to another zone."""
    match value:
        case datetime():
            return value.date()
        case date():
            return value
        case str():
            return _read_iso(value).date()
    raise Refused(say("%(kind)s is not a date: %(value)s", kind=kind_of(value), value=printed(value)[:60]))
