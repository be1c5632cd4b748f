"""Linked accounts are not replaced; apart from their making, because the guard names the unique indexes that are there."""

from django.db import migrations

from ledger.guard_rows import ForbidReplacement


class Migration(migrations.Migration):
    dependencies = [("identities", "0025_linked_accounts")]

    operations = [ForbidReplacement("identities", "LinkedAccount")]
