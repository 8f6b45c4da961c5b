"""The inputs of a flow as somebody gives them at a door: texts and files in, values and stored files out."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import PurePosixPath
from typing import BinaryIO

from django.utils import timezone
from django.utils.translation import gettext as _

from orchestrator import storage
from orchestrator.core.errors import InputInvalid
from orchestrator.core.expressions import Needs, evaluate
from orchestrator.core.input_types import FoundFile
from orchestrator.core.inputs import Unfit, bind
from orchestrator.core.sentences import say
from orchestrator.core.spec import FlowSpec, InputSpec
from orchestrator.executions import InputFile
from orchestrator.ids import new_id
from orchestrator.saying import as_invalid, said
from tenants.actor import Actor
from tenants.errors import FieldProblem, Invalid, TooLarge

ONE_FILE = 100 * 1024 * 1024  # bytes, where an input does not say less


@dataclass(frozen=True, slots=True)
class Upload:
    """A file that came with a request."""

    name: str
    size: int
    file: BinaryIO


@dataclass(slots=True)
class Given:
    """What an execution is started with: its id (files lie beneath it), values, and the files that were stored."""

    execution_id: str
    values: Mapping[str, object] = field(default_factory=dict)
    files: Sequence[InputFile] = ()


def take(actor: Actor, spec: FlowSpec, raw: Mapping[str, object], uploads: Mapping[str, Upload]) -> Given:
    """Validate what was given for the inputs of a flow and store its files; raises Invalid and keeps nothing.

    `uploads` are files by input id; a FILE input takes nothing but one of them, never an address from outside.
    """
    execution_id = new_id()
    kept: dict[str, InputFile] = {}
    try:
        values = dict(raw)
        for one in spec.inputs:
            if one.type == "FILE":
                values.pop(one.id, None)
                if one.id in uploads:
                    kept[one.id] = _stored(actor, spec, execution_id, one, uploads[one.id])
                    values[one.id] = kept[one.id].stored.uri
        bound = bind(
            spec.inputs,
            values,
            at=timezone.now(),
            zone=actor.zone,
            render=Renderer(spec, timezone.now()),
            files=_Finder(kept),
        )
        if bound.problems:
            raise as_invalid(InputInvalid(bound.problems))
    except BaseException:
        for file in kept.values():
            storage.delete(actor.tenant_id, file.stored.uri)
        raise
    used = [file for name, file in kept.items() if name not in bound.absent]
    return Given(execution_id, bound.values, used)


def problems(
    actor: Actor,
    spec: FlowSpec,
    raw: Mapping[str, object],
    uploads: Mapping[str, Upload],
) -> dict[str, list[str]]:
    """Return what is wrong in values for the inputs of a flow, by input id; nothing is stored."""
    values = {name: value for name, value in raw.items() if name not in uploads}
    asked = [one for one in spec.inputs if not (one.type == "FILE" and one.id in uploads)]
    at = timezone.now()
    bound = bind(asked, values, at=at, zone=actor.zone, render=Renderer(spec, at), files=_Finder({}))
    found: dict[str, list[str]] = {}
    for problem in bound.problems:
        found.setdefault(problem.input_id, []).append(said(problem.message))
    return found


class Renderer:
    """Evaluates what a flow's author wrote about its inputs, with what is known before an execution exists."""

    def __init__(self, spec: FlowSpec, at: datetime) -> None:
        self._scope: dict[str, object] = {
            "flow": {"id": spec.id, "namespace": spec.namespace},
            "vars": dict(spec.variables),
            "now": at,
        }

    def __call__(self, text: str, scope: Mapping[str, object]) -> object:
        """Return the value of `text`; raises ValueError with why there is none."""
        try:
            return evaluate(text, {**self._scope, **scope})
        except Needs as needed:
            raise ValueError(say("`%(name)s()` cannot be used here.", name=needed.call.name)) from None


def _stored(actor: Actor, spec: FlowSpec, execution_id: str, one: InputSpec, upload: Upload) -> InputFile:
    most = one.max_size or ONE_FILE
    if upload.size > most:
        message = _("%(name)s is too large: at most %(most)s bytes.") % {"name": upload.name[:100], "most": most}
        raise TooLarge(message)
    ending = PurePosixPath(upload.name).suffix.lower()
    if one.extensions and ending not in {known.lower() for known in one.extensions}:
        message = _("This must be a file that ends in %(endings)s.") % {"endings": ", ".join(one.extensions)}
        raise Invalid([FieldProblem(message, (one.id,))])
    folder = storage.input_folder(spec.namespace, spec.id, execution_id, one.id)
    stored = storage.put(actor.tenant_id, (*folder, storage.fresh_name(upload.name)), upload.file, name=upload.name)
    return InputFile(one.id, stored)


class _Finder:
    """Accepts the files that were just stored, and no other address."""

    def __init__(self, kept: Mapping[str, InputFile]) -> None:
        self._by_uri = {file.stored.uri: file.stored for file in kept.values()}

    def __call__(self, text: str) -> FoundFile:
        stored = self._by_uri.get(text)
        if stored is None:
            raise Unfit(say("This must be a file."))
        return FoundFile(stored.uri, stored.name, stored.size)
