"""The front end's tags: bundles, icons, states, fields, numbers; and the sentences of TypeScript."""

import json
import os
import re
from datetime import UTC, datetime
from pathlib import Path

import pytest
from django.core.exceptions import ImproperlyConfigured
from django.template import Context, Template, TemplateSyntaxError, engines
from django.test import RequestFactory
from django.utils import translation

from config import assets
from config.browser_texts import TEXTS
from config.management.commands import build_frontend
from config.styleguide import broken_fields, fields
from orchestrator.core.states import LOOKS, State

ROOT = Path(__file__).resolve().parents[2]
SOURCES = sorted((ROOT / "frontend" / "src").rglob("*.ts"))
MANIFEST = {
    "app.css": {"file": "app-AAAAAAAA.css", "preload": []},
    "run.ts": {"file": "run-BBBBBBBB.js", "preload": ["chunk-CCCCCCCC.js"], "css": "run-DDDDDDDD.css"},
    "icons.svg": {
        "file": "icons-EEEEEEEE.svg",
        "preload": [],
        "names": ["play", "house", "layout-grid", "circle-check"],
    },
}


def render(source: str, **values: object) -> str:
    return engines["django"].from_string(source).render(values)


@pytest.fixture
def built(tmp_path, monkeypatch):
    """A build of two bundles and four icons."""
    path = tmp_path / "manifest.json"
    path.write_text(json.dumps(MANIFEST))
    monkeypatch.setattr(assets, "MANIFEST", path)
    return path


@pytest.fixture
def not_built(tmp_path, monkeypatch):
    monkeypatch.setattr(assets, "MANIFEST", tmp_path / "manifest.json")


def test_an_entry_brings_its_style_sheet_its_chunks_and_itself(built) -> None:
    assert render('{% asset "run.ts" %}').split("\n") == [
        '<link rel="stylesheet" href="/static/dist/run-DDDDDDDD.css">',
        '<link rel="modulepreload" href="/static/dist/chunk-CCCCCCCC.js">',
        '<script type="module" src="/static/dist/run-BBBBBBBB.js"></script>',
    ]


def test_a_new_build_is_seen_without_a_restart(built) -> None:
    render('{% asset "run.ts" %}')
    built.write_text(json.dumps({"run.ts": {"file": "run-NEWNEWNE.js", "preload": []}}))
    os.utime(built, (1, 1))
    assert "run-NEWNEWNE.js" in render('{% asset "run.ts" %}')


def test_an_unknown_entry_is_refused(built) -> None:
    with pytest.raises(ImproperlyConfigured, match=r"nope\.ts"):
        render('{% asset "nope.ts" %}')


def test_without_a_build_tests_print_nothing_and_a_server_says_what_to_run(not_built, settings) -> None:
    settings.ASSETS_REQUIRED = False
    assert render('{% asset "run.ts" %}{% icons_url %}') == ""
    settings.ASSETS_REQUIRED = True
    with pytest.raises(ImproperlyConfigured, match="build_frontend"):
        render('{% asset "run.ts" %}')


def test_an_icon_is_drawn_from_the_sprite_and_skipped_by_screen_readers(built) -> None:
    assert render('{% icon "play" "spin" %}') == (
        '<svg class="icon spin" aria-hidden="true"><use href="/static/dist/icons-EEEEEEEE.svg#i-play"></use></svg>'
    )
    assert "#i-house" in render('{% icon "home" %}')


def test_an_unknown_icon_stops_tests_and_debug_but_not_production(built, settings) -> None:
    settings.ASSETS_REQUIRED, settings.DEBUG = True, False
    assert render('{% icon "nope" %}') == ""
    settings.DEBUG = True
    with pytest.raises(TemplateSyntaxError):
        render('{% icon "nope" %}')


def test_an_authors_unknown_icon_becomes_the_grid(built) -> None:
    assert "#i-layout-grid" in render("{% app_icon icon %}", icon='"><script>')
    assert "#i-layout-grid" in render("{% app_icon icon %}", icon=None)


@pytest.mark.parametrize("state", list(State))
def test_a_state_is_shown_by_colour_icon_and_word(state: State) -> None:
    shown = render("{% state_badge state %}", state=state.value)
    assert f'data-state="{LOOKS[state].tone}"' in shown
    assert f"#i-{LOOKS[state].icon}" in shown
    assert LOOKS[state].label in shown


def test_an_unknown_state_is_shown_by_its_own_name_and_cannot_inject() -> None:
    assert "&lt;b&gt;" in render("{% state_badge state %}", state="<b>")


