"""A verdict says what it rested on, so that a change can find what it touches; orders to verify that again."""

from django.db import migrations, models

from ledger.append_only import ForbidChange
from ledger.guard_rows import ForbidReplacement, while_lifted

GUARDS = [ForbidChange("attestations", "Verdict"), ForbidReplacement("attestations", "Verdict")]


class Migration(migrations.Migration):
    dependencies = [
        ("attestations", "0006_collections"),
    ]

    operations = while_lifted(
        GUARDS,
        [
            migrations.AddField(
                model_name="verdict",
                name="because",
                field=models.CharField(blank=True, max_length=200),
            ),
            migrations.AddField(
                model_name="verdict",
                name="signer_issuer",
                field=models.CharField(blank=True, max_length=300),
            ),
            migrations.AddField(
                model_name="verdict",
                name="signer_name",
                field=models.CharField(blank=True, db_index=True, max_length=500),
            ),
            migrations.AddField(
                model_name="verdict",
                name="co_signer_names",
                field=models.TextField(blank=True),
            ),
            migrations.AddField(
                model_name="verdict",
                name="other_signatures",
                field=models.PositiveIntegerField(default=0),
            ),
            migrations.AddField(
                model_name="verdict",
                name="trust_mark",
                field=models.BigIntegerField(default=0),
            ),
            migrations.AddField(
                model_name="verdict",
                name="trust_root",
                field=models.CharField(blank=True, db_index=True, max_length=64),
            ),
            migrations.AddField(
                model_name="verdict",
                name="verifier",
                field=models.CharField(blank=True, db_index=True, max_length=40),
            ),
            migrations.AddField(
                model_name="verificationjob",
                name="attempts_before",
                field=models.PositiveIntegerField(default=0),
            ),
            migrations.AddField(
                model_name="verificationjob",
                name="because",
                field=models.CharField(blank=True, max_length=200),
            ),
            migrations.CreateModel(
                name="Reverification",
                fields=[
                    ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                    (
                        "kind",
                        models.CharField(
                            choices=[
                                ("root_added", "A trust root was added"),
                                ("root_removed", "A trust root was removed"),
                                ("key", "What the register says of a signing key changed"),
                                ("certificate", "What the register says of a certificate's name changed"),
                                ("verifier", "The verifier changed"),
                                ("asked", "Somebody asked for it"),
                            ],
                            max_length=16,
                        ),
                    ),
                    ("value", models.CharField(blank=True, max_length=500)),
                    ("issuer", models.CharField(blank=True, max_length=300)),
                    ("ordered_at", models.DateTimeField()),
                    ("cursor", models.CharField(blank=True, max_length=40)),
                    ("touched", models.PositiveIntegerField(default=0)),
                    ("done_at", models.DateTimeField(blank=True, null=True)),
                ],
                options={
                    "indexes": [models.Index(condition=models.Q(("done_at__isnull", True)), fields=["id"], name="reverification_open")],
                    "constraints": [
                        models.UniqueConstraint(
                            condition=models.Q(("done_at__isnull", True), ("kind", "verifier")),
                            fields=("value",),
                            name="reverification_once_per_verifier",
                        )
                    ],
                },
            ),
        ],
    )
