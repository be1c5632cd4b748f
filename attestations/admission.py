"""Which evidence about an artifact counts for a team's project, and which only lies beside it.

Anybody with a credential can name any digest in an envelope that proves nothing, or sign one with an identity nobody here knows. So evidence
counts for everybody only when it verified and its signer is registered; everything else counts for the team that sent it. Of what other
teams send, copies of one signature count once, because anybody can spell a bundle anew; of what they sign, only so much is looked at, the
first received first: whoever owns a key could fill up anybody's request otherwise. Whether a policy accepts it is not asked here; whom it
names, the caller says.
"""

from __future__ import annotations

from collections.abc import Collection
from typing import Any

from django.db.models import Exists, OuterRef, Q, QuerySet

from attestations.models import Finding, Submission, Verdict, VerdictSubject
from attestations.queries import newest_verdicts
from attestations.signer import CHECK
from identities.models import Team

# Of verified evidence that neither the team nor anybody its policy names has signed or sent.
MAX_OF_OTHERS = 64


def is_admitted(team: Any, *, verdict: str = "") -> Q:
    """Return the condition that a verdict counts for `team` (a row, or a reference to an outer query), copies included.

    `verdict` is the way to the verdict from the rows that are filtered, with its `__` at the end; empty when they are the verdicts.
    """
    # A registered signer that does not answer today still says its no; that it says no yes is for the policy to see.
    barred = Finding.objects.filter(verdict=OuterRef(f"{verdict}pk"), check_name=CHECK, outcome=Finding.Outcome.FAIL)
    known = Q(**{f"{verdict}result": Verdict.Result.VERIFIED}) & (Q(**{f"{verdict}signer__isnull": False}) | Q(Exists(barred)))
    return known | is_sent_by(team, verdict=verdict)


def is_spare(team: Any, *, verdict: str = "") -> Q:
    """Return the condition that what others sent is a copy of what counts already: the team's own, else the first received one.

    A copy whose signer answers for it goes before one whose signer does not. `team` and `verdict` are as for `is_admitted`.
    """
    inner = OuterRef(team) if isinstance(team, OuterRef) else team
    received, attestation = OuterRef(f"{verdict}attestation__received_at"), OuterRef(f"{verdict}attestation")
    newer = Verdict.objects.filter(attestation=OuterRef("attestation"), number__gt=OuterRef("number"))
    copies = Verdict.objects.filter(~Exists(newer), is_admitted(inner), copy_key=OuterRef(f"{verdict}copy_key"))
    copies = copies.exclude(attestation=attestation)
    earlier = Q(attestation__received_at__lt=received) | Q(attestation__received_at=received, attestation__lt=attestation)
    first = is_sent_by(inner) | earlier
    answered = Q(signer__isnull=False)
    nobody = Q(**{f"{verdict}signer__isnull": True})
    better = Q(Exists(copies.filter(answered & first))) | (nobody & Q(Exists(copies.filter(answered | first))))
    return Q(**{f"{verdict}copy_key__isnull": False}) & ~is_sent_by(team, verdict=verdict) & better


def is_own(team: Team, named: Q) -> Q:
    """Return the condition that the team sent a verdict's evidence, or that it or a signer who is `named` signed it."""
    return is_sent_by(team) | Q(signer__team=team) | named


def is_sent_by(team: Any, *, verdict: str = "") -> Q:
    """Return the condition that an identity of the team sent a verdict's evidence. `team` and `verdict` are as for `is_admitted`."""
    return Q(Exists(Submission.objects.filter(attestation=OuterRef(f"{verdict}attestation"), identity__team=team)))


def own_verdicts(digests: Collection[str], *, team: Team, named: Q) -> QuerySet[Verdict]:
    """Return the newest verdicts that count for `team` and `is_own` tells its own, without spare copies, the first received first."""
    return _counting(digests, team).filter(is_own(team, named))


def others_verdicts(digests: Collection[str], *, team: Team, named: Q) -> QuerySet[Verdict]:
    """Return all others that count for `team`, in the same order; the first `MAX_OF_OTHERS` are looked at, and the rest is left out."""
    return _counting(digests, team).exclude(is_own(team, named))


def spare_verdicts(digests: Collection[str], *, team: Team) -> QuerySet[Verdict]:
    """Return the newest verdicts of copies that others sent of what counts already, the last received first."""
    admitted = _about(digests).filter(is_admitted(team)).filter(is_spare(team))
    return admitted.order_by("-attestation__received_at", "-attestation_id")


def left_out_verdicts(digests: Collection[str], *, team: Team) -> QuerySet[Verdict]:
    """Return the newest verdicts that claim to be about the artifacts and do not count for `team`, the last received first."""
    return _about(digests).filter(~is_admitted(team)).order_by("-attestation__received_at", "-attestation_id")


def _counting(digests: Collection[str], team: Team) -> QuerySet[Verdict]:
    admitted = _about(digests).filter(is_admitted(team)).exclude(is_spare(team))
    return admitted.order_by("attestation__received_at", "attestation_id")


def _about(digests: Collection[str]) -> QuerySet[Verdict]:
    subject = VerdictSubject.objects.filter(verdict=OuterRef("pk"), artifact__in=digests)
    return newest_verdicts().filter(Exists(subject)).prefetch_related("subjects")
