"""Every sentence that people read can be said in their language, and German says all of them."""

import ast
import re
from collections.abc import Iterator
from html.parser import HTMLParser
from pathlib import Path

import pytest
from babel.messages.catalog import Message
from django.test import Client
from django.utils import formats, timezone, translation
from django.utils.translation import gettext

from apps_portal import inbox
from config import languages
from config.browser_texts import TEXTS
from orchestrator import revisions
from orchestrator.core.sentences import say
from orchestrator.core.states import LOOKS
from orchestrator.models import Approval
from orchestrator.saying import said
from tenants import notices, users
from tenants.core.roles import BUILT_IN
from tenants.errors import PorticoError
from tests import factories
from tests.apps_portal import stage as house
from tests.cast import HOME

ROOT = languages.ROOT
PLACE = re.compile(r"%\(\w+\)s|%%|%s|\{\w+\}|`[^`]*`")
SPOKEN = sorted(languages.catalogues())


# The catalogues ------------------------------------------------------------------------------------------------------


def entries(language: str) -> dict[str | tuple[str, str], Message]:
    """A catalogue by what its messages translate."""
    read = languages.read(languages.catalogues()[language])
    return {tuple(one.id) if isinstance(one.id, (list, tuple)) else one.id: one for one in read if one.id}


def sides(message: Message) -> Iterator[tuple[str, str]]:
    """Pairs of the English text and its translation; two where things are counted."""
    if isinstance(message.id, (list, tuple)):
        yield from zip(message.id, message.string, strict=True)
    else:
        yield message.id, str(message.string)


@pytest.mark.parametrize("language", SPOKEN)
def test_a_catalogue_has_what_the_sources_say_and_nothing_else(language: str) -> None:
    said_in_sources = {message.id for message in languages.messages()}
    known = {one if isinstance(one, tuple) else (one, "") for one in entries(language)}
    wanted = {one if isinstance(one, tuple) else (one, "") for one in said_in_sources}
    counted = {first for first, many in wanted if many}
    assert sorted(wanted - known - {(first, "") for first in counted}) == [], "run `make messages`, then translate"
    assert sorted(known - wanted) == [], "run `make messages`"


@pytest.mark.parametrize("language", SPOKEN)
def test_everything_is_translated_and_nothing_is_a_guess(language: str) -> None:
    found = entries(language).values()
    assert [one.id for one in found if one.fuzzy or not all(text for _english, text in sides(one))] == []


@pytest.mark.parametrize("language", SPOKEN)
def test_a_translation_has_the_places_and_the_code_of_its_sentence(language: str) -> None:
    pairs = [pair for one in entries(language).values() for pair in sides(one)]
    places = {english: (sorted(PLACE.findall(english)), sorted(PLACE.findall(text))) for english, text in pairs}
    assert {english: both for english, both in places.items() if both[0] != both[1]} == {}


@pytest.mark.parametrize("language", SPOKEN)
def test_a_translation_ends_as_its_sentence_does(language: str) -> None:
    pairs = [pair for one in entries(language).values() for pair in sides(one)]
    end = re.compile(r"[.:?…]?$")
    assert [english for english, text in pairs if end.findall(english)[0] != end.findall(text)[0]] == []


@pytest.mark.parametrize("language", SPOKEN)
def test_states_roles_and_the_texts_of_scripts_are_translated(language: str) -> None:
    known = {text for one in entries(language).values() for text, _translation in sides(one)}
    shown = {look.label for look in LOOKS.values()} | {role.description for role in BUILT_IN.values()} | {*TEXTS}
    assert sorted(shown - known) == []


def test_what_is_marked_is_found_wherever_it_stands() -> None:
    python = 'say("One %(a)s" " and two", a=1); LOOKS = {1: Look("Tired", "x", "y")}; _(f"no {x}"); other("no")'
    assert [one.text for one in languages.in_python(python, "x.py")] == ["One %(a)s and two", "Tired"]
    template = """{% translate "It's" as a %}{{ y|default:_('none') }}
        {% blocktranslate count n=x %}One{% plural %}{{ n }} many{% endblocktranslate %}"""
    found = [one.id for one in languages.in_template(template, "x.html")]
    assert found == ["It's", "none", ("One", "%(n)s many")]


def test_a_sentence_inside_of_a_sentence_is_translated_too() -> None:
    with translation.override("de"):
        assert said(say("%(what)s must be a list.", what=say("An input"))) == "Eine Eingabe muss eine Liste sein."
        assert said(say("%(what)s must be a list.", what="`An input`")) == "`An input` muss eine Liste sein."


# Bare sentences in templates -----------------------------------------------------------------------------------------

