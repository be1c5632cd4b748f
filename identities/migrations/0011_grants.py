"""What non-human identities may do, signers that are blocked, access that was looked at again, and identities that are compromised."""

import django.db.models.deletion
import identities.ids
from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("identities", "0010_retired_since"),
    ]

    operations = [
        # Plain new columns, which rebuild no table and so keep its triggers.
        migrations.AddField(
            model_name="evidencesigner",
            name="replaces",
            field=models.ForeignKey(
                blank=True,
                null=True,
                on_delete=django.db.models.deletion.PROTECT,
                related_name="replaced_by",
                to="identities.evidencesigner",
            ),
        ),
        migrations.AddField(
            model_name="identity",
            name="compromised_from",
            field=models.DateTimeField(blank=True, null=True),
        ),
        migrations.AddField(
            model_name="identity",
            name="review_every_days",
            field=models.PositiveSmallIntegerField(blank=True, null=True),
        ),
        migrations.AddField(
            model_name="identity",
            name="reviewed_at",
            field=models.DateTimeField(blank=True, null=True),
        ),
        migrations.CreateModel(
            name="Recertification",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("note", models.CharField(max_length=200)),
                ("grants", models.JSONField()),
                ("reviewed_at", models.DateTimeField()),
                (
                    "by",
                    models.ForeignKey(
                        blank=True, null=True, on_delete=django.db.models.deletion.PROTECT, related_name="+", to="identities.identity"
                    ),
                ),
                (
                    "identity",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT, related_name="recertifications", to="identities.identity"
                    ),
                ),
            ],
            options={
                "abstract": False,
            },
        ),
        migrations.CreateModel(
            name="BlockedSigner",
            fields=[
                ("id", models.CharField(default=identities.ids.new_block_id, max_length=40, primary_key=True, serialize=False)),
                ("issuer", models.CharField(blank=True, max_length=300)),
                ("name", models.CharField(max_length=500)),
                ("reason", models.CharField(max_length=200)),
                ("blocked_at", models.DateTimeField()),
                ("lifted_at", models.DateTimeField(blank=True, null=True)),
                (
                    "blocked_by",
                    models.ForeignKey(
                        blank=True, null=True, on_delete=django.db.models.deletion.PROTECT, related_name="+", to="identities.identity"
                    ),
                ),
                (
                    "team",
                    models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name="blocked_signers", to="identities.team"),
                ),
            ],
            options={
                "constraints": [
                    models.UniqueConstraint(
                        condition=models.Q(("lifted_at__isnull", True)), fields=("issuer", "name"), name="signer_blocked_once"
                    )
                ],
            },
        ),
        migrations.CreateModel(
            name="Grant",
            fields=[
                ("id", models.CharField(default=identities.ids.new_grant_id, max_length=40, primary_key=True, serialize=False)),
                (
                    "right",
                    models.CharField(
                        choices=[("attest", "Attest"), ("tool", "Use the tool"), ("secret", "Read the secret")], max_length=16
                    ),
                ),
                ("object", models.CharField(max_length=300)),
                ("reason", models.CharField(max_length=200)),
                ("granted_at", models.DateTimeField()),
                ("valid_until", models.DateTimeField(blank=True, null=True)),
                ("ended_at", models.DateTimeField(blank=True, null=True)),
                (
                    "environment",
                    models.ForeignKey(
                        blank=True,
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="grants",
                        to="identities.environment",
                    ),
                ),
                (
                    "granted_by",
                    models.ForeignKey(
                        blank=True, null=True, on_delete=django.db.models.deletion.PROTECT, related_name="+", to="identities.identity"
                    ),
                ),
                (
                    "identity",
                    models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name="grants", to="identities.identity"),
                ),
                (
                    "project",
                    models.ForeignKey(
                        blank=True, null=True, on_delete=django.db.models.deletion.PROTECT, related_name="grants", to="identities.project"
                    ),
                ),
            ],
            options={
                "constraints": [
                    models.CheckConstraint(
                        condition=models.Q(models.Q(("object", ""), _negated=True), models.Q(("reason", ""), _negated=True)),
                        name="grant_says_what_and_why",
                    ),
                    models.CheckConstraint(
                        condition=models.Q(("valid_until__isnull", True), ("valid_until__gt", models.F("granted_at")), _connector="OR"),
                        name="grant_runs_out_after_it_began",
                    ),
                ],
            },
        ),
    ]
