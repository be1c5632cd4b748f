"""What names a provider, a key's origin, a role or a recovery never changes, what ended stays ended, and what was said is kept."""

from django.db import migrations

from ledger.append_only import ForbidChange, FreezeColumns
from ledger.guard_rows import ForbidRemoval, ForbidReplacement, Lift, SetOnce


class Migration(migrations.Migration):
    dependencies = [("identities", "0014_people_and_sign_in")]

    operations = [
        FreezeColumns(
            "identities",
            "SigningKey",
            ["bound_by_id", "attestation", "aaguid", "introduced_by_id", "introduction", "recovery_id", "matures_at"],
            "frozen_origin",
        ),
        # It knew the keys that there were; there are two more.
        Lift(ForbidReplacement("identities", "SigningKey")),
        ForbidReplacement("identities", "SigningKey"),
        FreezeColumns("identities", "RoleAssignment", ["provider_id", "valid_until"], "frozen_too"),
        FreezeColumns("identities", "SignInEvent", ["via"], "frozen_too"),
        FreezeColumns("identities", "AuditEvent", ["id", "identity_id", "username", "act", "path", "address", "status", "happened_at"]),
        FreezeColumns("identities", "IdentityProvider", ["id", "slug", "protocol", "source", "added_by_id", "added_at"]),
        SetOnce("identities", "IdentityProvider", ["removed_at"]),
        ForbidRemoval("identities", "IdentityProvider"),
        FreezeColumns(
            "identities",
            "BoundSignIn",
            [
                "id",
                "provider_id",
                "identity_id",
                "purpose",
                "nonce",
                "state_sha256",
                "code_verifier",
                "session_hash",
                "begun_at",
                "expires_at",
            ],
        ),
        SetOnce("identities", "BoundSignIn", ["answered_at", "id_token", "issuer_keys", "used_at", "refused_code"]),
        ForbidRemoval("identities", "BoundSignIn"),
        FreezeColumns("identities", "KeyRecovery", ["id", "identity_id", "reason", "opened_at", "expires_at"]),
        SetOnce("identities", "KeyRecovery", ["ended_at", "ended_by_id", "used_at"]),
        ForbidRemoval("identities", "KeyRecovery"),
        FreezeColumns("identities", "ProvisioningToken", ["id", "provider_id", "secret_sha256", "made_by_id", "created_at", "expires_at"]),
        SetOnce("identities", "ProvisioningToken", ["revoked_at"]),
        ForbidRemoval("identities", "ProvisioningToken"),
        *(ForbidReplacement("identities", model) for model in ("IdentityProvider", "BoundSignIn", "KeyRecovery", "ProvisioningToken")),
        *(
            guard("identities", model)
            for model in ("GroupRules", "LocalSignIn", "RecoveryConsent")
            for guard in (ForbidChange, ForbidReplacement)
        ),
    ]
