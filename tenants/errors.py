"""What can go wrong, as a small tree. Doors alone know which HTTP status each one becomes.

`code` is for machines, `sentence` for people; other rooms subclass these.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Protocol

from django.utils.translation import gettext as _


class ProblemLike(Protocol):
    """One thing wrong in what a person wrote; more fields (line, column, path, mend) are shown when it has them."""

    @property
    def message(self) -> str:
        """What is wrong, in a sentence."""


@dataclass(frozen=True, slots=True)
class FieldProblem:
    """One thing wrong in one field of a form or of a JSON body."""

    message: str
    path: tuple[str | int, ...] = field(default=())


class PorticoError(Exception):
    """Something refused or impossible that a person can be told in a sentence."""

    code = "error"

    def __init__(self, message: str = "") -> None:
        super().__init__(message)
        self.message = message

    @property
    def sentence(self) -> str:
        """What happened, for people, in their language."""
        return self.message or _("Something went wrong.")


class NotFound(PorticoError):
    """It does not exist, or the reader may not know that it does."""

    code = "not_found"

    @property
    def sentence(self) -> str:
        """What happened, for people; never says which of the two it was."""
        return self.message or _("This does not exist, or you may not see it.")


class Unauthenticated(PorticoError):
    """Nobody is signed in, or the token is wrong, expired or revoked."""

    code = "unauthenticated"

    @property
    def sentence(self) -> str:
        """What to do, for people."""
        return self.message or _("Sign in first.")


class Forbidden(PorticoError):
    """The reader may see it but lacks `action` in `namespace`; `who_can_grant` names people who could give it."""

    code = "forbidden"

    def __init__(
        self, action: str = "", who_can_grant: Sequence[str] = (), message: str = "", *, namespace: str = ""
    ) -> None:
        super().__init__(message)
        self.namespace = namespace
        self.action = action
        self.who_can_grant = tuple(who_can_grant)

    @property
    def sentence(self) -> str:
        """What is missing."""
        if self.message:
            return self.message
        if self.action:
            return _("This needs the right %(action)s.") % {"action": self.action}
        return _("You may not do this.")


class Conflict(PorticoError):
    """It cannot be done in the present state of things; looking again helps."""

    code = "conflict"

    @property
    def sentence(self) -> str:
        """What happened, for people."""
        return self.message or _("Somebody was faster. Look again and repeat what is still needed.")


class Invalid(PorticoError):
    """What a person or program wrote is wrong; each problem says where and what."""

    code = "invalid"

    def __init__(self, problems: Sequence[ProblemLike] = (), message: str = "") -> None:
        super().__init__(message)
        self.problems = tuple(problems)

    @property
    def sentence(self) -> str:
        """What is wrong, for people."""
        if self.message:
            return self.message
        return " ".join(problem.message for problem in self.problems) or _("Something in it is not right.")

    @classmethod
    def in_field(cls, name: str, message: str) -> "Invalid":
        """Return the error for one field of a form."""
        return cls([FieldProblem(message, (name,))])


class TooLarge(PorticoError):
    """More than the limit."""

    code = "too_large"


class TooMany(PorticoError):
    """Too often in too short a time; `wait` says for how many seconds to stop."""

    code = "too_many"

    def __init__(self, wait: float, message: str = "") -> None:
        super().__init__(message)
        self.wait = wait


class Unavailable(PorticoError):
    """A part of the product cannot be reached just now."""

    code = "unavailable"

    @property
    def sentence(self) -> str:
        """What happened, for people."""
        return self.message or _("This part cannot be reached just now. Try again in a moment.")
