"""The room identities as a Django application."""

from __future__ import annotations

from django.apps import AppConfig


class IdentitiesConfig(AppConfig):
    name = "identities"
    default_auto_field = "django.db.models.BigAutoField"
