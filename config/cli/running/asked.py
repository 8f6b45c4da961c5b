"""What somebody wants to be run: flow files with their inputs."""

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path


class AskedBadly(ValueError):
    """The command line or a requests file cannot be understood; the sentence goes to who wrote it."""


@dataclass(frozen=True, slots=True)
class Asked:
    """One run: `id` names it in the results."""

    id: str
    file: Path
    inputs: Mapping[str, object] = field(default_factory=dict)
    files: Mapping[str, Path] = field(default_factory=dict)  # by input id


def asked_by_words(
    files: Sequence[Path], inputs: str | None, attached: Sequence[str], requests: Path | None
) -> list[Asked]:
    """Return all runs that the command line asks for; raises AskedBadly."""
    values = _inputs(inputs)
    paths = dict(_attached(attached))
    found = [Asked(str(file), file, values, paths) for file in files]
    if requests is not None:
        found.extend(_lines(requests))
    if not found:
        raise AskedBadly("Name a flow file, or give --requests.")
    return found


def flow_files(folder: Path) -> list[Path]:
    """Return the YAML files below a folder, or the file itself, in order of their names."""
    if folder.is_dir():
        return sorted(file for file in folder.rglob("*") if file.suffix in {".yaml", ".yml"} and file.is_file())
    return [folder]


def _inputs(written: str | None) -> Mapping[str, object]:
    if not written:
        return {}
    text = _text_of(Path(written[1:])) if written.startswith("@") else written
    try:
        values = json.loads(text)
    except ValueError as wrong:
        raise AskedBadly(f"--inputs is no JSON: {wrong}") from None
    if not isinstance(values, dict):
        raise AskedBadly("--inputs must be a JSON object: names and values.")
    return values


def _attached(written: Sequence[str]) -> Iterator[tuple[str, Path]]:
    for pair in written:
        name, sign, path = pair.partition("=")
        if not sign or not name:
            raise AskedBadly(f"--file is name=path, not {pair!r}.")
        if not Path(path).is_file():
            raise AskedBadly(f"There is no file {path}.")
        yield name, Path(path)


def _lines(requests: Path) -> Iterator[Asked]:
    for number, line in enumerate(_text_of(requests).splitlines(), 1):
        if not line.strip():
            continue
        try:
            row = json.loads(line)
            files = {str(name): Path(path) for name, path in (row.get("files") or {}).items()}
            yield Asked(str(row["id"]), Path(row["file"]), dict(row.get("inputs") or {}), files)
        except (ValueError, KeyError, TypeError, AttributeError) as wrong:
            raise AskedBadly(f'{requests}:{number}: a line is {{"id", "file", "inputs"}} ({wrong}).') from None


def _text_of(file: Path) -> str:
    try:
        return file.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as unreadable:
        raise AskedBadly(f"{file} cannot be read: {unreadable}") from None
