"""Uses of apps by people: submissions, the numbers they get, and files chosen before submitting."""

from django.contrib.postgres.indexes import GinIndex
from django.contrib.postgres.search import SearchVector, SearchVectorField
from django.db import models

from tenants.models.owned import TenantOwned


class Submission(TenantOwned):
    """One use of an app by one person. It has no state of its own: it shows its execution's."""

    number = models.BigIntegerField(help_text="counts per tenant; people say it aloud")
    title = models.CharField(max_length=300, blank=True)
    app = models.ForeignKey("apps_portal.App", on_delete=models.PROTECT, related_name="submissions")
    revision = models.ForeignKey("apps_portal.AppRevision", on_delete=models.PROTECT, related_name="+")
    execution = models.OneToOneField(
        "orchestrator.Execution",
        null=True,
        on_delete=models.SET_NULL,
        related_name="submission",
    )
    user = models.ForeignKey("tenants.User", null=True, blank=True, on_delete=models.PROTECT, related_name="+")
    key = models.CharField(max_length=64, null=True, blank=True, help_text="of the form that was sent: twice is once")
    created_at = models.DateTimeField(auto_now_add=True)
    search = models.GeneratedField(
        expression=SearchVector("title", config="simple"),
        output_field=SearchVectorField(),
        db_persist=True,
    )

    class Meta(TenantOwned.Meta):
        abstract = False
        constraints = [
            models.UniqueConstraint(fields=["tenant", "number"], name="submission_number"),
            models.UniqueConstraint(fields=["app", "user", "key"], name="submission_once"),
        ]
        indexes = [
            models.Index(fields=["tenant", "user", "-number"], name="submissions_of_person"),
            models.Index(fields=["app", "-number"], name="submissions_of_app"),
            GinIndex(fields=["search"], name="submission_search"),
        ]

    def __str__(self) -> str:
        return f"#{self.number} {self.title}"


class SubmissionCounter(TenantOwned):
    """The last number given in a tenant."""

    last = models.BigIntegerField(default=0)

    class Meta(TenantOwned.Meta):
        abstract = False
        constraints = [models.UniqueConstraint(fields=["tenant"], name="one_submission_counter")]

    def __str__(self) -> str:
        return str(self.last)


class StagedUpload(TenantOwned):
    """A file chosen in a form, stored at once, waiting for the submit; gone after 24 hours."""

    id = models.UUIDField(primary_key=True)
    app = models.ForeignKey("apps_portal.App", on_delete=models.CASCADE, related_name="+")
    user = models.ForeignKey("tenants.User", null=True, blank=True, on_delete=models.CASCADE, related_name="+")
    input_id = models.CharField(max_length=150)
    name = models.CharField(max_length=300)
    size = models.BigIntegerField()
    sha256 = models.CharField(max_length=64)
    uri = models.TextField()
    created_at = models.DateTimeField(auto_now_add=True)
    expires_at = models.DateTimeField()

    class Meta(TenantOwned.Meta):
        abstract = False
        indexes = [models.Index(fields=["expires_at"], name="uploads_to_drop")]

    def __str__(self) -> str:
        return self.name
