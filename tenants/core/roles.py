"""The roles every tenant has from its first day. Their actions live here, not in rows, so an upgrade reaches all."""

from dataclasses import dataclass

from tenants.core.actions import ACTIONS, RESOURCES, actions_of


@dataclass(frozen=True, slots=True)
class BuiltInRole:
    """A role that the product brings along; it cannot be renamed or changed."""

    name: str
    description: str
    actions: frozenset[str]


def _some(resource: str, *verbs: str) -> frozenset[str]:
    chosen = frozenset(f"{resource}.{verb}" for verb in verbs)
    if not chosen <= frozenset(RESOURCES[resource].actions):
        raise ValueError(f"{sorted(chosen - ACTIONS)} are no actions")
    return chosen


_EDITOR = (
    actions_of(
        "flow",
        "execution",
        "trigger",
        "kvstore",
        "dashboard",
        "app",
        "testsuite",
        "asset",
        "reusable_inputs",
        "tenant_settings",
        "system_settings",
    )
    | _some("blueprint", "view", "list")
    | _some("namespace", "view", "list")
    | _some("secret", "list", "use")
)

_DEVELOPER = _EDITOR | actions_of("namespace", "secret", "credential", "blueprint")

_LAUNCHER = (
    _some("flow", "view", "list", "execute")
    | _some(
        "execution",
        "view",
        "list",
        "replay",
        "restart",
        "change_labels",
        "access_inputs",
        "access_logs",
        "access_outputs",
        "access_files",
        "follow",
        "export",
    )
    | _some("trigger", "view", "list")
    | _some("kvstore", "view", "list")
    | _some("dashboard", "view", "list")
    | _some("asset", "view", "list")
    | _some("reusable_inputs", "view", "list")
    | _some("app", "view", "list", "execute")
)

_VIEWER = (
    _some("flow", "view", "list", "export")
    | _some(
        "execution",
        "view",
        "list",
        "export",
        "access_inputs",
        "access_logs",
        "access_outputs",
        "access_files",
        "follow",
    )
    | _some("trigger", "view", "list", "export")
    | _some("namespace", "view", "list")
    | _some("reusable_inputs", "view", "list")
    | _some("app", "view", "list")
)

_BUSINESS_USER = _some("app", "view", "list", "execute", "schedule")

BUILT_IN: dict[str, BuiltInRole] = {
    role.name: role
    for role in (
        BuiltInRole("Admin", "Everything, people and rights included.", ACTIONS),
        BuiltInRole("Developer", "Builds flows and apps, with namespaces, files and secrets.", _DEVELOPER),
        BuiltInRole("Editor", "Builds flows and apps.", _EDITOR),
        BuiltInRole("Launcher", "Runs flows and apps and watches their runs.", _LAUNCHER),
        BuiltInRole("Viewer", "Looks at flows and runs, changes nothing.", _VIEWER),
        BuiltInRole("Business user", "Runs the apps they may see and follows their own runs.", _BUSINESS_USER),
    )
}
