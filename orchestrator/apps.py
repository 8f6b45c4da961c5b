"""Django's registration of the room."""

from django.apps import AppConfig


class OrchestratorConfig(AppConfig):
    """Flows, executions, triggers, task types, storage."""

    name = "orchestrator"
    default_auto_field = "django.db.models.BigAutoField"
