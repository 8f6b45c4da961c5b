"""People and service accounts: instance-wide; a membership lets them into a tenant."""

from typing import Any, ClassVar

from django.contrib.auth.base_user import AbstractBaseUser, BaseUserManager
from django.contrib.postgres.fields import ArrayField
from django.db import models
from django.db.models.functions import Lower


class UserManager(BaseUserManager["User"]):
    """Makes users with a hashed password."""

    def create_user(self, email: str, name: str, password: str | None = None, **fields: Any) -> "User":  # noqa: ANN401 - Django's own shape
        """Create and return a user; without a password nobody can sign in as them by password."""
        user = self.model(email=self.normalize_email(email), name=name, **fields)
        user.set_password(password)
        user.save(using=self._db)
        return user


class User(AbstractBaseUser):
    """Someone who can act. `service` accounts have no password and act by token."""

    class Kind(models.TextChoices):
        """Person or program."""

        PERSON = "person"
        SERVICE = "service"

    kind = models.CharField(max_length=10, choices=Kind.choices, default=Kind.PERSON)
    email = models.EmailField(max_length=254)
    name = models.CharField(max_length=150)
    language = models.CharField(max_length=10, blank=True, help_text="empty: the tenant's")
    time_zone = models.CharField(max_length=64, blank=True, help_text="empty: the tenant's")
    manager = models.ForeignKey("self", null=True, blank=True, on_delete=models.SET_NULL, related_name="reports")
    department = models.CharField(max_length=150, blank=True)
    attributes = models.JSONField(default=dict, blank=True)
    is_instance_owner = models.BooleanField(default=False)
    is_active = models.BooleanField(default=True)
    created_at = models.DateTimeField(auto_now_add=True)
    deleted_at = models.DateTimeField(null=True, blank=True)

    objects = UserManager()

    USERNAME_FIELD = "email"
    REQUIRED_FIELDS: ClassVar[list[str]] = ["name"]

    class Meta:
        constraints = [
            models.UniqueConstraint(Lower("email"), condition=models.Q(deleted_at=None), name="user_email"),
        ]

    def __str__(self) -> str:
        return self.email


class Membership(models.Model):
    """A user is in a tenant. Ending it ends what they hold there."""

    user = models.ForeignKey(User, on_delete=models.PROTECT, related_name="memberships")
    tenant = models.ForeignKey("tenants.Tenant", on_delete=models.PROTECT, related_name="memberships")
    created_at = models.DateTimeField(auto_now_add=True)
    ended_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["tenant", "user"],
                condition=models.Q(ended_at=None),
                name="one_living_membership",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.user_id} in {self.tenant_id}"


class Token(models.Model):
    """A secret a program signs in with; only its sha256 is kept."""

    user = models.ForeignKey(User, on_delete=models.CASCADE, related_name="tokens")
    tenant = models.ForeignKey("tenants.Tenant", on_delete=models.CASCADE, related_name="+")
    name = models.CharField(max_length=150)
    prefix = models.CharField(max_length=16, help_text="shown, so that people can tell their tokens apart")
    sha256 = models.CharField(max_length=64, unique=True)
    scope_actions = ArrayField(models.TextField(), null=True, blank=True, help_text="null: all its owner may")
    scope_namespace = models.CharField(max_length=150, blank=True)
    created_at = models.DateTimeField(auto_now_add=True)
    expires_at = models.DateTimeField(null=True, blank=True)
    revoked_at = models.DateTimeField(null=True, blank=True)
    last_used_at = models.DateTimeField(null=True, blank=True)

    def __str__(self) -> str:
        return f"{self.prefix}… ({self.name})"


class SignInFailure(models.Model):
    """How often sign-in failed lately for one account, address or pair of them, and until when it has to wait."""

    key = models.CharField(
        max_length=64, unique=True, help_text="sha256, since people type passwords into e-mail fields"
    )
    failures = models.IntegerField(default=0)
    last_at = models.DateTimeField()
    blocked_until = models.DateTimeField()

    def __str__(self) -> str:
        return f"{self.failures} failures"
