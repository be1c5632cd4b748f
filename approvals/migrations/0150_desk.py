"""The queue as a desk: a person puts a request off, and lists have beside them what they are ordered by."""

import django.db.models.deletion
from django.db import migrations, models

_SECTION = models.Case(
    models.When(status__in=["ready", "in_review", "stale", "revoked", "changes_requested"], then=models.Value("open")),
    models.When(status__in=["blocked", "collecting"], then=models.Value("stuck")),
    models.When(status="draft", then=models.Value("draft")),
    default=models.Value("done"),
)


class Migration(migrations.Migration):
    dependencies = [
        ("approvals", "0140_reading"),
        ("identities", "0040_queue_views"),
    ]

    operations = [
        migrations.CreateModel(
            name="Snooze",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("until", models.DateTimeField()),
                ("snoozed_at", models.DateTimeField()),
                (
                    "identity",
                    models.ForeignKey(
                        db_index=False,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="snoozes",
                        to="identities.identity",
                    ),
                ),
                (
                    "request",
                    models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name="snoozes", to="approvals.request"),
                ),
            ],
            options={"constraints": [models.UniqueConstraint(fields=("identity", "request"), name="snoozed_once")]},
        ),
        migrations.AddField("attention", "rank", models.PositiveSmallIntegerField(null=True)),
        migrations.AddField("attention", "due_at", models.DateTimeField(null=True)),
        migrations.AddField(
            "requeststate",
            "section",
            models.GeneratedField(db_persist=True, expression=_SECTION, output_field=models.CharField(max_length=8)),
        ),
        migrations.AddField("requeststate", "headline", models.JSONField(blank=True, null=True)),
        migrations.AddField("requeststate", "rank", models.PositiveSmallIntegerField(null=True)),
        migrations.AddField("requeststate", "due_at", models.DateTimeField(null=True)),
        migrations.AddField("requeststate", "opened_at", models.DateTimeField(null=True)),
        migrations.AddField(
            "requeststate",
            "project",
            models.ForeignKey(
                null=True, db_index=False, on_delete=django.db.models.deletion.PROTECT, related_name="+", to="identities.project"
            ),
        ),
        migrations.AddField(
            "requeststate",
            "revision",
            models.ForeignKey(
                blank=True, null=True, on_delete=django.db.models.deletion.PROTECT, related_name="+", to="approvals.revision"
            ),
        ),
    ]
