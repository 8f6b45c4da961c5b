"""Wall in the tables of this room between tenants."""

from django.db import migrations

from tenants.rls import wall


class Migration(migrations.Migration):
    dependencies = [("orchestrator", "0001_initial"), ("tenants", "0002_walls")]

    operations = [
        wall(
            "orchestrator_approval",
            "orchestrator_artifact",
            "orchestrator_decision",
            "orchestrator_execution",
            "orchestrator_fire",
            "orchestrator_flow",
            "orchestrator_flowrevision",
            "orchestrator_logline",
            "orchestrator_metric",
            "orchestrator_namespacefile",
            "orchestrator_seat",
            "orchestrator_taskrun",
            "orchestrator_trigger",
        ),
    ]
