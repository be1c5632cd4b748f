"""Who somebody is, holds and signs with is not pushed out by a row of the same key."""

from django.db import migrations

from ledger.guard_rows import ForbidReplacement


class Migration(migrations.Migration):
    dependencies = [("identities", "0002_append_only")]

    operations = [
        ForbidReplacement("identities", "Identity"),
        ForbidReplacement("identities", "RoleAssignment"),
        ForbidReplacement("identities", "SigningKey"),
        ForbidReplacement("identities", "EvidenceSigner"),
        ForbidReplacement("identities", "ApiCredential"),
        ForbidReplacement("identities", "SignInEvent"),
    ]
