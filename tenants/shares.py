"""Single apps shared with one person or one group: guardian's rows, read with our own two queries.

The tables belong to a higher room; guardian's settings name their models, so nothing is imported from there.
"""

from collections.abc import Iterable
from typing import Any

from guardian.utils import get_obj_perm_model_by_conf


def _shares(setting: str) -> Any:  # noqa: ANN401 - guardian has no types
    return get_obj_perm_model_by_conf(setting)


def _action(codename: str) -> str:
    """Turn guardian's `app_execute` into `app.execute`."""
    return codename.replace("_", ".", 1)


def shares_of_user(tenant_id: int, user_id: int) -> Iterable[tuple[str, int]]:
    """Return (action, app id) for each app shared with a user, directly or through a living group."""
    columns = ("permission__codename", "content_object_id")
    living = {"content_object__tenant_id": tenant_id, "content_object__deleted_at": None}
    direct = _shares("USER_OBJ_PERMS_MODEL").objects.filter(user_id=user_id, **living).values_list(*columns)
    through_groups = (
        _shares("GROUP_OBJ_PERMS_MODEL")
        .objects.filter(group__memberships__user_id=user_id, group__deleted_at=None, **living)
        .values_list(*columns)
    )
    return [(_action(codename), app_id) for codename, app_id in direct.union(through_groups)]


def shares_of_group(tenant_id: int, group_id: int) -> Iterable[tuple[str, int, str]]:
    """Return (action, app id, namespace) for each app shared with a group."""
    rows = (
        _shares("GROUP_OBJ_PERMS_MODEL")
        .objects.filter(group_id=group_id, content_object__tenant_id=tenant_id, content_object__deleted_at=None)
        .values_list("permission__codename", "content_object_id", "content_object__namespace")
    )
    return [(_action(codename), app_id, namespace) for codename, app_id, namespace in rows]
