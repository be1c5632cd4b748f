"""Two officers change what is trusted: proposals, answers to them, and where fetched roots came from."""

import attestations.models
import django.db.models.deletion
from django.db import migrations, models

from ledger.append_only import ForbidChange
from ledger.guard_rows import ForbidReplacement


class Migration(migrations.Migration):
    dependencies = [
        ("attestations", "0008_observation"),
        ("identities", "0007_environment_slug_is_no_id"),
    ]

    operations = [
        migrations.CreateModel(
            name="TrustOrigin",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("root_digest", models.CharField(max_length=64)),
                ("name", models.CharField(max_length=120)),
                ("mirror", models.CharField(max_length=300)),
                ("seen_at", models.DateTimeField()),
            ],
            options={
                "constraints": [models.UniqueConstraint(fields=("root_digest", "name", "mirror"), name="trust_origin_once")],
            },
        ),
        migrations.CreateModel(
            name="TrustProposal",
            fields=[
                (
                    "id",
                    models.CharField(default=attestations.models.new_trust_proposal_id, max_length=40, primary_key=True, serialize=False),
                ),
                ("change", models.CharField(choices=[("add", "Add"), ("remove", "Remove")], max_length=8)),
                ("name", models.CharField(max_length=120)),
                ("profile", models.JSONField(default=dict)),
                ("reason", models.CharField(max_length=500)),
                ("proposed_at", models.DateTimeField()),
                ("lapses_at", models.DateTimeField()),
                ("document", models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name="+", to="attestations.blob")),
                (
                    "proposed_by",
                    models.ForeignKey(
                        blank=True,
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="trust_proposals",
                        to="identities.identity",
                    ),
                ),
            ],
        ),
        migrations.CreateModel(
            name="TrustAnswer",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                (
                    "word",
                    models.CharField(choices=[("confirm", "Confirmed"), ("refuse", "Refused"), ("withdraw", "Withdrawn")], max_length=8),
                ),
                ("answered_at", models.DateTimeField()),
                (
                    "by",
                    models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name="trust_answers", to="identities.identity"),
                ),
                (
                    "proposal",
                    models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name="answers", to="attestations.trustproposal"),
                ),
            ],
        ),
        migrations.AddConstraint(
            model_name="trustproposal",
            constraint=models.CheckConstraint(
                condition=models.Q(("lapses_at__gt", models.F("proposed_at"))), name="trust_proposal_lapses_later"
            ),
        ),
        migrations.AddConstraint(
            model_name="trustanswer",
            constraint=models.UniqueConstraint(fields=("proposal", "by"), name="trust_answer_once_per_officer"),
        ),
        ForbidChange("attestations", "TrustProposal"),
        ForbidReplacement("attestations", "TrustProposal"),
        ForbidChange("attestations", "TrustAnswer"),
        ForbidReplacement("attestations", "TrustAnswer"),
        ForbidChange("attestations", "TrustOrigin"),
        ForbidReplacement("attestations", "TrustOrigin"),
    ]
