"""Since when an identity is suspended, and when a way of signing was really registered."""

from django.db import migrations, models

from ledger.append_only import FreezeColumns


class Migration(migrations.Migration):
    dependencies = [("identities", "0012_grants_stay")]

    operations = [
        migrations.AddField(model_name="identity", name="suspended_at", field=models.DateTimeField(blank=True, null=True)),
        migrations.AddField(model_name="evidencesigner", name="registered_at", field=models.DateTimeField(blank=True, null=True)),
        FreezeColumns("identities", "EvidenceSigner", ["registered_at"], "frozen_moment"),
    ]
