"""A ceremony stays what was offered, to whom, for how long; once used, it stays used."""

from django.db import migrations

from ledger.append_only import FreezeColumns
from ledger.guard_rows import ForbidRemoval, SetOnce


class Migration(migrations.Migration):
    dependencies = [("approvals", "0004_no_replacement")]

    operations = [
        FreezeColumns("approvals", "Ceremony", ["signing_key_id", "decision", "session_hash", "begun_at", "expires_at"], "frozen_too"),
        SetOnce("approvals", "Ceremony", ["consumed_at", "refused_code"]),
        ForbidRemoval("approvals", "Ceremony"),
    ]
