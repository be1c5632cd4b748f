"""An environment's slug never looks like an id: a verifier may be asked by either."""

from django.db import migrations, models
from django.db.models import Q


class Migration(migrations.Migration):
    dependencies = [("identities", "0006_who_registered_whom")]

    operations = [
        migrations.AddConstraint(
            model_name="environment",
            constraint=models.CheckConstraint(
                condition=Q(id__startswith="env_") & ~Q(slug__startswith="env_"), name="environment_slug_is_no_id"
            ),
        ),
    ]
