"""Pages for admins: members, groups, who has which right, and the audit log."""

import secrets
from datetime import datetime
from typing import Any
from urllib.parse import urlencode

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils import timezone
from django.utils.dateparse import parse_date
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from tenants import audit, bindings, groups, namespaces, roles, users
from tenants.errors import Conflict, Forbidden, Invalid
from tenants.web.doors import door
from tenants.web.forms import Typed, control, summary, typed
from tenants.web.me import actor_of
from tenants.web.shell import address


@door("user.list", POST="user.create")
@require_http_methods(["GET", "HEAD", "POST"])
def members(request: HttpRequest, tenant: str) -> HttpResponse:
    """List the members; a POST lets one more in and shows a new person's first password, this once."""
    actor = actor_of(request)
    if request.method != "POST":
        return _members_page(request, Typed())
    email = request.POST.get("email", "")
    password = None if users.by_email(email) else secrets.token_urlsafe(12)
    try:
        person = users.add_member(actor, email=email, name=request.POST.get("name", ""), password=password)
    except (Invalid, Conflict) as error:
        return _members_page(request, typed(request, error))
    if password is None:
        messages.success(request, _("%(name)s is a member now.") % {"name": person.name})
        return redirect("members", tenant=tenant)
    return _members_page(request, Typed(), joined=person, first_password=password)


def _members_page(request: HttpRequest, form: Typed, **more: Any) -> HttpResponse:  # noqa: ANN401 - for the template
    controls = [
        control(form, "email", _("E-mail address"), "EMAIL", attrs={"autocomplete": "off"}),
        control(form, "name", _("Name"), required=False, help_text=_("Needed for somebody new to Portico.")),
    ]
    context = {
        "members": users.members(actor_of(request)),
        "controls": controls,
        "problems": summary(form, controls),
        "crumbs": [{"label": _("Members")}],
        **more,
    }
    return render(request, "tenants/members.html", context, status=form.status)


@door("user.delete")
@require_POST
def member_leave(request: HttpRequest, tenant: str, user_id: int) -> HttpResponse:
    """Take somebody out of the tenant."""
    users.end_membership(actor_of(request), user_id)
    messages.success(request, _("They are no longer a member."))
    return redirect("members", tenant=tenant)


@door("group.list", POST="group.create")
@require_http_methods(["GET", "HEAD", "POST"])
def groups_page(request: HttpRequest, tenant: str) -> HttpResponse:
    """List the groups; a POST makes one."""
    actor = actor_of(request)
    if request.method != "POST":
        return _groups_page(request, Typed())
    try:
        made = groups.create(actor, name=request.POST.get("name", ""), description=request.POST.get("description", ""))
    except (Invalid, Conflict) as error:
        return _groups_page(request, typed(request, error))
    return redirect("group", tenant=tenant, group_id=made.pk)


def _groups_page(request: HttpRequest, form: Typed) -> HttpResponse:
    controls = [
        control(form, "name", _("Name")),
        control(form, "description", _("What it is for"), required=False),
    ]
    context = {
        "groups": groups.listed(actor_of(request)),
        "controls": controls,
        "problems": summary(form, controls),
        "crumbs": [{"label": _("Groups")}],
    }
    return render(request, "tenants/groups.html", context, status=form.status)


@door("member")
@require_http_methods(["GET", "HEAD", "POST"])
def group(request: HttpRequest, tenant: str, group_id: int) -> HttpResponse:
    """Show a group to its owners and admins; a POST adds or removes a member."""
    actor = actor_of(request)
    shown = groups.group_for(actor, group_id)
    if request.method != "POST":
        return _group_page(request, shown, Typed())
    try:
        if "remove" in request.POST:
            groups.remove_member(actor, shown, _number(request, "remove"))
        else:
            person = users.member_by_email(actor, request.POST.get("email", ""))
            groups.add_member(actor, shown, person.pk, owner=_switched(request, "owner"))
    except (Invalid, Conflict) as error:
        return _group_page(request, shown, typed(request, error))
    return redirect("group", tenant=tenant, group_id=group_id)


def _group_page(request: HttpRequest, shown: Any, form: Typed) -> HttpResponse:  # noqa: ANN401 - the row of a group
    actor = actor_of(request)
    controls = [
        control(form, "email", _("E-mail address of a member"), "EMAIL", attrs={"autocomplete": "off"}),
        control(form, "owner", _("May change the members too"), "BOOL", required=False),
    ]
    context = {
        "group": shown,
        "memberships": groups.members_of(actor, shown),
        "may_manage": groups.is_owner(actor, shown) or bool(actor.grants.allowed("group.manage_members", "")),
        "controls": controls,
        "problems": summary(form, controls),
        "crumbs": [{"label": _("Groups"), "url": address("groups", actor.tenant)}, {"label": shown.name}],
    }
    return render(request, "tenants/group.html", context, status=form.status)


