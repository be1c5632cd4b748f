"""A draft stays in its project, and a dry run stays what was asked; once it ended, it stays ended."""

from django.db import migrations

from ledger.append_only import FreezeColumns
from ledger.guard_rows import ForbidRemoval, ForbidReplacement, SetOnce


class Migration(migrations.Migration):
    dependencies = [("approvals", "0070_policy_drafts")]

    operations = [
        FreezeColumns("approvals", "PolicyDraft", ["id", "project_id"], "frozen"),
        ForbidRemoval("approvals", "PolicyDraft"),
        ForbidReplacement("approvals", "PolicyDraft"),
        FreezeColumns(
            "approvals",
            "DryRun",
            [
                "id",
                "draft_id",
                "environment_id",
                "days",
                "source",
                "source_digest",
                "request_ids",
                "left_out",
                "asked_by_id",
                "asked_at",
            ],
            "frozen",
        ),
        SetOnce("approvals", "DryRun", ["ended_at"]),
        ForbidRemoval("approvals", "DryRun"),
        ForbidReplacement("approvals", "DryRun"),
    ]
