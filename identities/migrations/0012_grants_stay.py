"""What a grant or a block says never changes, what ended stays ended, and who looked again is kept."""

from django.db import migrations

from ledger.append_only import ForbidChange, FreezeColumns
from ledger.guard_rows import ForbidRemoval, ForbidReplacement, SetOnce


class Migration(migrations.Migration):
    dependencies = [("identities", "0011_grants")]

    operations = [
        FreezeColumns(
            "identities",
            "Grant",
            [
                "id",
                "identity_id",
                "right",
                "object",
                "project_id",
                "environment_id",
                "reason",
                "granted_by_id",
                "granted_at",
                "valid_until",
            ],
        ),
        SetOnce("identities", "Grant", ["ended_at"]),
        ForbidRemoval("identities", "Grant"),
        ForbidReplacement("identities", "Grant"),
        FreezeColumns("identities", "BlockedSigner", ["id", "issuer", "name", "team_id", "reason", "blocked_by_id", "blocked_at"]),
        SetOnce("identities", "BlockedSigner", ["lifted_at"]),
        ForbidRemoval("identities", "BlockedSigner"),
        ForbidReplacement("identities", "BlockedSigner"),
        FreezeColumns("identities", "EvidenceSigner", ["replaces_id"], "frozen_too"),
        ForbidChange("identities", "Recertification"),
        ForbidReplacement("identities", "Recertification"),
    ]
