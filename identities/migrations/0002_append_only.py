"""The database itself refuses what must not change."""

from django.db import migrations

from ledger.append_only import ForbidChange, FreezeColumns


class Migration(migrations.Migration):
    dependencies = [("identities", "0001_initial")]

    operations = [
        ForbidChange("identities", "SignInEvent"),
        FreezeColumns("identities", "Identity", ["id", "kind", "issuer", "subject"]),
        FreezeColumns("identities", "SigningKey", ["id", "identity_id", "credential_id", "spki", "rp_id", "enrollment"]),
    ]
