"""Revoke approvals whose evidence turned out not to hold, for good. The worker calls it; safe to run twice and by several processes.

Weighed as a gate does, so an approval falls only where its policy is not met without the evidence that fell for good. What may pass does not
count, nor does it beside what will not: a signer that is suspended or without an owner, a verifier that cannot answer, a key nobody has
registered just now, evidence that grew old. Then gates deny, and may open again. Approvals that ran out by themselves are left as they are, but where a policy
asks what was approved there: what rests on them elsewhere goes on.
"""

from __future__ import annotations

from datetime import datetime

import structlog
from django.db import transaction
from django.db.models import Exists, OuterRef, Q, QuerySet

from approvals.models import Approval, Revision, RevisionEvidence
from approvals.policies.named_signers import named_in
from approvals.requests.approved_elsewhere import places_asked_elsewhere
from approvals.requests.revise import lock_state
from approvals.revocation.revoke_by_portal import BATCH, revoke_by_portal
from attestations.models import Verdict, VerdictSigner
from attestations.reverify import unsettled_about
from gates.evidence_today import FOR_GOOD, VERDICT_CHANGED, check_evidence_today
from gates.reasons import Reason
from identities.models import EvidenceSigner
from proofs.approval.portal_revocation import EVIDENCE_INVALID
from proofs.errors import Refusal

_FOR_GOOD = frozenset({VERDICT_CHANGED, *(f"evidence.{code.replace('.', '_')}" for code in FOR_GOOD)})

log = structlog.get_logger(__name__)


def revoke_invalid(*, now: datetime, limit: int = BATCH) -> int:
    """Revoke the approvals of at most `limit` revisions whose evidence does not hold any more; return how many approvals were.

    A revision that cannot be weighed is logged, and holds up no other; gates deny it meanwhile.
    """
    done = revisions = 0
    for revision in list(list_touched(now)):
        if revisions >= limit:
            break
        try:
            revoked = _revoke(revision, now=now)
        except Refusal as refusal:
            log.warning("revoke_refused", revision=revision.pk, code=refusal.code)
            continue
        done, revisions = done + revoked, revisions + bool(revoked)
    return done


def list_touched(now: datetime) -> QuerySet[Revision]:
    """Return the revisions with an approval that counts and evidence of which something was found since; they are weighed one by one."""
    counting = _counting(now).filter(revision=OuterRef("pk"))
    newer = Verdict.objects.filter(attestation=OuterRef("attestation"), number__gt=OuterRef("verdict__number"))
    nobody = VerdictSigner.objects.filter(verdict=OuterRef("pk"), identity__isnull=True)
    fallen = newer.filter(~Q(result=OuterRef("verdict__result")) | Exists(nobody))
    signed = VerdictSigner.objects.filter(verdict=OuterRef("verdict"))
    revoked = EvidenceSigner.objects.filter(identity=OuterRef("identity"), revoked_at__gte=OuterRef("verdict__verified_at"))
    distrusted = signed.filter(Exists(revoked) | Q(identity__compromised_from__isnull=False))
    touched = RevisionEvidence.objects.filter(Exists(fallen) | Exists(distrusted), revision=OuterRef("pk"))
    found = Revision.objects.filter(Exists(counting), Exists(touched))
    return found.select_related("request__project__team", "policy__document", "policy_input", "policy_result").order_by("pk")


def _counting(now: datetime) -> QuerySet[Approval]:
    goes_on = Q(revision__request__environment__slug__in=places_asked_elsewhere())
    return Approval.objects.filter(Q(not_after__gt=now) | goes_on, decision=Approval.Decision.APPROVE, end__isnull=True)


@transaction.atomic
def _revoke(revision: Revision, *, now: datetime) -> int:
    lock_state(revision.request, now=now)
    because = _find_invalid(revision, now=now)
    if not because:
        return 0
    words = " ".join(reason.sentence for reason in because)
    counting = _counting(now).filter(revision=revision)
    rows = list(counting.select_related("revision__request").order_by("signed_at", "pk"))
    return sum(revoke_by_portal(approval=row, reason=EVIDENCE_INVALID, because=words, now=now) is not None for row in rows)


def _find_invalid(revision: Revision, *, now: datetime) -> list[Reason]:
    """Return why the evidence of a revision does not carry its approvals, for good; nothing while any of it is being verified again."""
    request = revision.request
    named = named_in(revision)
    for digest in request.artifacts.values_list("artifact_id", flat=True):
        if unsettled_about(digest, team=request.project.team, named=named).exists():
            return []
    # Weighed as when people were shown it: that evidence grew old meanwhile is nobody's fault, and newer may come.
    against = check_evidence_today(revision, now=now, weighed_at=revision.frozen_at, only_for_good=True)
    return [reason for reason in against if reason.code in _FOR_GOOD]
