"""Filters for texts, and those that make texts. Null stays null, as in the field."""

import base64
import hashlib
import re
import unicodedata
import urllib.parse
from collections.abc import Callable, Mapping
from decimal import ROUND_HALF_EVEN, Decimal
from typing import TYPE_CHECKING

from orchestrator.core.expressions import regexes
from orchestrator.core.expressions.bounds import bounded_join, text_fits
from orchestrator.core.expressions.printing import kind_of, printed
from orchestrator.core.expressions.problems import Refused
from orchestrator.core.sentences import say

if TYPE_CHECKING:
    from orchestrator.core.expressions.run import Run

_ESCAPES = {"single": ("'", "\\'"), "double": ('"', '\\"'), "shell": ("'", "'\\''")}
_NUMBER_FORMAT = re.compile(r"([^#0.,]*)([#,]*0*)(?:\.(0*)(#*))?(%?)([^#0.,%]*)")


def _of(text: object) -> str:
    if isinstance(text, (Mapping, list, tuple)) or text is None:
        raise Refused(say("A text is needed here, not %(kind)s.", kind=kind_of(text)))
    return printed(text)


def _on_text(work: Callable[[str], object]) -> Callable[[object], object]:
    """Return a filter without arguments that leaves null alone."""

    def applied(value: object) -> object:
        return None if value is None else work(_of(value))

    return applied


def capitalized(text: str) -> str:
    """Return the text with its first letter made large."""
    return text[:1].upper() + text[1:]


def titled(text: str) -> str:
    """Return the text with the first letter of every word made large, the others untouched."""
    return re.sub(r"(^|\s)(\S)", lambda found: found.group(1) + found.group(2).upper(), text)


def slugified(text: str) -> str:
    """Return the text as a part of an address: small letters, digits and single hyphens."""
    plain = unicodedata.normalize("NFD", text).encode("ascii", "ignore").decode()
    plain = re.sub(r"[^\w-]", "", re.sub(r"\s", "-", plain))
    return re.sub(r"-{2,}", "-", plain).strip("-").lower()


