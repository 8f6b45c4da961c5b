"""Python environments of scripts: one folder per set of packages, built once, shared, never changed.

The key is a hash of the packages, the interpreter and the platform, so two workers on one machine use the same folder.
"""

import contextlib
import fcntl
import hashlib
import json
import os
import platform
import re
import shutil
import subprocess
import sys
import threading
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from orchestrator.tasks.contract import RunContext, TaskFailed
from orchestrator.tasks.scripts.isolation import Level, reachable

try:
    from uv import find_uv_bin
except ImportError:  # uv may come from the system instead
    find_uv_bin = None  # type: ignore[assignment]

SHARED = Path("/var/lib/portico")  # where a worker that is root keeps what scripts of other users must read
OFFERED = Path(__file__).with_name("offered")  # modules that every script can import
_DONE = "complete.json"


@dataclass(frozen=True, slots=True)
class Environment:
    """A folder with an interpreter and packages."""

    folder: Path
    python: Path
    base: Path  # where the interpreter itself lives

    @property
    def programs(self) -> Path:
        """The folder to put first on PATH."""
        return self.python.parent


def environment(packages: Sequence[str], context: RunContext, isolation: Level) -> Environment:
    """Return the environment that holds these packages, building it when it is the first to ask.

    Raises TaskFailed with what the builder said when it cannot be built, for instance without a package index in reach.
    """
    for package in packages:
        _refuse_trick(package, isolation)
    home = _home(context.data_dir, isolation)
    base = _base_python(home, shared=os.geteuid() == 0 and isolation != "none")
    folder = home / "environments" / _key(packages, base)
    if not (folder / _DONE).exists():
        with _alone(folder.with_suffix(".lock"), context):
            if not (folder / _DONE).exists():
                _build(folder, base, packages, context, isolation)
    with contextlib.suppress(OSError):
        os.utime(folder / _DONE)  # the last use, for those who clear up
    return Environment(folder, folder / "bin" / "python", base)


def _refuse_trick(package: str, isolation: Level) -> None:
    if not re.match(r"\s*[A-Za-z0-9]", package):
        raise TaskFailed(f"{package!r} is not the name of a package.")
    if isolation != "none" and (re.search(r"@|://", package) or "/" in package.partition(";")[0]):
        raise TaskFailed(f"{package!r}: packages come from the package index here, not from an address or a folder.")


def _key(packages: Sequence[str], base: Path) -> str:
    offered = [file.read_text(encoding="utf-8") for file in sorted(OFFERED.glob("*.py"))]
    facts = [sorted(package.strip() for package in packages), str(base), sys.version, platform.platform(), offered]
    return hashlib.sha256(json.dumps(facts).encode()).hexdigest()[:24]


def _home(data_dir: Path, isolation: Level) -> Path:
    home = data_dir.resolve() / "scripts"
    if isolation != "none" and not reachable(_existing(home)):
        home = SHARED / "scripts"
    (home / "environments").mkdir(parents=True, exist_ok=True)
    if isolation != "none":
        for folder in (home, home / "environments"):
            folder.chmod(0o755)
    return home


def _existing(path: Path) -> Path:
    return next(place for place in (path, *path.parents) if place.exists())


@cache
def _base_python(home: Path, *, shared: bool) -> Path:
    """Return an interpreter that scripts may run: ours, the system's of the same version, or a copy of ours."""
    ours = Path(sys._base_executable).resolve()  # type: ignore[attr-defined]  # noqa: SLF001
    if not shared or (reachable(ours) and reachable(Path(sys.base_prefix))):
        return ours
    name = f"python{sys.version_info.major}.{sys.version_info.minor}"
    for place in ("/usr/local/bin", "/usr/bin"):
        other = Path(place) / name
        if other.exists() and reachable(other):
            return other.resolve()
    return _copy_of_ours(ours, name, home / f"{name}-{platform.python_version()}")


