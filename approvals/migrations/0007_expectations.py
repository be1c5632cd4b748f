"""Expectations of a project, by version, and which are in force; a revision says which it was judged by."""

import django.db.models.deletion
from django.db import migrations, models

from ledger.append_only import ForbidChange
from ledger.guard_rows import ForbidReplacement


class Migration(migrations.Migration):
    dependencies = [
        ("approvals", "0006_path_finding"),
        ("attestations", "0001_initial"),
        ("identities", "0007_environment_slug_is_no_id"),
        ("ledger", "0003_no_replacement"),
    ]

    operations = [
        migrations.AddField(
            model_name="revision",
            name="expectations_digest",
            field=models.CharField(blank=True, max_length=64, null=True),
        ),
        migrations.CreateModel(
            name="ExpectationsVersion",
            fields=[
                ("digest", models.CharField(max_length=64, primary_key=True, serialize=False)),
                ("version", models.CharField(max_length=40)),
                ("source", models.TextField(blank=True)),
                ("created_at", models.DateTimeField()),
                ("document", models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name="+", to="attestations.blob")),
                (
                    "project",
                    models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name="expectations", to="identities.project"),
                ),
            ],
        ),
        migrations.CreateModel(
            name="ExpectationsActivation",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("activated_at", models.DateTimeField()),
                ("entry", models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name="+", to="ledger.entry")),
                (
                    "expectations",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT, related_name="activations", to="approvals.expectationsversion"
                    ),
                ),
            ],
            options={
                "abstract": False,
            },
        ),
        migrations.AddConstraint(
            model_name="expectationsversion",
            constraint=models.UniqueConstraint(fields=("project", "version"), name="expectations_version_once"),
        ),
        ForbidChange("approvals", "ExpectationsVersion"),
        ForbidReplacement("approvals", "ExpectationsVersion"),
        ForbidChange("approvals", "ExpectationsActivation"),
        ForbidReplacement("approvals", "ExpectationsActivation"),
    ]
