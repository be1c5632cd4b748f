"""Which ways of signing are blocked. Reads only; blocking and lifting are `identities.signers.block_signer`."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from django.db.models import QuerySet

from identities.models import BlockedSigner, EvidenceSigner
from proofs.errors import Conflict


def blocks_in_force() -> QuerySet[BlockedSigner]:
    """Return every block that was not lifted, the newest first."""
    rows = BlockedSigner.objects.filter(lifted_at__isnull=True).select_related("team", "blocked_by")
    return rows.order_by("-blocked_at", "pk")


def find_block(facts_signer: Mapping[str, Any]) -> BlockedSigner | None:
    """Return the block in force on what a certificate or key says, never on what a predicate claims; None when there is none."""
    if facts_signer.get("kind") == "key":
        return blocks_in_force().filter(issuer="", name=str(facts_signer.get("keyId", ""))).first()
    if facts_signer.get("kind") != "certificate" or not facts_signer.get("issuer"):
        return None
    return blocks_in_force().filter(issuer=str(facts_signer["issuer"]), name=str(facts_signer.get("identity", ""))).first()


def refuse_blocked(signer: EvidenceSigner) -> None:
    """Refuse with `signer.blocked` a registration of what is blocked, or of any ref of a workflow of which one ref is blocked."""
    if signer.method == EvidenceSigner.Method.PUBLIC_KEY:
        found = blocks_in_force().filter(issuer="", name=signer.key_id)
    elif signer.any_ref:
        found = blocks_in_force().filter(issuer=signer.certificate_issuer, name__startswith=f"{signer.certificate_identity}@")
    else:
        found = blocks_in_force().filter(issuer=signer.certificate_issuer, name=signer.certificate_identity)
    block = found.first()
    if block is not None:
        words = f"{block} is blocked by {block.team} since {block.blocked_at:%Y-%m-%d}: {block.reason}; lift the block first"
        raise Conflict("signer.blocked", words)
