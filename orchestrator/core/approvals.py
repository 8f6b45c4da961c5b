"""When a level of an approval is decided, and by what."""

from collections.abc import Sequence

APPROVE = "APPROVE"
REJECT = "REJECT"


def outcome_of(need: int, answers: Sequence[str]) -> str | None:
    """Return APPROVE once `need` people approved, REJECT once one rejected, None while it is open."""
    if REJECT in answers:
        return REJECT
    return APPROVE if answers.count(APPROVE) >= need else None