def _copy_of_ours(ours: Path, name: str, copy: Path) -> Path:
    if not (copy / _DONE).exists():
        unfinished = copy.with_name(f"{copy.name}.{os.getpid()}")
        skipped = shutil.ignore_patterns("test", "tests", "__pycache__", "site-packages", "idlelib", "config-*", "*.a")
        shutil.copytree(Path(sys.base_prefix) / "lib", unfinished / "lib", symlinks=True, ignore=skipped)
        (unfinished / "bin").mkdir()
        shutil.copy2(ours, unfinished / "bin" / name)
        (unfinished / _DONE).write_text("{}", encoding="utf-8")
        with contextlib.suppress(OSError):  # another worker was faster
            unfinished.rename(copy)
        shutil.rmtree(unfinished, ignore_errors=True)
    return copy / "bin" / name


@contextlib.contextmanager
def _alone(lock: Path, context: RunContext) -> Iterator[None]:
    """Hold a lock between processes; raise TaskStopped when told to stop while waiting."""
    with lock.open("w") as file:
        while True:
            try:
                fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
                break
            except BlockingIOError:
                context.stop.wait(0.1)
                context.raise_if_stopped()
        yield


def _build(folder: Path, base: Path, packages: Sequence[str], context: RunContext, isolation: Level) -> None:
    shutil.rmtree(folder, ignore_errors=True)
    library = folder / "lib" / f"python{sys.version_info.major}.{sys.version_info.minor}" / "site-packages"
    library.mkdir(parents=True)
    (folder / "bin").mkdir()
    for name in ("python", "python3", base.name):
        (folder / "bin" / name).symlink_to(base)
    told = f"home = {base.parent}\ninclude-system-site-packages = false\nversion = {platform.python_version()}\n"
    (folder / "pyvenv.cfg").write_text(told, encoding="utf-8")
    for module in OFFERED.glob("*.py"):
        shutil.copyfile(module, library / module.name)
    if packages:
        context.log("INFO", f"Installing {', '.join(packages)}")
        _install(folder, packages, context, isolation)
    if isolation != "none":
        _open_to_all(folder)
    (folder / _DONE).write_text(json.dumps({"packages": list(packages)}), encoding="utf-8")


def _install(folder: Path, packages: Sequence[str], context: RunContext, isolation: Level) -> None:
    command = [_uv(), "pip", "install", "--quiet", "--no-config", "--python", str(folder / "bin" / "python")]
    if isolation != "none":  # building from source would run the package's code as the worker
        command += ["--only-binary", ":all:"]
    command += ["--", *packages]
    process = subprocess.Popen(
        command,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        env=_builder_environment(folder.parent.parent / "packages"),
        start_new_session=True,
    )
    said: list[bytes] = []
    reader = threading.Thread(target=lambda: said.append(process.stderr.read() if process.stderr else b""), daemon=True)
    reader.start()
    while process.poll() is None:
        if context.stop.wait(0.05):
            process.kill()
            process.wait()
            context.raise_if_stopped()
    reader.join(5)
    if process.returncode:
        shutil.rmtree(folder, ignore_errors=True)
        text = b"".join(said).decode(errors="replace").strip()
        for line in text.splitlines()[-20:]:
            context.log("ERROR", line)
        reason = next(
            (line.strip(" ×╰─▶│├") for line in reversed(text.splitlines()) if line.strip()), "no reason given"
        )
        raise TaskFailed(
            f"The packages {', '.join(packages)} could not be installed: {reason} "
            "(does this worker reach a package index?)",
        )


def _uv() -> str:
    if find_uv_bin is not None:
        with contextlib.suppress(FileNotFoundError):
            return str(find_uv_bin())
    found = shutil.which("uv")
    if not found:
        raise TaskFailed("Packages cannot be installed here: the program uv is missing.")
    return found


def _builder_environment(cache_folder: Path) -> Mapping[str, str]:
    passed = re.compile(r"^(UV_|PIP_|SSL_CERT_|HTTPS?_PROXY$|NO_PROXY$|ALL_PROXY$|https?_proxy$|no_proxy$|all_proxy$)")
    kept = {name: value for name, value in os.environ.items() if passed.match(name)}
    return {**kept, "PATH": os.defpath, "HOME": str(cache_folder), "UV_CACHE_DIR": str(cache_folder)}


def _open_to_all(folder: Path) -> None:
    for place, _, files in os.walk(folder):
        Path(place).chmod(0o755)
        for name in files:
            file = Path(place) / name
            if not file.is_symlink():
                file.chmod(0o755 if file.stat().st_mode & 0o100 else 0o644)