TEMPLATES = sorted(path for path in (ROOT / "templates").rglob("*") if path.suffix in {".html", ".txt"})
ENGLISH_ONLY = {
    "templates/styleguide.html": "shows every component to developers, with made-up examples",
}
ALLOWED = {
    "Portico": "a name",
    "· · Portico": "a name, in titles",
    "Portico · Portico": "a name, in titles",
    "-- Portico": "a name, under mails",
    "CSV": "a name",
    "flow.yaml": "the name of a file",
    "null": "as JSON writes it",
    "· editor-main": "a word of our own that the page's layout reads",
    "editor-main": "a word of our own that the page's layout reads",
}
SHOWN_ATTRIBUTES = frozenset({"title", "aria-label", "placeholder", "alt", "aria-description"})
_NOT_SHOWN = re.compile(
    r"\{#.*?#\}|\{% comment %\}.*?\{% endcomment %\}|\{% blocktranslate\b.*?\{% endblocktranslate %\}", re.DOTALL
)
_TAG = re.compile(r"\{%.*?%\}|\{\{.*?\}\}", re.DOTALL)
_ARGUMENT = re.compile(
    r"""\b(?:title|text|label|lead|caption|placeholder|note|name|help|why|shown|\w+_label)=(["'])(.*?)\1"""
)
_WORDS = re.compile(r"[^\W\d_]{2}")


class _Words(HTMLParser):
    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self.found: list[str] = []
        self.silent = 0

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.silent += tag in {"script", "style"}
        self.found += [text for name, text in attrs if name in SHOWN_ATTRIBUTES and text]

    def handle_endtag(self, tag: str) -> None:
        self.silent -= tag in {"script", "style"}

    def handle_data(self, data: str) -> None:
        if not self.silent:
            self.found.append(data)


def words_of(html: str) -> list[str]:
    """The texts that a page shows or reads out: between its tags, and in their attributes."""
    parser = _Words()
    parser.feed(html)
    parser.close()
    return [" ".join(text.split()) for text in parser.found if _WORDS.search(text)]


def bare_in_template(source: str) -> list[str]:
    """The literals of a template that no gettext sees: in its HTML, and among what it hands to partials."""
    source = _NOT_SHOWN.sub("", source)
    handed = [found[1] for tag in _TAG.findall(source) for found in _ARGUMENT.findall(tag)]
    return words_of(_TAG.sub("", source)) + [text for text in handed if _WORDS.search(text) and text != text.lower()]


@pytest.mark.parametrize("path", TEMPLATES, ids=languages.place_of)
def test_a_template_says_nothing_past_gettext(path: Path) -> None:
    if languages.place_of(path) not in ENGLISH_ONLY:
        assert [text for text in bare_in_template(path.read_text(encoding="utf-8")) if text not in ALLOWED] == []


@pytest.mark.parametrize(
    "source",
    [
        "<p>Hello</p>",
        '<a title="Go">x</a>',
        '<input placeholder="Search {{ x }}">',
        '{% include "a.html" with label="Save" %}',
        "{% if x %}Yes{% endif %}",
    ],
)
def test_a_bare_literal_is_found_in_a_template(source: str) -> None:
    assert bare_in_template(source) != []


def test_what_gettext_sees_is_not_bare() -> None:
    source = (
        '{% comment %}Takes x.{% endcomment %}<p class="Big" title="{% translate "Go" %}">{% translate "Go" %}'
        '{% blocktranslate %}Go{% endblocktranslate %}{{ Name }}</p>{% include "a.html" with tone="waiting" title=go %}'
    )
    assert bare_in_template(source) == []


# Bare sentences in Python --------------------------------------------------------------------------------------------

SAYING = {"FieldProblem", "Problem", "InputProblem", "Unfit", "Refused", "ExpressionFailed", "in_field", "tell"} | {
    "problem", "unknown", "in_text",
}  # fmt: skip
MESSAGES = {"success", "info", "warning", "error"}
SHOWN_KEYS = {"label", "title", "message", "help", "placeholder", "lead"}
UNHEARD = {
    "config/cli": "speaks to the operator, in English as logs do",
    "config/embedded": "speaks to the operator",
    "config/styleguide.py": "examples for developers",
    "orchestrator/tasks": "what tasks say goes into logs and states once, for readers of any language",
}


def refusals() -> set[str]:
    """The names of all errors that carry a sentence for people."""
    found, waiting = set(), [PorticoError]
    while waiting:
        kind = waiting.pop()
        found.add(kind.__name__)
        waiting += kind.__subclasses__()
    return found


def _called(node: ast.Call) -> str:
    return node.func.attr if isinstance(node.func, ast.Attribute) else getattr(node.func, "id", "")


