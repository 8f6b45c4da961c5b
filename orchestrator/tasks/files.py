"""Files that go into a working directory and come out of it."""

import os
import re
import shutil
import stat
from collections.abc import Iterable, Iterator, Mapping, Sequence
from functools import lru_cache
from pathlib import Path
from typing import BinaryIO

from orchestrator.tasks.contract import RunContext, TaskFailed
from orchestrator.tasks.properties import Dynamic, TaskProperties, Text, as_text

PRIVATE = ".portico"  # folder of the runner's own files in a working directory; never an input or output
_CHUNK = 1024 * 1024


class NamespaceFilesProperties(TaskProperties):
    """Which of the namespace's files to lay into the working directory."""

    enabled: Dynamic[bool] = True
    include: Dynamic[list[Text] | Text] = []
    exclude: Dynamic[list[Text] | Text] = []


def lay_out(
    folder: Path,
    inputs: Mapping[str, object],
    namespace: NamespaceFilesProperties | None,
    context: RunContext,
) -> None:
    """Write namespace files, then input files, into a working directory.

    An input is text, a structure (written as JSON) or the address of a stored file or `nsfile:///path`.
    """
    if namespace and namespace.enabled:
        include, exclude = _listed(namespace.include), _listed(namespace.exclude)
        for path in context.namespace_files.list():
            if (not include or matches(path, include)) and not matches(path, exclude):
                with context.namespace_files.open(path) as source:
                    _write(folder, path, source)
    for name, value in inputs.items():
        context.raise_if_stopped()
        text = as_text(value)
        if text.startswith(("portico:///", "kestra:///")):
            with context.storage.open(text) as source:
                _write(folder, name, source)
        elif text.startswith("nsfile:///"):
            with context.namespace_files.open(text.removeprefix("nsfile:///")) as source:
                _write(folder, name, source)
        else:
            beneath(folder, name).write_text(text, encoding="utf-8")


def gather(folder: Path, patterns: Sequence[str], context: RunContext) -> dict[str, str]:
    """Put every file that a pattern matches into storage; return its address by its path in the folder.

    Only plain files that really lie in the folder count: a link out of it is not seen, a pipe or a device refused. (No
    process of the script is left when this runs, so nothing can be exchanged in between.)
    """
    if not patterns:
        return {}
    stored: dict[str, str] = {}
    for name, path in _files(folder.resolve()):
        if not matches(name, patterns):
            continue
        context.raise_if_stopped()
        descriptor = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK)
        with os.fdopen(descriptor, "rb") as file:
            if not stat.S_ISREG(os.fstat(descriptor).st_mode):
                raise TaskFailed(f"{name} is not a plain file, so it cannot be an output.")
            stored[name] = context.storage.put(name, file)
    return stored


def _files(folder: Path) -> Iterator[tuple[str, Path]]:
    for place, folders, names in os.walk(folder):  # does not follow links to folders
        folders[:] = sorted(name for name in folders if name != PRIVATE or Path(place) != folder)
        for name in sorted(names):
            path = Path(place) / name
            if path.resolve().is_relative_to(folder):
                yield path.relative_to(folder).as_posix(), path.resolve()


def beneath(folder: Path, name: str) -> Path:
    """Return the path of `name` inside a folder, making the folders on the way; raise TaskFailed when it leads out."""
    path = folder / name
    inside = not Path(name).is_absolute() and ".." not in Path(name).parts and "\x00" not in name and name.strip("/.")
    if not inside or Path(name).parts[0] == PRIVATE or not path.parent.resolve().is_relative_to(folder.resolve()):
        raise TaskFailed(f"{name!r} is not a place for a file in the working directory.")
    path.parent.mkdir(parents=True, exist_ok=True)
    if path.is_symlink():  # left by an earlier script in the same directory
        path.unlink()
    return path


def _write(folder: Path, name: str, source: BinaryIO) -> None:
    with beneath(folder, name).open("wb") as target:
        shutil.copyfileobj(source, target, _CHUNK)


def _listed(value: object) -> list[str]:
    return [value] if isinstance(value, str) else [as_text(item) for item in value] if isinstance(value, list) else []


def matches(path: str, patterns: Iterable[str]) -> bool:
    """Tell whether a relative path fits one of the globs: `*.csv` anywhere, `data/**`, `data/*.csv`, `{a,b}.txt`."""
    return any(_regex(pattern).fullmatch(path) for pattern in patterns)


@lru_cache(maxsize=512)
def _regex(glob: str) -> re.Pattern[str]:
    glob = glob.removeprefix("glob:").removeprefix("./").lstrip("/")
    glob = re.sub(r"(\*\*/)+", "**/", glob)  # the same, and quick to match
    out = "" if "/" in glob else "(?:.*/)?"
    position, depth = 0, 0
    while position < len(glob):
        rest = glob[position:]
        if rest.startswith("**/"):
            out, position = out + "(?:.*/)?", position + 3
        elif rest.startswith("**"):
            out, position = out + ".*", position + 2
        elif rest[0] == "[" and (end := rest.find("]", 1)) > 0:
            body = rest[1:end].replace("\\", "\\\\")
            out, position = out + "[" + ("^" + body[1:] if body[:1] == "!" else body) + "]", position + end + 1
        else:
            char, depth = _one(rest[0], depth)
            out, position = out + char, position + 1
    return re.compile(out + ")" * depth, re.DOTALL)


def _one(char: str, depth: int) -> tuple[str, int]:
    match char:
        case "*":
            return "[^/]*", depth
        case "?":
            return "[^/]", depth
        case "{":
            return "(?:", depth + 1
        case "}" if depth:
            return ")", depth - 1
        case "," if depth:
            return "|", depth
        case _:
            return re.escape(char), depth
