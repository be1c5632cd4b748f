"""What happens to a request is kept: submitted, withdrawn, superseded, expired, promoted, changes answered."""

import django.db.models.deletion
from django.db import migrations, models

from ledger.append_only import ForbidChange
from ledger.guard_rows import ForbidReplacement

_MODELS = ("ChangesAnswered", "Promotion", "RequestExpiry", "RequestSubmission", "Supersession", "Withdrawal")


class Migration(migrations.Migration):
    dependencies = [
        ("approvals", "0010_kinds_and_modes"),
        ("identities", "0020_who_set_up_a_provider"),
        ("ledger", "0003_no_replacement"),
    ]

    operations = [
        migrations.CreateModel(
            name="ChangesAnswered",
            fields=[
                (
                    "revision",
                    models.OneToOneField(
                        on_delete=django.db.models.deletion.PROTECT,
                        primary_key=True,
                        related_name="answers_changes",
                        serialize=False,
                        to="approvals.revision",
                    ),
                ),
                ("note", models.TextField(max_length=2000)),
                ("answered_at", models.DateTimeField()),
                ("by", models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name="+", to="identities.identity")),
                ("entry", models.OneToOneField(on_delete=django.db.models.deletion.PROTECT, related_name="+", to="ledger.entry")),
            ],
            options={
                "abstract": False,
            },
        ),
        migrations.CreateModel(
            name="Promotion",
            fields=[
                (
                    "request",
                    models.OneToOneField(
                        on_delete=django.db.models.deletion.PROTECT,
                        primary_key=True,
                        related_name="promotion",
                        serialize=False,
                        to="approvals.request",
                    ),
                ),
                ("decision_id", models.CharField(blank=True, max_length=40)),
                ("promoted_at", models.DateTimeField()),
                ("entry", models.OneToOneField(on_delete=django.db.models.deletion.PROTECT, related_name="+", to="ledger.entry")),
            ],
            options={
                "abstract": False,
            },
        ),
        migrations.CreateModel(
            name="RequestExpiry",
            fields=[
                (
                    "request",
                    models.OneToOneField(
                        on_delete=django.db.models.deletion.PROTECT,
                        primary_key=True,
                        related_name="expiry",
                        serialize=False,
                        to="approvals.request",
                    ),
                ),
                ("expired_at", models.DateTimeField()),
                ("entry", models.OneToOneField(on_delete=django.db.models.deletion.PROTECT, related_name="+", to="ledger.entry")),
            ],
            options={
                "abstract": False,
            },
        ),
        migrations.CreateModel(
            name="RequestSubmission",
            fields=[
                (
                    "request",
                    models.OneToOneField(
                        on_delete=django.db.models.deletion.PROTECT,
                        primary_key=True,
                        related_name="submission",
                        serialize=False,
                        to="approvals.request",
                    ),
                ),
                ("submitted_at", models.DateTimeField()),
                ("by", models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name="+", to="identities.identity")),
                ("entry", models.OneToOneField(on_delete=django.db.models.deletion.PROTECT, related_name="+", to="ledger.entry")),
            ],
            options={
                "abstract": False,
            },
        ),
        migrations.CreateModel(
            name="Supersession",
            fields=[
                (
                    "request",
                    models.OneToOneField(
                        on_delete=django.db.models.deletion.PROTECT,
                        primary_key=True,
                        related_name="supersession",
                        serialize=False,
                        to="approvals.request",
                    ),
                ),
                ("superseded_at", models.DateTimeField()),
                (
                    "by_request",
                    models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name="supersessions", to="approvals.request"),
                ),
                ("entry", models.OneToOneField(on_delete=django.db.models.deletion.PROTECT, related_name="+", to="ledger.entry")),
            ],
            options={
                "abstract": False,
            },
        ),
        migrations.CreateModel(
            name="Withdrawal",
            fields=[
                (
                    "request",
                    models.OneToOneField(
                        on_delete=django.db.models.deletion.PROTECT,
                        primary_key=True,
                        related_name="withdrawal",
                        serialize=False,
                        to="approvals.request",
                    ),
                ),
                ("reason", models.CharField(max_length=2000)),
                ("withdrawn_at", models.DateTimeField()),
                ("by", models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name="+", to="identities.identity")),
                ("entry", models.OneToOneField(on_delete=django.db.models.deletion.PROTECT, related_name="+", to="ledger.entry")),
            ],
            options={
                "abstract": False,
            },
        ),
        *[operation("approvals", model) for model in _MODELS for operation in (ForbidChange, ForbidReplacement)],
    ]
