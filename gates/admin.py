"""Gate decisions in the Django admin: to read, never to change."""

from __future__ import annotations

from django.contrib import admin

from gates.models import Decision
from ledger.admin import ReadOnlyAdmin


@admin.register(Decision)
class DecisionAdmin(ReadOnlyAdmin):
    list_display = ["id", "artifact_digest", "environment_slug", "outcome", "asked_by", "decided_at"]
    list_filter = ["outcome"]
