"""Apps as JSON."""

from typing import Any

from apps_portal.catalog import Card


def app_json(app: Any, source: str | None = None) -> dict[str, Any]:  # noqa: ANN401 - a row
    """Return an app, with its text when it is given."""
    shown: dict[str, Any] = {
        "uid": app.uid,
        "id": app.app_id,
        "namespace": app.namespace,
        "flowId": app.flow.flow_id,
        "displayName": app.display_name,
        "description": app.description,
        "tags": app.tags,
        "category": app.category,
        "disabled": app.disabled,
        "revision": app.head,
        "access": {"type": "PUBLIC" if app.public else "PRIVATE", "groups": app.groups, "catalog": app.listed},
        "created": app.created_at,
        "updated": app.updated_at,
    }
    return shown if source is None else {**shown, "source": source}


def card_json(card: Card) -> dict[str, Any]:
    """Return an app as the catalog shows it."""
    app = card.app
    return {
        "uid": app.uid,
        "name": app.display_name,
        "description": app.description,
        "tags": app.tags,
        "category": app.category,
        "namespace": app.namespace,
        "mayRun": card.may_run,
        "open": card.open,
    }
