"""The catalogues of config/locale: what sources say is gathered into the .po files, and those are compiled to .mo.

All of it is Python, so neither who installs nor who develops needs the gettext tools. `make messages` gathers,
`make install` compiles.
"""

import ast
import io
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from babel.messages.catalog import Catalog
from babel.messages.mofile import write_mo
from babel.messages.pofile import read_po, write_po
from django.utils.translation.template import templatize

ROOT = Path(__file__).resolve().parent.parent
LOCALES = ROOT / "config" / "locale"
ROOMS = ("tenants", "orchestrator", "apps_portal", "config")
CONSOLE = ROOT / "config" / "cli"  # speaks English to the operator, as logs do
HEADER = """# `make messages` keeps the sentences, people the translations; docs/glossary.md has the words.
msgid ""
msgstr ""
"Language: {language}\\n"
"MIME-Version: 1.0\\n"
"Content-Type: text/plain; charset=utf-8\\n"
"Content-Transfer-Encoding: 8bit\\n"
"Plural-Forms: nplurals=2; plural=(n != 1);\\n"

"""

# Which arguments of which calls are sentences: two numbers where each is one of its own
MARKERS: Mapping[str, tuple[int, ...]] = {
    **dict.fromkeys(("_", "gettext", "gettext_lazy", "gettext_noop"), (0,)),
    "say": (0,),  # orchestrator.core.sentences
    "Look": (0,),  # orchestrator.core.states
    "BuiltInRole": (1,),  # tenants.core.roles: what a role is for; its name is the same in every language
}
PLURAL_MARKERS = frozenset({"ngettext", "ngettext_lazy"})
_TEXT = r"""[uU]?("(?:[^"\\]|\\.)*"|'(?:[^'\\]|\\.)*')"""
_IN_TEMPLATE = re.compile(rf"\b(?:_|gettext)\({_TEXT}\)|\bngettext\({_TEXT},\s*{_TEXT},")


@dataclass(frozen=True, slots=True)
class Message:
    """A sentence in a source: its English text, and the one for many things where there is one."""

    text: str
    many: str
    place: str  # path below the root

    @property
    def id(self) -> str | tuple[str, str]:
        """The key in a catalogue."""
        return (self.text, self.many) if self.many else self.text


def messages() -> Iterator[Message]:
    """Yield every sentence that is marked in Python and in templates."""
    for room in ROOMS:
        for path in sorted((ROOT / room).rglob("*.py")):
            if CONSOLE in path.parents:
                continue
            yield from in_python(path.read_text(encoding="utf-8"), place_of(path))
    for path in sorted((ROOT / "templates").rglob("*")):
        if path.suffix in {".html", ".txt"}:
            yield from in_template(path.read_text(encoding="utf-8"), place_of(path))


def place_of(path: Path) -> str:
    """Return a path as catalogues name it: below the root."""
    return path.relative_to(ROOT).as_posix()


def in_python(source: str, place: str) -> Iterator[Message]:
    """Yield the sentences that the calls of `MARKERS` mark."""
    for node in ast.walk(ast.parse(source)):
        if not isinstance(node, ast.Call):
            continue
        name = node.func.attr if isinstance(node.func, ast.Attribute) else getattr(node.func, "id", "")
        texts = [arg.value if isinstance(arg, ast.Constant) and isinstance(arg.value, str) else "" for arg in node.args]
        if name in PLURAL_MARKERS and len(texts) > 1 and all(texts[:2]):
            yield Message(texts[0], texts[1], place)
        for number in MARKERS.get(name, ()):
            if number < len(texts) and texts[number]:
                yield Message(texts[number], "", place)


def in_template(source: str, place: str) -> Iterator[Message]:
    """Yield the sentences of `translate`, `blocktranslate` and `_("...")` in a template."""
    for one, first, many in _IN_TEMPLATE.findall(templatize(source, origin=place)):
        yield Message(ast.literal_eval(one or first), ast.literal_eval(many) if many else "", place)


def catalogues() -> dict[str, Path]:
    """Return the .po file of each language."""
    return {path.parents[1].name: path for path in sorted(LOCALES.glob("*/LC_MESSAGES/django.po"))}


def read(path: Path) -> Catalog:
    """Return a catalogue as it is written."""
    with path.open("rb") as file:
        return read_po(file, locale=path.parents[1].name, domain="django")


def gather() -> dict[str, int]:
    """Bring every catalogue up to date with the sources; returns how many sentences of each still lack a translation.

    What no source says any more is dropped.
    """
    found = Catalog()
    for message in messages():
        found.add(message.id, locations=[(message.place, 1)])
    missing: dict[str, int] = {}
    for language, path in catalogues().items():
        known = read(path)
        known.update(found, no_fuzzy_matching=True, update_creation_date=False)
        text = io.BytesIO()
        write_po(
            text,
            known,
            sort_output=True,
            include_lineno=False,
            ignore_obsolete=True,
            omit_header=True,
            width=100_000,
        )
        path.write_text(HEADER.format(language=language) + text.getvalue().decode(), encoding="utf-8")
        missing[language] = sum(1 for message in known if message.id and not _whole(message.string))
    return missing


def _whole(translation: object) -> bool:
    return all(translation) if isinstance(translation, (tuple, list)) else bool(translation)


def compile_all() -> list[Path]:
    """Write the .mo file, which is read at run time, beside every .po file that is newer; returns those written."""
    written = []
    for path in catalogues().values():
        compiled = path.with_suffix(".mo")
        if compiled.exists() and compiled.stat().st_mtime >= path.stat().st_mtime:
            continue
        text = io.BytesIO()
        write_mo(text, read(path))
        beside = compiled.with_suffix(".mo.new")
        beside.write_bytes(text.getvalue())
        beside.replace(compiled)  # a process that reads it just now sees a whole file
        written.append(compiled)
    return written
