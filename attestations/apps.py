"""The room attestations as a Django application."""

from __future__ import annotations

from django.apps import AppConfig


class AttestationsConfig(AppConfig):
    name = "attestations"
    default_auto_field = "django.db.models.BigAutoField"

    def ready(self) -> None:
        """Hear of changed signers from the room below, which cannot call this one, and answer what it asks."""
        from attestations.reverify import order_for_block, order_for_signer
        from attestations.seen_types import list_seen_types
        from identities.signals import evidence_signer_changed, seen_types_asked, signer_block_changed

        evidence_signer_changed.connect(order_for_signer, dispatch_uid="attestations.reverify")
        seen_types_asked.connect(list_seen_types, dispatch_uid="attestations.seen_types")
        signer_block_changed.connect(order_for_block, dispatch_uid="attestations.reverify.block")
