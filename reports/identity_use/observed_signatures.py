"""Which evidence an identity signed: what counts as its own, and what bears its registered names without a right to it.

Reads the newest verdict of each piece of evidence, and of those only verified ones: what does not verify shows nobody's deed. Judges nothing.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.db.models import Max, Q
from django.urls import reverse

from attestations.models import Verdict
from attestations.signer import when_signed_of
from identities.models import EvidenceSigner, Identity
from proofs.workflow import split_workflow
from reports.identity_use.use import ATTEST, Deed, Earlier, Record, Window
from reports.signed_by import evidence_signed_by

# What is signed without a statement around it, as files and images are, has no predicate type.
NO_TYPE = "statements without a predicate type"


@dataclass(frozen=True, slots=True)
class Names:
    """The registered ways of signing of one identity, and those of others that are spelled the same."""

    own: tuple[EvidenceSigner, ...]
    others: tuple[EvidenceSigner, ...]

    def find(self, signer: Mapping[str, Any], at: datetime) -> tuple[EvidenceSigner | None, bool]:
        """Return the identity's own registration that fits, and whether each had ended by then; nothing where another's goes before it."""
        fitting = [row for row in self.own if _fits(row, signer)]
        first = _going_before([*fitting, *(row for row in self.others if _fits(row, signer))], at)
        if first and not any(row in first for row in fitting):
            return None, False
        live = [row for row in fitting if not _ended(row, at)]
        if any(not row.any_ref and row.revoked_at is not None and row.revoked_at <= at for row in fitting):
            # That all names of its workflow are registered makes nothing good that was signed under this one after it was revoked.
            live = [row for row in live if not row.any_ref]
        chosen = next(iter(live or fitting), None)
        return chosen, bool(fitting) and not live


def read_names(identity: Identity) -> Names:
    """Read the registered ways of signing, whatever became of them, in two queries."""
    own = tuple(EvidenceSigner.objects.filter(identity=identity).order_by("-valid_from", "-pk"))
    alike = Q(key_id__in=[row.key_id for row in own if row.key_id])
    for row in own:
        if row.certificate_identity:
            # A name may be registered with its ref by one and without by another.
            workflow, _ = split_workflow(row.certificate_identity)
            spelled = Q(certificate_identity__in=[row.certificate_identity, workflow or row.certificate_identity])
            spelled |= Q(certificate_identity__startswith=f"{row.certificate_identity}@") if row.any_ref else Q()
            alike |= spelled & Q(certificate_issuer=row.certificate_issuer)
    others = EvidenceSigner.objects.filter(alike).exclude(identity=identity) if own else EvidenceSigner.objects.none()
    return Names(own, tuple(others))


def read_signed(identity: Identity, names: Names, window: Window, *, most: int) -> tuple[list[Deed], list[Earlier], str]:
    """Return what it signed in the window, what it had signed before, and in words what was cut off, in two queries.

    Evidence is received after it was signed, so all that was received from the window's beginning on is looked at, the first `most` of it.
    """
    mine = evidence_signed_by(identity, names.own)
    rows = mine.filter(attestation__received_at__gte=window.since).select_related("attestation", "document")
    found = list(rows.order_by("attestation__received_at", "pk")[: most + 1])
    cut = f"Evidence received after the first {most} pieces since the window began." if len(found) > most else ""
    signed = [deed for verdict in found[:most] for deed in _deeds(verdict, identity, names)]
    older = mine.filter(attestation__received_at__lt=window.since).order_by().values_list("predicate_type")
    before = [Earlier(ATTEST, what or NO_TYPE, "", last) for what, last in older.annotate(Max("attestation__received_at"))]
    before += [Earlier(ATTEST, deed.object, "", deed.at) for deed in signed if deed.at < window.since]
    return [deed for deed in signed if window.holds(deed.at)], before, cut


def _deeds(verdict: Verdict, identity: Identity, names: Names) -> list[Deed]:
    document = json.loads(bytes(verdict.document.content))
    facts = document["facts"]
    at = when_signed_of(document, received_at=verdict.attestation.received_at)
    signers: Sequence[Mapping[str, Any]] = (facts["signer"], *facts.get("coSigners", ()))
    deeds = []
    for position, signer in enumerate(signers):
        if position == 0 and verdict.signer_id not in (None, identity.pk):
            continue
        registration, ended = names.find(signer, at)
        answered = position == 0 and verdict.signer_id == identity.pk
        if answered or registration is not None:
            deeds.append(_deed(verdict, facts, signer, str(registration or ""), at=at, ended=ended and not answered))
    return deeds[:1]


def _deed(verdict: Verdict, facts: Mapping[str, Any], signer: Mapping[str, Any], registered: str, *, at: datetime, ended: bool) -> Deed:
    url = reverse("attestations:attestation", args=[verdict.attestation_id])
    claims = facts.get("claims") or {}
    by_key = signer.get("kind") == "key"
    return Deed(
        right=ATTEST,
        object=verdict.predicate_type or NO_TYPE,
        at=at,
        record=Record("attestation", verdict.attestation_id, url, at, "signed evidence"),
        signer=registered or str(signer.get("workflow") or signer.get("identity") or signer.get("keyId") or ""),
        named="" if by_key else str(signer.get("identity") or ""),
        issuer="" if by_key else str(signer.get("issuer") or ""),
        source=str((claims.get("sourceRepository") if by_key else signer.get("sourceRepository")) or ""),
        trigger=str(signer.get("trigger") or ""),
        ended=ended,
    )


def _fits(row: EvidenceSigner, signer: Mapping[str, Any]) -> bool:
    if signer.get("kind") == "key":
        return row.method == EvidenceSigner.Method.PUBLIC_KEY and row.key_id == signer.get("keyId")
    if row.method != EvidenceSigner.Method.CERTIFICATE or row.certificate_issuer != signer.get("issuer"):
        return False
    return row.certificate_identity == (signer.get("workflow") if row.any_ref else signer.get("identity"))


def _in_force(row: EvidenceSigner, at: datetime) -> bool:
    return row.valid_from <= at and not _ended(row, at)


def _going_before(fitting: Sequence[EvidenceSigner], at: datetime) -> list[EvidenceSigner]:
    """Return which of the fitting registrations have to do with what was signed at that time, as `find_registration` picks among them.

    Those in force go before those made later, and the very name before all names of its workflow, also after it was revoked.
    """
    revoked = [row for row in fitting if not row.any_ref and row.revoked_at is not None and row.revoked_at <= at]
    for counting in ([row for row in fitting if _in_force(row, at)], [row for row in fitting if not _ended(row, at)]):
        first = [row for row in counting if not row.any_ref] or revoked or counting
        if first:
            return first
    return []


def _ended(row: EvidenceSigner, at: datetime) -> bool:
    return any(end is not None and end <= at for end in (row.revoked_at, row.valid_until))
