"""Messages that leave the product: written in the change's own transaction, sent by the tick, at least once."""

import logging
import smtplib
from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any

from django.conf import settings
from django.core.mail import EmailMultiAlternatives
from django.db import transaction
from django.template import TemplateDoesNotExist
from django.template.loader import render_to_string
from django.utils import timezone, translation

from tenants.models import Outbox

logger = logging.getLogger(__name__)

PAUSES = (timedelta(minutes=1), timedelta(minutes=5), timedelta(minutes=30), timedelta(hours=2), timedelta(hours=12))
TRIES = len(PAUSES) + 1
LEASE = timedelta(minutes=5)
NOT_SET_UP = "not sent: no mail server is set up (EMAIL_URL)"


def put(
    tenant_id: int,
    addresses: Sequence[str],
    template: str,
    context: Mapping[str, Any],
    *,
    language: str = "en",
    channel: str = "email",
    unique_key: str | None = None,
    run_after: datetime | None = None,
) -> None:
    """Write one message made of `templates/mail/<template>.{subject.txt,txt,html}` and a context of plain JSON.

    The same `unique_key` twice is one message.
    """
    message = Outbox(
        tenant_id=tenant_id,
        channel=channel,
        addresses=list(addresses),
        template=template,
        language=language,
        context=dict(context),
        unique_key=unique_key,
        run_after=run_after or timezone.now(),
    )
    Outbox.across_tenants.bulk_create([message], ignore_conflicts=unique_key is not None)


def send_due(limit: int = 50) -> int:
    """Send what is due, of all tenants, and return how many went out.

    Each message is held by a lease while it is being sent, outside of any transaction; a process that dies in between
    leaves it to the next tick, so a message may arrive twice but is never lost.
    """
    return sum(_send(message) for message in _claim(limit))


def _claim(limit: int) -> list[Outbox]:
    now = timezone.now()
    with transaction.atomic():
        due = list(
            Outbox.across_tenants.select_for_update(skip_locked=True)
            .filter(sent_at=None, run_after__lte=now, attempts__lt=TRIES)
            .order_by("run_after")[:limit]
        )
        for message in due:
            message.attempts += 1
            message.run_after = now + LEASE
        Outbox.across_tenants.bulk_update(due, ["attempts", "run_after"])
    return due


def _send(message: Outbox) -> bool:
    mine = Outbox.across_tenants.filter(pk=message.pk, attempts=message.attempts, sent_at=None)
    if not can_send():
        mine.update(attempts=TRIES, error=NOT_SET_UP)
        return False
    try:
        _mail(message)
    except (OSError, smtplib.SMTPException, TemplateDoesNotExist, ValueError) as error:
        logger.warning("message %s could not be sent: %s", message.pk, error)
        pause = PAUSES[min(message.attempts, len(PAUSES)) - 1]
        mine.update(error=f"{type(error).__name__}: {error}"[:1000], run_after=timezone.now() + pause)
        return False
    mine.update(sent_at=timezone.now(), error="")
    return True


def can_send() -> bool:
    """Say whether a mail server is set up; without one, pages show links instead of mailing them."""
    return not settings.EMAIL_BACKEND.endswith("dummy.EmailBackend")


def _mail(message: Outbox) -> None:
    context = {**message.context, "public_url": settings.PUBLIC_URL}
    with translation.override(message.language):
        subject = render_to_string(f"mail/{message.template}.subject.txt", context)
        text = render_to_string(f"mail/{message.template}.txt", context)
        mail = EmailMultiAlternatives(subject=" ".join(subject.split()), body=text, to=list(message.addresses))
        try:
            mail.attach_alternative(render_to_string(f"mail/{message.template}.html", context), "text/html")
        except TemplateDoesNotExist:
            logger.debug("%s has no HTML version", message.template)
        mail.send()
