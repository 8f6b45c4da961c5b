"""What this room hangs into the lower ones when it is loaded: the number beside "Approvals", its part of the tick."""

from django.utils import timezone

from apps_portal import inbox, uploads
from orchestrator import recovery
from tenants.web.shell import Counts


def drop_old_uploads() -> int:
    """Drop staged files whose day is over; return how many."""
    return uploads.sweep(timezone.now())


Counts.by_url_name["inbox"] = inbox.count
if drop_old_uploads not in recovery.SWEEPS:
    recovery.SWEEPS.append(drop_old_uploads)
