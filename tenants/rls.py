"""The second wall: row-level security on each table of a tenant, for the role that web processes take.

ENABLE, not FORCE: the owner of the tables runs migrations only and must reach all rows, or a data migration would
change nothing without a word. `portico_engine` has BYPASSRLS. A role that is none of these sees nothing.
"""

import re

from django.db.migrations.operations import RunSQL

_NAME = re.compile(r"[a-z_][a-z0-9_]{0,62}", re.ASCII)

TENANT_OF_TRANSACTION = "nullif(current_setting('app.tenant_id', true), '')::bigint"


def wall(*tables: str, column: str = "tenant_id") -> RunSQL:
    """Return the migration operation that walls in `tables`: `portico_web` sees and writes its tenant's rows alone.

    The migration depends on ("tenants", "0002_walls"), which makes the roles. Partitions are tables of their own: those
    made later get `ALTER TABLE ... ENABLE ROW LEVEL SECURITY` too, so that nobody reaches around their parent.
    """
    for name in (*tables, column):
        if not _NAME.fullmatch(name):
            raise ValueError(f"{name!r} is no plain table or column name")
    return RunSQL(
        sql="\n".join(_wall(table, column) for table in tables),
        reverse_sql="\n".join(
            f'DROP POLICY tenant_wall ON "{table}"; ALTER TABLE "{table}" DISABLE ROW LEVEL SECURITY;'
            for table in tables
        ),
    )


def _wall(table: str, column: str) -> str:
    mine = f'"{column}" = {TENANT_OF_TRANSACTION}'
    return (
        f'ALTER TABLE "{table}" ENABLE ROW LEVEL SECURITY;\n'
        f'CREATE POLICY tenant_wall ON "{table}" TO portico_web USING ({mine}) WITH CHECK ({mine});'
    )
