"""Template tags that every page has at hand."""

from typing import Any

from django import template
from django.template.context import Context
from django.urls import reverse

from tenants.actor import Actor

register = template.Library()


@register.simple_tag(takes_context=True)
def may(
    context: Context, action: str, namespace: str = "", started_by: int | None = None, app_id: int | None = None
) -> bool:
    """`{% may "flow.update" flow.namespace as may_edit %}`: whether the reader holds the action there.

    Hides buttons only; the view behind asks again.
    """
    actor: Actor | None = context.get("actor")
    return actor is not None and bool(actor.grants.allowed(action, namespace, started_by, app_id))


@register.simple_tag(takes_context=True)
def may_anywhere(context: Context, action: str) -> bool:
    """`{% may_anywhere "flow.create" as may_create %}`: whether the reader holds the action in any place."""
    actor: Actor | None = context.get("actor")
    return actor is not None and actor.grants.anywhere(action)


@register.simple_tag(takes_context=True)
def page(context: Context, name: str, **kwargs: Any) -> str:  # noqa: ANN401 - whatever the address takes
    """`{% page "members" %}`: the address of a page of the present tenant."""
    actor: Actor | None = context.get("actor")
    tenant = actor.tenant if actor else context.get("tenant", "")
    return reverse(name, kwargs={"tenant": tenant, **kwargs})
