"""Files that every flow of a namespace may use, as a running task sees them."""

from collections.abc import Sequence
from typing import BinaryIO

from django.db.models import QuerySet

from orchestrator import storage
from orchestrator.models import NamespaceFile
from orchestrator.tasks.contract import TaskFailed


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
