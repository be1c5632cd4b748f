"""The room approvals as a Django application."""

from __future__ import annotations

from django.apps import AppConfig


class ApprovalsConfig(AppConfig):
    name = "approvals"
    default_auto_field = "django.db.models.BigAutoField"

    def ready(self) -> None:
        """Hear from the room below, which cannot call this one, who is deactivated, and from requests what happens to them."""
        from approvals.attention.renew import hear_refreshed
        from approvals.requests.end_unused import end_unused_approvals
        from approvals.signals import request_refreshed
        from identities.signals import person_deactivated

        request_refreshed.connect(hear_refreshed, dispatch_uid="approvals.attention.renew")
        person_deactivated.connect(end_unused_approvals, dispatch_uid="approvals.requests.end_unused")
