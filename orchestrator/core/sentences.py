"""Sentences for people, said in English here and translated where they are shown.

The core knows neither languages nor Django. A `Sentence` is plain English text that remembers its template and its
values, so that a door can translate it (`orchestrator.saying.said`). A value may be a sentence too.
"""

from collections.abc import Mapping


class Sentence(str):
    """English text that can still be translated; everywhere else it is an ordinary text."""

    __slots__ = ("template", "values")

    template: str
    values: Mapping[str, object]


def say(template: str, **values: object) -> Sentence:
    """Return the sentence for `template`, whose places look like `%(name)s`; `%` itself is written `%%`."""
    sentence = Sentence(template % values)
    sentence.template = template
    sentence.values = values
    return sentence
