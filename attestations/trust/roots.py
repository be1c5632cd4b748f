"""What evidence is verified against: stored trust roots, and the public keys registered for signing evidence.

A trust root is added once and kept; one that was removed no longer counts for new verdicts. Whether to trust it is for two officers to
say (`answer_trust_proposal`), or for the operator at the first set-up. A root comes and goes by `accept_trust_root` and `remove_trust_root` alone.
"""

from __future__ import annotations

import json
from datetime import datetime
from functools import lru_cache
from typing import Any

from django.db import transaction
from django.db.models import QuerySet

from attestations.blobs import bytes_of, store_blob
from attestations.models import Blob, Reverification, TrustOrigin, TrustRoot
from attestations.reverify import order_reverification
from identities.actors import actor_of
from identities.models import EvidenceSigner, Identity
from identities.people.officers import are_two_officers
from ledger.append import append_event
from proofs.canonical import canonical_bytes
from proofs.digest import sha256_hex
from proofs.errors import Conflict, Malformed, NotAllowed, NotFound
from proofs.evidence import TrustMaterial
from proofs.keys import PublicKey, RegisteredKey, load_spki
from proofs.sigstore.trust_root import DEFAULT_PROFILE, parse_trust_root
from proofs.sigstore.trust_root import TrustRoot as ParsedRoot


def add_trust_root(
    *, name: str, document: bytes, profile: dict[str, int] | None, by: Identity | None, now: datetime, mirror: str = ""
) -> TrustRoot:
    """Store a trust root at the first set-up, by one person; the same document again changes nothing.

    Refuses as `accept_trust_root` does, and with `trust.two_officers` once two officers could act together: then they do, by
    `propose_trust_root`. `by` is None at the server's own console; `mirror` is whose document it is, so that it can be updated from there,
    unless it was trusted before.
    """
    with transaction.atomic():
        if are_two_officers() and not _is_trusted(document, _whole(profile)):
            raise NotAllowed(
                "trust.two_officers", "There are two officers now: one proposes the trust root, another confirms it on the page Trust."
            )
        is_new = not TrustRoot.objects.filter(pk=sha256_hex(document)).exists()
        row = accept_trust_root(name=name, document=document, profile=profile, actor=actor_of(by), now=now)
        if mirror and is_new:
            note_origin(digest=row.digest, name=name, mirror=mirror, now=now)
    return row


@transaction.atomic
def accept_trust_root(
    *, name: str, document: bytes, profile: dict[str, int] | None, actor: str, now: datetime, proposal: str = ""
) -> TrustRoot:
    """Trust a Sigstore `trusted_root.json` from now on, with the thresholds evidence must meet under it; again changes nothing.

    Refuses as `parse_trust_root` does, and with `trust.root_exists` when the document is there with another profile or was removed.
    `proposal` is the id of what was confirmed. Does not check who may: that was decided by whoever calls.
    """
    wanted = _whole(profile)
    digest = parse_trust_root(document, profile=wanted).digest
    found = TrustRoot.objects.select_for_update(no_key=True).filter(pk=digest).first()
    if found is not None:
        if found.removed_at is None and found.profile == wanted:
            return found
        raise Conflict("trust.root_exists", f"the trust root {digest} is already stored with another profile, or was removed")
    row = TrustRoot.objects.create(digest=digest, name=name, document=store_blob(document, now), profile=wanted, added_at=now)
    _append(row, "trust.root_added", proposal=proposal, actor=actor, now=now)
    order_reverification(kind=Reverification.Kind.ROOT_ADDED, value=digest, now=now)
    return row


def remove_trust_root_alone(*, digest: str, reason: str, by: Identity | None, now: datetime) -> TrustRoot:
    """Trust a stored root no longer, said by one person; again changes nothing.

    Refuses as `remove_trust_root` does, with `trust.reason`, and with `trust.two_officers` once two officers could act together: then they
    do, by `propose_trust_root`. `by` is None at the server's own console.
    """
    if not reason.strip():
        raise Malformed("trust.reason", "got no reason, expected one that whoever finds rejected evidence can understand")
    with transaction.atomic():
        if are_two_officers():
            raise NotAllowed(
                "trust.two_officers",
                "There are two officers now: one proposes to remove the trust root, another confirms it on the page Trust.",
            )
        return remove_trust_root(digest=digest.removeprefix("sha256:"), actor=actor_of(by), now=now, reason=reason.strip()[:500])


@transaction.atomic
def remove_trust_root(*, digest: str, actor: str, now: datetime, proposal: str = "", reason: str = "") -> TrustRoot:
    """Trust a stored root no longer: no verdict from now on rests on it, and those that do are due anew. Again changes nothing.

    Refuses with `trust.unknown_root`. It never comes back under the same digest. Does not check who may.
    """
    row = TrustRoot.objects.select_for_update(no_key=True).filter(pk=digest).first()
    if row is None:
        raise NotFound("trust.unknown_root", f"no trust root is stored under {digest[:80]}")
    if row.removed_at is None:
        row.removed_at = now
        row.save(update_fields=["removed_at"])
        _append(row, "trust.root_removed", proposal=proposal, reason=reason, actor=actor, now=now)
        order_reverification(kind=Reverification.Kind.ROOT_REMOVED, value=digest, now=now)
    return row


def parsed_root(document: Blob, profile: dict[str, int]) -> ParsedRoot:
    """Return a stored document as read with these thresholds. Refuses with `blob.altered`."""
    return _parse(document, json.dumps(profile, sort_keys=True))


def list_trust_roots() -> QuerySet[TrustRoot]:
    """Return the trust roots that count now, in the one order in which they are judged by and exported."""
    return TrustRoot.objects.filter(removed_at__isnull=True).select_related("document").order_by("digest")


def note_origin(*, digest: str, name: str, mirror: str, now: datetime) -> None:
    """Keep that `mirror` sends this document, which is called `name` here. It does not say that the document is trusted."""
    TrustOrigin.objects.get_or_create(root_digest=digest, name=name, mirror=mirror, defaults={"seen_at": now})


def get_trust_root(digest: str) -> TrustRoot:
    """Return a trust root that counts now. Refuses with `trust.unknown_root`."""
    row = list_trust_roots().filter(pk=digest).first()
    if row is None:
        raise NotFound("trust.unknown_root", f"no trust root {digest[:64]} counts now")
    return row


def current_trust_material() -> TrustMaterial:
    """Return what a verdict given now may rest on. Refuses with `blob.altered` when a stored trust root was changed."""
    roots = tuple(parsed_root(row.document, row.profile) for row in list_trust_roots())
    signers = EvidenceSigner.objects.filter(method=EvidenceSigner.Method.PUBLIC_KEY).order_by("key_id")
    return TrustMaterial(trust_roots=roots, keys=tuple(_registered(signer) for signer in signers))


def _is_trusted(document: bytes, profile: dict[str, int]) -> bool:
    found = TrustRoot.objects.filter(pk=sha256_hex(document), removed_at__isnull=True).first()
    return found is not None and found.profile == profile


def _whole(profile: dict[str, int] | None) -> dict[str, int]:
    return {**DEFAULT_PROFILE, **(profile or {})}


def _append(row: TrustRoot, event: str, *, proposal: str, actor: str, now: datetime, reason: str = "") -> None:
    what: dict[str, Any] = {"trustRoot": row.digest, "profile": row.profile}
    ref = store_blob(canonical_bytes(what | ({"proposal": proposal} if proposal else {}) | ({"reason": reason} if reason else {})), now)
    append_event(event=event, ref_digest=ref.digest, actor=actor, now=now)


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
