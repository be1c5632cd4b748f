"""A trust root keeps its thresholds, and one that was removed does not come back by itself."""

from django.db import migrations

from ledger.append_only import FreezeColumns
from ledger.guard_rows import ForbidRemoval, SetOnce


class Migration(migrations.Migration):
    dependencies = [("attestations", "0004_no_replacement")]

    operations = [
        FreezeColumns("attestations", "TrustRoot", ["digest", "document_id", "profile", "added_at"]),
        SetOnce("attestations", "TrustRoot", ["removed_at"]),
        ForbidRemoval("attestations", "TrustRoot"),
    ]
