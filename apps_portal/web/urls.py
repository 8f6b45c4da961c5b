"""Addresses of the portal's pages."""

from django.urls import path

from apps_portal.web import app, approvals, catalog, home, offered, publish, requests

urlpatterns = [
    path("ui/<str:tenant>/", home.home, name="home"),
    path("ui/<str:tenant>/palette", home.palette_hits, name="palette"),
    path("ui/<str:tenant>/apps", catalog.catalog_page, name="catalog"),
    path("ui/<str:tenant>/apps/new", publish.app_new, name="app-new"),
    path("ui/<str:tenant>/apps/check", publish.app_check, name="app-check"),
    path("ui/<str:tenant>/apps/<str:uid>", app.app_page, name="app"),
    path("ui/<str:tenant>/apps/<str:uid>/state", app.app_state, name="app-state"),
    path("ui/<str:tenant>/apps/<str:uid>/upload", app.upload, name="upload"),
    path("ui/<str:tenant>/apps/<str:uid>/files/<path:path>", offered.offered_file, name="offered-file"),
    path("ui/<str:tenant>/apps/<str:uid>/edit", publish.app_edit, name="app-edit"),
    path("ui/<str:tenant>/apps/<str:uid>/switch", publish.app_switch, name="app-switch"),
    path("ui/<str:tenant>/apps/<str:uid>/unpublish", publish.app_unpublish, name="app-unpublish"),
    path("ui/<str:tenant>/flows/<str:namespace>/<str:flow_id>/publish", publish.publish_flow, name="publish-flow"),
    path("ui/<str:tenant>/requests", requests.my_requests, name="my-requests"),
    path("ui/<str:tenant>/requests/<int:number>", requests.request_page, name="request"),
    path("ui/<str:tenant>/runs/<str:execution_id>", requests.run, name="run"),
    path("ui/<str:tenant>/requests/<int:number>/changes", requests.request_changes, name="request-changes"),
    path("ui/<str:tenant>/requests/<int:number>/cancel", requests.request_cancel, name="request-cancel"),
    path("ui/<str:tenant>/requests/<int:number>/resume", requests.request_resume, name="request-resume"),
    path("ui/<str:tenant>/requests/<int:number>/files/<int:file_id>", requests.file_download, name="file"),
    path("ui/<str:tenant>/approvals", approvals.inbox_page, name="inbox"),
    path("ui/<str:tenant>/approvals/<int:approval_id>", approvals.approval_page, name="approval"),
]
