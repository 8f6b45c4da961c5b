"""The bell: what people are told inside the product, written in the transaction of what it is about."""

from collections.abc import Iterable, Mapping

from django.utils import timezone, translation

from tenants.actor import Actor
from tenants.models import Notice, Tenant, User

SHOWN = 100


def tell(
    tenant_id: int,
    user_ids: Iterable[int],
    kind: str,
    *,
    thing: str,
    text: str,
    values: Mapping[str, object] | None = None,
    link: str = "",
) -> None:
    """Tell each of `user_ids` once, in their own language.

    `text` is an English sentence marked with gettext_noop, whose places like `%(name)s` are taken by `values`; `thing`
    is `kind:id` of what it is about, `link` a path below /ui/.
    """
    languages = dict(User.objects.filter(pk__in=set(user_ids)).order_by("pk").values_list("pk", "language"))
    if not languages:
        return
    of_tenant = Tenant.objects.values_list("language", flat=True).get(pk=tenant_id)
    texts = {language: _said(text, values, language or of_tenant) for language in set(languages.values())}
    Notice.across_tenants.bulk_create(
        Notice(
            tenant_id=tenant_id,
            user_id=user_id,
            kind=kind,
            thing=thing[:300],
            text=texts[language][:300],
            link=link[:300],
        )
        for user_id, language in languages.items()
    )


def _said(text: str, values: Mapping[str, object] | None, language: str) -> str:
    with translation.override(language):
        sentence = translation.gettext(text)
    return sentence % values if values else sentence


def newest(actor: Actor) -> list[Notice]:
    """Return the actor's newest notices, unread and read."""
    return list(Notice.objects.in_tenant(actor).filter(user_id=actor.person_id).order_by("-id")[:SHOWN])


def unread_count(actor: Actor) -> int:
    """Return how many notices the actor has not read yet."""
    return Notice.objects.in_tenant(actor).filter(user_id=actor.person_id, read_at=None).count()


def mark_read(actor: Actor, up_to: int) -> int:
    """Mark the actor's notices up to the id `up_to` as read and return how many were not."""
    mine = Notice.objects.in_tenant(actor).filter(user_id=actor.person_id, read_at=None, pk__lte=up_to)
    return mine.update(read_at=timezone.now())
