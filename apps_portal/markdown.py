"""Markdown that authors and runs wrote, as clean HTML: no raw HTML, no pictures, links that tell nobody."""

from functools import lru_cache

import nh3
from django.utils.safestring import SafeString, mark_safe
from markdown_it import MarkdownIt

_TAGS = {
    *("a", "blockquote", "br", "code", "del", "em", "h1", "h2", "h3", "h4", "h5", "h6", "hr", "li", "ol", "p", "pre"),
    *("s", "strong", "table", "tbody", "td", "th", "thead", "tr", "ul"),
}
_ATTRIBUTES = {"a": {"href", "title"}, "ol": {"start"}, "td": {"align"}, "th": {"align"}}
_SCHEMES = {"http", "https", "mailto"}
LONGEST = 200_000

_parser = MarkdownIt("commonmark", {"html": False}).enable(["table", "strikethrough"]).disable("image")


def html_of(text: str) -> SafeString:
    """Return the HTML of a Markdown text, ready for a page. A heading never becomes the page's own h1."""
    return mark_safe(_cleaned(text[:LONGEST]))  # noqa: S308 - cleaned by nh3


@lru_cache(maxsize=512)
def _cleaned(text: str) -> str:
    html = _parser.render(text).replace("<h1>", "<h2>").replace("</h1>", "</h2>")
    return nh3.clean(
        html,
        tags=_TAGS,
        attributes=_ATTRIBUTES,
        url_schemes=_SCHEMES,
        link_rel="noopener noreferrer nofollow",
    )
