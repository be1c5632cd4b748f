"""Somebody may let another person answer for them, for a time."""

import django.db.models.deletion
from django.db import migrations, models

from ledger.append_only import ForbidChange
from ledger.guard_rows import ForbidReplacement


class Migration(migrations.Migration):
    dependencies = [
        ("approvals", "0120_executions"),
        ("identities", "0026_linked_accounts_stay"),
        ("ledger", "0003_no_replacement"),
    ]

    operations = [
        migrations.CreateModel(
            name="Delegation",
            fields=[
                (
                    "signed",
                    models.OneToOneField(
                        on_delete=django.db.models.deletion.PROTECT,
                        primary_key=True,
                        related_name="delegation",
                        serialize=False,
                        to="approvals.signedstatement",
                    ),
                ),
                ("roles", models.JSONField()),
                ("environments", models.JSONField()),
                ("starts_at", models.DateTimeField()),
                ("until", models.DateTimeField()),
                ("given_at", models.DateTimeField()),
                (
                    "delegate",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT, related_name="delegations_received", to="identities.identity"
                    ),
                ),
                (
                    "delegator",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT, related_name="delegations_given", to="identities.identity"
                    ),
                ),
                ("entry", models.OneToOneField(on_delete=django.db.models.deletion.PROTECT, related_name="+", to="ledger.entry")),
                (
                    "project",
                    models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name="delegations", to="identities.project"),
                ),
            ],
        ),
        migrations.CreateModel(
            name="ApprovalInStead",
            fields=[
                (
                    "approval",
                    models.OneToOneField(
                        on_delete=django.db.models.deletion.PROTECT,
                        primary_key=True,
                        related_name="in_stead",
                        serialize=False,
                        to="approvals.approval",
                    ),
                ),
                (
                    "person",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT, related_name="answers_in_their_stead", to="identities.identity"
                    ),
                ),
                (
                    "revision",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT, related_name="answers_in_stead", to="approvals.revision"
                    ),
                ),
                (
                    "delegation",
                    models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name="answers", to="approvals.delegation"),
                ),
            ],
        ),
        migrations.CreateModel(
            name="DelegationEnd",
            fields=[
                (
                    "delegation",
                    models.OneToOneField(
                        on_delete=django.db.models.deletion.PROTECT,
                        primary_key=True,
                        related_name="end",
                        serialize=False,
                        to="approvals.delegation",
                    ),
                ),
                ("code", models.CharField(max_length=80)),
                ("reason", models.CharField(max_length=400)),
                ("ended_at", models.DateTimeField()),
                (
                    "by",
                    models.ForeignKey(
                        blank=True, null=True, on_delete=django.db.models.deletion.PROTECT, related_name="+", to="identities.identity"
                    ),
                ),
                ("entry", models.OneToOneField(on_delete=django.db.models.deletion.PROTECT, related_name="+", to="ledger.entry")),
            ],
            options={
                "abstract": False,
            },
        ),
        migrations.AddIndex(
            model_name="delegation",
            index=models.Index(fields=["project", "delegate", "until"], name="delegation_place"),
        ),
        migrations.AddConstraint(
            model_name="delegation",
            constraint=models.CheckConstraint(
                condition=models.Q(("delegator", models.F("delegate")), _negated=True), name="delegation_to_somebody_else"
            ),
        ),
        migrations.AddConstraint(
            model_name="approvalinstead",
            constraint=models.UniqueConstraint(fields=("revision", "person"), name="one_answer_in_stead_of_a_person"),
        ),
        ForbidChange("approvals", "Delegation"),
        ForbidReplacement("approvals", "Delegation"),
        ForbidChange("approvals", "DelegationEnd"),
        ForbidReplacement("approvals", "DelegationEnd"),
        ForbidChange("approvals", "ApprovalInStead"),
        ForbidReplacement("approvals", "ApprovalInStead"),
    ]
