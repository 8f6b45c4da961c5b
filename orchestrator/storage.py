"""Files of executions and namespaces: on a disk or in a bucket, one layout of keys, each tenant beneath its own id.

A file's address is `portico:///company/team/flow/executions/...`; it never holds the tenant, which the caller knows.
(`kestra:///...` is read as the same.) Who may read an address is the caller's question; that nobody leaves the tenant
or the root is this file's.
"""

import errno
import hashlib
import io
import os
import re
import secrets
import uuid
from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from functools import lru_cache
from pathlib import Path
from typing import Any, BinaryIO, Protocol
from urllib.parse import parse_qsl, urlsplit

import obstore
from django.conf import settings
from obstore.exceptions import BaseError as ObjectStoreError
from obstore.exceptions import NotFoundError
from obstore.store import from_url

CHUNK = 1024 * 1024
_SCHEMES = ("portico://", "kestra://")
_NO_SPACE = frozenset({errno.ENOSPC, errno.EDQUOT, errno.EFBIG})
_LONGEST_NAME = 120


class StorageError(Exception):
    """Something about a stored file went wrong; `code` is for machines, the text for people."""

    code = "STORAGE"


class StorageFull(StorageError):
    """There is no room left; nothing partial was kept."""

    code = "STORAGE_FULL"


class FileAbsent(StorageError):
    """No file has this address."""

    code = "FILE_ABSENT"


class AddressRefused(StorageError):
    """The address is not one of ours, or leads outside."""

    code = "ADDRESS_REFUSED"


@dataclass(frozen=True, slots=True)
class Stored:
    """A file that was written completely."""

    uri: str
    name: str
    size: int
    sha256: str


# Keys and addresses -----------------------------------------------------------------------------------------------


def execution_folder(namespace: str, flow_id: str, execution_id: str) -> tuple[str, ...]:
    """Return the key parts beneath which all files of an execution lie."""
    return (*namespace.split("."), flow_id, "executions", execution_id)


def task_run_folder(namespace: str, flow_id: str, execution_id: str, task_id: str, task_run_id: str) -> tuple[str, ...]:
    """Return the key parts beneath which the files of a task run lie."""
    return (*execution_folder(namespace, flow_id, execution_id), "tasks", task_id, task_run_id)


def input_folder(namespace: str, flow_id: str, execution_id: str, input_id: str) -> tuple[str, ...]:
    """Return the key parts beneath which the file given for an input lies."""
    return (*execution_folder(namespace, flow_id, execution_id), "inputs", input_id)


def namespace_file(namespace: str, path: str) -> tuple[str, ...]:
    """Return the key parts of a file that engineers keep in a namespace."""
    return (*namespace.split("."), "_files", *path.strip("/").split("/"))


def fresh_name(name: str) -> str:
    """Return a name that no other file has and that still tells people what it was called."""
    plain = re.sub(r"[^\w.-]+", "_", name.replace("\\", "/").rsplit("/", 1)[-1]).lstrip(".") or "file"
    return f"{uuid.uuid4().hex}-{plain[-_LONGEST_NAME:]}"


def uri_of(parts: Sequence[str]) -> str:
    """Return the address of a key."""
    return "portico:///" + "/".join(_checked(parts))


def parts_of(uri: str) -> tuple[str, ...]:
    """Return the key parts of an address; raise AddressRefused for anything that is not one."""
    for scheme in _SCHEMES:
        if uri.startswith(f"{scheme}/"):
            return _checked(uri.removeprefix(scheme).lstrip("/").split("/"))
    raise AddressRefused(f"{uri[:200]!r} is not the address of a stored file; it would start with portico:///")


def is_stored(value: object) -> bool:
    """Tell whether `value` looks like the address of a stored file."""
    return isinstance(value, str) and value.startswith(tuple(f"{scheme}/" for scheme in _SCHEMES))


def _checked(parts: Sequence[str]) -> tuple[str, ...]:
    for part in parts:
        if part in {"", ".", ".."} or len(part.encode()) > 240 or re.search(r"[/\\\x00-\x1f\x7f]", part):
            raise AddressRefused(f"{part[:100]!r} cannot be part of a stored file's address")
    return tuple(parts)


def _key(tenant_id: int, parts: Sequence[str]) -> str:
    if not parts:
        raise AddressRefused("the address names no file")
    return "/".join((str(int(tenant_id)), *_checked(parts)))


# What other rooms use ---------------------------------------------------------------------------------------------


