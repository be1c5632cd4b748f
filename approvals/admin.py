"""The tables of this room in the Django admin: to read, never to change."""

from __future__ import annotations

from django.contrib import admin

from approvals.models import (
    Approval,
    ApprovalEnd,
    Ceremony,
    ExpectationsActivation,
    ExpectationsVersion,
    KeptApproval,
    PathFinding,
    PolicyActivation,
    PolicyVersion,
    Record,
    Request,
    Revision,
)
from ledger.admin import ReadOnlyAdmin


@admin.register(PolicyVersion)
class PolicyVersionAdmin(ReadOnlyAdmin):
    list_display = ["policy_id", "version", "digest", "created_at"]


@admin.register(PolicyActivation)
class PolicyActivationAdmin(ReadOnlyAdmin):
    list_display = ["policy", "project", "environment", "activated_at"]


@admin.register(ExpectationsVersion)
class ExpectationsVersionAdmin(ReadOnlyAdmin):
    list_display = ["project", "version", "digest", "created_at"]


@admin.register(ExpectationsActivation)
class ExpectationsActivationAdmin(ReadOnlyAdmin):
    list_display = ["expectations", "activated_at"]


@admin.register(Request)
class RequestAdmin(ReadOnlyAdmin):
    list_display = ["id", "title", "project", "environment", "requester", "opened_at"]
    search_fields = ["id", "title"]


@admin.register(Revision)
class RevisionAdmin(ReadOnlyAdmin):
    list_display = ["request", "number", "policy", "result", "digest", "frozen_at"]


@admin.register(Ceremony)
class CeremonyAdmin(ReadOnlyAdmin):
    list_display = ["id", "revision", "identity", "decision", "begun_at", "consumed_at", "refused_code"]


@admin.register(Approval)
class ApprovalAdmin(ReadOnlyAdmin):
    list_display = ["id", "revision", "identity", "decision", "level", "signed_at"]


@admin.register(ApprovalEnd)
class ApprovalEndAdmin(ReadOnlyAdmin):
    list_display = ["approval", "code", "entry", "ended_at"]


@admin.register(KeptApproval)
class KeptApprovalAdmin(ReadOnlyAdmin):
    list_display = ["approval", "roles", "kept_at"]


@admin.register(Record)
class RecordAdmin(ReadOnlyAdmin):
    list_display = ["approval", "digest", "entry", "recorded_at"]


@admin.register(PathFinding)
class PathFindingAdmin(ReadOnlyAdmin):
    list_display = ["observation", "check_name", "code", "expected_digest", "approval", "found_at"]
    list_filter = ["code"]
