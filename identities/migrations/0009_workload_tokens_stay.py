"""What names an issuer or a binding never changes, what ended stays ended, and what was exchanged is kept."""

from django.db import migrations

from ledger.append_only import ForbidChange, FreezeColumns
from ledger.guard_rows import ForbidRemoval, ForbidReplacement, SetOnce


class Migration(migrations.Migration):
    dependencies = [("identities", "0008_workload_tokens")]

    operations = [
        FreezeColumns("identities", "TokenIssuer", ["id", "url", "name", "team_id", "algorithms", "source", "may_be_private", "added_at"]),
        SetOnce("identities", "TokenIssuer", ["removed_at"]),
        ForbidRemoval("identities", "TokenIssuer"),
        ForbidReplacement("identities", "TokenIssuer"),
        FreezeColumns(
            "identities", "WorkloadBinding", ["id", "identity_id", "issuer_id", "claims", "claims_sha256", "scopes", "valid_from"]
        ),
        SetOnce("identities", "WorkloadBinding", ["revoked_at"]),
        ForbidRemoval("identities", "WorkloadBinding"),
        ForbidReplacement("identities", "WorkloadBinding"),
        ForbidChange("identities", "TokenExchange"),
        ForbidReplacement("identities", "TokenExchange"),
    ]
