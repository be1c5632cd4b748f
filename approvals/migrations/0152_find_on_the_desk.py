"""Every request has what lists are ordered by, and indexes give a page of any list without reading the rest."""

import django.db.models.deletion
from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("approvals", "0151_fill_the_desk")]

    operations = [
        migrations.AlterField("attention", "rank", models.PositiveSmallIntegerField()),
        migrations.AlterField("attention", "due_at", models.DateTimeField()),
        migrations.AlterField("requeststate", "rank", models.PositiveSmallIntegerField()),
        migrations.AlterField("requeststate", "due_at", models.DateTimeField()),
        migrations.AlterField("requeststate", "opened_at", models.DateTimeField()),
        migrations.AlterField(
            "requeststate",
            "project",
            models.ForeignKey(db_index=False, on_delete=django.db.models.deletion.PROTECT, related_name="+", to="identities.project"),
        ),
        migrations.AddIndex("attention", models.Index(fields=["identity", "rank", "due_at", "request"], name="attention_by_due")),
        migrations.AddIndex("attention", models.Index(fields=["identity", "since", "request"], name="attention_by_since")),
        migrations.AddIndex("requeststate", models.Index(fields=["section", "rank", "due_at", "request", "project"], name="state_by_due")),
        migrations.AddIndex("requeststate", models.Index(fields=["section", "opened_at", "request", "project"], name="state_by_age")),
        migrations.AddIndex(
            "requeststate",
            models.Index(fields=["project", "section", "rank", "due_at", "request"], name="state_of_project_by_due"),
        ),
        migrations.AddIndex(
            "requeststate",
            models.Index(fields=["project", "section", "opened_at", "request"], name="state_of_project_by_age"),
        ),
    ]