def _literals(node: ast.AST) -> Iterator[str]:
    """Sentences in an expression outside of any call: what a call inside makes of its texts is its own affair."""
    if isinstance(node, ast.Call):
        return
    if isinstance(node, (ast.JoinedStr, ast.Constant)):
        parts = node.values if isinstance(node, ast.JoinedStr) else [node]
        text = "".join(str(part.value) if isinstance(part, ast.Constant) else "…" for part in parts)
        if " " in text.strip() and _WORDS.search(text):
            yield text
        return
    for child in ast.iter_child_nodes(node):
        yield from _literals(child)


def bare_in_python(source: str, carrying: set[str]) -> list[str]:
    """The sentences that are handed to errors, problems, messages and pages without gettext or `say`."""
    found: list[str] = []
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Dict):
            pairs = [(getattr(key, "value", None), value) for key, value in zip(node.keys, node.values, strict=True)]
            found += [text for key, value in pairs if key in SHOWN_KEYS for text in _literals(value)]
        if not isinstance(node, ast.Call):
            continue
        name = _called(node)
        of_messages = isinstance(node.func, ast.Attribute) and getattr(node.func.value, "id", "") == "messages"
        if name in carrying or (of_messages and name in MESSAGES):
            given = [*node.args, *(word.value for word in node.keywords)]
            found += [text for value in given for text in _literals(value)]
    return found


def doors_and_verbs() -> list[Path]:
    paths = [path for room in languages.ROOMS for path in sorted((ROOT / room).rglob("*.py"))]
    return [path for path in paths if not languages.place_of(path).startswith(tuple(UNHEARD))]


def test_no_error_problem_or_message_is_said_past_gettext() -> None:
    carrying = SAYING | refusals()
    found = {languages.place_of(path): bare_in_python(path.read_text("utf-8"), carrying) for path in doors_and_verbs()}
    assert {place: texts for place, texts in found.items() if texts} == {}


@pytest.mark.parametrize(
    "source",
    [
        'raise Conflict("It is gone.")',
        'raise Invalid(message="It is gone.")',
        'raise Invalid.in_field("name", f"No {x} here.")',
        'messages.success(request, "It is saved.")',
        'fields.problem("key", "It is wrong.")',
        'x = {"label": "My requests"}',
        'x = Problem("It is wrong." if y else _("It is well."))',
    ],
)
def test_a_bare_sentence_is_found_in_python(source: str) -> None:
    assert bare_in_python(source, SAYING | refusals()) != []


def test_a_marked_sentence_and_a_note_for_the_log_are_not_bare() -> None:
    source = 'raise Conflict(_("It is gone."))\nlogger.error("it is gone")\nraise ValueError("no such thing")'
    assert bare_in_python(source, SAYING | refusals()) == []


# A person who reads German -------------------------------------------------------------------------------------------


@pytest.fixture
def stage(db, settings, tmp_path):
    settings.STORAGE_URL = f"file://{tmp_path}/storage"
    revisions.forget_all()
    house.publishing.forget_all()
    stage = house.cast()
    for name in ("alice", "bob"):
        users.change_profile(stage.actor(name), name=name.capitalize(), language="de", time_zone="Asia/Tokyo")
    return stage


def door(stage, name: str) -> Client:
    client = Client()
    client.force_login(getattr(stage, name))
    return client


# on these pages words of people: of a person, of roles, of a task; and the kinds of things as the API has them
NAMES = {"Admin", "Done", "group", "owner", *BUILT_IN}


def english_on(html: str) -> list[str]:
    """What stands on a page in English though German has another word for it."""
    known = [pair for one in entries("de").values() for pair in sides(one)]
    german = {text for _english, text in known}
    english = {text for text, translated in known if text != translated} - german - NAMES
    return [text for text in words_of(html) if text in english]


