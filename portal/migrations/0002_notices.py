"""Notices to people, and how far the ledger was read for them."""

from typing import Any

import django.db.models.deletion
from django.db import migrations, models


def begin_at_the_end(apps: Any, editor: Any) -> None:
    """Nobody is told anew of what happened before there were notices."""
    newest = apps.get_model("ledger", "Entry").objects.order_by("-index").values_list("index", flat=True).first()
    apps.get_model("portal", "NoticeCursor").objects.create(id=1, next_index=0 if newest is None else newest + 1)


class Migration(migrations.Migration):
    dependencies = [
        ("identities", "0018_event_subjects"),
        ("ledger", "0003_no_replacement"),
        ("portal", "0001_cache_table"),
    ]

    operations = [
        migrations.CreateModel(
            name="NoticeCursor",
            fields=[
                ("id", models.PositiveSmallIntegerField(default=1, primary_key=True, serialize=False)),
                ("next_index", models.BigIntegerField(default=0)),
            ],
            options={
                "constraints": [models.CheckConstraint(condition=models.Q(("id", 1)), name="notice_cursor_is_one_row")],
            },
        ),
        migrations.CreateModel(
            name="Notice",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("kind", models.CharField(max_length=40)),
                ("sentence", models.CharField(max_length=500)),
                ("link", models.CharField(blank=True, max_length=200)),
                ("created_at", models.DateTimeField()),
                ("read_at", models.DateTimeField(blank=True, null=True)),
                ("mail_wanted", models.BooleanField(default=False)),
                ("mail_tried_at", models.DateTimeField(blank=True, null=True)),
                ("mailed_at", models.DateTimeField(blank=True, null=True)),
                ("entry", models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name="+", to="ledger.entry")),
                (
                    "identity",
                    models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name="notices", to="identities.identity"),
                ),
            ],
            options={
                "indexes": [
                    models.Index(condition=models.Q(("read_at__isnull", True)), fields=["identity"], name="notice_unread"),
                    models.Index(
                        condition=models.Q(("mail_wanted", True), ("mailed_at__isnull", True)),
                        fields=["created_at"],
                        name="notice_unmailed",
                    ),
                ],
                "constraints": [models.UniqueConstraint(fields=("identity", "entry", "kind"), name="notice_once_per_person_and_entry")],
            },
        ),
        migrations.RunPython(begin_at_the_end, migrations.RunPython.noop),
    ]
