"""The process that starts scripts: forks one keeper per script, and the keeper forks the script.

Run by file name with the interpreter of the scripts' environment, so only the standard library may be imported here.
It is a process of its own, made by exec, with one thread, so that forking is safe, that its memory holds nothing of the
worker's, and that a script's death signal hangs on a thread that does not end.

    worker --(socket: fds of channel, stdout, stderr)--> keeper --> script        starter: forks the next keeper

starter  keeps one keeper with its script's process ready, so that a script starts without waiting for a fork; it never
         sees a request, so no script's secrets stay in its memory for the next script to find
keeper   one per script; adopts whatever the script leaves behind (child subreaper) and kills all of it when the script
         ends, when it is told to stop, when its channel to the worker closes, and when the starter dies
script   own session, own limits, own user when the request names one; becomes Python code at once (warm) or execs
"""

# ruff: noqa: PTH123, PTH208, SIM115, SIM905, S606
#   plain os calls and bare process exits: this file lives between fork and exec

import atexit
import ctypes
import gc
import importlib
import json
import os
import resource
import select
import signal
import socket
import struct
import sys
import threading
import time
import traceback
import types
from collections.abc import Mapping
from contextlib import suppress
from typing import Any, NoReturn

# Modules that most scripts import: loaded once, every script has them for nothing.
PRELOADED = """
    argparse base64 collections concurrent.futures contextlib csv dataclasses datetime decimal enum functools glob gzip
    hashlib http.client inspect io itertools json linecache logging math operator pathlib pprint random re shutil
    sqlite3 ssl statistics string subprocess tempfile textwrap threading typing urllib.parse urllib.request uuid zipfile
    """.split()

PR_SET_PDEATHSIG, PR_SET_DUMPABLE, PR_SET_CHILD_SUBREAPER, PR_SET_NO_NEW_PRIVS = 1, 4, 36, 38
KILL_SECONDS = 5.0  # how long a keeper goes on killing before it gives up on what cannot be killed

Request = dict[str, Any]  # what the worker asks for; made by process.py

_LINUX = sys.platform == "linux"
_libc = ctypes.CDLL(None, use_errno=True) if _LINUX else None


def prctl(option: int, value: int) -> None:
    """Set a property of this process; where there is no such call, do nothing."""
    if _libc is not None:
        _libc.prctl(option, value, 0, 0, 0)


def main() -> None:
    """Serve until the worker is gone; in a script's process, become the script."""
    control = socket.socket(fileno=int(sys.argv[1]))
    for name in PRELOADED:
        with suppress(ImportError):  # an interpreter built without ssl or sqlite3 still runs scripts
            importlib.import_module(name)
    gc.collect()
    gc.freeze()  # a collection in a script leaves these pages shared
    prctl(PR_SET_DUMPABLE, 0)
    prctl(PR_SET_CHILD_SUBREAPER, 1)
    request = serve(control)
    if request is not None:
        become(request)


def serve(control: socket.socket) -> Request | None:
    """Keep a keeper ready for the next script; return None once the worker is gone, a request in a script's process."""
    woken = wake_on_child()
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    taken, tell_taken = os.pipe()
    control.sendall(b"r")  # ready
    events = select.poll()
    events.register(control, select.POLLHUP | getattr(select, "POLLRDHUP", 0))  # what it says is for the keepers
    events.register(woken, select.POLLIN)
    events.register(taken, select.POLLIN)
    keepers: set[int] = set()
    spare = 0
    while True:
        if spare not in keepers:
            starter = os.getpid()
            spare = os.fork()
            if spare == 0:
                os.close(taken)
                return keep(control, tell_taken, starter)
            keepers.add(spare)
        for fd, _ in events.poll():
            if fd == woken:
                os.read(woken, 4096)
                reap_keepers(keepers)
            elif fd == taken:
                os.read(taken, 1)
                spare = 0
            else:
                end_keepers(keepers)
                return None


def reap_keepers(keepers: set[int]) -> None:
    """Take note of keepers that ended. What a killed keeper left behind has become our child: it is not wanted."""
    orphans = False
    while True:
        try:
            pid, status = os.waitpid(-1, os.WNOHANG)
        except ChildProcessError:
            return
        if pid == 0:
            break
        orphans = orphans or pid not in keepers or status != 0
        keepers.discard(pid)
    if orphans:
        for orphan in children_of(os.getpid()) - keepers:
            send_to(orphan, signal.SIGKILL)


