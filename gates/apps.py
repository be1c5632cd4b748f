"""The room gates as a Django application."""

from __future__ import annotations

from django.apps import AppConfig


class GatesConfig(AppConfig):
    name = "gates"
    default_auto_field = "django.db.models.BigAutoField"

    def ready(self) -> None:
        """Answer the room below, which cannot call this one, what a gate has acted on."""
        from approvals.signals import approval_use_asked
        from gates.queries import list_used

        approval_use_asked.connect(list_used, dispatch_uid="gates.used")
