"""Runs one script from its files to its outputs."""

import os
import selectors
import shutil
import time
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any
from uuid import uuid4

from pydantic import Field

from orchestrator.core.states import State
from orchestrator.tasks.contract import Outcome, RunContext, TaskFailed, TaskStopped
from orchestrator.tasks.files import PRIVATE, NamespaceFilesProperties, gather, lay_out
from orchestrator.tasks.properties import Dynamic, TaskProperties, Text, TextOrNone
from orchestrator.tasks.scripts.environments import Environment, environment
from orchestrator.tasks.scripts.isolation import Level, ScriptUser, bubblewrapped, hand_over, level, take_user
from orchestrator.tasks.scripts.output import OUTPUT_BYTES, Transcript
from orchestrator.tasks.scripts.process import STARTERS, Exit, Launch, Limits, RunningScript, end_leftovers

OWN_FOLDER = f"$WORKING_DIR/{PRIVATE}"  # as shell lines write it
_READ = 64 * 1024
_LOOK = 0.1  # seconds between two looks at the stop event
_SHELLS = frozenset({"sh", "bash", "dash", "ash", "zsh", "ksh"})
_PASSED_ON = ("TZ", "SSL_CERT_FILE", "SSL_CERT_DIR")
_PROXIES = ("HTTP_PROXY", "HTTPS_PROXY", "NO_PROXY", "http_proxy", "https_proxy", "no_proxy")


class ScriptProperties(TaskProperties):
    """What every script and every list of commands can be given."""

    before_commands: Dynamic[list[Text] | Text] = []
    env: Dynamic[dict[str, Text]] = {}
    interpreter: Dynamic[list[Text] | Text] = []
    input_files: Dynamic[dict[str, object]] = {}
    namespace_files: Dynamic[NamespaceFilesProperties] | None = None
    output_files: Dynamic[list[Text] | Text] = []
    fail_fast: Dynamic[bool] = True
    warning_on_std_err: Dynamic[bool] = False
    # Where the field runs scripts in containers: accepted, said in the log, not acted upon.
    task_runner: dict[str, Any] | None = None
    container_image: TextOrNone = None
    docker: dict[str, Any] | None = None
    runner: TextOrNone = None
    target_os: TextOrNone = Field(default=None, alias="targetOS")


@dataclass(frozen=True, slots=True)
class Plan:
    """What to run, as the task type decides: a program in a file and the shell lines that start it, or just lines."""

    lines: Sequence[str]
    file_name: str = ""  # the program's, in OWN_FOLDER
    text: str = ""  # the program
    warm: bool = False  # it is Python: run it in the warm interpreter instead of by the lines, when that can be
    packages: Sequence[str] = ()
    limits: Limits = field(default_factory=Limits)


def listed(value: Sequence[str] | str) -> list[str]:
    """Return one text or several as a list."""
    return [value] if isinstance(value, str) else list(value)


def run_script(plan: Plan, properties: ScriptProperties, context: RunContext) -> Outcome:
    """Lay out files, run, gather outputs.

    Outputs: `vars` (from the script's own lines), `outputFiles`, `exitCode`, `stdOutLineCount`, `stdErrLineCount`.
    Raises TaskFailed with these outputs when the script fails, TaskStopped when it was told to stop.
    """
    _say_what_is_not_done(properties, context)
    isolation = level(context.isolation)
    around = environment(plan.packages, context, isolation)
    folder = context.working_dir.resolve()
    lay_out(folder, properties.input_files, properties.namespace_files, context)
    user = take_user() if isolation != "none" and os.geteuid() == 0 else None
    try:
        launch = _launch(plan, properties, context, around, isolation)
        if user:
            hand_over(folder, user.uid)
        transcript = Transcript(context)
        try:
            ended = _follow(_start(launch, around, user, context), transcript, context)
        finally:
            if transcript.keeper_lost:
                end_leftovers(user.uid if user else None, f"PORTICO_RUN={launch.env['PORTICO_RUN']}")
    finally:
        if user:
            user.release()
        shutil.rmtree(folder / PRIVATE, ignore_errors=True)
    return _outcome(ended, transcript, properties, folder, context)


def _say_what_is_not_done(properties: ScriptProperties, context: RunContext) -> None:
    container = properties.container_image or properties.docker or (properties.runner or "").upper() == "DOCKER"
    if container or "process" not in str((properties.task_runner or {}).get("type", "process")).lower():
        context.log("DEBUG", "Scripts run as contained processes here; the container image is not used.")


def _launch(
    plan: Plan,
    properties: ScriptProperties,
    context: RunContext,
    around: Environment,
    isolation: Level,
) -> Launch:
    folder = context.working_dir.resolve()
    own = folder / PRIVATE
    shutil.rmtree(own, ignore_errors=True)
    (own / "tmp").mkdir(parents=True)
    file = own / plan.file_name
    limits = plan.limits if isolation != "none" else replace(plan.limits, processes=None)
    launch = Launch(folder, _environment_of(properties, context, around), limits=limits)
    before = listed(properties.before_commands)
    if plan.file_name:
        file.write_text(plan.text, encoding="utf-8")
    if plan.warm and not before and not properties.interpreter and isolation != "bubblewrap":
        return replace(launch, python=file)
    interpreter = listed(properties.interpreter) or ["/bin/sh", "-c"]
    is_shell = interpreter[-1] == "-c" and Path(interpreter[0]).name in _SHELLS
    lines = "\n".join([*(["set -e"] if properties.fail_fast and is_shell else []), *before, *plan.lines, ""])
    if is_shell:  # a file, not an argument: arguments are limited, and everyone on the machine can read them
        (own / "commands.sh").write_text(lines, encoding="utf-8")
        argv = [*interpreter, f". '{own}/commands.sh'"]
    else:
        argv = [*interpreter, lines]
    if isolation == "bubblewrap":
        argv = bubblewrapped(argv, folder, [around.folder, around.base.parent.parent])
    return replace(launch, argv=argv)


