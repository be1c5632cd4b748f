"""Where there are fewer than two officers to ask, the operator's consent to a recovery is one of the two, and is kept as what it is."""

from django.db import migrations, models

from ledger.guard_rows import Lift, SetOnce


class Migration(migrations.Migration):
    dependencies = [("identities", "0016_subject_of_provisioned_people")]

    operations = [
        migrations.AddField(
            model_name="keyrecovery",
            name="operator_consented_at",
            field=models.DateTimeField(blank=True, null=True),
        ),
        Lift(SetOnce("identities", "KeyRecovery", ["ended_at", "ended_by_id", "used_at"])),
        SetOnce("identities", "KeyRecovery", ["ended_at", "ended_by_id", "operator_consented_at", "used_at"]),
    ]
