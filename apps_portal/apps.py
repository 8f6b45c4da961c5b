"""Django's registration of the room."""

from django.apps import AppConfig
from django.utils.module_loading import import_string


class AppsPortalConfig(AppConfig):
    """Apps, forms, submissions, approvals, catalog."""

    name = "apps_portal"
    default_auto_field = "django.db.models.BigAutoField"

    def ready(self) -> None:
        """Hang this room's parts into the lower rooms, which know nothing of it."""
        import_string("apps_portal.wiring.drop_old_uploads")
