"""Who sees the inputs, outputs, logs and files of a run (portal.md, "Audiences")."""

from collections.abc import Iterable
from dataclasses import dataclass

ASPECTS = ("inputs", "outputs", "logs", "files")
WORDS = ("requester", "approvers", "operators", "nobody")
GROUP = "group:"


@dataclass(frozen=True, slots=True)
class Viewer:
    """Who looks at a page, as far as audiences care."""

    user_id: int | None = None
    is_requester: bool = False
    is_approver: bool = False  # holds or held a seat
    groups: frozenset[str] = frozenset()  # names
    operates: frozenset[str] = frozenset()  # aspects the viewer holds `execution.access_...` for

    def is_in(self, audience: str, aspect: str) -> bool:
        """Say whether the viewer belongs to `audience`; being an operator depends on the aspect."""
        if audience == "requester":
            return self.is_requester
        if audience == "approvers":
            return self.is_approver
        if audience == "operators":
            return aspect in self.operates
        return audience.startswith(GROUP) and audience.removeprefix(GROUP) in self.groups

    def is_one_of(self, audiences: Iterable[str], aspect: str = "outputs") -> bool:
        """Say whether the viewer belongs to one of `audiences`."""
        return any(self.is_in(audience, aspect) for audience in audiences)


def is_audience(text: str) -> bool:
    """Say whether `text` names an audience: one of the words, or `group:NAME`."""
    return text in WORDS or (text.startswith(GROUP) and len(text) > len(GROUP))
