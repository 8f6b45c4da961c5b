"""Addresses of apps below /api/v1/."""

from django.urls import path

from apps_portal.api import apps

urlpatterns = [
    path("<str:tenant>/apps", apps.Apps.as_view()),
    path("<str:tenant>/apps/search", apps.AppSearch.as_view()),
    path("<str:tenant>/apps/catalog", apps.Catalog.as_view()),
    path("<str:tenant>/apps/tags", apps.Tags.as_view()),
    path("<str:tenant>/apps/validate", apps.AppValidation.as_view()),
    path("<str:tenant>/apps/<str:uid>", apps.OneApp.as_view()),
    path("<str:tenant>/apps/<str:uid>/enable", apps.Enable.as_view()),
    path("<str:tenant>/apps/<str:uid>/disable", apps.Disable.as_view()),
]
