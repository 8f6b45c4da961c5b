"""Make room for updates in the hot tables, have them swept early, and drop indexes nobody reads."""

from django.db import migrations

# Django adds an index for LIKE to every text key; keys are compared for equality only, and these tables are hot.
DROP_LIKE = """
DO $$
DECLARE name text;
BEGIN
    FOR name IN SELECT indexname FROM pg_indexes
        WHERE schemaname = current_schema() AND indexname LIKE '%\\_like'
          AND tablename IN ('orchestrator_execution', 'orchestrator_taskrun', 'orchestrator_logline',
                            'orchestrator_artifact', 'orchestrator_metric')
    LOOP
        EXECUTE format('DROP INDEX %I', name);
    END LOOP;
END $$
"""

ROOM = """
ALTER TABLE orchestrator_execution SET (
    fillfactor = 70, autovacuum_vacuum_scale_factor = 0.02, autovacuum_analyze_scale_factor = 0.02);
ALTER TABLE orchestrator_taskrun SET (
    fillfactor = 70, autovacuum_vacuum_scale_factor = 0.02, autovacuum_analyze_scale_factor = 0.02)
"""


class Migration(migrations.Migration):
    dependencies = [("orchestrator", "0002_walls")]

    operations = [
        migrations.RunSQL(DROP_LIKE, migrations.RunSQL.noop),
        migrations.RunSQL(ROOM, migrations.RunSQL.noop),
    ]