def test_the_page_carries_looks_and_translations_that_cannot_leave_their_element(monkeypatch) -> None:
    monkeypatch.setattr(assets, "TEXTS", (*TEXTS, "</script><script>alert(1)</script>"))
    with translation.override("de"):
        text = render("{% browser_texts %}")
    body = re.fullmatch(r'<script type="application/json" id="browser-texts">(.*)</script>', text, re.DOTALL)
    assert body
    assert "<" not in body.group(1)
    data = json.loads(body.group(1))
    assert data["language"] == "de"
    assert set(data["looks"]) == {state.value for state in State}
    assert set(data["texts"]) == set(assets.TEXTS)


def test_english_pages_carry_no_translations() -> None:
    with translation.override("en"):
        assert json.loads(render("{% browser_texts %}").split(">", 1)[1].rsplit("<", 1)[0])["texts"] == {}


def test_every_sentence_of_typescript_is_in_the_catalogue_and_no_other() -> None:
    call = re.compile(r'(?<![#.\w])(?:t|say)\(\s*"((?:[^"\\]|\\.)*)"')
    used = {text for path in SOURCES for text in call.findall(path.read_text(encoding="utf-8"))}
    assert used == set(TEXTS)


def test_every_icon_that_typescript_names_is_in_the_sprite() -> None:
    names = set(json.loads(assets.ICONS.read_text(encoding="utf-8")))
    call = re.compile(r'\bicon\(\s*"([\w-]+)"')
    used = {name for path in SOURCES for name in call.findall(path.read_text(encoding="utf-8"))}
    assert used <= names
    assert {look.icon for look in LOOKS.values()} <= names
    assert set(assets.ICON_OF.values()) | set(assets.TONE_ICONS.values()) <= names


def test_the_theme_is_only_one_of_two_words() -> None:
    request = RequestFactory().get("/")
    for cookie, shown in [("dark", ' data-theme="dark"'), ("light", ' data-theme="light"'), ('"><b>', ""), ("", "")]:
        request.COOKIES["portico_theme"] = cookie
        assert Template("{% theme %}").render(Context({"request": request})) == shown


@pytest.mark.parametrize("field", [*fields(), *broken_fields()], ids=lambda field: field["id"])
def test_a_field_names_its_control_its_help_and_its_error(field) -> None:
    page = render('{% include "components/field.html" %}', field=field)
    assert page.count(f'id="field-{field["id"]}"') == 1
    assert f' id="{field["id"]}"' in page
    if not assets.grouped(field):
        assert f'for="{field["id"]}"' in page or assets.widget(field) == "switch"
    for part in ("help", "error"):
        if field.get(part):
            assert f'id="{field["id"]}-{part}"' in page
            assert re.search(rf'aria-describedby="[^"]*{field["id"]}-{part}', page)


def test_a_hidden_field_is_neither_shown_nor_sent() -> None:
    for kind in ("STRING", "BOOL", "FILE", "SELECT", "ARRAY", "MULTISELECT"):
        options = [{"value": "a", "label": "A"}]
        field = {"id": "x", "name": "x", "type": kind, "label": "X", "hidden": True, "options": options, "value": ["a"]}
        page = render('{% include "components/field.html" %}', field=field).split("<template>")[0]
        controls = re.findall(r"<(?:input|select|textarea)\b[^>]*>", page)
        assert controls
        assert all(" disabled" in control for control in controls), (kind, controls)
        assert re.match(r'\s*<(div|fieldset) class="field" id="field-x" hidden', page)


def test_what_a_person_typed_stays_text() -> None:
    bad = '"><script>alert(1)</script>'
    for kind in ("STRING", "INT", "JSON", "DATE", "URI", "EMAIL", "DURATION", "ARRAY"):
        field = {"id": "x", "name": "x", "type": kind, "label": bad, "help": bad, "error": bad, "placeholder": bad}
        field["value"] = [bad] if kind == "ARRAY" else bad
        assert "<script>" not in render('{% include "components/field.html" %}', field=field)


def test_a_secret_never_comes_back() -> None:
    field = {"id": "x", "name": "x", "type": "SECRET", "label": "X", "value": "hunter2"}
    assert "hunter2" not in render('{% include "components/field.html" %}', field=field)


def test_attributes_of_a_field_cannot_be_handlers_or_styles() -> None:
    attrs = {"maxlength": "5", "onclick": "go()", "style": "x", "hx-on:click": "go()"}
    page = render("<input {% field_attrs field %}>", field={"id": "x", "name": "x", "attrs": attrs})
    assert page == '<input id="x" name="x" maxlength="5">'


