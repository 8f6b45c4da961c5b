"""`@door(action)` on every view: which right the address is about. A house test walks the URL configuration.

Four words are no actions: `public` (anybody), `signed-in` (anybody with a session, in no tenant), `member` (any
member of the tenant) and `instance` (instance owners). For actions on the tenant as a whole the middleware has checked
the right before the view runs; where the namespace is known only inside, the view asks tenants.access itself.
"""

from collections.abc import Callable
from typing import Any, TypeVar

from tenants.core.actions import ACTIONS

PUBLIC = "public"
SIGNED_IN = "signed-in"
MEMBER = "member"
INSTANCE = "instance"
WORDS = frozenset({PUBLIC, SIGNED_IN, MEMBER, INSTANCE})

View = TypeVar("View", bound=Callable[..., Any])


def door(action: str, *, stream: bool = False, **by_method: str) -> Callable[[View], View]:
    """Declare the action of a view; `POST="flow.update"` and the like name another one for a method.

    A `stream` gets no transaction of its own: it opens `in_tenant` for each thing it reads.
    """
    for name in (action, *by_method.values()):
        if name not in ACTIONS and name not in WORDS:
            raise ValueError(f"{name!r} is no action; tenants/core/actions.py lists them")

    def declare(view: View) -> View:
        view.action = action  # type: ignore[attr-defined]
        view.action_by_method = by_method  # type: ignore[attr-defined]
        view.stream = stream  # type: ignore[attr-defined]
        return view

    return declare


def _declaring(view: Callable[..., Any]) -> object:
    """Return what carries the declaration: the view itself, or the class behind `as_view()`."""
    if hasattr(view, "action"):
        return view
    return getattr(view, "cls", None) or getattr(view, "view_class", None) or view


def declared(view: Callable[..., Any], method: str) -> str | None:
    """Return the action of a view for an HTTP method, None when nobody declared one."""
    owner = _declaring(view)
    by_method: dict[str, str] = getattr(owner, "action_by_method", {})
    action: str | None = getattr(owner, "action", None)
    return by_method.get("GET" if method == "HEAD" else method, action)


def is_stream(view: Callable[..., Any]) -> bool:
    """Say whether a view holds its connection open and so must not hold a transaction."""
    return bool(getattr(_declaring(view), "stream", False))
