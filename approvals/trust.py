"""What a verifier of this portal's packs has to trust, as one document: to be fetched once, out of band, and kept.

Made from the keys and trust roots in force now, and from the identity providers whose sign-ins keys and approvals are bound to. It is not
signed: whoever pins it vouches for it.
"""

from __future__ import annotations

from django.conf import settings

from attestations.blobs import bytes_of
from attestations.trust.roots import current_trust_material, list_trust_roots
from identities.oidc.used_keys import used_providers
from ledger.keys import log_verifier_key
from ledger.models import Entry
from ledger.recorder import recorder_key
from proofs.checkpoint import parse_note_key
from proofs.errors import Conflict
from proofs.keys import load_spki
from proofs.pack.trust import EvidenceRoot, RecorderKey, Trust, TrustedAuthenticators, TrustedProvider


def current_trust() -> Trust:
    """Return the trust material of this portal. Refuses with `trust.empty` before the first ledger entry, or `ledger.key_missing`."""
    first = Entry.objects.order_by("index").first()
    if first is None:
        raise Conflict("trust.empty", "the ledger has no entry yet; bootstrap the portal first")
    roots = list_trust_roots()
    return Trust(
        origin=settings.ORIGIN,
        rp_id=settings.RP_ID,
        origins=(settings.ORIGIN,),
        # There is one recorder key for now, and it recorded the ledger's very first entry.
        recorder_keys=(RecorderKey(load_spki(recorder_key().spki), first.appended_at.replace(microsecond=0), None),),
        log=parse_note_key(log_verifier_key()),
        evidence_roots=tuple(EvidenceRoot(root.name, bytes_of(root.document), root.profile) for root in roots),
        evidence_keys=current_trust_material().keys,
        identity_providers=_identity_providers(),
        authenticators=_authenticators(),
    )


def _identity_providers() -> tuple[TrustedProvider, ...]:
    """Return the providers that confirmed something, under every client name that the portal had there when they did."""
    return tuple(
        TrustedProvider(issuer=item.issuer, audiences=item.audiences, keys=item.keys, second_factor=item.second_factor)
        for item in used_providers()
    )


def _authenticators() -> TrustedAuthenticators | None:
    if not settings.ATTESTATION_ROOTS:
        return None
    return TrustedAuthenticators(settings.ATTESTATION_ROOTS, tuple(settings.AUTHENTICATORS))
