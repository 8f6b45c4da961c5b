"""Django's registration of the room."""

from django.apps import AppConfig


class AppsPortalConfig(AppConfig):
    """Apps, forms, submissions, approvals, catalog."""

    name = "apps_portal"
    default_auto_field = "django.db.models.BigAutoField"
