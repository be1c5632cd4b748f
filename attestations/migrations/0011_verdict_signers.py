"""Each signer of a verdict has a row with a copy key of its own. Whatever was verified before is verified again and gets them then."""

import django.db.models.deletion
from django.db import migrations, models

from ledger.append_only import ForbidChange
from ledger.guard_rows import ForbidReplacement


class Migration(migrations.Migration):
    dependencies = [
        ("attestations", "0010_copies"),
    ]

    operations = [
        migrations.CreateModel(
            name="VerdictSigner",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("copy_key", models.CharField(db_index=True, max_length=64)),
                ("issuer", models.CharField(blank=True, max_length=300)),
                ("name", models.CharField(max_length=500)),
                ("source", models.CharField(blank=True, max_length=500)),
                (
                    "identity",
                    models.ForeignKey(
                        blank=True,
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to="identities.identity",
                    ),
                ),
                (
                    "verdict",
                    models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name="signers", to="attestations.verdict"),
                ),
            ],
            options={
                "constraints": [models.UniqueConstraint(fields=("verdict", "copy_key"), name="verdict_signer_once")],
            },
        ),
        ForbidChange("attestations", "VerdictSigner"),
        ForbidReplacement("attestations", "VerdictSigner"),
    ]
