"""Rows of the room: fields, constraints and querysets, no behaviour."""

from apps_portal.models.app import App, AppGroupPermission, AppRevision, AppUserPermission
from apps_portal.models.submission import StagedUpload, Submission, SubmissionCounter

__all__ = [
    "App",
    "AppGroupPermission",
    "AppRevision",
    "AppUserPermission",
    "StagedUpload",
    "Submission",
    "SubmissionCounter",
]
