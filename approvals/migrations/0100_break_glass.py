"""Somebody may break the glass: declared, used, taken back, reviewed."""

import django.db.models.deletion
from django.db import migrations, models

from ledger.append_only import ForbidChange
from ledger.guard_rows import ForbidReplacement


class Migration(migrations.Migration):
    dependencies = [
        ("approvals", "0090_one_use"),
        ("attestations", "0011_verdict_signers"),
        ("identities", "0025_linked_accounts"),
        ("ledger", "0003_no_replacement"),
    ]

    operations = [
        migrations.CreateModel(
            name="BreakGlass",
            fields=[
                (
                    "signed",
                    models.OneToOneField(
                        on_delete=django.db.models.deletion.PROTECT,
                        primary_key=True,
                        related_name="break_glass",
                        serialize=False,
                        to="approvals.signedstatement",
                    ),
                ),
                ("incident", models.CharField(max_length=200)),
                ("max_uses", models.PositiveSmallIntegerField()),
                ("until", models.DateTimeField()),
                ("review_due_at", models.DateTimeField()),
                ("declared_at", models.DateTimeField()),
                (
                    "about",
                    models.ForeignKey(
                        blank=True,
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="break_glasses",
                        to="approvals.request",
                    ),
                ),
                (
                    "artifact",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT, related_name="break_glasses", to="attestations.artifact"
                    ),
                ),
                ("entry", models.OneToOneField(on_delete=django.db.models.deletion.PROTECT, related_name="+", to="ledger.entry")),
                (
                    "environment",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT, related_name="break_glasses", to="identities.environment"
                    ),
                ),
                ("policy", models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name="+", to="approvals.policyversion")),
                (
                    "project",
                    models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name="break_glasses", to="identities.project"),
                ),
                (
                    "review",
                    models.OneToOneField(
                        on_delete=django.db.models.deletion.PROTECT, related_name="reviewed_break_glass", to="approvals.request"
                    ),
                ),
            ],
        ),
        migrations.CreateModel(
            name="BreakGlassUse",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("n", models.PositiveSmallIntegerField()),
                ("decision", models.CharField(max_length=40)),
                ("used_at", models.DateTimeField()),
                (
                    "break_glass",
                    models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name="uses", to="approvals.breakglass"),
                ),
                ("entry", models.OneToOneField(on_delete=django.db.models.deletion.PROTECT, related_name="+", to="ledger.entry")),
            ],
        ),
        migrations.CreateModel(
            name="BreakGlassEnd",
            fields=[
                (
                    "break_glass",
                    models.OneToOneField(
                        on_delete=django.db.models.deletion.PROTECT,
                        primary_key=True,
                        related_name="end",
                        serialize=False,
                        to="approvals.breakglass",
                    ),
                ),
                ("reason", models.CharField(max_length=400)),
                ("ended_at", models.DateTimeField()),
                ("by", models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name="+", to="identities.identity")),
                ("entry", models.OneToOneField(on_delete=django.db.models.deletion.PROTECT, related_name="+", to="ledger.entry")),
            ],
            options={
                "abstract": False,
            },
        ),
        migrations.CreateModel(
            name="BreakGlassReview",
            fields=[
                (
                    "break_glass",
                    models.OneToOneField(
                        on_delete=django.db.models.deletion.PROTECT,
                        primary_key=True,
                        related_name="concluded",
                        serialize=False,
                        to="approvals.breakglass",
                    ),
                ),
                ("verdict", models.CharField(choices=[("right", "It was right"), ("wrong", "It was not right")], max_length=8)),
                ("concluded_at", models.DateTimeField()),
                ("entry", models.OneToOneField(on_delete=django.db.models.deletion.PROTECT, related_name="+", to="ledger.entry")),
            ],
            options={
                "abstract": False,
            },
        ),
        migrations.AddIndex(
            model_name="breakglass",
            index=models.Index(fields=["artifact", "environment", "until"], name="break_glass_place"),
        ),
        migrations.AddConstraint(
            model_name="breakglassuse",
            constraint=models.UniqueConstraint(
                condition=models.Q(("n__gt", 0)), fields=("break_glass", "n"), name="break_glass_used_once_a_number"
            ),
        ),
        ForbidChange("approvals", "BreakGlass"),
        ForbidReplacement("approvals", "BreakGlass"),
        ForbidChange("approvals", "BreakGlassUse"),
        ForbidReplacement("approvals", "BreakGlassUse"),
        ForbidChange("approvals", "BreakGlassEnd"),
        ForbidReplacement("approvals", "BreakGlassEnd"),
        ForbidChange("approvals", "BreakGlassReview"),
        ForbidReplacement("approvals", "BreakGlassReview"),
    ]
