"""Templates keep to what the Content-Security-Policy and htmx without eval allow."""

import re
from pathlib import Path

import pytest
from django.template import engines

ROOT = Path(__file__).resolve().parents[2]
TEMPLATES = sorted((ROOT / "templates").rglob("*.html"))
PARTIALS = sorted((ROOT / "templates" / "components").rglob("*.html"))
COMMENT = re.compile(r"\{% comment %\}.*?\{% endcomment %\}", re.DOTALL)

REFUSED = {
    "a style attribute": re.compile(r"""\sstyle\s*=\s*["']"""),
    "a style element": re.compile(r"<style\b"),
    "an inline handler": re.compile(r"""\son[a-z]+\s*=\s*["']"""),
    "hx-on": re.compile(r"\bhx-on\b"),
    "a trigger filter": re.compile(r"""hx-trigger\s*=\s*["'][^"']*\["""),
    "hx-vals or hx-headers as script": re.compile(r"""hx-(vals|headers)\s*=\s*["']\s*(js|javascript):"""),
    "inline script": re.compile(r"<script(?![^>]*\bsrc=)(?![^>]*application/json)"),
    "a javascript: address": re.compile(r"""["']\s*javascript:"""),
    "something from another server": re.compile(r"""<(?:script|link|img)[^>]*(?:src|href)=["'](?:https?:)?//"""),
    "autoescape switched off": re.compile(r"\{% autoescape off"),
    "hx-boost": re.compile(r"\bhx-boost\b"),
}


def _name(path: Path) -> str:
    return str(path.relative_to(ROOT / "templates"))


def refused(source: str) -> list[str]:
    """What a template's source holds that it must not."""
    return [what for what, pattern in REFUSED.items() if pattern.search(COMMENT.sub("", source))]


@pytest.mark.parametrize("path", TEMPLATES, ids=_name)
def test_a_template_holds_nothing_the_policy_refuses(path: Path) -> None:
    assert refused(path.read_text(encoding="utf-8")) == []


@pytest.mark.parametrize(
    ("source", "what"),
    [
        ('<p style="color: red">', "a style attribute"),
        ("<button onclick='go()'>", "an inline handler"),
        ('<div hx-on:click="go()">', "hx-on"),
        ('<a hx-trigger="click[ctrlKey]">', "a trigger filter"),
        ("<a hx-vals='js:{a: 1}'>", "hx-vals or hx-headers as script"),
        ("<script>go()</script>", "inline script"),
        ('<a href="javascript:go()">', "a javascript: address"),
        ('<img src="https://elsewhere.example/x.png">', "something from another server"),
    ],
)
def test_what_is_refused_is_found(source: str, what: str) -> None:
    assert what in refused(source)


def test_data_for_scripts_and_comments_are_allowed() -> None:
    assert (
        refused('<script type="application/json" id="x">{}</script><script type="module" src="/a.js"></script>') == []
    )
    assert refused('{% comment %}never <p style="x">{% endcomment %}') == []


@pytest.mark.parametrize("path", TEMPLATES, ids=_name)
def test_a_template_compiles_and_loads_no_builtin_library(path: Path) -> None:
    source = path.read_text(encoding="utf-8")
    assert not re.search(r"\{% load [^%]*\b(i18n|static|assets|tags)\b", source), (
        "these are builtins, see config/settings.py"
    )
    engines["django"].from_string(source)


@pytest.mark.parametrize("path", PARTIALS, ids=_name)
def test_a_partial_says_on_top_what_it_takes(path: Path) -> None:
    assert path.read_text(encoding="utf-8").startswith("{% comment %}")


@pytest.mark.parametrize("path", TEMPLATES, ids=_name)
def test_an_icon_that_a_template_names_is_in_the_sprite(path: Path) -> None:
    import_names = re.findall(r"""\{% icon ["']([\w-]+)["']""", path.read_text(encoding="utf-8"))
    names = re.findall(r"""\bicon=["']([\w-]+)["']""", path.read_text(encoding="utf-8"))
    listed = set(KNOWN)
    assert {name for name in (*import_names, *names) if name not in listed} == set()


def _known() -> set[str]:
    text = (ROOT / "frontend" / "src" / "icons.json").read_text(encoding="utf-8")
    aliases = re.search(r"ICON_OF = \{(.*?)\}", (ROOT / "config" / "assets.py").read_text(encoding="utf-8"), re.DOTALL)
    return set(re.findall(r'"([\w-]+)"', text)) | set(re.findall(r'"([\w-]+)":', aliases.group(1) if aliases else ""))


KNOWN = _known()