def end_keepers(keepers: set[int]) -> None:
    """Tell every keeper to kill its script, and wait until they did."""
    for keeper in keepers:
        send_to(keeper, signal.SIGTERM)
    until = time.monotonic() + KILL_SECONDS + 1
    while keepers and time.monotonic() < until:
        reap_keepers(keepers)
        select.select([], [], [], 0.02)


# The keeper -------------------------------------------------------------------------------------------------------


def keep(control: socket.socket, tell_taken: int, starter: int) -> Request | None:
    """Start a script, report its end, leave nothing behind. Returns only in the script's process, with the request.

    With the message from the worker come the channel, the script's stdout and stderr, and perhaps a lock that lasts as
    long as this process.
    """
    ended: list[str] = []
    woken = wake_on_child()
    signal.signal(signal.SIGTERM, lambda *_: ended.append("the starter is gone"))
    prctl(PR_SET_CHILD_SUBREAPER, 1)
    prctl(PR_SET_PDEATHSIG, signal.SIGTERM)
    if os.getppid() != starter:
        os._exit(0)
    ours, theirs = socket.socketpair()
    keeper = os.getpid()
    script = os.fork()
    if script == 0:
        control.close()
        ours.close()
        return prepare(theirs, keeper)
    theirs.close()
    watched: list[Any] = [control, woken]
    readable, _, _ = select.select(watched, [], [])
    _, fds = receive_fds(control) if control in readable and not ended else (b"", [])
    if len(fds) < 3:  # nobody will ask any more, or this pair is broken
        kill_all(script, None)
        os._exit(0)
    control.close()
    os.write(tell_taken, b"k")
    channel = socket.socket(fileno=fds[0])
    try:
        text = receive(channel)
        request: Request = json.loads(text)
        report(channel, {"taken": keeper})
        socket.send_fds(ours, [struct.pack("!I", len(text))], fds[1:3])
        ours.sendall(text)
        for fd in fds[1:3]:
            os.close(fd)
        watch(script, request, channel, woken, ended)
    except (OSError, ValueError) as error:
        kill_all(script, None)
        report(channel, {"refused": f"the script could not be started: {error}"})
    os._exit(0)


def watch(script: int, request: Request, channel: socket.socket, woken: int, ended: list[str]) -> None:
    """Wait for the script's end or an order to end it; kill whatever it started; report."""
    kill_at: float | None = None
    status = None
    while status is None and not ended:
        timeout = None if kill_at is None else max(0.0, kill_at - time.monotonic())
        watched: list[Any] = [woken] if kill_at is not None else [woken, channel]
        readable, _, _ = select.select(watched, [], [], timeout)
        if woken in readable:
            os.read(woken, 4096)
            status = reap(script)
        if channel in readable:
            if receive_order(channel) != b"t":
                break  # the worker is gone, or wants it dead at once
            for pid in descendants_of(os.getpid()):
                send_to(pid, signal.SIGTERM)
            kill_at = time.monotonic() + float(request["grace"])
        if kill_at is not None and time.monotonic() >= kill_at:
            break
    left = kill_all(script, request.get("uid"))
    status = _status.get(script)
    report(channel, {"exit": None if status is None else os.waitstatus_to_exitcode(status), "left": left})


_status: dict[int, int] = {}


def reap(script: int) -> int | None:
    """Collect every child that ended; return the script's wait status once it is known."""
    while True:
        try:
            pid, status = os.waitpid(-1, os.WNOHANG)
        except ChildProcessError:
            break
        if pid == 0:
            break
        if pid == script:
            _status[script] = status
    return _status.get(script)


