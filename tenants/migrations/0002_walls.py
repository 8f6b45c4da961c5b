"""Roles of the database, what they may touch, the walls between tenants, and an audit log that only grows."""

from django.db import migrations

from tenants.rls import wall

# Roles belong to the whole server: several databases, or two migrations at once, may want to make them.
ROLES = """
DO $$
BEGIN
    IF NOT EXISTS (SELECT FROM pg_roles WHERE rolname = 'portico_web') THEN
        BEGIN
            CREATE ROLE portico_web NOLOGIN;
        EXCEPTION
            WHEN duplicate_object OR unique_violation THEN NULL;
            WHEN insufficient_privilege THEN
                RAISE EXCEPTION 'The role portico_web is missing and % may not make it.', current_user
                USING HINT = 'As a superuser: CREATE ROLE portico_web; GRANT portico_web TO ' || quote_ident(current_user);
        END;
    END IF;
    IF NOT EXISTS (SELECT FROM pg_roles WHERE rolname = 'portico_engine') THEN
        BEGIN
            CREATE ROLE portico_engine NOLOGIN BYPASSRLS;
        EXCEPTION
            WHEN duplicate_object OR unique_violation THEN NULL;
            WHEN insufficient_privilege THEN
                RAISE EXCEPTION 'The role portico_engine is missing and % may not make it.', current_user
                USING HINT = 'As a superuser: CREATE ROLE portico_engine BYPASSRLS; GRANT portico_engine TO '
                    || quote_ident(current_user);
        END;
    END IF;
    IF NOT (SELECT rolbypassrls FROM pg_roles WHERE rolname = 'portico_engine') THEN
        BEGIN
            ALTER ROLE portico_engine BYPASSRLS;
        EXCEPTION WHEN insufficient_privilege THEN
            RAISE EXCEPTION 'The role portico_engine does not cross tenants.'
            USING HINT = 'As a superuser: ALTER ROLE portico_engine BYPASSRLS';
        END;
    END IF;
    IF NOT (SELECT rolsuper FROM pg_roles WHERE rolname = current_user) THEN
        BEGIN
            EXECUTE format('GRANT portico_web, portico_engine TO %I', current_user);
        EXCEPTION WHEN insufficient_privilege THEN
            IF NOT (pg_has_role('portico_web', 'MEMBER') AND pg_has_role('portico_engine', 'MEMBER')) THEN
                RAISE EXCEPTION '% may not take the roles portico_web and portico_engine.', current_user
                USING HINT = 'As a superuser: GRANT portico_web, portico_engine TO ' || quote_ident(current_user);
            END IF;
            RAISE NOTICE 'The roles were given to % already.', current_user;
        END;
    END IF;
END
$$;
"""

# Tables that later migrations make are covered by the default privileges of who runs them: always the owner.
GRANTS = """
GRANT USAGE ON SCHEMA public TO portico_web, portico_engine;
GRANT SELECT, INSERT, UPDATE, DELETE ON ALL TABLES IN SCHEMA public TO portico_web, portico_engine;
GRANT USAGE, SELECT ON ALL SEQUENCES IN SCHEMA public TO portico_web, portico_engine;
ALTER DEFAULT PRIVILEGES IN SCHEMA public GRANT SELECT, INSERT, UPDATE, DELETE ON TABLES TO portico_web, portico_engine;
ALTER DEFAULT PRIVILEGES IN SCHEMA public GRANT USAGE, SELECT ON SEQUENCES TO portico_web, portico_engine;
REVOKE INSERT, UPDATE, DELETE ON django_migrations FROM portico_web, portico_engine;
REVOKE UPDATE, DELETE ON tenants_auditentry FROM portico_web, portico_engine;
"""

UNGRANTS = """
ALTER DEFAULT PRIVILEGES IN SCHEMA public REVOKE ALL ON TABLES FROM portico_web, portico_engine;
ALTER DEFAULT PRIVILEGES IN SCHEMA public REVOKE ALL ON SEQUENCES FROM portico_web, portico_engine;
REVOKE ALL ON ALL TABLES IN SCHEMA public FROM portico_web, portico_engine;
REVOKE ALL ON ALL SEQUENCES IN SCHEMA public FROM portico_web, portico_engine;
REVOKE ALL ON SCHEMA public FROM portico_web, portico_engine;
"""

INSERT_ONLY = """
CREATE FUNCTION tenants_audit_refuse() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION 'the audit log only grows: % is refused', TG_OP USING ERRCODE = 'insufficient_privilege';
END
$$;
CREATE TRIGGER audit_never_changes BEFORE UPDATE OR DELETE ON tenants_auditentry
    FOR EACH ROW EXECUTE FUNCTION tenants_audit_refuse();
CREATE TRIGGER audit_never_empties BEFORE TRUNCATE ON tenants_auditentry
    FOR EACH STATEMENT EXECUTE FUNCTION tenants_audit_refuse();
"""

NOT_INSERT_ONLY = """
DROP TRIGGER audit_never_changes ON tenants_auditentry;
DROP TRIGGER audit_never_empties ON tenants_auditentry;
DROP FUNCTION tenants_audit_refuse();
"""


class Migration(migrations.Migration):
    dependencies = [("tenants", "0001_initial")]

    operations = [
        # A counter that no rollback takes back: cached rights are kept by its value.
        migrations.RunSQL(
            "CREATE SEQUENCE tenants_permission_version AS bigint;", "DROP SEQUENCE tenants_permission_version;"
        ),
        migrations.RunSQL(ROLES, migrations.RunSQL.noop),
        migrations.RunSQL(GRANTS, UNGRANTS),
        migrations.RunSQL(INSERT_ONLY, NOT_INSERT_ONLY),
        wall(
            "tenants_auditentry",
            "tenants_binding",
            "tenants_group",
            "tenants_groupmember",
            "tenants_namespace",
            "tenants_notice",
            "tenants_outbox",
            "tenants_role",
        ),
    ]
