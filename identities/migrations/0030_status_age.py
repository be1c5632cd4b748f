"""An environment may say for how long a signed status of approvals for it is good."""

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("identities", "0026_linked_accounts_stay")]

    operations = [
        migrations.AddField(
            model_name="environment",
            name="max_status_age",
            field=models.PositiveSmallIntegerField(blank=True, null=True),
        ),
    ]
