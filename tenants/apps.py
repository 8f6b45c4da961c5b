"""Django's registration of the room."""

from django.apps import AppConfig


class TenantsConfig(AppConfig):
    """Who, where, may they."""

    name = "tenants"
    default_auto_field = "django.db.models.BigAutoField"
