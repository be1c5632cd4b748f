"""What evidence is verified against: stored trust roots, and the public keys registered for signing evidence.

A trust root is added once and kept; one that was removed no longer counts for new verdicts. Whether to trust it is for people to say.
"""

from __future__ import annotations

import json
from datetime import datetime
from functools import lru_cache
from typing import Any

from django.db import transaction
from django.db.models import QuerySet

from attestations.blobs import bytes_of, store_blob
from attestations.models import Blob, Reverification, TrustRoot
from attestations.reverify import order_reverification
from identities.actors import actor_of
from identities.models import EvidenceSigner, Identity
from ledger.append import append_event
from proofs.canonical import canonical_bytes
from proofs.errors import Conflict, Malformed, NotFound
from proofs.evidence import TrustMaterial
from proofs.keys import PublicKey, RegisteredKey, load_spki
from proofs.sigstore.trust_root import DEFAULT_PROFILE, parse_trust_root
from proofs.sigstore.trust_root import TrustRoot as ParsedRoot


def add_trust_root(*, name: str, document: bytes, profile: dict[str, int] | None, by: Identity | None, now: datetime) -> TrustRoot:
    """Store a Sigstore `trusted_root.json` with the thresholds evidence must meet under it; the same document again changes nothing.

    Refuses as `parse_trust_root` does, and with `trust.root_exists` when the document is there with another profile or was removed.
    `by` is None at the server's own console.
    """
    wanted = {**DEFAULT_PROFILE, **(profile or {})}
    digest = parse_trust_root(document, profile=wanted).digest
    with transaction.atomic():
        found = TrustRoot.objects.select_for_update().filter(pk=digest).first()
        if found is not None:
            if found.removed_at is None and found.profile == wanted:
                return found
            raise Conflict("trust.root_exists", f"the trust root {digest} is already stored with another profile, or was removed")
        row = TrustRoot.objects.create(digest=digest, name=name, document=store_blob(document, now), profile=wanted, added_at=now)
        ref = store_blob(canonical_bytes({"trustRoot": digest, "profile": wanted}), now)
        append_event(event="trust.root_added", ref_digest=ref.digest, actor=actor_of(by), now=now)
        order_reverification(kind=Reverification.Kind.ROOT_ADDED, value=digest, now=now)
    return row


def remove_trust_root(*, digest: str, reason: str, by: Identity | None, now: datetime) -> TrustRoot:
    """Stop trusting a trust root; what rests on it no longer opens a gate at once, and is verified again. Removed twice is removed once.

    Refuses with `trust.root_unknown` or `trust.reason`. `by` is None at the server's own console.
    """
    if not reason.strip():
        raise Malformed("trust.reason", "got no reason, expected one that whoever finds rejected evidence can understand")
    with transaction.atomic():
        row = TrustRoot.objects.select_for_update().filter(pk=digest.removeprefix("sha256:")).first()
        if row is None:
            raise NotFound("trust.root_unknown", f"there is no trust root {digest[:80]}")
        if row.removed_at is not None:
            return row
        row.removed_at = now
        row.save(update_fields=["removed_at"])
        ref = store_blob(canonical_bytes({"trustRoot": row.digest, "reason": reason.strip()[:500]}), now)
        append_event(event="trust.root_removed", ref_digest=ref.digest, actor=actor_of(by), now=now)
        order_reverification(kind=Reverification.Kind.ROOT_REMOVED, value=row.digest, now=now)
    return row


def list_trust_roots() -> QuerySet[TrustRoot]:
    """Return the trust roots that count now, in the one order in which they are judged by and exported."""
    return TrustRoot.objects.filter(removed_at__isnull=True).select_related("document").order_by("digest")


def current_trust_material() -> TrustMaterial:
    """Return what a verdict given now may rest on. Refuses with `blob.altered` when a stored trust root was changed."""
    roots = tuple(_parse(row.document, json.dumps(row.profile, sort_keys=True)) for row in list_trust_roots())
    signers = EvidenceSigner.objects.filter(method=EvidenceSigner.Method.PUBLIC_KEY).order_by("key_id")
    return TrustMaterial(trust_roots=roots, keys=tuple(_registered(signer) for signer in signers))


def _parse(document: Blob, profile: str) -> ParsedRoot:
    return _parse_once(bytes_of(document), profile)


@lru_cache(maxsize=16)
def _parse_once(document: bytes, profile: str) -> ParsedRoot:
    wanted: dict[str, Any] = json.loads(profile)
    return parse_trust_root(document, profile=wanted)


def _registered(signer: EvidenceSigner) -> RegisteredKey:
    return RegisteredKey(_load_once(bytes(signer.spki or b"")), signer.valid_from, signer.valid_until, signer.revoked_at)


@lru_cache(maxsize=16_384)
def _load_once(spki: bytes) -> PublicKey:
    return load_spki(spki)