@door("group.delete")
@require_POST
def group_delete(request: HttpRequest, tenant: str, group_id: int) -> HttpResponse:
    """End a group."""
    groups.delete(actor_of(request), group_id)
    messages.success(request, _("The group is gone; its members stay members of the tenant."))
    return redirect("groups", tenant=tenant)


@door("binding.list", POST="binding.create")
@require_http_methods(["GET", "HEAD", "POST"])
def access_page(request: HttpRequest, tenant: str) -> HttpResponse:
    """List who holds which role where; a POST gives one."""
    actor = actor_of(request)
    if request.method != "POST":
        return _access_page(request, Typed())
    kind, _colon, number = request.POST.get("subject", "").partition(":")
    subject = int(number) if number.isdecimal() else None
    try:
        bindings.give(
            actor,
            role_id=_number(request, "role"),
            user_id=subject if kind == "user" else None,
            group_id=subject if kind == "group" else None,
            namespace=request.POST.get("namespace", "").strip(),
            own_only=_switched(request, "own_only"),
            expires_at=_end_of_day(request.POST.get("expires_on", "")),
        )
    except (Invalid, Conflict) as error:
        return _access_page(request, typed(request, error))
    messages.success(request, _("Given."))
    return redirect("access", tenant=tenant)


def _access_page(request: HttpRequest, form: Typed) -> HttpResponse:
    actor = actor_of(request)
    subjects = [(f"group:{group.pk}", group.name) for group in groups.listed(actor)]
    subjects += [(f"user:{one.user_id}", f"{one.user.name} ({one.user.email})") for one in users.members(actor)]
    controls = [
        control(form, "subject", _("Who"), "SELECT", options=subjects, widget="select"),
        control(form, "role", _("Role"), "SELECT", options=[(str(role.pk), role.name) for role in roles.listed(actor)]),
        control(
            form,
            "namespace",
            _("Where"),
            required=False,
            help_text=_("A namespace and all below it; empty for the whole tenant."),
            options=[(one.path, one.path) for one in namespaces.visible(actor)],
            widget="text",
        ),
        control(form, "expires_on", _("Until the end of"), "DATE", required=False),
        control(form, "own_only", _("For their own runs only"), "BOOL", required=False),
    ]
    context = {
        "bindings": bindings.listed(actor),
        "controls": controls,
        "problems": summary(form, controls),
        "crumbs": [{"label": _("Access")}],
    }
    return render(request, "tenants/access.html", context, status=form.status)


@door("binding.delete")
@require_POST
def binding_remove(request: HttpRequest, tenant: str, binding_id: int) -> HttpResponse:
    """Take a right away."""
    try:
        bindings.remove(actor_of(request), binding_id)
    except Forbidden as error:
        if error.action:
            raise
        messages.error(request, error.sentence)
        return redirect("access", tenant=tenant)
    messages.success(request, _("Taken away."))
    return redirect("access", tenant=tenant)


@door("auditlog.list")
@require_safe
def audit_page(request: HttpRequest, tenant: str) -> HttpResponse:  # noqa: ARG001 - the address's tenant
    """Show who did what, newest first, a page at a time."""
    before = request.GET.get("before", "")
    chosen = {name: request.GET.get(name, "").strip() for name in ("kind", "thing", "action", "person")}
    entries = audit.newest(
        actor_of(request),
        before_id=int(before) if before.isdecimal() else None,
        kind=chosen["kind"],
        thing_id=chosen["thing"],
        action=chosen["action"],
        person=int(chosen["person"]) if chosen["person"].isdecimal() else None,
    )
    more = entries[-1].pk if len(entries) == audit.PAGE else None
    people = users.members(actor_of(request))
    filters = {name: value for name, value in chosen.items() if value}
    context = {
        "entries": entries,
        "first_url": f"?{urlencode(filters)}" if before else "",
        "next_url": f"?{urlencode({**filters, 'before': more})}" if more else "",
        "chosen": chosen,
        "people": people,
        "crumbs": [{"label": _("Audit log")}],
    }
    return render(request, "tenants/audit.html", context)


def _switched(request: HttpRequest, name: str) -> bool:
    return request.POST.getlist(name)[-1:] in (["true"], ["on"])


def _number(request: HttpRequest, name: str) -> int:
    text = request.POST.get(name, "")
    if not text.isdecimal() or len(text) > 18:
        raise Invalid.in_field(name, _("Choose one."))
    return int(text)


def _end_of_day(text: str) -> datetime | None:
    """Return the last moment of the day typed, in the actor's zone; None when nothing was typed."""
    if not text:
        return None
    try:
        day = parse_date(text)
    except ValueError:
        day = None
    if day is None:
        raise Invalid.in_field("expires_on", _("This is not a day."))
    return datetime(day.year, day.month, day.day, 23, 59, 59, tzinfo=timezone.get_current_timezone())
