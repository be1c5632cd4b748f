"""The portal as a Django application: its start-up checks, and Celery where there is a broker."""

from __future__ import annotations

from django.apps import AppConfig
from django.conf import settings


class PortalConfig(AppConfig):
    name = "portal"
    default_auto_field = "django.db.models.BigAutoField"

    def ready(self) -> None:
        from identities.sign_in.accounts import ask_along
        from portal import stand_ins, system_checks  # noqa: F401  registers the checks
        from portal.notices.unread import UNREAD_ALONG, unread_of_account

        ask_along(UNREAD_ALONG, unread_of_account())
        if settings.PSEUDO_LANGUAGES:
            from portal.languages import pseudo

            pseudo.install()
        if settings.BROKER_URL:
            # Doors ring through Celery's current app; without a broker nothing of Celery is loaded.
            from portal import celery  # noqa: F401