def test_every_page_speaks_the_language_of_who_reads_it(stage) -> None:
    app = house.app(stage)
    request = house.submitted(stage, app)
    house.settle()
    run = f"executions/{request.execution_id}"
    finance = factories.group(tenant=stage.tenant, name="Finance", members=(stage.alice,))
    asked = house.submitted(stage, house.app(stage, house.ASKING), amount=7)
    house.settle()
    approval = Approval.across_tenants.get()
    pages = {
        "bob": ["", "apps", f"apps/{app.uid}", "requests", f"requests/{request.number}", f"requests/{asked.number}",
                "notices", "me", "executions", run, f"{run}?view=graph", "flows", f"flows/{HOME}/greet"],
        "alice": ["", "approvals", "approvals?tab=done", f"approvals/{approval.pk}", f"flows/{HOME}/greet/edit",
                  f"flows/{HOME}/greet/run", f"flows/{HOME}/greet/revisions", f"flows/{HOME}/greet/publish",
                  "flows/new", "apps/new", f"apps/{app.uid}/edit"],
    }  # fmt: skip
    assert finance.name in {name for one in inbox.listed(stage.actor("alice"), "groups") for name in one.asked}
    found = {}
    for name, paths in pages.items():
        client = door(stage, name)
        for path in paths:
            response = client.get(f"/ui/acme/{path}")
            assert response.status_code == 200, path
            assert '<html lang="de"' in response.content.decode()
            assert response.headers["Content-Language"] == "de"
            found[name, path] = english_on(response.content.decode())
    assert {where: texts for where, texts in found.items() if texts} == {}


def test_english_is_found_on_a_page() -> None:
    assert english_on('<h1>My requests</h1><a title="Search apps">Portico</a>') == ["My requests", "Search apps"]


def test_administrators_read_german_too(stage) -> None:
    users.change_profile(stage.actor("admin"), name="Admin", language="de", time_zone="")
    group = factories.group(tenant=stage.tenant, name="Finance", members=(stage.alice,))
    client = door(stage, "admin")
    pages = [client.get(f"/ui/acme/{path}") for path in ("members", "groups", f"groups/{group.pk}", "access", "audit")]
    assert [page.status_code for page in pages] == [200] * 5
    assert [english_on(page.content.decode()) for page in pages] == [[]] * 5


def test_refusals_speak_german(stage) -> None:
    client = door(stage, "bob")
    house.app(stage)
    gone = client.get("/ui/acme/apps/gone")
    assert (gone.status_code, english_on(gone.content.decode())) == (404, [])
    assert "Das gibt es nicht, oder Sie dürfen es nicht sehen." in gone.content.decode()
    refused = client.get(f"/ui/acme/flows/{HOME}/greet/publish")
    assert (refused.status_code, english_on(refused.content.decode())) == (403, [])
    assert "Dafür fehlt Ihnen ein Recht" in refused.content.decode()


def test_problems_of_a_form_speak_german(stage) -> None:
    app = house.app(stage)
    page = door(stage, "bob").post(f"/ui/acme/apps/{app.uid}", house.page_post({"count": "many"}))
    assert page.status_code == 422
    assert english_on(page.content.decode()) == []
    assert "`many` ist keine ganze Zahl." in page.content.decode()
    assert "Hier muss etwas angegeben werden." in page.content.decode()
    assert "2 Angaben müssen geändert werden" in page.content.decode()


def test_problems_of_a_flow_speak_german_at_every_door(stage) -> None:
    source = "id: x\nnamespace: company.team\ntasks: {}\ninputs: 3\n"
    page = door(stage, "alice").post("/ui/acme/flows/new", {"source": source})
    assert page.status_code == 422
    assert "`inputs` muss eine Liste sein." in page.content.decode()
    answer = door(stage, "alice").post("/api/v1/acme/flows", source, content_type="application/x-yaml")
    assert answer.status_code == 422
    assert "`inputs` muss eine Liste sein." in [one["message"] for one in answer.json()["_embedded"]["errors"]]


def test_dates_are_told_in_the_readers_zone_and_form(stage) -> None:
    request = house.submitted(stage, house.app(stage))
    with translation.override("de"), timezone.override("Asia/Tokyo"):
        told = formats.date_format(timezone.localtime(request.created_at), "SHORT_DATETIME_FORMAT")
    assert re.fullmatch(r"\d{2}\.\d{2}\.\d{4} \d{2}:\d{2}", told)
    assert told in door(stage, "bob").get(f"/ui/acme/requests/{request.number}").content.decode()


def test_a_notice_is_written_in_the_language_of_each_reader(stage) -> None:
    text = "“%(title)s” was approved"
    with translation.override("de"):
        told = [stage.bob.pk, stage.charlie.pk]
        notices.tell(stage.tenant.pk, told, "decided", thing="", text=text, values={"title": "Trip"})
    assert [notices.newest(stage.actor(name))[0].text for name in ("bob", "charlie")] == [
        "„Trip“ wurde freigegeben",
        "“Trip” was approved",
    ]


def test_a_stranger_is_met_in_the_language_of_their_browser(stage) -> None:
    page = Client().get("/sign-in", headers={"Accept-Language": "de-AT,de;q=0.9"})
    assert '<html lang="de"' in page.content.decode()
    assert english_on(page.content.decode()) == []


def test_english_stays_english() -> None:
    with translation.override("en"):
        assert gettext("My requests") == "My requests"
