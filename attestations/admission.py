"""Which evidence about an artifact counts for a team's project, and which only lies beside it.

Anybody can name any digest in an envelope that proves nothing, or add a signature to somebody else's. So what another team sends counts only
where it verified and a registered signer answers for it, and is the team's own only by a key of the team's, or a signer who is named, whose
word about this content does not count already. Such a word to which a stranger added a signature is left out: the word alone can be sent. Only
so much is looked at of the rest, the first received first. Whether a policy accepts any of it is not asked here; whom it names, the caller
says, as a condition on the rows of `VerdictSigner`.
"""

from __future__ import annotations

from collections.abc import Collection
from typing import Any

from django.db.models import BooleanField, Case, Exists, F, OuterRef, Q, QuerySet, Value, When, Window
from django.db.models.functions import RowNumber

from attestations.models import Finding, Submission, Verdict, VerdictSigner, VerdictSubject
from attestations.queries import newest_verdicts
from attestations.signer import CHECK
from identities.models import EvidenceSigner, Team
from proofs.policy.expectation_rule import STATES_RESULT
from proofs.predicates.read import READERS

# Of verified evidence by which neither the team nor anybody its policy names says anything new today.
MAX_OF_OTHERS = 64
# Why a registered signer says no yes, while the no that it said is its own word; a revoked or blocked one may be anybody's.
_STILL_SAYS_NO = ("signer.suspended", "signer.orphaned", "signer.not_granted")
_RESULT_TYPES = tuple(predicate_type for predicate_type, (kind, _) in READERS.items() if kind in STATES_RESULT)


def is_admitted(team: Any, *, verdict: str = "") -> Q:
    """Return the condition that a verdict counts for `team` (a row, or a reference to an outer query), copies included.

    `verdict` is the way to the verdict from the rows that are filtered, with its `__` at the end; empty when they are the verdicts.
    """
    row = OuterRef(f"{verdict}pk")
    silent = Finding.objects.filter(verdict=row, check_name=CHECK, outcome=Finding.Outcome.FAIL, code__in=_STILL_SAYS_NO)
    answers = Q(**{f"{verdict}signer__isnull": False}) | Q(Exists(VerdictSigner.objects.filter(verdict=row, identity__isnull=False)))
    says_no = Q(**{f"{verdict}predicate_type__in": _RESULT_TYPES}) & Q(Exists(silent))
    return (Q(**{f"{verdict}result": Verdict.Result.VERIFIED}) & (answers | says_no)) | is_sent_by(team, verdict=verdict)


def is_own(team: Team, named: Q) -> Q:
    """Return the condition that the team sent a verdict's evidence, or that it or a signer who is `named` signed it and answers for that."""
    answers = VerdictSigner.objects.filter(_is_relevant(team, named), verdict=OuterRef("pk"), identity__isnull=False)
    return is_sent_by(team) | (Q(signer__team=team) & _is_unnamed()) | Q(Exists(answers))


def is_sent_by(team: Any, *, verdict: str = "") -> Q:
    """Return the condition that an identity of the team sent a verdict's evidence. `team` and `verdict` are as for `is_admitted`."""
    return Q(Exists(Submission.objects.filter(attestation=OuterRef(f"{verdict}attestation"), identity__team=team)))


def is_troubled_by_signers(team: Team, named: Q) -> Q:
    """Return the condition that a signer who does not answer takes something away from a verdict's evidence: the team sent it, and that
    signer is its own or named, or none of those who are answers."""
    relevant = VerdictSigner.objects.filter(_is_relevant(team, named), verdict=OuterRef("pk"))
    silent, answering = relevant.filter(identity__isnull=True), relevant.filter(identity__isnull=False)
    return is_sent_by(team) & (Q(Exists(silent)) | ~Q(Exists(answering)))


def own_verdicts(digests: Collection[str], *, team: Team, named: Q) -> QuerySet[Verdict]:
    """Return the newest verdicts that count for `team` and are its own, the first received first: sent by it, or with something new in it
    that it or somebody `named` signed and answers for today."""
    # Where nobody else sent anything, all of that comes to one short condition; writing the long one down takes longer than asking it.
    is_alone = not has_been_sent_by_others(digests, team)
    own = _about(digests).filter(is_sent_by(team)) if is_alone else own_among_others(digests, team=team, named=named)
    return own.order_by("attestation__received_at", "attestation_id")


def own_among_others(digests: Collection[str], *, team: Team, named: Q) -> QuerySet[Verdict]:
    """Return the same verdicts in no order, whoever else sent something about the artifacts."""
    return _counting(digests, team, named).filter(_is_new_of_own(digests, team, named))


def has_been_sent_by_others(digests: Collection[str], team: Team) -> bool:
    """Return whether there ever was a verdict about the artifacts on something that the team did not send."""
    return VerdictSubject.objects.filter(~is_sent_by(team, verdict="verdict__"), artifact__in=digests).exists()


