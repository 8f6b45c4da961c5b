"""ISO 8601 durations, read and written as the field does: `PT1H30M`, `P2D`, `PT0.5S`."""

import re
from datetime import timedelta

_NUMBER = r"[+-]?\d{1,12}"
_FORM = re.compile(
    rf"(?P<sign>[+-])?P(?:(?P<weeks>{_NUMBER})W)?(?:(?P<days>{_NUMBER})D)?"
    rf"(?P<time>T(?:(?P<hours>{_NUMBER})H)?(?:(?P<minutes>{_NUMBER})M)?(?:(?P<seconds>{_NUMBER}(?:[.,]\d{{0,9}})?)S)?)?",
    re.IGNORECASE | re.ASCII,
)
_PARTS = ("weeks", "days", "hours", "minutes", "seconds")


def read_duration(text: str) -> timedelta:
    """Return the duration that `text` names, exact to the microsecond; raise `ValueError` when it names none.

    Years and months are refused: they have no fixed length.
    """
    found = _FORM.fullmatch(text.strip())
    if found is None or (found["time"] or "").upper() == "T" or all(found[part] is None for part in _PARTS):
        raise ValueError(text)
    seconds = (found["seconds"] or "0").replace(",", ".")
    try:
        length = timedelta(
            weeks=int(found["weeks"] or 0),
            days=int(found["days"] or 0),
            hours=int(found["hours"] or 0),
            minutes=int(found["minutes"] or 0),
            seconds=float(seconds),
        )
    except OverflowError:
        raise ValueError(text) from None
    return -length if found["sign"] == "-" else length


def write_duration(length: timedelta) -> str:
    """Return `length` in its shortest usual form: hours, minutes, seconds (`PT36H`, `PT0.5S`, `PT0S`)."""
    micros = length // timedelta(microseconds=1)
    if micros == 0:
        return "PT0S"
    sign = "-" if micros < 0 else ""
    seconds, micros = divmod(abs(micros), 1_000_000)
    hours, rest = divmod(seconds, 3600)
    minutes, seconds = divmod(rest, 60)
    text = f"{hours}H" if hours else ""
    text += f"{minutes}M" if minutes else ""
    if micros:
        text += f"{seconds}.{micros:06d}".rstrip("0") + "S"
    elif seconds:
        text += f"{seconds}S"
    return f"{sign}PT{text}"
