"""Addresses of this room's pages."""

from django.urls import path

from tenants.web import admin, me, sign_in

urlpatterns = [
    path("", sign_in.start, name="start"),
    path("sign-in", sign_in.sign_in_page, name="sign-in"),
    path("sign-out", sign_in.sign_out, name="sign-out"),
    path("setup", sign_in.setup, name="setup"),
    path("ui/<str:tenant>/me", me.me, name="me"),
    path("ui/<str:tenant>/notices", me.notices_page, name="notices"),
    path("ui/<str:tenant>/request-access", me.request_access, name="request-access"),
    path("ui/<str:tenant>/members", admin.members, name="members"),
    path("ui/<str:tenant>/members/<int:user_id>/leave", admin.member_leave, name="member-leave"),
    path("ui/<str:tenant>/groups", admin.groups_page, name="groups"),
    path("ui/<str:tenant>/groups/<int:group_id>", admin.group, name="group"),
    path("ui/<str:tenant>/groups/<int:group_id>/delete", admin.group_delete, name="group-delete"),
    path("ui/<str:tenant>/access", admin.access_page, name="access"),
    path("ui/<str:tenant>/access/<int:binding_id>/remove", admin.binding_remove, name="binding-remove"),
    path("ui/<str:tenant>/audit", admin.audit_page, name="audit"),
]
