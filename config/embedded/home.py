"""Where the embedded servers keep their files, under which user they run, and the lock on it all.

PostgreSQL refuses to run as root. As root the servers run as `portico` if the machine has such a user, else as
`nobody`, and that user must be able to walk to their files. Nobody's folders are changed for that: where the data
folder cannot be reached, the servers live in /var/lib/portico. The choice is written down in the data folder, so that
a later change of rights cannot silently begin an empty database.
"""

import fcntl
import hashlib
import json
import os
import secrets
import stat
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import IO

from config.processes import Account, account_named

SYSTEM_HOME = Path("/var/lib/portico")
# sockaddr_un holds 108 bytes; ".s.PGSQL.5432.lock" is the longest name beside the socket
LONGEST_SOCKET_FOLDER = 108 - len("/.s.PGSQL.5432.lock") - 1


class EmbeddedFailed(Exception):
    """The embedded servers cannot be used; the text says why and what to do."""


@dataclass(frozen=True)
class Passwords:
    """What the servers ask for."""

    admin: str
    owner: str
    valkey: str


@dataclass(frozen=True)
class Home:
    """The folders of one pair of servers."""

    data: Path
    folder: Path
    run: Path
    account: Account | None
    passwords: Passwords

    @property
    def postgres(self) -> Path:
        """The cluster's folder."""
        return self.folder / "postgres"

    @property
    def valkey(self) -> Path:
        """Valkey's folder."""
        return self.folder / "valkey"

    @property
    def binaries(self) -> Path:
        """Where programs are copied that the servers' user could not reach."""
        return self.folder.parent / "binaries" if self.folder.parent == SYSTEM_HOME else self.folder / "binaries"


def server_account() -> Account | None:
    """Return whom the servers run as: nobody else than us, unless we are root."""
    if os.geteuid() != 0:
        return None
    for name in (os.environ.get("PORTICO_SERVER_USER", "portico"), "portico", "nobody"):
        account = account_named(name)
        if account is not None and account.uid != 0:
            return account
    raise EmbeddedFailed(
        "PostgreSQL does not run as root and this machine has no user `nobody`; set PORTICO_SERVER_USER"
    )


def open_home(data: Path) -> Home:
    """Return the servers' home that belongs to the data folder, making what is missing."""
    data = data.resolve()
    data.mkdir(parents=True, exist_ok=True)
    account = server_account()
    folder = _chosen_folder(data, account)
    _make_private(folder, account, open_to_walk=account is not None)
    run = _run_folder(folder)
    _make_private(run, account, open_to_walk=False)
    return Home(data=data, folder=folder, run=run, account=account, passwords=_passwords(folder))


def existing_home(data: Path) -> Home | None:
    """Return the home of servers that were started on this data folder before; changes nothing."""
    note = data.resolve() / "servers-folder"
    if not note.exists():
        return None
    folder = Path(note.read_text(encoding="utf-8").strip())
    if not os.access(folder / "passwords.json", os.R_OK):
        return None
    return Home(data.resolve(), folder, _run_folder(folder), server_account(), _passwords(folder))


def _chosen_folder(data: Path, account: Account | None) -> Path:
    note = data / "servers-folder"
    if note.exists():
        folder = Path(note.read_text(encoding="utf-8").strip())
        if account is not None and not _may_walk(folder.parent, account):
            raise EmbeddedFailed(
                f"the servers' files are in {folder}, which the user {account.name} can no longer reach; "
                "give that user the right to search the folders above it, or start with another --data",
            )
        return folder
    if account is None or _may_walk(data, account):
        folder = data / "servers"
    else:
        folder = SYSTEM_HOME / f"{data.parent.name}-{secrets.token_hex(4)}"
    note.write_text(f"{folder}\n", encoding="utf-8")
    return folder


def _may_walk(folder: Path, account: Account) -> bool:
    """Tell whether `account` may search `folder` and every folder above it."""
    return all(_may_search(part.stat(), account) for part in [folder, *folder.parents] if part.exists())


def _may_search(entry: os.stat_result, account: Account) -> bool:
    if entry.st_uid == account.uid:
        return bool(entry.st_mode & stat.S_IXUSR)
    if entry.st_gid == account.gid:
        return bool(entry.st_mode & stat.S_IXGRP)
    return bool(entry.st_mode & stat.S_IXOTH)


def _make_private(folder: Path, account: Account | None, *, open_to_walk: bool) -> None:
    """Make one of our own folders; existing ones keep their rights."""
    if folder.exists():
        if folder.is_symlink() or folder.stat().st_uid not in {os.geteuid(), account.uid if account else os.geteuid()}:
            raise EmbeddedFailed(f"{folder} belongs to somebody else; remove it or start with another --data")
        return
    for part in reversed(folder.parents):
        if part == SYSTEM_HOME and not part.exists():
            part.mkdir(mode=0o755)
    folder.mkdir(mode=0o700, parents=True)
    if open_to_walk:
        folder.chmod(0o711)
    elif account is not None:
        os.chown(folder, account.uid, account.gid)


def _run_folder(folder: Path) -> Path:
    run = folder / "run"
    if len(os.fsencode(run)) <= LONGEST_SOCKET_FOLDER:
        return run
    name = hashlib.sha256(os.fsencode(folder)).hexdigest()[:16]
    return Path(tempfile.gettempdir()) / f"portico-{os.geteuid()}-{name}"


def _passwords(folder: Path) -> Passwords:
    file = folder / "passwords.json"
    if not file.exists():
        made = {name: secrets.token_urlsafe(24) for name in ("admin", "owner", "valkey")}
        fresh = file.with_suffix(".new")
        fresh.touch(mode=0o600)
        fresh.write_text(json.dumps(made), encoding="utf-8")
        fresh.rename(file)
    kept = json.loads(file.read_text(encoding="utf-8"))
    return Passwords(admin=kept["admin"], owner=kept["owner"], valkey=kept["valkey"])


def lock(folder: Path, note: str) -> IO[str] | None:
    """Hold the lock on `folder` until the returned file is closed; None when another process holds it.

    `note` tells others who holds it: read it with `lock_note`.
    """
    folder.mkdir(parents=True, exist_ok=True)
    file = (folder / "lock").open("a+", encoding="utf-8")
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        file.close()
        return None
    file.truncate(0)
    file.write(note)
    file.flush()
    return file


def lock_note(folder: Path) -> str:
    """Return what the holder of the lock wrote."""
    return (folder / "lock").read_text(encoding="utf-8").strip()
