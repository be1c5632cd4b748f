"""Who is named as having made what a request asks about."""

import django.db.models.deletion
from django.db import migrations, models

from ledger.append_only import ForbidChange
from ledger.guard_rows import ForbidReplacement


class Migration(migrations.Migration):
    dependencies = [("approvals", "0035_statements")]

    operations = [
        migrations.CreateModel(
            name="NamedPerson",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                (
                    "because",
                    models.CharField(
                        choices=[
                            ("commit-author", "Author of a commit"),
                            ("co-author", "Co-author of a commit"),
                            ("committer", "Committer"),
                            ("build-trigger", "Set off the build"),
                            ("agent-operator", "Operates the agent"),
                        ],
                        max_length=24,
                    ),
                ),
                ("provider", models.CharField(max_length=90)),
                ("account", models.CharField(max_length=200)),
                (
                    "source",
                    models.CharField(
                        choices=[("stated", "Stated by the requester"), ("token", "Proved by the workload token")], max_length=8
                    ),
                ),
                (
                    "request",
                    models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name="named_people", to="approvals.request"),
                ),
            ],
            options={"abstract": False},
        ),
        ForbidChange("approvals", "NamedPerson"),
        ForbidReplacement("approvals", "NamedPerson"),
    ]
