"""Reads across the tables of identities: who a signer is, and the rows of the register."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from django.db.models import Count, Exists, OuterRef, Prefetch, Q, QuerySet

from identities.models import ApiCredential, EvidenceSigner, Identity, RoleAssignment, SigningKey


def resolve_signer(facts_signer: Mapping[str, Any], *, at: datetime) -> Identity | None:
    """Return the one active identity whose registered signer fits the verified facts at `at`; None when unknown or unclear.

    `facts_signer` is what certificate or key say, never what a predicate claims.
    """
    if facts_signer.get("kind") == "key":
        fitting = Q(method=EvidenceSigner.Method.PUBLIC_KEY, key_id=str(facts_signer.get("keyId", "")))
    elif facts_signer.get("kind") == "certificate":
        whole = str(facts_signer.get("identity", ""))
        exact = Q(any_ref=False, certificate_identity=whole)
        by_workflow = Q(any_ref=True, certificate_identity=whole.rpartition("@")[0]) if "@" in whole else Q(pk__in=[])
        issuer = str(facts_signer.get("issuer", ""))
        fitting = Q(method=EvidenceSigner.Method.CERTIFICATE, certificate_issuer=issuer) & (exact | by_workflow)
    else:
        return None
    valid = (
        Q(valid_from__lte=at) & (Q(valid_until__isnull=True) | Q(valid_until__gt=at)) & (Q(revoked_at__isnull=True) | Q(revoked_at__gt=at))
    )
    signers = EvidenceSigner.objects.filter(fitting & valid, identity__status=Identity.Status.ACTIVE)
    found = list(signers.select_related("identity__owner", "identity__team").order_by("any_ref", "pk"))
    exactly = [signer for signer in found if not signer.any_ref] or found
    identities = {signer.identity_id: signer.identity for signer in exactly}
    return next(iter(identities.values())) if len(identities) == 1 else None


def list_register(*, kind: str = "") -> QuerySet[Identity]:
    """Return the register in order of name, with all that a row shows, in a constant number of queries."""
    identities = Identity.objects.filter(kind=kind) if kind else Identity.objects.all()
    return (
        identities.select_related("owner", "team")
        .annotate(key_count=Count("signing_keys", filter=Q(signing_keys__revoked_at__isnull=True), distinct=True))
        .annotate(has_account=Exists(Identity.objects.filter(pk=OuterRef("pk"), user__isnull=False)))
        .prefetch_related(
            Prefetch("evidence_signers", EvidenceSigner.objects.filter(revoked_at__isnull=True).order_by("pk")),
            Prefetch("api_credentials", ApiCredential.objects.filter(revoked_at__isnull=True).order_by("expires_at")),
            Prefetch(
                "roles",
                RoleAssignment.objects.filter(ended_at__isnull=True).select_related("team", "project").order_by("team__slug", "role"),
            ),
        )
        .order_by("name", "pk")
    )


def list_signing_keys(identity: Identity) -> QuerySet[SigningKey]:
    """Return every approval key a person ever enrolled, the newest first."""
    return SigningKey.objects.filter(identity=identity).order_by("-enrolled_at")