def put(tenant_id: int, parts: Sequence[str], source: BinaryIO | bytes, *, name: str = "") -> Stored:
    """Write a file completely or not at all; an older one with the same key is replaced.

    `name` is what people call it (the key's last part when not given). Raises StorageFull.
    """
    key = _key(tenant_id, parts)
    stream = io.BytesIO(source) if isinstance(source, bytes) else source
    digest, size = hashlib.sha256(), 0

    def chunks() -> Iterator[bytes]:
        nonlocal size
        while chunk := stream.read(CHUNK):
            digest.update(chunk)
            size += len(chunk)
            yield chunk

    _store(settings.STORAGE_URL).write(key, chunks())
    return Stored(uri_of(parts), name or parts[-1], size, digest.hexdigest())


def open(tenant_id: int, uri: str, *, start: int = 0, length: int | None = None) -> BinaryIO:  # noqa: A001
    """Open a stored file, or `length` bytes of it from `start`, for reading; raise FileAbsent."""
    raw = _store(settings.STORAGE_URL).read(_key(tenant_id, parts_of(uri)))
    if start or length is not None:
        raw = _Part(raw, start, length)
    return io.BufferedReader(raw, CHUNK)


def size(tenant_id: int, uri: str) -> int:
    """Return a stored file's length in bytes; raise FileAbsent."""
    return _store(settings.STORAGE_URL).size(_key(tenant_id, parts_of(uri)))


def delete(tenant_id: int, uri: str) -> bool:
    """Remove a stored file; return False when there was none."""
    return _store(settings.STORAGE_URL).delete(_key(tenant_id, parts_of(uri)))


def beneath(tenant_id: int, parts: Sequence[str]) -> Iterator[str]:
    """Yield the addresses of all files whose key begins with `parts`."""
    prefix = _key(tenant_id, parts)
    for key in _store(settings.STORAGE_URL).keys(prefix):
        yield "portico:///" + key.split("/", 1)[1]


@dataclass
class TaskRunFiles:
    """The storage that a running task sees: writes go beneath its task run, reads pass `may_read`.

    `stored` gathers what was written, for the rows that the finish writes.
    """

    tenant_id: int
    folder: Sequence[str]
    may_read: Callable[[str], bool]
    stored: list[Stored] = field(default_factory=list)

    def put(self, name: str, file: BinaryIO | bytes) -> str:
        """Keep a file under this task run and return its address."""
        kept = put(self.tenant_id, (*self.folder, fresh_name(name)), file, name=name)
        self.stored.append(kept)
        return kept.uri

    def open(self, uri: str) -> BinaryIO:
        """Open a file that this execution may read."""
        return open(self.tenant_id, self._readable(uri))

    def size(self, uri: str) -> int:
        """Return the length of a file that this execution may read."""
        return size(self.tenant_id, self._readable(uri))

    def _readable(self, uri: str) -> str:
        uri = uri_of(parts_of(uri))
        if not (any(kept.uri == uri for kept in self.stored) or self.may_read(uri)):
            raise AddressRefused(f"{uri} is not a file that this execution may read")
        return uri


# Where the bytes are ----------------------------------------------------------------------------------------------


class _Store(Protocol):
    def write(self, key: str, chunks: Iterator[bytes]) -> None: ...
    def read(self, key: str) -> io.RawIOBase: ...
    def size(self, key: str) -> int: ...
    def delete(self, key: str) -> bool: ...
    def keys(self, prefix: str) -> Iterator[str]: ...


@lru_cache(maxsize=8)
def _store(url: str) -> _Store:
    """Return the store that a STORAGE_URL names: file:///path, s3://bucket/prefix, gs://... or az://...

    What stands behind `?` are options of the bucket's client, for instance `?endpoint=http://127.0.0.1:9000`; secrets
    come from the usual variables of the cloud (AWS_ACCESS_KEY_ID and so on).
    """
    address = urlsplit(url)
    if address.scheme == "file":
        return _Disk(Path(address.path))
    options: dict[str, Any] = dict(parse_qsl(address.query))
    client = {"allow_http": True} if str(options.get("endpoint", "")).startswith("http://") else {}
    bucket = from_url(f"{address.scheme}://{address.netloc}{address.path}", config=options, client_options=client)  # type: ignore[call-overload]
    return _Bucket(bucket)


