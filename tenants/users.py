"""People and service accounts: joining and leaving a tenant, and what they set for themselves."""

from zoneinfo import available_timezones

from django.conf import settings
from django.contrib.auth import password_validation
from django.core.exceptions import ValidationError
from django.core.validators import validate_email
from django.db import transaction
from django.db.models import QuerySet
from django.db.models.functions import Lower
from django.utils import timezone
from django.utils.translation import gettext as _

from tenants import access, audit
from tenants.actor import Actor
from tenants.errors import Conflict, FieldProblem, Forbidden, Invalid, NotFound
from tenants.models import Binding, GroupMember, Membership, Tenant, Token, User


def by_email(email: str) -> User | None:
    """Return the living user with this address, however it is capitalised."""
    return User.objects.alias(lowered=Lower("email")).filter(lowered=email.strip().lower(), deleted_at=None).first()


def tenants_of(user_id: int) -> list[Tenant]:
    """Return the living tenants a user is in, by name."""
    return list(
        Tenant.objects.filter(deleted_at=None, memberships__user_id=user_id, memberships__ended_at=None).order_by(
            "name"
        )
    )


def members(actor: Actor) -> QuerySet[Membership]:
    """Return the living memberships of the actor's tenant with their users, by name."""
    return (
        Membership.objects.filter(tenant_id=actor.tenant_id, ended_at=None, user__deleted_at=None)
        .select_related("user")
        .order_by("user__name", "pk")
    )


def member(actor: Actor, user_id: int) -> User:
    """Return one living member of the actor's tenant; raises NotFound."""
    found = members(actor).filter(user_id=user_id).first()
    if found is None:
        raise NotFound
    return found.user


def member_by_email(actor: Actor, email: str) -> User:
    """Return the living member with this address; raises Invalid, since somebody typed it."""
    user = by_email(email)
    if user is None or not members(actor).filter(user=user).exists():
        raise Invalid.in_field("email", _("No member has this address."))
    return user


@transaction.atomic
def add_member(actor: Actor, *, email: str, name: str = "", password: str | None = None) -> User:
    """Let someone into the actor's tenant and return them; a new person is created, a known one joins as they are.

    Needs `user.create`. A password is set for a new person only. Membership alone gives no right on anything.
    """
    access.require(actor, "user.create", "")
    email = email.strip()
    user = by_email(email)
    if user is None:
        user = create(email=email, name=name, password=password)
    if Membership.objects.filter(tenant_id=actor.tenant_id, user=user, ended_at=None).exists():
        raise Conflict(_("This person is a member already."))
    joining = Membership.objects.create(tenant_id=actor.tenant_id, user=user)
    access.rights_changed(actor.tenant_id)
    audit.record(actor, "user.create", "user", user.pk, after={"membership": joining.pk})
    return user


def create(*, email: str, name: str, password: str | None) -> User:
    """Make an instance-wide user who is in no tenant yet; raises Invalid with one problem per wrong field.

    Without a password they cannot sign in by password.
    """
    problems: list[FieldProblem] = []
    try:
        validate_email(email)
    except ValidationError:
        problems.append(FieldProblem(_("This is not an e-mail address."), ("email",)))
    if not name.strip():
        problems.append(FieldProblem(_("Give a name."), ("name",)))
    if password is not None:
        problems.extend(_password_problems(password, User(email=email, name=name)))
    if problems:
        raise Invalid(problems)
    return User.objects.create_user(email=email, name=name.strip(), password=password)


def create_service_account(actor: Actor, name: str) -> User:
    """Make a user for a program, a member of the actor's tenant; needs `service_account.create`. It acts by token."""
    access.require(actor, "service_account.create", "")
    if not name.strip():
        raise Invalid.in_field("name", _("Give a name."))
    with transaction.atomic():
        user = User.objects.create_user(
            email=f"{name.strip().lower().replace(' ', '-')}@{actor.tenant_id}.service.invalid",
            name=name.strip(),
            kind=User.Kind.SERVICE,
        )
        Membership.objects.create(tenant_id=actor.tenant_id, user=user)
        audit.record(actor, "service_account.create", "user", user.pk, after={"name": user.name})
    return user


@transaction.atomic
def end_membership(actor: Actor, user_id: int) -> None:
    """Take someone out of the actor's tenant: their bindings, group memberships and tokens there end now.

    Needs `user.delete`; nobody can take themselves out.
    """
    access.require(actor, "user.delete", "")
    if user_id == actor.user_id:
        raise Forbidden(message=_("You cannot take yourself out. Ask another admin."))
    leaving = (
        Membership.objects.select_for_update().filter(tenant_id=actor.tenant_id, user_id=user_id, ended_at=None).first()
    )
    if leaving is None:
        raise NotFound
    now = timezone.now()
    leaving.ended_at = now
    leaving.save(update_fields=["ended_at"])
    bindings, _by_model = Binding.objects.in_tenant(actor).filter(user_id=user_id).delete()
    groups, _by_model = GroupMember.objects.in_tenant(actor).filter(user_id=user_id).delete()
    tokens = Token.objects.filter(tenant_id=actor.tenant_id, user_id=user_id, revoked_at=None).update(revoked_at=now)
    access.rights_changed(actor.tenant_id)
    before = {"membership": leaving.pk, "bindings": bindings, "groups": groups, "living_tokens": tokens}
    audit.record(actor, "user.delete", "user", user_id, before=before)


def change_profile(actor: Actor, *, name: str, language: str, time_zone: str) -> None:
    """Change one's own name, language ("" = the tenant's) and time zone ("" = the tenant's)."""
    problems: list[FieldProblem] = []
    if not name.strip():
        problems.append(FieldProblem(_("Give a name."), ("name",)))
    if language and language not in dict(settings.LANGUAGES):
        problems.append(FieldProblem(_("Portico does not speak this language."), ("language",)))
    if time_zone and time_zone not in available_timezones():
        problems.append(FieldProblem(_("There is no such time zone."), ("time_zone",)))
    if problems:
        raise Invalid(problems)
    user = User.objects.get(pk=actor.person_id)
    before = {"name": user.name, "language": user.language, "time_zone": user.time_zone}
    user.name, user.language, user.time_zone = name.strip(), language, time_zone
    user.save(update_fields=["name", "language", "time_zone"])
    after = {"name": user.name, "language": user.language, "time_zone": user.time_zone}
    audit.record(actor, "user.update", "user", user.pk, before=before, after=after)


def change_password(actor: Actor, user: User, *, old: str, new: str) -> None:
    """Change one's own password; raises Invalid for a wrong old one or a weak new one.

    Sessions elsewhere end, since they are signed with the old password's hash.
    """
    if not user.check_password(old):
        raise Invalid.in_field("old", _("This is not your present password."))
    problems = _password_problems(new, user, field="new")
    if problems:
        raise Invalid(problems)
    user.set_password(new)
    user.save(update_fields=["password"])
    audit.record(actor, "user.update", "user", user.pk, before={"password": "old"}, after={"password": "new"})


def _password_problems(password: str, user: User, *, field: str = "password") -> list[FieldProblem]:
    try:
        password_validation.validate_password(password, user)
    except ValidationError as error:
        return [FieldProblem(message, (field,)) for message in error.messages]
    return []
