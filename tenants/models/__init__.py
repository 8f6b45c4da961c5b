"""Rows of the room: fields, constraints and querysets, no behaviour."""

from tenants.models.record import AuditEntry, Notice, Outbox
from tenants.models.rights import Binding, Group, GroupMember, Role
from tenants.models.tenant import Namespace, Tenant
from tenants.models.user import Membership, SignInFailure, Token, User

__all__ = [
    "AuditEntry",
    "Binding",
    "Group",
    "GroupMember",
    "Membership",
    "Namespace",
    "Notice",
    "Outbox",
    "Role",
    "SignInFailure",
    "Tenant",
    "Token",
    "User",
]