def kill_all(script: int, uid: int | None) -> int:
    """Kill every descendant until none is left; return how many could not be killed.

    A user of its own makes it exact: one kill(-1) reaches all processes of that user at once, however fast they fork.
    Else the tree is walked again and again; it is complete because orphans become our children.
    """
    until = time.monotonic() + KILL_SECONDS
    while time.monotonic() < until:
        reap(script)
        try:
            if os.waitid(os.P_ALL, 0, os.WEXITED | os.WNOHANG | os.WNOWAIT) is not None:
                continue
        except ChildProcessError:
            return 0
        if uid:
            kill_user(uid)
        for pid in descendants_of(os.getpid()):
            send_to(pid, signal.SIGKILL)
        select.select([], [], [], 0.002)
    return len(descendants_of(os.getpid()))


def kill_user(uid: int) -> None:
    """Kill every process of a user, from a process that is that user."""
    pid = os.fork()
    if pid == 0:
        with suppress(OSError):  # nobody left to kill
            os.setgroups([])
            os.setgid(uid)
            os.setuid(uid)
            os.kill(-1, signal.SIGKILL)
        os._exit(0)
    with suppress(ChildProcessError):
        os.waitpid(pid, 0)


def send_to(pid: int, number: int) -> None:
    """Signal a process that may be gone already."""
    with suppress(OSError):
        os.kill(pid, number)


def parents() -> dict[int, int]:
    """Return the parent of every process."""
    found: dict[int, int] = {}
    for name in os.listdir("/proc"):
        if name.isdigit():
            try:
                with open(f"/proc/{name}/stat", "rb") as file:
                    after_name = file.read().rsplit(b")", 1)[1].split()
            except OSError:
                continue
            if after_name[0] != b"Z":
                found[int(name)] = int(after_name[1])
    return found


def children_of(pid: int) -> set[int]:
    """Return the living children of a process."""
    return {child for child, parent in parents().items() if parent == pid} if _LINUX else set()


def descendants_of(pid: int) -> set[int]:
    """Return every living process below a process."""
    if not _LINUX:
        return set()
    below: dict[int, list[int]] = {}
    for child, parent in parents().items():
        below.setdefault(parent, []).append(child)
    found: set[int] = set()
    to_visit = [pid]
    while to_visit:
        for child in below.get(to_visit.pop(), ()):
            if child not in found:
                found.add(child)
                to_visit.append(child)
    return found


def wake_on_child() -> int:
    """Return a descriptor that becomes readable when a child ends."""
    reader, writer = os.pipe()
    os.set_blocking(reader, False)
    os.set_blocking(writer, False)
    signal.signal(signal.SIGCHLD, lambda *_: None)
    signal.signal(signal.SIGTERM, signal.SIG_DFL)
    signal.set_wakeup_fd(writer, warn_on_full_buffer=False)
    return reader


# Messages on a script's channel -----------------------------------------------------------------------------------


def receive(channel: socket.socket) -> bytes:
    """Read four bytes of length, then as many."""
    (length,) = struct.unpack("!I", receive_exactly(channel, 4))
    return receive_exactly(channel, length)


def receive_fds(channel: socket.socket) -> tuple[bytes, list[int]]:
    """Read four bytes and the descriptors that come with them; nothing when the other side is gone."""
    try:
        data, fds, _, _ = socket.recv_fds(channel, 4, 4)
    except OSError:
        return b"", []
    return data, fds


def receive_exactly(channel: socket.socket, count: int) -> bytes:
    """Read `count` bytes or raise."""
    parts: list[bytes] = []
    while count:
        part = channel.recv(min(count, 65536))
        if not part:
            raise OSError("the worker went away")
        parts.append(part)
        count -= len(part)
    return b"".join(parts)


def receive_order(channel: socket.socket) -> bytes:
    """Read one order; nothing means that the worker is gone."""
    try:
        return channel.recv(1)
    except OSError:
        return b""


def report(channel: socket.socket, message: Mapping[str, object]) -> None:
    """Tell the worker, if it is still there."""
    with suppress(OSError):
        channel.sendall(json.dumps(message).encode() + b"\n")


# The script -------------------------------------------------------------------------------------------------------