class _Disk:
    """A folder: temporary file, fsync, rename, so that a file is there completely or not at all."""

    def __init__(self, root: Path) -> None:
        self.root = root.resolve()

    def write(self, key: str, chunks: Iterator[bytes]) -> None:
        path = self._path(key)
        unfinished = path.parent / f".{secrets.token_hex(8)}.part"
        try:
            with self._begin(unfinished) as file:
                for chunk in chunks:
                    file.write(chunk)
                file.flush()
                os.fsync(file.fileno())
            unfinished.replace(path)
            _sync_folder(path.parent)
        except BaseException as error:
            with suppress(OSError):
                unfinished.unlink(missing_ok=True)
            if isinstance(error, OSError) and error.errno in _NO_SPACE:
                raise StorageFull("There is no space left in storage; the file was not kept.") from error
            raise

    def read(self, key: str) -> io.RawIOBase:
        try:
            return io.FileIO(self._path(key), "rb")
        except (FileNotFoundError, IsADirectoryError, NotADirectoryError):
            raise _absent(key) from None

    def size(self, key: str) -> int:
        try:
            return self._path(key).stat().st_size
        except (FileNotFoundError, NotADirectoryError):
            raise _absent(key) from None

    def delete(self, key: str) -> bool:
        path = self._path(key)
        try:
            path.unlink()
        except (FileNotFoundError, NotADirectoryError):
            return False
        for folder in path.parents:  # leave no empty folders behind
            if folder == self.root:
                break
            try:
                folder.rmdir()
            except OSError:
                break
        return True

    def keys(self, prefix: str) -> Iterator[str]:
        for folder, _, names in os.walk(self._path(prefix)):
            for name in names:
                if not name.endswith(".part"):
                    yield (Path(folder) / name).relative_to(self.root).as_posix()

    def _begin(self, unfinished: Path) -> BinaryIO:
        self.root.mkdir(mode=0o700, parents=True, exist_ok=True)  # scripts run as other users; this is not theirs
        for _ in range(5):
            unfinished.parent.mkdir(parents=True, exist_ok=True)
            with suppress(FileNotFoundError):  # a delete next door just swept the empty folder away
                return unfinished.open("xb")
        return unfinished.open("xb")

    def _path(self, key: str) -> Path:
        path = (self.root / key).resolve()
        if not path.is_relative_to(self.root):  # a link that leads outside
            raise AddressRefused(f"{key[:200]!r} leads outside of storage")
        return path


def _sync_folder(folder: Path) -> None:
    handle = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


class _Bucket:
    """An object store; its uploads are complete or not at all by themselves."""

    def __init__(self, store: Any) -> None:  # noqa: ANN401  (any of obstore's)
        self.store = store

    def write(self, key: str, chunks: Iterator[bytes]) -> None:
        try:
            obstore.put(self.store, key, chunks)
        except ObjectStoreError as error:
            raise StorageError(f"The file could not be stored: {_first_line(error)}") from error

    def read(self, key: str) -> io.RawIOBase:
        try:
            return _ObjectReader(obstore.open_reader(self.store, key, buffer_size=CHUNK))
        except (NotFoundError, FileNotFoundError):
            raise _absent(key) from None

    def size(self, key: str) -> int:
        try:
            return int(obstore.head(self.store, key)["size"])
        except (NotFoundError, FileNotFoundError):
            raise _absent(key) from None

    def delete(self, key: str) -> bool:
        try:
            obstore.head(self.store, key)
        except (NotFoundError, FileNotFoundError):
            return False
        obstore.delete(self.store, key)
        return True

    def keys(self, prefix: str) -> Iterator[str]:
        for page in obstore.list(self.store, prefix=prefix + "/"):
            for found in page:
                yield str(found["path"])


class _ObjectReader(io.RawIOBase):
    """obstore's reader as a Python raw stream."""

    def __init__(self, reader: Any) -> None:  # noqa: ANN401
        self._reader = reader

    def readable(self) -> bool:
        return True

    def seekable(self) -> bool:
        return True

    def seek(self, offset: int, whence: int = os.SEEK_SET) -> int:
        return int(self._reader.seek(offset, whence))

    def tell(self) -> int:
        return int(self._reader.tell())

    def readinto(self, buffer: Any) -> int:  # noqa: ANN401
        chunk = bytes(self._reader.read(len(buffer)))
        buffer[: len(chunk)] = chunk
        return len(chunk)


class _Part(io.RawIOBase):
    """A range of a stream."""

    def __init__(self, whole: io.RawIOBase, start: int, length: int | None) -> None:
        self._whole = whole
        self._left = length
        whole.seek(start)

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int:  # noqa: ANN401
        wanted = len(buffer) if self._left is None else min(len(buffer), self._left)
        if wanted == 0:
            return 0
        chunk = self._whole.read(wanted) or b""
        buffer[: len(chunk)] = chunk
        if self._left is not None:
            self._left -= len(chunk)
        return len(chunk)

    def close(self) -> None:
        self._whole.close()
        super().close()


def _absent(key: str) -> FileAbsent:
    return FileAbsent(f"There is no file portico:///{key.split('/', 1)[-1]}.")


def _first_line(error: Exception) -> str:
    return str(error).split("\n", 1)[0][:300]
