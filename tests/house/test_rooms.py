"""The rooms: their maps, the way imports go, and the pages of docs that speak of them."""

import ast
import fnmatch
import re
from functools import cache
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
ROOMS = ("tenants", "orchestrator", "apps_portal", "config")  # each may import those before it
PACKAGES = [path.parent for room in ROOMS for path in sorted((ROOT / room).rglob("__init__.py"))]
NAMED = re.compile(r"(?<![\w./*])((?:[\w*-]+/)*[\w*-]+\.(?:py|md)|(?:[\w-]+/)+)(?![\w/])")
# Django looks for these by name; nobody looks for anything in them
DJANGOS = {"apps.py", "migrations", "templatetags"}


def _name(path: Path) -> str:
    return str(path.relative_to(ROOT))


def map_of(package: Path) -> str:
    """The docstring of a package."""
    return ast.get_docstring(ast.parse((package / "__init__.py").read_text(encoding="utf-8"))) or ""


def absent(text: str, package: Path) -> list[str]:
    """What a map names and nobody finds in the package, in its room or from the root."""
    inside = contents(package.relative_to(ROOT).parts[0])
    names = [name.rstrip("/") for name in NAMED.findall(text)]
    return [name for name in names if not fnmatch.filter(inside, f"*/{name}") and not (ROOT / name).exists()]


@cache
def contents(room: str) -> list[str]:
    """The paths of a room's files and folders, below the root."""
    paths = [path for path in (ROOT / room).rglob("*") if "__pycache__" not in path.parts]
    return [path.relative_to(ROOT).as_posix() for path in paths]


def parts(package: Path) -> set[str]:
    """The files and folders of a package in which somebody could look for something."""
    files = {path.name for path in package.glob("*.py")} - {"__init__.py"}
    folders = {path.name for path in package.iterdir() if path.is_dir() and (path / "__init__.py").exists()}
    return (files | folders) - DJANGOS


@pytest.mark.parametrize("package", PACKAGES, ids=_name)
def test_a_map_names_only_what_exists(package: Path) -> None:
    assert absent(map_of(package), package) == []


def test_a_name_that_nobody_finds_is_told() -> None:
    assert absent("access.py web/errors.py *_specs.py gone/", ROOT / "tenants") == ["*_specs.py", "gone"]


@pytest.mark.parametrize("room", ROOMS)
def test_a_rooms_map_says_where_everything_is(room: str) -> None:
    text = map_of(ROOT / room)
    named = {name.rstrip("/").rpartition("/")[2] for name in NAMED.findall(text)} | {
        name.split("/")[0] for name in NAMED.findall(text) if "/" in name
    }
    assert sorted(parts(ROOT / room) - named) == []


def imports(source: str) -> set[str]:
    """The first words of everything a file imports, those for types alone included."""
    found = set()
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Import):
            found |= {alias.name.partition(".")[0] for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            found.add((node.module or "").partition(".")[0])
    return found


@cache
def imports_of(room: str) -> dict[str, set[str]]:
    """What each file of a room imports."""
    return {_name(path): imports(path.read_text(encoding="utf-8")) for path in sorted((ROOT / room).rglob("*.py"))}


@pytest.mark.parametrize("number", range(len(ROOMS)), ids=ROOMS)
def test_a_room_knows_only_the_rooms_below_it(number: int) -> None:
    above = set(ROOMS[number + 1 :])
    assert {path: wrong for path, known in imports_of(ROOMS[number]).items() if (wrong := known & above)} == {}


def test_the_product_does_not_know_its_tests() -> None:
    known = {path: words for room in ROOMS for path, words in imports_of(room).items()}
    assert [path for path, words in known.items() if {"tests", "benchmarks"} & words] == []


def test_imports_are_found_wherever_they_stand() -> None:
    source = "if TYPE_CHECKING:\n    from config.env import x\ndef f():\n    import orchestrator.core\n"
    assert imports(source) == {"config", "orchestrator"}


# Docs ---------------------------------------------------------------------------------------------------------------

PAGES = sorted([*(ROOT / "docs").rglob("*.md"), *ROOT.glob("*.md")])


@pytest.mark.parametrize("document", PAGES, ids=_name)
def test_what_a_page_links_to_exists(document: Path) -> None:
    links = re.findall(r"\]\(([^)#\s]+)[^)]*\)", document.read_text(encoding="utf-8"))
    local = [link for link in links if "://" not in link and not link.startswith("mailto:")]
    assert [link for link in local if not (document.parent / link).exists()] == []


def test_every_setting_of_the_reference_is_read_somewhere() -> None:
    listed = re.findall(r"^\| `([A-Z_]+)`", (ROOT / "docs/reference/settings.md").read_text("utf-8"), re.MULTILINE)
    sources = "".join(path.read_text("utf-8") for room in ROOMS for path in (ROOT / room).rglob("*.py"))
    assert "DATABASE_URL" in listed
    assert [name for name in listed if f'"{name}"' not in sources] == []


def test_the_changelog_says_what_comes_next() -> None:
    text = (ROOT / "CHANGELOG.md").read_text(encoding="utf-8")
    coming = re.search(r"^## \[Unreleased\]$(.*?)(?=^## |\Z)", text, re.MULTILINE | re.DOTALL)
    assert coming
    assert re.search(r"^- ", coming.group(1), re.MULTILINE)
    headings = re.findall(r"^### (.+)$", text, re.MULTILINE)
    assert set(headings) <= {"Added", "Changed", "Deprecated", "Removed", "Fixed", "Security"}


def test_decisions_are_numbered_without_a_gap_and_short() -> None:
    decisions = sorted((ROOT / "docs" / "decisions").glob("*.md"))
    assert [int(path.name[:4]) for path in decisions] == list(range(1, len(decisions) + 1))
    assert [path.name for path in decisions if len(path.read_text("utf-8").splitlines()) > 40] == []


def test_the_glossary_has_a_german_word_for_every_word_we_say() -> None:
    rows = re.findall(r"^\|(.*)\|$", (ROOT / "docs/glossary.md").read_text(encoding="utf-8"), re.MULTILINE)
    head, _line, *words = [[cell.strip() for cell in row.split("|")] for row in rows]
    assert head == ["we say", "in German", "we mean", "we do not say"]
    assert [row for row in words if not all(row)] == []
