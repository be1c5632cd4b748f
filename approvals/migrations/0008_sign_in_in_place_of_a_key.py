"""A person without a key answers by a sign-in that is bound to the statement: ceremonies and approvals have either."""

import django.db.models.deletion
from django.db import migrations, models

from ledger.append_only import ForbidChange, FreezeColumns
from ledger.guard_rows import ForbidRemoval, ForbidReplacement, SetOnce, while_lifted

GUARDS = [
    FreezeColumns("approvals", "Ceremony", ["id", "identity_id", "revision_id", "payload", "payload_digest"]),
    FreezeColumns("approvals", "Ceremony", ["signing_key_id", "decision", "session_hash", "begun_at", "expires_at"], "frozen_too"),
    SetOnce("approvals", "Ceremony", ["consumed_at", "refused_code"]),
    ForbidRemoval("approvals", "Ceremony"),
    ForbidReplacement("approvals", "Ceremony"),
    ForbidChange("approvals", "Approval"),
    ForbidReplacement("approvals", "Approval"),
]


class Migration(migrations.Migration):
    dependencies = [("approvals", "0007_expectations"), ("identities", "0015_people_stay")]

    operations = [
        *while_lifted(
            GUARDS,
            [
                migrations.AddField(
                    model_name="approval",
                    name="bound_by",
                    field=models.OneToOneField(
                        blank=True,
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="approval",
                        to="identities.boundsignin",
                    ),
                ),
                migrations.AddField(
                    model_name="ceremony",
                    name="audience",
                    field=models.CharField(blank=True, max_length=300),
                ),
                migrations.AddField(
                    model_name="ceremony",
                    name="is_downgrade",
                    field=models.BooleanField(default=False),
                ),
                migrations.AddField(
                    model_name="ceremony",
                    name="provider",
                    field=models.ForeignKey(
                        blank=True,
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="ceremonies",
                        to="identities.identityprovider",
                    ),
                ),
                migrations.AddField(
                    model_name="ceremony",
                    name="sign_in_nonce",
                    field=models.CharField(blank=True, max_length=64, null=True, unique=True),
                ),
                migrations.AlterField(
                    model_name="approval",
                    name="signing_key",
                    field=models.ForeignKey(
                        blank=True,
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="approvals",
                        to="identities.signingkey",
                    ),
                ),
                migrations.AlterField(
                    model_name="ceremony",
                    name="signing_key",
                    field=models.ForeignKey(
                        blank=True,
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="ceremonies",
                        to="identities.signingkey",
                    ),
                ),
                migrations.AddConstraint(
                    model_name="approval",
                    constraint=models.CheckConstraint(
                        condition=models.Q(
                            models.Q(("bound_by__isnull", True), ("signing_key__isnull", False)),
                            models.Q(("bound_by__isnull", False), ("signing_key__isnull", True)),
                            _connector="OR",
                        ),
                        name="approval_has_key_or_sign_in",
                    ),
                ),
                migrations.AddConstraint(
                    model_name="ceremony",
                    constraint=models.CheckConstraint(
                        condition=models.Q(
                            models.Q(
                                ("is_downgrade", False),
                                ("provider__isnull", True),
                                ("sign_in_nonce__isnull", True),
                                ("signing_key__isnull", False),
                            ),
                            models.Q(("provider__isnull", False), ("sign_in_nonce__isnull", False), ("signing_key__isnull", True)),
                            _connector="OR",
                        ),
                        name="ceremony_has_key_or_provider",
                    ),
                ),
            ],
        ),
        FreezeColumns("approvals", "Ceremony", ["provider_id", "audience", "sign_in_nonce", "is_downgrade"], "frozen_way"),
    ]
