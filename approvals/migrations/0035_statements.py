"""What a person signs beside an answer is offered once, and stays as signed."""

import approvals.models.statements
import django.db.models.deletion
from django.db import migrations, models

from ledger.append_only import ForbidChange, FreezeColumns
from ledger.guard_rows import ForbidRemoval, ForbidReplacement, SetOnce


class Migration(migrations.Migration):
    dependencies = [
        ("approvals", "0030_life_of_a_request"),
        ("identities", "0020_who_set_up_a_provider"),
        ("ledger", "0003_no_replacement"),
    ]

    operations = [
        migrations.CreateModel(
            name="StatementCeremony",
            fields=[
                (
                    "id",
                    models.CharField(
                        default=approvals.models.statements.new_statement_ceremony_id, max_length=40, primary_key=True, serialize=False
                    ),
                ),
                ("kind", models.CharField(max_length=80)),
                ("about", models.CharField(max_length=140)),
                ("payload", models.BinaryField()),
                ("payload_digest", models.CharField(max_length=64, unique=True)),
                ("session_hash", models.CharField(max_length=64)),
                ("begun_at", models.DateTimeField()),
                ("expires_at", models.DateTimeField()),
                ("consumed_at", models.DateTimeField(blank=True, null=True)),
                ("refused_code", models.CharField(blank=True, max_length=80)),
                (
                    "identity",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT, related_name="statement_ceremonies", to="identities.identity"
                    ),
                ),
                (
                    "project",
                    models.ForeignKey(
                        blank=True, null=True, on_delete=django.db.models.deletion.PROTECT, related_name="+", to="identities.project"
                    ),
                ),
                (
                    "signing_key",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT, related_name="statement_ceremonies", to="identities.signingkey"
                    ),
                ),
            ],
            options={
                "verbose_name_plural": "statement ceremonies",
            },
        ),
        migrations.CreateModel(
            name="SignedStatement",
            fields=[
                (
                    "id",
                    models.CharField(
                        default=approvals.models.statements.new_statement_id, max_length=40, primary_key=True, serialize=False
                    ),
                ),
                ("kind", models.CharField(max_length=80)),
                ("payload", models.BinaryField()),
                ("payload_digest", models.CharField(max_length=64, unique=True)),
                ("credential_id", models.BinaryField(max_length=1023)),
                ("authenticator_data", models.BinaryField()),
                ("client_data_json", models.BinaryField()),
                ("signature", models.BinaryField()),
                ("sshsig", models.TextField(blank=True, null=True)),
                ("level", models.CharField(max_length=2)),
                ("record_digest", models.CharField(max_length=64, unique=True)),
                ("envelope", models.BinaryField()),
                ("signed_at", models.DateTimeField()),
                ("entry", models.OneToOneField(on_delete=django.db.models.deletion.PROTECT, related_name="+", to="ledger.entry")),
                (
                    "identity",
                    models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name="statements", to="identities.identity"),
                ),
                (
                    "project",
                    models.ForeignKey(
                        blank=True, null=True, on_delete=django.db.models.deletion.PROTECT, related_name="+", to="identities.project"
                    ),
                ),
                (
                    "signing_key",
                    models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name="statements", to="identities.signingkey"),
                ),
                (
                    "ceremony",
                    models.OneToOneField(
                        on_delete=django.db.models.deletion.PROTECT, related_name="signed", to="approvals.statementceremony"
                    ),
                ),
            ],
            options={
                "abstract": False,
            },
        ),
        migrations.CreateModel(
            name="ApprovalRevocation",
            fields=[
                (
                    "signed",
                    models.OneToOneField(
                        on_delete=django.db.models.deletion.PROTECT,
                        primary_key=True,
                        related_name="revocation",
                        serialize=False,
                        to="approvals.signedstatement",
                    ),
                ),
                ("reason", models.CharField(max_length=40)),
                (
                    "approval",
                    models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name="revocations", to="approvals.approval"),
                ),
            ],
            options={
                "abstract": False,
            },
        ),
        FreezeColumns("approvals", "StatementCeremony", ["id", "kind", "about", "project_id", "identity_id"]),
        FreezeColumns("approvals", "StatementCeremony", ["signing_key_id", "payload", "payload_digest"], "frozen_too"),
        FreezeColumns("approvals", "StatementCeremony", ["session_hash", "begun_at", "expires_at"], "frozen_way"),
        SetOnce("approvals", "StatementCeremony", ["consumed_at", "refused_code"]),
        ForbidRemoval("approvals", "StatementCeremony"),
        ForbidReplacement("approvals", "StatementCeremony"),
        ForbidChange("approvals", "SignedStatement"),
        ForbidReplacement("approvals", "SignedStatement"),
        ForbidChange("approvals", "ApprovalRevocation"),
        ForbidReplacement("approvals", "ApprovalRevocation"),
    ]
