"""The database itself refuses what must not change."""

from django.db import migrations

from ledger.append_only import ForbidChange


class Migration(migrations.Migration):
    dependencies = [("attestations", "0002_initial")]

    operations = [
        ForbidChange("attestations", "Blob"),
        ForbidChange("attestations", "Artifact"),
        ForbidChange("attestations", "Attestation"),
        ForbidChange("attestations", "Submission"),
        ForbidChange("attestations", "Verdict"),
        ForbidChange("attestations", "VerdictSubject"),
        ForbidChange("attestations", "Finding"),
    ]
