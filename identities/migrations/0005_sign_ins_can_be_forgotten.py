"""Sign-ins hold addresses of people, so they can be removed; a row that is there still never changes."""

from django.db import migrations

from ledger.append_only import FreezeColumns
from ledger.guard_rows import AllowChange


class Migration(migrations.Migration):
    dependencies = [("identities", "0004_what_ends_stays_ended")]

    operations = [
        AllowChange("identities", "SignInEvent"),
        FreezeColumns("identities", "SignInEvent", ["id", "identity_id", "username", "outcome", "address", "happened_at"]),
    ]
