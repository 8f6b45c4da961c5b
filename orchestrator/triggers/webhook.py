"""A call from outside starts an execution: `core.trigger.Webhook`.

The hot path of the product, so what the flow's newest revision says about its webhooks is remembered for a second; what
this process itself changed is noticed at once.
"""

import hashlib
import hmac
import json
import threading
import time
from collections import OrderedDict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from django.db import connection
from django.utils.translation import gettext as _

from orchestrator import flows
from orchestrator.triggers.fire import Due, Fired, fire
from tenants.errors import Conflict, NotFound, TooLarge

TYPE = "core.trigger.Webhook"
BODY_LIMIT = 1024 * 1024  # bytes; it becomes part of the execution
REMEMBERED = 1.0  # seconds
KEY_HEADERS = ("idempotency-key", "x-github-delivery", "x-gitlab-event-uuid", "webhook-id", "x-request-webhook-id")
_HIDDEN_HEADERS = frozenset({"authorization", "cookie", "proxy-authorization"})


@dataclass(frozen=True, slots=True)
class Hook:
    """One webhook of a flow's newest revision."""

    trigger_pk: int
    trigger_id: str
    key_sha256: bytes
    disabled: bool
    definition: Mapping[str, object]


@dataclass(frozen=True, slots=True)
class Hooks:
    """All webhooks of a flow, with what starting an execution needs."""

    flow_pk: int
    revision_pk: int
    number: int
    disabled: bool
    hooks: tuple[Hook, ...]


@dataclass(frozen=True, slots=True)
class Call:
    """What a webhook was called with."""

    method: str
    body: bytes
    headers: Sequence[tuple[str, str]]
    parameters: Mapping[str, Sequence[str]]


def receive(tenant_id: int, namespace: str, flow_id: str, key: str, call: Call) -> Fired:
    """Start the execution that a call asks for and return it; the same delivery again returns the first one.

    An absent flow, a wrong key and an ended flow look alike (NotFound). A flow or trigger that is disabled is a
    Conflict, and so is a delivery id that was used with another body.
    """
    found, hook = find(tenant_id, namespace, flow_id, key)
    if found.disabled or hook.disabled:
        raise Conflict(_("This flow is disabled."))
    if len(call.body) > BODY_LIMIT:
        raise TooLarge(_("A webhook's body may have at most %(limit)s bytes.") % {"limit": BODY_LIMIT})
    delivery = delivery_id(call.headers)
    written = hook.definition.get("inputs")
    return fire(
        Due(
            tenant_id=tenant_id,
            trigger_pk=hook.trigger_pk,
            trigger_id=hook.trigger_id,
            kind="webhook",
            revision_pk=found.revision_pk,
            variables=variables_of(call),
            inputs=written if isinstance(written, Mapping) else {},
            key=delivery,
            body_sha256=hashlib.sha256(call.body).hexdigest() if delivery else "",
        ),
    )


def find(tenant_id: int, namespace: str, flow_id: str, key: str) -> tuple[Hooks, Hook]:
    """Return the webhook that `key` opens; takes as long for a wrong key as for the right one. Raises NotFound."""
    hooks = _remembered.get(tenant_id, namespace, flow_id)
    given = hashlib.sha256(key.encode(errors="replace")).digest()
    opened: Hook | None = None
    for hook in hooks.hooks if hooks else (_NO_HOOK,):
        if hmac.compare_digest(hook.key_sha256, given):
            opened = hook
    if hooks is None or opened is None or opened is _NO_HOOK:
        raise NotFound
    return hooks, opened


def delivery_id(headers: Iterable[tuple[str, str]]) -> str:
    """Return the caller's own name for this delivery, empty when it gave none; long ones by their digest."""
    given = {name.lower(): value.strip() for name, value in headers}
    name = next((given[header] for header in KEY_HEADERS if given.get(header)), "")
    return name if len(name) <= 150 else f"sha256:{hashlib.sha256(name.encode()).hexdigest()}"


def variables_of(call: Call) -> dict[str, object]:
    """Return what expressions see as `trigger`: body (parsed JSON, else text, else null), headers, parameters."""
    headers: dict[str, list[str]] = {}
    for name, value in call.headers:
        if name.lower() not in _HIDDEN_HEADERS:
            headers.setdefault(name.lower(), []).append(value)
    return {
        "body": _body(call.body),
        "headers": headers,
        "parameters": {name: list(values) for name, values in call.parameters.items()},
    }


def _body(body: bytes) -> object:
    if not body:
        return None
    text = body.decode("utf-8", errors="replace").replace("\x00", "")
    if text.lstrip()[:1] in {"{", "["}:
        try:
            return json.loads(text)
        except (ValueError, RecursionError):
            return text
    return text


_NO_HOOK = Hook(0, "", bytes(32), disabled=True, definition={})


class _Remembered:
    """The webhooks of flows by their address, for a second, or until this process changes a flow."""

    def __init__(self, size: int) -> None:
        self._size = size
        self._lock = threading.Lock()
        self._kept: OrderedDict[tuple[int, str, str], tuple[float, int, Hooks | None]] = OrderedDict()

    def get(self, tenant_id: int, namespace: str, flow_id: str) -> Hooks | None:
        address = (tenant_id, namespace, flow_id)
        now, generation = time.monotonic(), flows.generation()
        with self._lock:
            kept = self._kept.get(address)
        if kept is not None and kept[0] > now and kept[1] == generation:
            return kept[2]
        hooks = _read(tenant_id, namespace, flow_id)
        with self._lock:
            self._kept[address] = (now + REMEMBERED, generation, hooks)
            self._kept.move_to_end(address)
            while len(self._kept) > self._size:
                self._kept.popitem(last=False)
        return hooks

    def clear(self) -> None:
        with self._lock:
            self._kept.clear()


_remembered = _Remembered(size=2_000)


def forget_all() -> None:
    """Forget what is remembered of flows; tests roll transactions back, the product never needs it."""
    _remembered.clear()


_HOOKS = """
SELECT f.id, r.id, f.head, f.disabled, t.id, t.trigger_id, t.disabled, t.definition
  FROM orchestrator_flow f
  JOIN orchestrator_flowrevision r ON r.flow_id = f.id AND r.number = f.head
  JOIN orchestrator_trigger t ON t.flow_id = f.id AND t.type = %s
 WHERE f.tenant_id = %s AND f.namespace = %s AND f.flow_id = %s AND f.deleted_at IS NULL"""


def _read(tenant_id: int, namespace: str, flow_id: str) -> Hooks | None:
    if "\x00" in namespace or "\x00" in flow_id:
        return None
    with connection.cursor() as cursor:
        cursor.execute(_HOOKS, [TYPE, tenant_id, namespace, flow_id])
        rows = cursor.fetchall()
    if not rows:
        return None
    flow_pk, revision_pk, number, disabled, *_rest = rows[0]
    hooks = tuple(hook for row in rows if (hook := _hook(*row[4:])) is not None)
    return Hooks(flow_pk, revision_pk, number, disabled, hooks)


def _hook(trigger_pk: int, trigger_id: str, disabled: bool, definition: object) -> Hook | None:  # noqa: FBT001 - a row
    """Return a trigger's row as a webhook; None when its key is missing or only known when it is rendered."""
    known = json.loads(definition) if isinstance(definition, str) else definition
    values: Mapping[str, object] = known if isinstance(known, Mapping) else {}
    key = values.get("key")
    if not isinstance(key, str) or not key or "{{" in key:
        return None
    return Hook(trigger_pk, trigger_id, hashlib.sha256(key.encode()).digest(), disabled, values)
