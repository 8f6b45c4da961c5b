"""How far a script is kept from everything else, and the users that scripts run as.

bubblewrap  own process, file system and user namespaces, when the program is there and works
uid         as root: a user of its own for each running script, so that no script can read another's memory or files
none        the worker's own user, which only trusted authors should get; doctor and the pages say so
"""

import fcntl
import os
import shutil
import stat
import subprocess
import tempfile
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Literal

from orchestrator.tasks.contract import TaskFailed

Level = Literal["bubblewrap", "uid", "none"]
USERS = range(58_000, 59_000)  # below what systems give to people and above what they give to services
_HIDDEN = ("/root", "/home", "/tmp", "/var/tmp", "/run", "/var/lib/portico", "/mnt", "/media")  # noqa: S108  (made empty)


def level(wanted: str) -> Level:
    """Return the level that scripts get here: the wanted one, or for `auto` the strongest there is."""
    match wanted:
        case "auto":
            return "bubblewrap" if _bubblewrap_works() else "uid" if os.geteuid() == 0 else "none"
        case "bubblewrap" if not _bubblewrap_works():
            raise TaskFailed(
                "PORTICO_ISOLATION is bubblewrap, but bwrap is not installed here or cannot make namespaces."
            )
        case "uid" if os.geteuid() != 0:
            raise TaskFailed("PORTICO_ISOLATION is uid, but only a worker that runs as root can change users.")
        case "bubblewrap" | "uid" | "none":
            return wanted
    raise TaskFailed(f"PORTICO_ISOLATION is {wanted!r}; it must be auto, bubblewrap, uid or none.")


@dataclass(slots=True)
class ScriptUser:
    """A user reserved for one running script, on this machine, as long as `lock` is open in any process."""

    uid: int
    lock: int

    def release(self) -> None:
        """Let go of it; the script's keeper may hold it a little longer."""
        os.close(self.lock)


def take_user() -> ScriptUser:
    """Reserve a user that no other running script has; raise TaskFailed when all are taken."""
    folder = _locks()
    start = os.getpid() % len(USERS)
    for offset in range(len(USERS)):
        uid = USERS[(start + offset) % len(USERS)]
        lock = os.open(folder / str(uid), os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            os.close(lock)
            continue
        return ScriptUser(uid, lock)
    raise TaskFailed(f"All {len(USERS)} users for scripts are taken on this machine.")


def _locks() -> Path:
    run = Path("/run")
    folder = (run if run.is_dir() and os.access(run, os.W_OK) else Path(tempfile.gettempdir())) / "portico-script-users"
    folder.mkdir(mode=0o700, exist_ok=True)
    if folder.stat().st_uid != os.geteuid() or folder.is_symlink():
        raise TaskFailed(f"{folder} belongs to another user; scripts cannot be kept apart.")
    return folder


def hand_over(folder: Path, uid: int) -> None:
    """Make a working directory and everything in it the script's own; raise TaskFailed when it could not get there."""
    if not reachable(folder.parent):
        raise TaskFailed(f"Scripts cannot run in {folder}: other users may not pass through the folders above it.")
    for place, folders, files in os.walk(folder):
        for entry in (*folders, *files):
            os.chown(Path(place) / entry, uid, uid, follow_symlinks=False)
    os.chown(folder, uid, uid)
    folder.chmod(0o700)


def reachable(path: Path) -> bool:
    """Tell whether every user may read a file or pass through a folder, and all folders above it."""
    path = path.resolve()
    try:
        mode = path.stat().st_mode
        needed = stat.S_IXOTH if stat.S_ISDIR(mode) else stat.S_IROTH
        return bool(mode & needed) and all(above.stat().st_mode & stat.S_IXOTH for above in path.parents)
    except OSError:
        return False


@cache
def _bubblewrap_works() -> bool:
    program = shutil.which("bwrap")
    if not program:
        return False
    probe = [program, "--unshare-all", "--ro-bind", "/", "/", "--proc", "/proc", "--dev", "/dev", "/bin/true"]
    user = USERS[0] if os.geteuid() == 0 else None  # scripts start it as their own user, not as root
    try:
        return subprocess.run(probe, user=user, capture_output=True, timeout=10, check=False).returncode == 0
    except (OSError, subprocess.TimeoutExpired):
        return False


def bubblewrapped(argv: Sequence[str], cwd: Path, readable: Iterable[Path]) -> list[str]:
    """Return the command that runs `argv` seeing the system read-only, its own folder, and nothing of other people.

    The network stays, because scripts are there to talk to other systems.
    """
    command = [
        shutil.which("bwrap") or "bwrap",
        "--die-with-parent",
        "--unshare-user",
        "--unshare-pid",
        "--unshare-ipc",
    ]
    command += ["--unshare-uts", "--unshare-cgroup-try", "--cap-drop", "ALL", "--ro-bind", "/", "/"]
    command += ["--proc", "/proc", "--dev", "/dev"]
    for hidden in _HIDDEN:
        if Path(hidden).is_dir():
            command += ["--tmpfs", hidden]
    command += ["--ro-bind-try", "/run/systemd/resolve", "/run/systemd/resolve"]
    for place in readable:
        command += ["--ro-bind", str(place), str(place)]
    command += ["--bind", str(cwd), str(cwd), "--chdir", str(cwd), "--"]
    return [*command, *argv]
