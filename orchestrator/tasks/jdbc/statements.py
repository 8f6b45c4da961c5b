"""SQL text: where statements end, where named parameters stand, where file names stand.

Text inside quotes, dollar quotes and comments is never touched.
"""

import re
from collections.abc import Callable, Collection

_TOKEN = re.compile(
    r"""
      (?P<text>[eE]'(?:[^'\\]|\\.|'')*' | '(?:[^']|'')*')
    | (?P<kept>"(?:[^"]|"")*" | `[^`]*` | --[^\n]* | /\*.*?\*/ | (?P<tag>\$(?:[A-Za-z_]\w*)?\$).*?(?P=tag) | ::)
    | (?P<end>;)
    | :(?P<name>[A-Za-z_]\w*)
    """,
    re.VERBOSE | re.DOTALL,
)
_TAKES_FILE = re.compile(
    r"(?:\b(?:from|join|to|attach|import\s+database)\s+|\b(?:read_\w+|parquet_scan|glob|sniff_csv)\s*\(\s*\[?\s*(?:'[^']*'\s*,\s*)*)$",
    re.IGNORECASE,
)


def statements(sql: str) -> list[str]:
    """Return the statements of a text, without the semicolons between them."""
    cuts = [0]
    cuts += [found.end() for found in _TOKEN.finditer(sql) if found["end"]]
    parts = [sql[start:end] for start, end in zip(cuts, [*cuts[1:], len(sql)], strict=True)]
    return [text for part in parts if _says_something(text := part.strip().removesuffix(";").strip())]


def _says_something(text: str) -> bool:
    return bool(re.sub(r"--[^\n]*|/\*.*?\*/", "", text, flags=re.DOTALL).strip())


def named(sql: str, names: Collection[str], placeholder: Callable[[str], str]) -> tuple[str, set[str]]:
    """Replace each `:name` of a known name by its placeholder; return the text and the names that stand in it."""
    used: set[str] = set()

    def put(found: re.Match[str]) -> str:
        name = found["name"]
        if name is None or name not in names:
            return found[0]
        used.add(name)
        return placeholder(name)

    return _TOKEN.sub(put, sql), used


def with_absolute_files(sql: str, absolute: Callable[[str], str]) -> str:
    """Replace relative file names where SQL expects a file (`FROM 'a.csv'`, `read_csv('a.csv')`, `TO 'out.csv'`)."""

    def put(found: re.Match[str]) -> str:
        text = found["text"]
        path = text[1:-1] if text and text[0] == "'" else ""
        if not path or path.startswith("/") or "://" in path or not _TAKES_FILE.search(sql, 0, found.start()):
            return found[0]
        return "'" + absolute(path.replace("''", "'")).replace("'", "''") + "'"

    return _TOKEN.sub(put, sql)


def gives_rows(sql: str) -> bool:
    """Tell whether a statement answers with rows, as far as its text tells."""
    bare = re.sub(r"--[^\n]*|/\*.*?\*/", " ", sql, flags=re.DOTALL).lstrip(" \t\r\n(")
    first = re.match(r"[A-Za-z]*", bare)
    word = first[0].upper() if first else ""
    if word in {"SELECT", "VALUES", "TABLE", "SHOW", "FROM"}:
        return not (word == "SELECT" and re.search(r"\binto\b", bare, re.IGNORECASE))
    return word in {"WITH", "INSERT", "UPDATE", "DELETE", "MERGE"} and _answers(bare, word)


def _answers(bare: str, word: str) -> bool:
    if re.search(r"\breturning\b", bare, re.IGNORECASE):
        return True
    return word == "WITH" and not re.search(r"\b(insert|update|delete|merge)\b", bare, re.IGNORECASE)
