"""Wall in the tables of this room between tenants."""

from django.db import migrations

from tenants.rls import wall


class Migration(migrations.Migration):
    dependencies = [("apps_portal", "0001_initial"), ("tenants", "0002_walls")]

    operations = [
        wall(
            "apps_portal_app",
            "apps_portal_apprevision",
            "apps_portal_stagedupload",
            "apps_portal_submission",
            "apps_portal_submissioncounter",
        ),
    ]
