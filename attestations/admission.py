"""Which evidence about an artifact counts for a team's project, and which only lies beside it.

Anybody with a credential can name any digest in an envelope that proves nothing, or sign one with an identity nobody here knows. So evidence
counts for everybody only when it verified and its signer is registered; everything else counts for the team that sent it. Of what other
teams sign, only so much is looked at, the first received first: whoever owns a key could fill up anybody's request otherwise. Whether a policy
accepts it is not asked here; whom it names, the caller says.
"""

from __future__ import annotations

from collections.abc import Collection
from typing import Any

from django.db.models import Exists, OuterRef, Q, QuerySet

from attestations.models import Submission, Verdict, VerdictSubject
from attestations.queries import newest_verdicts
from identities.models import Team

# Of verified evidence that neither the team nor anybody its policy names has signed or sent.
MAX_OF_OTHERS = 64


def is_admitted(team: Any, *, verdict: str = "") -> Q:
    """Return the condition that a verdict counts for `team` (a row, or a reference to an outer query).

    `verdict` is the way to the verdict from the rows that are filtered, with its `__` at the end; empty when they are the verdicts.
    """
    known = Q(**{f"{verdict}result": Verdict.Result.VERIFIED, f"{verdict}signer__isnull": False})
    return known | _is_sent_by(team, verdict)


def admitted_verdicts(digests: Collection[str], *, team: Team) -> QuerySet[Verdict]:
    """Return the newest verdicts about any of the artifacts that count for `team`, the first received first."""
    return _about(digests).filter(is_admitted(team)).order_by("attestation__received_at", "attestation_id")


def own_verdicts(digests: Collection[str], *, team: Team, named: Q) -> QuerySet[Verdict]:
    """Return those of `admitted_verdicts` that the team sent, or that it or a signer who is `named` signed, in the same order."""
    return admitted_verdicts(digests, team=team).filter(_is_sent_by(team) | Q(signer__team=team) | named)


def others_verdicts(digests: Collection[str], *, team: Team, named: Q) -> QuerySet[Verdict]:
    """Return those of `admitted_verdicts` that are none of `own_verdicts`; the first `MAX_OF_OTHERS` count, and the rest is left out."""
    return admitted_verdicts(digests, team=team).exclude(_is_sent_by(team) | Q(signer__team=team) | named)


def left_out_verdicts(digests: Collection[str], *, team: Team) -> QuerySet[Verdict]:
    """Return the newest verdicts that claim to be about the artifacts and do not count for `team`, the last received first."""
    return _about(digests).filter(~is_admitted(team)).order_by("-attestation__received_at", "-attestation_id")


def _is_sent_by(team: Any, verdict: str = "") -> Q:
    return Q(Exists(Submission.objects.filter(attestation=OuterRef(f"{verdict}attestation"), identity__team=team)))


def _about(digests: Collection[str]) -> QuerySet[Verdict]:
    subject = VerdictSubject.objects.filter(verdict=OuterRef("pk"), artifact__in=digests)
    return newest_verdicts().filter(Exists(subject)).prefetch_related("subjects")
