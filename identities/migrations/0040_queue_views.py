"""People may keep ways to look at the queue under a name."""

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("identities", "0030_status_age")]

    operations = [
        migrations.AddField(model_name="preferences", name="queue_views", field=models.JSONField(default=list)),
    ]
