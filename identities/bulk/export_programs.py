"""The programs of the register with their signers and grants in force, as rows of its file. Reads only; no secret and no person is in it."""

from __future__ import annotations

from base64 import b64encode
from collections.abc import Iterator
from datetime import datetime
from textwrap import wrap

from django.db.models import Prefetch, Q, QuerySet

from identities.bulk.document import GrantRow, ProgramRow, SignerRow
from identities.grants.held import in_force
from identities.models import EvidenceSigner, Grant, Identity

CHUNK = 500


def list_programs(identities: QuerySet[Identity], *, now: datetime) -> Iterator[ProgramRow]:
    """Yield every program among `identities` by name, with what is in force at `now`; retired ones too, which an import leaves alone.

    An owner is named by the username they sign in with, or by their id where they have none.
    """
    counting = EvidenceSigner.objects.filter(Q(valid_until__isnull=True) | Q(valid_until__gt=now), revoked_at__isnull=True)
    rows = identities.exclude(kind=Identity.Kind.PERSON).select_related("owner__user", "team")
    rows = rows.prefetch_related(
        Prefetch("evidence_signers", counting.order_by("pk")),
        Prefetch("grants", Grant.objects.filter(in_force(now)).select_related("project", "environment").order_by("pk")),
    )
    for number, identity in enumerate(rows.order_by("name", "pk").iterator(chunk_size=CHUNK), start=1):
        owner = identity.owner
        yield ProgramRow(
            where=f"program {number}",
            kind=str(identity.kind),
            name=identity.name,
            issuer=identity.issuer,
            subject=identity.subject,
            purpose=identity.purpose,
            owner=(owner.user.username if hasattr(owner, "user") else owner.pk) if owner else "",
            team=identity.team.slug if identity.team else "",
            standing=identity.standing,
            signers=tuple(_signer(signer) for signer in identity.evidence_signers.all()),
            grants=tuple(_grant(grant) for grant in identity.grants.all()),
        )


def pem_of(spki: bytes) -> str:
    """Return a public key in PEM (RFC 7468)."""
    return "\n".join(["-----BEGIN PUBLIC KEY-----", *wrap(b64encode(spki).decode(), 64), "-----END PUBLIC KEY-----", ""])


def _signer(signer: EvidenceSigner) -> SignerRow:
    if signer.spki is not None:
        return SignerRow(public_key=pem_of(bytes(signer.spki)), valid_until=signer.valid_until)
    return SignerRow(signer.certificate_issuer, signer.certificate_identity, signer.any_ref, valid_until=signer.valid_until)


def _grant(grant: Grant) -> GrantRow:
    places = (grant.project.slug if grant.project else "", grant.environment.slug if grant.environment else "")
    return GrantRow(str(grant.right), grant.object, *places, grant.valid_until, grant.reason)
