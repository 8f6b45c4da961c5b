"""Words that a person types, as a search for words that begin so."""

import re

from django.contrib.postgres.search import SearchQuery

_WORD = re.compile(r"[^\W_]+")
_MOST = 8


def words_beginning(text: str) -> SearchQuery | None:
    """Return the query "every word of `text` begins a word of the row"; None when there is no word in it."""
    words = _WORD.findall(text.lower())[:_MOST]
    if not words:
        return None
    return SearchQuery(" & ".join(f"{word}:*" for word in words), config="simple", search_type="raw")
