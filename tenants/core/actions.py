"""Every permission of the product, once. Roles, the API's names and the documentation are made from this file."""

from collections.abc import Iterable
from dataclasses import dataclass
from enum import StrEnum

COMMON = ("view", "list", "create", "update", "delete")


class Scope(StrEnum):
    """Where a resource lives: below a namespace, or in the tenant as a whole."""

    NAMESPACE = "namespace"
    TENANT = "tenant"


@dataclass(frozen=True, slots=True)
class Resource:
    """A kind of thing and what can be done to it."""

    name: str
    scope: Scope
    verbs: tuple[str, ...]

    @property
    def actions(self) -> tuple[str, ...]:
        """The dotted names of this resource's actions."""
        return tuple(f"{self.name}.{verb}" for verb in self.verbs)


def _below_namespace(name: str, *verbs: str) -> Resource:
    return Resource(name, Scope.NAMESPACE, verbs)


def _of_tenant(name: str, *verbs: str) -> Resource:
    return Resource(name, Scope.TENANT, verbs)


RESOURCES: dict[str, Resource] = {
    resource.name: resource
    for resource in (
        _below_namespace(
            "flow",
            *COMMON,
            "execute",
            "disable",
            "enable",
            "validate",
            "export",
            "import",
            "promote",
        ),
        _below_namespace(
            "execution",
            "view",
            "list",
            "update",
            "delete",
            "restart",
            "kill",
            "replay",
            "pause",
            "resume",
            "change_labels",
            "access_inputs",
            "access_logs",
            "access_outputs",
            "access_files",
            "follow",
            "export",
            "unqueue",
            "force_run",
        ),
        _below_namespace(
            "trigger",
            "view",
            "list",
            "delete",
            "unlock",
            "restart",
            "disable",
            "enable",
            "export",
            "backfill",
        ),
        _below_namespace(
            "namespace",
            *COMMON,
            "manage_files",
            "export_plugin_defaults",
            "import_plugin_defaults",
        ),
        _below_namespace("kvstore", *COMMON),
        _below_namespace("secret", "view", "list", "create", "update", "delete", "use"),
        _below_namespace("credential", *COMMON),
        _below_namespace("reusable_inputs", *COMMON),
        _below_namespace("policy", "view", "list", "create", "update", "delete"),
        _below_namespace(
            "app",
            *COMMON,
            "execute",
            "approve",
            "schedule",
            "share",
            "publish",
            "access_files",
            "access_logs",
        ),
        _below_namespace("testsuite", *COMMON, "execute"),
        _below_namespace("asset", "view", "list", "create", "delete", "unlock"),
        _of_tenant("dashboard", *COMMON),
        _of_tenant("blueprint", *COMMON),
        _of_tenant("auditlog", "view", "list", "export"),
        _of_tenant("user", *COMMON, "manage_group_membership", "impersonate"),
        _of_tenant("group", *COMMON, "manage_members"),
        _of_tenant("role", *COMMON),
        _of_tenant("binding", "view", "list", "create", "delete"),
        _of_tenant("service_account", *COMMON),
        _of_tenant("invitation", "view", "list", "create", "delete"),
        _of_tenant("tenant_settings", "view", "update"),
        _of_tenant("system_settings", "view", "update"),
    )
}

ACTIONS: frozenset[str] = frozenset(action for resource in RESOURCES.values() for action in resource.actions)


def actions_of(*resources: str) -> frozenset[str]:
    """Return all actions of `resources`; raises KeyError for an unknown one."""
    return frozenset(action for name in resources for action in RESOURCES[name].actions)


def scope_of(action: str) -> Scope:
    """Say whether `action` is about a namespace or the tenant; raises KeyError for an unknown one."""
    return RESOURCES[action.partition(".")[0]].scope


def unknown(actions: Iterable[str]) -> list[str]:
    """Return those of `actions` that do not exist, sorted."""
    return sorted(set(actions) - ACTIONS)