def encoded(text: str) -> str:
    """Return the text in base64."""
    text_fits(len(text) * 4 // 3)
    return base64.b64encode(text.encode()).decode()


def decoded(text: str) -> str:
    """Return the text that was in base64."""
    try:
        return base64.b64decode(text, validate=True).decode()
    except ValueError:
        raise Refused(say("The text is not base64 of a text.")) from None


def _hashed(algorithm: str) -> Callable[[str], object]:
    def digest(text: str) -> object:
        return hashlib.new(algorithm, text.encode(), usedforsecurity=False).hexdigest()

    return digest


def abbreviate(value: object, length: object) -> object:
    """Cut to `length` characters, the last three of them dots."""
    if value is None:
        return None
    text, most = _of(value), _whole(length)
    if len(text) < most or len(text) <= 3:
        return text
    return text[:most] if most <= 3 else text[: most - 3] + "..."


def escape_char(value: object, type_: object) -> object:
    """Escape quotes for a place between single or double quotes, or for a shell; in maps and lists too."""
    original, escaped = _ESCAPES.get(str(type_).lower(), ("", ""))
    if not original:
        raise Refused(say("`escapeChar` knows `single`, `double` and `shell`."))
    return _each_text(value, lambda text: _replaced(text, original, escaped))


def _each_text(value: object, work: Callable[[str], str]) -> object:
    if isinstance(value, Mapping):
        return {key: _each_text(item, work) for key, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [_each_text(item, work) for item in value]
    return None if value is None else work(printed(value))


def _replaced(text: str, old: str, new: str) -> str:
    text_fits(len(text) + text.count(old) * (len(new) - len(old)))
    return text.replace(old, new)


def replace(run: "Run", value: object, replace_pairs: object, regexp: object = None) -> object:
    """Replace every key of a map by its value, one after the other; with `regexp` the keys are regular expressions."""
    if value is None:
        return None
    if not isinstance(replace_pairs, Mapping):
        raise Refused(say("`replace` takes a map: what to replace, and by what."))
    text = _of(value)
    for old, new in replace_pairs.items():
        run.spend(len(text))
        if regexp:
            text = regexes.replace_all(printed(old), printed(new), text, run.spend)
        elif old != "":
            text = _replaced(text, printed(old), printed(new))
    return text


def regex_match(value: object, regex: object) -> object:
    """Say whether a regular expression is found in the text; false for null."""
    return value is not None and regexes.matches(_of(regex), _of(value))


def regex_replace(run: "Run", value: object, regex: object, replacement: object) -> object:
    """Replace every match of a regular expression; `$1` is its first group."""
    return None if value is None else regexes.replace_all(_of(regex), _of(replacement), _of(value), run.spend)


def regex_extract(value: object, regex: object, group: object = 0) -> object:
    """Return the first match of a regular expression, or one of its groups; null when there is none."""
    return None if value is None else regexes.extract(_of(regex), _of(value), _whole(group))


def _part(take: Callable[[tuple[str, str, str]], str], *, last: bool) -> Callable[[object, object], object]:
    def substring(value: object, separator: object) -> object:
        if value is None:
            return None
        text, sign = _of(value), _of(separator)
        if not sign or sign not in text:
            return text if take(("b", "", "a")) == "b" else ""
        return take(text.rpartition(sign) if last else text.partition(sign))

    return substring


def starts_with(value: object, value_: object) -> object:
    """Say whether the text starts with another."""
    return value is not None and _of(value).startswith(_of(value_))


def ends_with(value: object, value_: object) -> object:
    """Say whether the text ends with another."""
    return value is not None and _of(value).endswith(_of(value_))


def split(run: "Run", value: object, delimiter: object, limit: object = 0) -> object:
    """Cut the text at a regular expression; a positive `limit` is the most pieces there will be."""
    if value is None:
        return None
    text, pattern, most = _of(value), _of(delimiter), _whole(limit)
    if re.escape(pattern) == pattern or len(pattern) == 1:
        pieces = list(text) if not pattern else text.split(pattern, max(most - 1, -1) if most > 0 else -1)
    else:
        pieces = []
        end = 0
        for found in regexes.regex(pattern).finditer(text):
            run.spend(len(text) // regexes.FINDING)
            if most > 0 and len(pieces) == most - 1:
                break
            pieces.append(text[end : found.start()])
            end = found.end()
        pieces.append(text[end:])
    while most == 0 and len(pieces) > 1 and not pieces[-1]:
        pieces.pop()  # as in the field
    return pieces


def indent(value: object, amount: object, prefix: object = " ") -> object:
    """Put `amount` times `prefix` before every line but the first."""
    return _indented(value, amount, prefix, first=False)


def nindent(value: object, amount: object, prefix: object = " ") -> object:
    """Begin a new line, and put `amount` times `prefix` before every line."""
    return _indented(value, amount, prefix, first=True)


def _indented(value: object, amount: object, prefix: object, *, first: bool) -> object:
    if value is None:
        return None
    lines, times, sign = _of(value).split("\n"), _whole(amount), _of(prefix)
    if not 0 <= times <= 1_000:
        raise Refused(say("A text is indented by 0 to 1000 signs."))
    text_fits(times * len(sign))
    margin = sign * times
    text = bounded_join("\n" + margin, lines)
    return "\n" + margin + text if first else text


def number_format(value: object, format_: object = "#,##0.###") -> object:
    """Write a number in a pattern such as `#,##0.00`, as in Java."""
    if value is None:
        return None
    found = _NUMBER_FORMAT.fullmatch(_of(format_)[:60])
    if found is None:
        raise Refused(say("`%(pattern)s` is not a number pattern such as `#,##0.00`.", pattern=_of(format_)[:60]))
    before, whole, least, more, percent, after = (piece or "" for piece in found.groups())
    number = Decimal(printed(value)) * (100 if percent else 1)
    if not number.is_finite() or abs(number.adjusted()) > 100:
        raise Refused(say("The number is too large."))
    places = len(least) + len(more)
    number = number.quantize(Decimal(1).scaleb(-places), rounding=ROUND_HALF_EVEN)
    digits, _, fraction = f"{abs(number):f}".partition(".")
    fraction = fraction[: len(least)] + fraction[len(least) :].rstrip("0")
    digits = digits.lstrip("0").rjust(whole.count("0"), "0")
    if "," in whole:
        digits = f"{int(digits or 0):,}".rjust(whole.count("0"), "0") if digits else digits
    sign = "-" if number < 0 else ""
    return f"{sign}{before}{digits}{'.' + fraction if fraction else ''}{percent}{after}"


def string(value: object) -> object:
    """Return any value as the text it is printed as."""
    return None if value is None else printed(value)


def _whole(value: object) -> int:
    if isinstance(value, int) and not isinstance(value, bool) and abs(value) < 2**31:
        return value
    raise Refused(say("A whole number is needed here, not %(kind)s.", kind=kind_of(value)))


FILTERS: dict[str, Callable[..., object]] = {
    "abbreviate": abbreviate,
    "base64decode": _on_text(decoded),
    "base64encode": _on_text(encoded),
    "capitalize": _on_text(capitalized),
    "condense": _on_text(lambda text: text.replace("\n", "")),
    "endsWith": ends_with,
    "escapeChar": escape_char,
    "indent": indent,
    "lower": _on_text(str.lower),
    "md5": _on_text(_hashed("md5")),
    "nindent": nindent,
    "numberFormat": number_format,
    "regexExtract": regex_extract,
    "regexMatch": regex_match,
    "regexReplace": regex_replace,
    "replace": replace,
    "sha1": _on_text(_hashed("sha1")),
    "sha256": _on_text(_hashed("sha256")),
    "sha512": _on_text(_hashed("sha512")),
    "slugify": _on_text(slugified),
    "split": split,
    "startsWith": starts_with,
    "string": string,
    "substringAfter": _part(lambda found: found[2], last=False),
    "substringAfterLast": _part(lambda found: found[2], last=True),
    "substringBefore": _part(lambda found: found[0], last=False),
    "substringBeforeLast": _part(lambda found: found[0], last=True),
    "title": _on_text(titled),
    "trim": _on_text(str.strip),
    "upper": _on_text(str.upper),
    "urldecode": _on_text(urllib.parse.unquote_plus),
    "urlencode": _on_text(lambda text: urllib.parse.quote_plus(text, safe="*")),
}
