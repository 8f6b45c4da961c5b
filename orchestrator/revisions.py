"""Flow revisions as the machine reads them; parsed once per process."""

import threading
from collections import OrderedDict
from dataclasses import dataclass

from django.db import connection

from orchestrator.core.flow_yaml import parse
from orchestrator.core.outline import Outline
from orchestrator.core.spec import FlowSpec

KEPT = 500


@dataclass(frozen=True, slots=True)
class Revision:
    """A saved flow: its outline and its numbers."""

    id: int
    flow_pk: int
    number: int
    outline: Outline

    @property
    def spec(self) -> FlowSpec:
        """What the author wrote."""
        return self.outline.flow


class _Cache:
    """The most recently used revisions of this process; a revision never changes."""

    def __init__(self) -> None:
        self._kept: OrderedDict[int, Revision] = OrderedDict()
        self._lock = threading.Lock()

    def get(self, revision_id: int) -> Revision:
        with self._lock:
            if revision_id in self._kept:
                self._kept.move_to_end(revision_id)
                return self._kept[revision_id]
        revision = _read(revision_id)
        with self._lock:
            self._kept[revision_id] = revision
            while len(self._kept) > KEPT:
                self._kept.popitem(last=False)
        return revision

    def clear(self) -> None:
        with self._lock:
            self._kept.clear()


_cache = _Cache()


def revision_of(revision_id: int) -> Revision:
    """Return the revision with this id; LookupError when there is none."""
    return _cache.get(revision_id)


def forget_all() -> None:
    """Forget every parsed revision; tests use the same ids again."""
    _cache.clear()


def _read(revision_id: int) -> Revision:
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT flow_id, number, source FROM orchestrator_flowrevision WHERE id = %s",
            [revision_id],
        )
        row = cursor.fetchone()
    if row is None:
        raise LookupError(f"there is no flow revision {revision_id}")
    flow_pk, number, source = row
    return Revision(revision_id, flow_pk, number, Outline(parse(source)))