def test_a_long_choice_gets_a_search_and_a_short_one_does_not() -> None:
    options = [{"value": str(n), "label": str(n)} for n in range(13)]
    assert assets.widget({"type": "SELECT", "options": options}) == "combo"
    assert assets.widget({"type": "SELECT", "options": options[:12]}) == "select"
    assert assets.widget({"type": "SELECT", "options": [], "options_url": "/x"}) == "combo"
    assert assets.widget({"type": "SELECT", "options": options, "widget": "radio"}) == "radio"


def test_a_component_wraps_what_stands_between_its_tags() -> None:
    page = render('{% component "card" title=name %}<b>{{ name }}</b>{% endcomponent %}{{ title }}|', name="<i>")
    assert "<h2>&lt;i&gt;</h2>" in page
    assert "<b>&lt;i&gt;</b>" in page
    assert page.endswith("|"), "the component's values do not leak"


@pytest.mark.parametrize(
    ("seconds", "text"),
    [(None, "–"), (-1, "0 ms"), (0.5, "500 ms"), (7.6, "7.6 s"), (59.96, "1 m 0 s"), (90061, "1 d 1 h")],
)  # fmt: skip
def test_a_length_of_time_reads_as_people_say_it(seconds, text) -> None:
    assert assets.took(seconds) == text


@pytest.mark.parametrize(
    ("count", "text"),
    [(None, ""), (999, "999 B"), (1000, "1.0 kB"), (212_400, "212 kB"), (999_600, "1.0 MB"), (10**16, "10000 TB")],
)  # fmt: skip
def test_a_size_reads_as_people_say_it(count, text) -> None:
    assert assets.size(count) == text


def test_a_moment_is_machine_readable_in_utc_offset_and_shown_in_the_zone() -> None:
    page = render("{% when moment %}", moment=datetime(2026, 11, 22, 10, 0, tzinfo=UTC))
    assert 'datetime="2026-11-22T10:00:00+00:00"' in page
    assert render("{% when moment %}", moment=None) == "–"


def test_numbers_in_tables_are_grouped_and_sort_by_their_value() -> None:
    rows = [[336776, {"text": "21.4 %", "value": 21.4}, None, "x"]]
    columns = [{"label": name} for name in "abcd"]
    page = render('{% include "components/data_table.html" with caption="Flights" %}', columns=columns, rows=rows)
    assert '<td data-value="336776">336,776</td>' in page
    assert '<td data-value="21.4">21.4 %</td>' in page
    assert "<td></td>" in page


def test_a_chart_has_its_table() -> None:
    data = {"kind": "bar", "labels": ["Jan", "Feb"], "series": [{"name": "Late", "values": [1200, None]}]}
    page = render('{% include "components/chart.html" %}', chart={"id": "c", "title": "Late", "data": data})
    assert '<th scope="row">Jan</th><td class="num">1,200</td>' in page
    assert '<th scope="row">Feb</th><td class="num">–</td>' in page
    assert '<script id="c" type="application/json">' in page


def test_node_is_taken_from_path_when_new_enough_and_else_beside_python(tmp_path, monkeypatch) -> None:
    def tool(folder: Path, name: str, says: str) -> None:
        folder.mkdir(exist_ok=True)
        (folder / name).write_text(f"#!/bin/sh\necho {says}\n")
        (folder / name).chmod(0o755)

    machine, beside = tmp_path / "machine", tmp_path / "venv"
    monkeypatch.setenv("PATH", str(machine))
    monkeypatch.setattr(build_frontend.sys, "executable", str(beside / "python"))
    assert build_frontend.folder_of_node() is None
    for name in ("node", "npm"):
        tool(beside, name, "v24.19.0")
    assert build_frontend.folder_of_node() == beside
    for name in ("node", "npm"):
        tool(machine, name, "v18.0.0")
    assert build_frontend.folder_of_node() == beside
    tool(machine, "node", "v20.1.0")
    assert build_frontend.folder_of_node() == machine


def test_packages_are_installed_only_when_the_lock_is_newer(tmp_path) -> None:
    lock = tmp_path / "package-lock.json"
    lock.write_text("{}")
    assert build_frontend.install_needed(tmp_path)
    installed = tmp_path / "node_modules" / ".package-lock.json"
    installed.parent.mkdir()
    installed.write_text("{}")
    os.utime(lock, (100, 100))
    os.utime(installed, (200, 200))
    assert not build_frontend.install_needed(tmp_path)
    os.utime(lock, (300, 300))
    assert build_frontend.install_needed(tmp_path)


def test_the_lock_file_names_no_server() -> None:
    lock = (ROOT / "frontend" / "package-lock.json").read_text(encoding="utf-8")
    assert '"resolved"' not in lock
    assert lock.count('"integrity"') > 30
