"""A revoked key stays revoked, an ended role ended; what names a key, signer, role or credential never changes; no row is removed."""

from django.db import migrations

from ledger.append_only import FreezeColumns
from ledger.guard_rows import ForbidRemoval, SetOnce


class Migration(migrations.Migration):
    dependencies = [("identities", "0003_no_replacement")]

    operations = [
        FreezeColumns(
            "identities",
            "SigningKey",
            ["key_id", "cose_key", "algorithm", "backup_eligible", "enrollment_digest", "enrolled_at"],
            "frozen_too",
        ),
        SetOnce("identities", "SigningKey", ["revocation", "revoked_at", "revoked_reason"]),
        ForbidRemoval("identities", "SigningKey"),
        FreezeColumns(
            "identities", "RoleAssignment", ["id", "identity_id", "role", "team_id", "project_id", "granted_by_id", "granted_at"]
        ),
        SetOnce("identities", "RoleAssignment", ["ended_at"]),
        ForbidRemoval("identities", "RoleAssignment"),
        FreezeColumns(
            "identities",
            "EvidenceSigner",
            [
                "id",
                "identity_id",
                "method",
                "certificate_issuer",
                "certificate_identity",
                "any_ref",
                "key_id",
                "spki",
                "valid_from",
            ],
        ),
        SetOnce("identities", "EvidenceSigner", ["valid_until", "revoked_at"]),
        ForbidRemoval("identities", "EvidenceSigner"),
        FreezeColumns("identities", "ApiCredential", ["id", "identity_id", "secret_sha256", "scopes", "created_at", "expires_at"]),
        SetOnce("identities", "ApiCredential", ["revoked_at"]),
        ForbidRemoval("identities", "ApiCredential"),
        FreezeColumns("identities", "Identity", ["actor_salt", "created_at"], "frozen_too"),
        ForbidRemoval("identities", "Identity"),
        SetOnce("identities", "User", ["identity_id"]),
    ]
