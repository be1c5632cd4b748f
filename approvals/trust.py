"""What a verifier of this portal's packs has to trust, as one document: to be fetched once, out of band, and kept.

Made from the keys and trust roots in force now. It is not signed: whoever pins it vouches for it.
"""

from __future__ import annotations

from typing import Any

from django.conf import settings

from approvals.models import Ceremony
from approvals.signing.verify_sign_in import second_factor_contexts
from attestations.blobs import bytes_of
from attestations.trust.roots import current_trust_material, list_trust_roots
from identities.models import BoundSignIn, IdentityProvider
from ledger.keys import log_verifier_key
from ledger.models import Entry
from ledger.recorder import recorder_key
from proofs.canonical import canonical_bytes, parse_json
from proofs.checkpoint import parse_note_key
from proofs.errors import Conflict
from proofs.keys import load_spki
from proofs.pack.trust import EvidenceRoot, RecorderKey, Trust, TrustedProvider


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
    )


def _identity_providers() -> tuple[TrustedProvider, ...]:
    """Return the providers whose sign-ins confirmed something, with the keys that they had then: what they confirmed stays confirmed.

    A provider that was removed since, or goes by other keys, is among them for that reason.
    """
    used = BoundSignIn.objects.filter(used_at__isnull=False, issuer_keys__isnull=False)
    kept = used.order_by("provider__issuer").values_list("provider__issuer", "provider", "issuer_keys").distinct()
    keys: dict[str, dict[bytes, Any]] = {}
    rows: dict[str, set[str]] = {}
    for issuer, provider, document in kept:
        entries = parse_json(bytes(document))["keys"]
        keys.setdefault(issuer, {}).update({canonical_bytes(entry): entry for entry in entries})
        rows.setdefault(issuer, set()).add(provider)
    named = Ceremony.objects.filter(provider__isnull=False).values_list("provider__issuer", "audience").distinct()
    audiences = {issuer: {audience for of, audience in named if of == issuer} for issuer in keys}
    providers = {provider.pk: provider for provider in IdentityProvider.objects.filter(pk__in=set().union(*rows.values()))}
    return tuple(
        TrustedProvider(
            issuer=issuer,
            audiences=tuple(sorted(audiences[issuer] | {providers[pk].client_id for pk in rows[issuer]})),
            keys=canonical_bytes({"keys": [keys[issuer][name] for name in sorted(keys[issuer])]}),
            second_factor=tuple(sorted({each for pk in rows[issuer] for each in second_factor_contexts(providers[pk])})),
        )
        for issuer in sorted(keys)
    )
