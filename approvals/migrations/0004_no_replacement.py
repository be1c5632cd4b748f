"""What people were asked, shown and answered is not pushed out by rows of the same key."""

from django.db import migrations

from ledger.guard_rows import ForbidReplacement


class Migration(migrations.Migration):
    dependencies = [("approvals", "0003_append_only")]

    operations = [
        ForbidReplacement("approvals", "PolicyVersion"),
        ForbidReplacement("approvals", "PolicyActivation"),
        ForbidReplacement("approvals", "Request"),
        ForbidReplacement("approvals", "RequestArtifact"),
        ForbidReplacement("approvals", "Revision"),
        ForbidReplacement("approvals", "RevisionEvidence"),
        ForbidReplacement("approvals", "Ceremony"),
        ForbidReplacement("approvals", "Approval"),
        ForbidReplacement("approvals", "Record"),
    ]
