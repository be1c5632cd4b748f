"""Whose turn it is, who left it to others, whom the portal reminded, and what is said about a request."""

import approvals.models.conversation
import django.db.models.deletion
from django.db import migrations, models

from ledger.append_only import ForbidChange
from ledger.guard_rows import ForbidReplacement

_MODELS = ("Comment", "CommentMention", "CommentWithdrawal", "TurnPassed", "Reminder")


class Migration(migrations.Migration):
    dependencies = [
        ("approvals", "0035_statements"),
        ("identities", "0020_who_set_up_a_provider"),
        ("ledger", "0003_no_replacement"),
    ]

    operations = [
        migrations.CreateModel(
            name="Comment",
            fields=[
                (
                    "id",
                    models.CharField(
                        default=approvals.models.conversation.new_comment_id, max_length=40, primary_key=True, serialize=False
                    ),
                ),
                ("revision_number", models.PositiveIntegerField()),
                ("text", models.TextField(max_length=2000)),
                ("commented_at", models.DateTimeField()),
                ("author", models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name="+", to="identities.identity")),
                ("entry", models.OneToOneField(on_delete=django.db.models.deletion.PROTECT, related_name="+", to="ledger.entry")),
                (
                    "replaces",
                    models.ForeignKey(
                        blank=True,
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="replaced_by",
                        to="approvals.comment",
                    ),
                ),
                (
                    "request",
                    models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name="comments", to="approvals.request"),
                ),
            ],
            options={
                "abstract": False,
            },
        ),
        migrations.AddField(
            model_name="requeststate",
            name="attention_at",
            field=models.DateTimeField(blank=True, null=True),
        ),
        migrations.CreateModel(
            name="Attention",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("reason_code", models.CharField(max_length=40)),
                ("sentence", models.CharField(max_length=300)),
                ("since", models.DateTimeField()),
                (
                    "identity",
                    models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name="attention", to="identities.identity"),
                ),
                (
                    "request",
                    models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name="attention", to="approvals.request"),
                ),
            ],
            options={
                "verbose_name_plural": "attention",
                "constraints": [models.UniqueConstraint(fields=("request", "identity"), name="attention_once")],
            },
        ),
        migrations.CreateModel(
            name="CommentWithdrawal",
            fields=[
                (
                    "comment",
                    models.OneToOneField(
                        on_delete=django.db.models.deletion.PROTECT,
                        primary_key=True,
                        related_name="withdrawal",
                        serialize=False,
                        to="approvals.comment",
                    ),
                ),
                ("withdrawn_at", models.DateTimeField()),
                ("entry", models.OneToOneField(on_delete=django.db.models.deletion.PROTECT, related_name="+", to="ledger.entry")),
            ],
            options={
                "abstract": False,
            },
        ),
        migrations.CreateModel(
            name="CommentMention",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                (
                    "comment",
                    models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name="mentions", to="approvals.comment"),
                ),
                ("identity", models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name="+", to="identities.identity")),
            ],
            options={
                "constraints": [models.UniqueConstraint(fields=("comment", "identity"), name="mentioned_once")],
            },
        ),
        migrations.CreateModel(
            name="Reminder",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("stage", models.PositiveSmallIntegerField(choices=[(50, "Reminded"), (80, "Escalated"), (100, "Overdue")])),
                ("due_at", models.DateTimeField()),
                ("reminded_at", models.DateTimeField()),
                ("entry", models.OneToOneField(on_delete=django.db.models.deletion.PROTECT, related_name="+", to="ledger.entry")),
                (
                    "request",
                    models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name="reminders", to="approvals.request"),
                ),
                (
                    "revision",
                    models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name="reminders", to="approvals.revision"),
                ),
            ],
            options={
                "constraints": [
                    models.UniqueConstraint(fields=("request", "revision", "stage"), name="reminded_once"),
                    models.CheckConstraint(condition=models.Q(("stage__in", [50, 80, 100])), name="reminder_stage_known"),
                ],
            },
        ),
        migrations.CreateModel(
            name="TurnPassed",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("reason", models.CharField(max_length=500)),
                ("passed_at", models.DateTimeField()),
                ("entry", models.OneToOneField(on_delete=django.db.models.deletion.PROTECT, related_name="+", to="ledger.entry")),
                ("identity", models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name="+", to="identities.identity")),
                (
                    "revision",
                    models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name="passed", to="approvals.revision"),
                ),
            ],
            options={
                "constraints": [models.UniqueConstraint(fields=("revision", "identity"), name="turn_passed_once")],
            },
        ),
        *[operation("approvals", model) for model in _MODELS for operation in (ForbidChange, ForbidReplacement)],
    ]
