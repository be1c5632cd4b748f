"""Verdicts and trust roots are not pushed out by others of the same key.

Blobs, artifacts, attestations and submissions are taken in with INSERT OR IGNORE, which such a trigger would refuse too:
there, recursive_triggers on our own connections makes the DELETE trigger answer.
"""

from django.db import migrations

from ledger.guard_rows import ForbidReplacement


class Migration(migrations.Migration):
    dependencies = [("attestations", "0003_append_only")]

    operations = [
        ForbidReplacement("attestations", "TrustRoot"),
        ForbidReplacement("attestations", "Verdict"),
        ForbidReplacement("attestations", "VerdictSubject"),
        ForbidReplacement("attestations", "Finding"),
    ]
