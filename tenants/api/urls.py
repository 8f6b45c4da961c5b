"""Addresses of this room's API, below /api/v1/."""

from django.urls import path

from tenants.api.me import Me

urlpatterns = [
    path("<str:tenant>/me", Me.as_view(), name="api-me"),
]