def _environment_of(properties: ScriptProperties, context: RunContext, around: Environment) -> dict[str, str]:
    folder = context.working_dir.resolve()
    own = folder / PRIVATE
    passed = {name: os.environ[name] for name in _PASSED_ON if name in os.environ}
    proxies = {name: os.environ[name] for name in _PROXIES if "@" not in os.environ.get(name, "@")}
    return {
        **passed,
        **proxies,
        "PATH": f"{around.programs}:/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin",
        "LANG": "C.UTF-8",
        "HOME": str(folder),
        "TMPDIR": str(own / "tmp"),
        "PYTHONUNBUFFERED": "1",
        "PYTHONPYCACHEPREFIX": str(own / "cache"),
        **properties.env,
        "WORKING_DIR": str(folder),
        "EXECUTION_ID": context.execution_id,
        "TASKRUN_ID": context.task_run_id,
        "ATTEMPT": str(context.attempt),
        "PORTICO_RUN": uuid4().hex,
    }


def _start(launch: Launch, around: Environment, user: ScriptUser | None, context: RunContext) -> RunningScript:
    context.raise_if_stopped()
    if context.deadline is not None:
        seconds = int(max(1.0, context.deadline - time.monotonic())) * (os.cpu_count() or 1) + 60
        launch = replace(launch, limits=replace(launch.limits, cpu_seconds=min(seconds, launch.limits.cpu_seconds)))
    if user:
        launch = replace(launch, uid=user.uid, uid_lock=user.lock)
    return STARTERS.start(context.tenant_id, around.python, launch)


def _follow(script: RunningScript, transcript: Transcript, context: RunContext) -> Exit:
    """Hear the script out; end it when the context says stop or its time is over."""
    orders = _Orders(context)
    ended: Exit | None = None
    with selectors.DefaultSelector() as selector:
        try:
            for stream, name in ((script.stdout, "stdout"), (script.stderr, "stderr")):
                os.set_blocking(stream.fileno(), False)
                selector.register(stream, selectors.EVENT_READ, name)
            selector.register(script, selectors.EVENT_READ, "end")
            while selector.get_map():
                for key, _ in selector.select(_LOOK):
                    if key.data == "end":
                        ended = script.wait()
                        selector.unregister(script)
                        orders.end_of_patience = time.monotonic() + 2
                    elif not _hear(os.read(key.fd, _READ), key.data, transcript):
                        selector.unregister(key.fileobj)
                orders.give(script)
                if time.monotonic() > orders.end_of_patience:
                    break  # something that cannot be killed holds the streams
        finally:
            script.close()
    transcript.keeper_lost = ended is None or ended.code is None
    orders.raise_when_given()
    return ended or Exit(None)


def _hear(data: bytes, stream: str, transcript: Transcript) -> bool:
    transcript.hear(stream, data)
    return bool(data)


class _Orders:
    """Passes a stop on to a script, once."""

    def __init__(self, context: RunContext) -> None:
        self.end_of_patience = float("inf")
        self._context = context
        self._stopped = False
        self._late = False

    def give(self, script: RunningScript) -> None:
        if self._stopped or self._late:
            return
        self._late = self._context.deadline is not None and time.monotonic() >= self._context.deadline
        self._stopped = self._context.stop.is_set()
        if self._stopped or self._late:
            script.terminate()

    def raise_when_given(self) -> None:
        if self._stopped:
            raise TaskStopped
        if self._late:
            raise TaskFailed("The script ran longer than its timeout and was ended.")


def _outcome(
    ended: Exit,
    transcript: Transcript,
    properties: ScriptProperties,
    folder: Path,
    context: RunContext,
) -> Outcome:
    outputs: dict[str, object] = {
        "vars": transcript.variables,
        "exitCode": ended.code,
        "stdOutLineCount": transcript.counts["stdout"],
        "stdErrLineCount": transcript.counts["stderr"],
        "outputFiles": gather(folder, listed(properties.output_files), context),
    }
    if ended.left:
        context.log("WARN", f"{ended.left} processes of the script could not be ended.")
    if ended.code != 0:
        raise TaskFailed(_why(ended, transcript), outputs)
    if transcript.too_large:
        raise TaskFailed(f"The script's outputs are larger than {OUTPUT_BYTES // 1024**2} MB; write them to a file.")
    warned = properties.warning_on_std_err and transcript.counts["stderr"] > 0
    return Outcome(State.WARNING if warned else State.SUCCESS, outputs)


def _why(ended: Exit, transcript: Transcript) -> str:
    match ended.code:
        case None:
            return "The script's process disappeared."
        case code if code < 0:
            return f"The script was killed by signal {-code}."
        case code:
            return f"The script ended with exit code {code}." + (
                f" It said: {transcript.last_error}" if transcript.last_error else ""
            )
