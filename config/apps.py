"""The composition root as a Django app: its management commands, and Celery's app in every process."""

from django.apps import AppConfig

from config.celery import app as celery_app

__all__ = ["ConfigApp", "celery_app"]


class ConfigApp(AppConfig):
    """Imports config.celery, so that the rooms' Celery functions find their app."""

    name = "config"
    verbose_name = "Portico"
