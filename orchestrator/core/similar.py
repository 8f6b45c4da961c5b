"""Did you mean ...? Names that look like the one a person wrote."""

import difflib
from collections.abc import Iterable
from functools import lru_cache

from orchestrator.core.sentences import say

LONGEST = 80  # longer words are not typing errors, and comparing them costs
MOST = 3_000  # candidates compared with one word


def similar(word: str, candidates: Iterable[str]) -> str | None:
    """Return the candidate that looks most like `word`, or None when none does."""
    if not word or len(word) > LONGEST:
        return None
    return _closest(word, tuple(candidates)[:MOST])


def did_you_mean(word: str, candidates: Iterable[str]) -> str:
    """Return "Did you mean `x`?" for the candidate nearest to `word`, or an empty text."""
    found = similar(word, candidates)
    return say("Did you mean `%(found)s`?", found=found) if found else ""


@lru_cache(maxsize=512)
def _closest(word: str, candidates: tuple[str, ...]) -> str | None:
    by_lower: dict[str, str] = {}
    for candidate in candidates:
        by_lower.setdefault(candidate.lower(), candidate)
    lower = word.lower()
    if lower in by_lower:
        return by_lower[lower]
    # long dotted names resemble each other by what they share anyway
    near = difflib.get_close_matches(lower, by_lower, n=1, cutoff=0.85 if "." in lower else 0.6)
    if near:
        return by_lower[near[0]]
    # `Log` for `core.log.Log`: the last part alone says what was meant
    last = lower.rpartition(".")[2]
    by_last: dict[str, str] = {}
    for candidate in candidates:
        by_last.setdefault(candidate.lower().rpartition(".")[2], candidate)
    near = difflib.get_close_matches(last, by_last, n=1, cutoff=0.8)
    return by_last[near[0]] if near else None