def others_verdicts(digests: Collection[str], *, team: Team, named: Q) -> QuerySet[Verdict]:
    """Return all others that count for `team` and are no copies; the first `MAX_OF_OTHERS` are looked at, and the rest is left out.

    First what a signer of the team's or somebody `named` signed who does not answer today, then the first received.
    """
    if not has_been_sent_by_others(digests, team):
        return Verdict.objects.none()
    first = _first_of_copies(digests, team, named)
    relevant = first.filter(_is_relevant(team, named))
    others = (
        _counting(digests, team, named)
        .exclude(_is_new_of_own(digests, team, named))
        .filter(Q(pk__in=first.values("verdict")) | _is_unnamed())
    )
    silent = Case(When(Q(pk__in=relevant.values("verdict")), then=Value(False)), default=Value(True), output_field=BooleanField())
    return others.annotate(is_of_strangers=silent).order_by("is_of_strangers", "attestation__received_at", "attestation_id")


def spare_verdicts(digests: Collection[str], *, team: Team, named: Q) -> QuerySet[Verdict]:
    """Return the newest verdicts of what others sent and adds nothing to what counts already, the last received first."""
    if not has_been_sent_by_others(digests, team):
        return Verdict.objects.none()
    first = _first_of_copies(digests, team, named)
    spare = _about(digests).filter(is_admitted(team)).exclude(is_sent_by(team) | Q(pk__in=first.values("verdict")) | _is_unnamed())
    return spare.order_by("-attestation__received_at", "-attestation_id")


def left_out_verdicts(digests: Collection[str], *, team: Team) -> QuerySet[Verdict]:
    """Return the newest verdicts that claim to be about the artifacts and do not count for `team`, the last received first."""
    return _about(digests).filter(~is_admitted(team)).order_by("-attestation__received_at", "-attestation_id")


def _counting(digests: Collection[str], team: Team, named: Q) -> QuerySet[Verdict]:
    rows = VerdictSigner.objects.filter(verdict=OuterRef("pk"))
    relevant = _is_relevant(team, named)
    is_added_to = Q(Exists(rows.filter(relevant))) & Q(Exists(rows.filter(~relevant)))
    return _about(digests).filter(is_admitted(team)).filter(is_sent_by(team) | ~is_added_to)


def _is_new_of_own(digests: Collection[str], team: Team, named: Q) -> Q:
    first = _first_of_copies(digests, team, named).filter(_is_relevant(team, named), identity__isnull=False)
    return is_sent_by(team) | Q(pk__in=first.values("verdict")) | (Q(signer__team=team) & _is_unnamed())


def _is_unnamed() -> Q:
    """The condition that a verdict is of before its signers had rows: it is no copy of anything until it is reached anew."""
    return ~Q(Exists(VerdictSigner.objects.filter(verdict=OuterRef("pk"))))


def _is_relevant(team: Team, named: Q) -> Q:
    """The condition that a row of `VerdictSigner` is a key of the team's, also where it answers for nobody today, or `named`.

    A workflow of the team's that nobody names is none: anybody may be able to call it.
    """
    keys = EvidenceSigner.objects.filter(identity__team=team, method=EvidenceSigner.Method.PUBLIC_KEY).exclude(key_id="").values("key_id")
    return Q(issuer="", name__in=keys) | named


def _first_of_copies(digests: Collection[str], team: Team, named: Q) -> QuerySet[VerdictSigner]:
    """Return of all evidence that counts, for each signer and content, the one row that speaks for it; of the team's own evidence all may.

    That of evidence for which everybody answers goes first, then the team's own, then the first received. Where the team or somebody named
    signed what others sent, its other signers say nothing: whoever adds a signature would have something new to say each time.
    """
    relevant = _is_relevant(team, named)
    beside = VerdictSigner.objects.filter(relevant, verdict=OuterRef("verdict"))
    speaking = VerdictSigner.objects.filter(verdict__in=_counting(digests, team, named).order_by().values("pk")).annotate(
        is_strange=Case(When(relevant, then=Value(False)), default=Value(True), output_field=BooleanField()),
        is_of_others=Case(When(is_sent_by(team, verdict="verdict__"), then=Value(False)), default=Value(True), output_field=BooleanField()),
        is_silent=Case(
            When(identity__isnull=False, verdict__signer__isnull=False, verdict__result=Verdict.Result.VERIFIED, then=Value(False)),
            default=Value(True),
            output_field=BooleanField(),
        ),
    )
    speaking = speaking.filter(Q(is_of_others=False) | Q(is_strange=False) | ~Q(Exists(beside)))
    order = [F("is_silent"), F("is_of_others"), F("verdict__attestation__received_at"), F("verdict__attestation_id")]
    place = Window(RowNumber(), partition_by=[F("copy_key")], order_by=order)
    first = speaking.annotate(place=place).filter(place=1).values("pk")
    return VerdictSigner.objects.filter(pk__in=first)


def _about(digests: Collection[str]) -> QuerySet[Verdict]:
    about = VerdictSubject.objects.filter(artifact__in=digests).values("verdict")
    return newest_verdicts().filter(pk__in=about).prefetch_related("subjects")
