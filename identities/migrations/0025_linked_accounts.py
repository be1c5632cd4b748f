"""Accounts elsewhere and whose they are; and who set off the job whose token was exchanged."""

import django.db.models.deletion
from django.db import migrations, models

import identities.ids
from ledger.append_only import FreezeColumns
from ledger.guard_rows import ForbidRemoval, SetOnce


class Migration(migrations.Migration):
    dependencies = [("identities", "0020_who_set_up_a_provider")]

    operations = [
        migrations.CreateModel(
            name="LinkedAccount",
            fields=[
                (
                    "id",
                    models.CharField(default=identities.ids.new_linked_account_id, max_length=40, primary_key=True, serialize=False),
                ),
                ("provider", models.CharField(max_length=60)),
                ("account", models.CharField(max_length=200)),
                ("label", models.CharField(blank=True, max_length=120)),
                ("linked_at", models.DateTimeField()),
                ("ended_at", models.DateTimeField(blank=True, null=True)),
                (
                    "identity",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT, related_name="linked_accounts", to="identities.identity"
                    ),
                ),
                (
                    "linked_by",
                    models.ForeignKey(
                        blank=True, null=True, on_delete=django.db.models.deletion.PROTECT, related_name="+", to="identities.identity"
                    ),
                ),
            ],
            options={
                "constraints": [
                    models.UniqueConstraint(
                        condition=models.Q(("ended_at__isnull", True)), fields=("provider", "account"), name="account_belongs_to_one"
                    ),
                    models.CheckConstraint(
                        condition=models.Q(models.Q(("provider", ""), _negated=True), models.Q(("account", ""), _negated=True)),
                        name="linked_account_is_named",
                    ),
                ],
            },
        ),
        migrations.AddField("tokenexchange", "actor_provider", models.CharField(blank=True, max_length=60, null=True)),
        migrations.AddField("tokenexchange", "actor_id", models.CharField(blank=True, max_length=200, null=True)),
        FreezeColumns(
            "identities",
            "LinkedAccount",
            ["id", "identity_id", "provider", "account", "label", "linked_by_id", "linked_at"],
        ),
        SetOnce("identities", "LinkedAccount", ["ended_at"]),
        ForbidRemoval("identities", "LinkedAccount"),
    ]
