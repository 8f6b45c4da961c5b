"""Files that every flow of a namespace may use: kept by people, read by running tasks."""

from collections.abc import Sequence
from typing import BinaryIO

from django.db.models import QuerySet

from orchestrator import storage
from orchestrator.models import NamespaceFile
from orchestrator.tasks.contract import TaskFailed
from tenants import audit
from tenants.access import require
from tenants.actor import Actor


def put(actor: Actor, namespace: str, path: str, source: BinaryIO | bytes) -> NamespaceFile:
    """Keep a file in a namespace, in place of an older one at the same path; needs `namespace.manage_files` there.

    `path` is relative, with `/`. Raises StorageFull, and AddressRefused for a path that leads outside.
    """
    require(actor, "namespace.manage_files", namespace)
    kept = storage.put(actor.tenant_id, storage.namespace_file(namespace, path), source)
    facts = {"uri": kept.uri, "size": kept.size, "sha256": kept.sha256}
    row, _new = NamespaceFile.across_tenants.update_or_create(
        tenant_id=actor.tenant_id, namespace=namespace, path=path.strip("/"), defaults=facts
    )
    after = {"path": row.path, "size": row.size, "sha256": row.sha256}
    audit.record(actor, "namespace.manage_files", "namespace_file", row.pk, namespace=namespace, after=after)
    return row


def find(actor: Actor, namespace: str, path: str) -> NamespaceFile | None:
    """Return a file of a namespace by its path; whoever asks has looked whether the actor may know it."""
    return NamespaceFile.objects.in_tenant(actor).filter(namespace=namespace, path=path).first()


class FilesOfNamespace:
    """The files of one namespace."""

    def __init__(self, tenant_id: int, namespace: str) -> None:
        self._tenant_id = tenant_id
        self._namespace = namespace

    def list(self) -> Sequence[str]:
        """Return the paths of all files, relative, in order."""
        return list(self._files().order_by("path").values_list("path", flat=True))

    def open(self, path: str) -> BinaryIO:
        """Open one of them for reading."""
        uri = self._files().filter(path=path).values_list("uri", flat=True).first()
        if uri is None:
            raise TaskFailed(f"The namespace {self._namespace} has no file {path}.")
        return storage.open(self._tenant_id, uri)

    def _files(self) -> QuerySet[NamespaceFile]:
        return NamespaceFile.objects.in_tenant(self._tenant_id).filter(namespace=self._namespace)