def prepare(keeper_says: socket.socket, keeper: int) -> Request:
    """Turn this process into the script's: session, streams, limits, user, death signal, environment, directory."""
    prctl(PR_SET_PDEATHSIG, signal.SIGKILL)
    signal.set_wakeup_fd(-1)
    for number in (signal.SIGCHLD, signal.SIGTERM):
        signal.signal(number, signal.SIG_DFL)
    os.setsid()
    length, fds = receive_fds(keeper_says)
    if len(fds) < 2:
        os._exit(0)
    os.dup2(os.open(os.devnull, os.O_RDONLY), 0)
    os.dup2(fds[0], 1)
    os.dup2(fds[1], 2)
    request: Request = json.loads(receive_exactly(keeper_says, struct.unpack("!I", length)[0]))
    try:
        signal.signal(signal.SIGINT, signal.default_int_handler if request["python"] else signal.SIG_DFL)
        os.closerange(3, 4096)
        set_limits(request["limits"])
        if request.get("uid"):
            os.setgroups([])
            os.setgid(request["uid"])
            os.setuid(request["uid"])
        # After setuid, which clears it; then look whether the keeper died in between.
        prctl(PR_SET_PDEATHSIG, signal.SIGKILL)
        if os.getppid() != keeper:
            os._exit(1)
        prctl(PR_SET_NO_NEW_PRIVS, 1)
        prctl(PR_SET_DUMPABLE, 1)  # its own /proc entries belong to it again; its user runs nothing else
        with suppress(OSError), open("/proc/self/oom_score_adj", "w") as file:
            file.write("1000")  # when memory runs out, the script goes, not the worker
        os.umask(0o077)
        os.chdir(request["cwd"])
        os.environ.clear()
        os.environ.update(request["env"])
        if not request["python"]:
            for number in (signal.SIGPIPE, signal.SIGXFSZ):
                signal.signal(number, signal.SIG_DFL)
            os.execvpe(request["argv"][0], request["argv"], request["env"])
    except OSError as error:
        name = request["argv"][0] if request["argv"] else request["cwd"]
        os.write(2, f"{name}: {error.strerror}\n".encode())
        os._exit(127 if isinstance(error, FileNotFoundError) else 126)
    return request


def set_limits(limits: Mapping[str, int]) -> None:
    """Lower the limits that the request names; what is already lower stays."""
    for name, wanted in limits.items():
        kind = getattr(resource, f"RLIMIT_{name}", None)
        if kind is None:
            continue
        _, hard = resource.getrlimit(kind)
        value = wanted if hard == resource.RLIM_INFINITY else min(wanted, hard)
        resource.setrlimit(kind, (value, value))


def become(request: Request) -> NoReturn:
    """Run the Python file as `__main__`, as if it had been started by name; end with its exit status."""
    path = request["python"]
    sys.argv = [path, *request["argv"]]
    sys.path[:0] = [request["cwd"], *request["path"]]
    sys.stdout = open(1, "w", encoding="utf-8", errors="backslashreplace", buffering=1, closefd=False)
    sys.stderr = open(2, "w", encoding="utf-8", errors="backslashreplace", buffering=1, closefd=False)
    sys.stdin = open(0, encoding="utf-8", closefd=False)
    time.tzset()
    module = types.ModuleType("__main__")
    module.__file__ = path
    module.__dict__["__builtins__"] = __builtins__
    sys.modules["__main__"] = module
    status = 0
    try:
        with open(path, "rb") as file:
            code = compile(file.read(), path, "exec")
        exec(code, module.__dict__)  # noqa: S102  (running it is the point)
    except SystemExit as leaving:
        status = exit_status(leaving.code)
    except BaseException as error:  # noqa: BLE001  (shown as the interpreter would)
        trace = error.__traceback__
        traceback.print_exception(error.with_traceback(trace and trace.tb_next))
        status = 1
    end(status)


def exit_status(code: object) -> int:
    """Return what the interpreter makes of sys.exit(code)."""
    if code is None:
        return 0
    if isinstance(code, int):
        return code & 0xFF
    sys.stderr.write(f"{code}\n")
    return 1


def end(status: int) -> NoReturn:
    """Wait for threads, run what was registered, flush, and go; taking the interpreter apart would cost the most."""
    for last_words in (threading._shutdown, atexit._run_exitfuncs, sys.stdout.flush, sys.stderr.flush):  # type: ignore[attr-defined]  # noqa: SLF001
        try:
            last_words()
        except BaseException as error:  # noqa: BLE001
            traceback.print_exception(error)
            status = status or 1
    os._exit(status)


if __name__ == "__main__":
    main()
