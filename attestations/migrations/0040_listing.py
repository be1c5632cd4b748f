"""What evidence lists is kept in rows, so that a package or a commit is found in all of it."""

import django.db.models.deletion
from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("attestations", "0011_verdict_signers"),
    ]

    operations = [
        migrations.CreateModel(
            name="ListingProgress",
            fields=[
                ("version", models.PositiveSmallIntegerField(primary_key=True, serialize=False)),
                ("cursor", models.CharField(blank=True, max_length=40)),
                ("until", models.CharField(blank=True, max_length=40)),
            ],
        ),
        migrations.CreateModel(
            name="Listing",
            fields=[
                (
                    "attestation",
                    models.OneToOneField(
                        on_delete=django.db.models.deletion.PROTECT,
                        primary_key=True,
                        related_name="listing",
                        serialize=False,
                        to="attestations.attestation",
                    ),
                ),
                ("version", models.PositiveSmallIntegerField()),
                ("left_out", models.PositiveIntegerField(default=0)),
            ],
            options={
                "indexes": [models.Index(condition=models.Q(("left_out__gt", 0)), fields=["attestation"], name="listing_cut")],
            },
        ),
        migrations.CreateModel(
            name="BuiltFrom",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("commit", models.CharField(max_length=64)),
                ("repository", models.CharField(blank=True, max_length=500)),
                (
                    "attestation",
                    models.ForeignKey(
                        db_index=False,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="built_from",
                        to="attestations.attestation",
                    ),
                ),
            ],
            options={
                "indexes": [models.Index(fields=["commit", "id"], name="built_from_commit")],
                "constraints": [models.UniqueConstraint(fields=("attestation", "commit"), name="built_from_once")],
            },
        ),
        migrations.CreateModel(
            name="ListedPackage",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("type", models.CharField(max_length=40)),
                ("name", models.CharField(max_length=300)),
                ("version", models.CharField(blank=True, max_length=200)),
                (
                    "attestation",
                    models.ForeignKey(
                        db_index=False,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="listed_packages",
                        to="attestations.attestation",
                    ),
                ),
            ],
            options={
                "indexes": [
                    models.Index(fields=["name", "type", "version", "id"], name="listed_package_version"),
                    models.Index(fields=["name", "type", "id"], name="listed_package_name"),
                ],
                "constraints": [models.UniqueConstraint(fields=("attestation", "type", "name", "version"), name="listed_package_once")],
            },
        ),
    ]
