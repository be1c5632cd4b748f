"""An approved action is let through once, and the database keeps it so."""

import django.db.models.deletion
from django.db import migrations, models

from ledger.append_only import ForbidChange
from ledger.guard_rows import ForbidReplacement


class Migration(migrations.Migration):
    dependencies = [
        ("approvals", "0080_outcome"),
        ("identities", "0026_linked_accounts_stay"),
        ("ledger", "0003_no_replacement"),
    ]

    operations = [
        migrations.CreateModel(
            name="ApprovalUse",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("n", models.PositiveSmallIntegerField()),
                ("decision_id", models.CharField(max_length=40)),
                ("claimed_at", models.DateTimeField()),
                ("by", models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name="+", to="identities.identity")),
                ("entry", models.OneToOneField(on_delete=django.db.models.deletion.PROTECT, related_name="+", to="ledger.entry")),
                ("request", models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name="uses", to="approvals.request")),
                ("revision", models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name="uses", to="approvals.revision")),
            ],
            options={
                "constraints": [
                    models.UniqueConstraint(fields=("request", "n"), name="one_claim_of_each_use"),
                    models.CheckConstraint(condition=models.Q(("n", 1)), name="an_action_has_one_use"),
                ],
            },
        ),
        ForbidChange("approvals", "ApprovalUse"),
        ForbidReplacement("approvals", "ApprovalUse"),
    ]
