"""The database itself refuses what must not change."""

from django.db import migrations

from ledger.append_only import ForbidChange, FreezeColumns


class Migration(migrations.Migration):
    dependencies = [("approvals", "0002_initial")]

    operations = [
        ForbidChange("approvals", "PolicyVersion"),
        ForbidChange("approvals", "PolicyActivation"),
        ForbidChange("approvals", "Request"),
        ForbidChange("approvals", "RequestArtifact"),
        ForbidChange("approvals", "Revision"),
        ForbidChange("approvals", "RevisionEvidence"),
        ForbidChange("approvals", "Approval"),
        ForbidChange("approvals", "Record"),
        FreezeColumns("approvals", "Ceremony", ["id", "identity_id", "revision_id", "payload", "payload_digest"]),
    ]
