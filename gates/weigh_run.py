"""Weigh a run: may what a gate let through once go on running there, also long after the approvals ran out?

An approval bounds the start of a promotion. What was promoted may be started again at its place (a pod that is moved, a host that comes
back) until something newer was promoted under its name, an approval was revoked or objected to, the key or the person behind it may have
been somebody else, what people were shown no longer holds, or `settings.RUN_DAYS` are over. The signed material is verified again, as of
the promotion, under what is trusted today. Not checked: what `check_run_facts` names, and what runs there. Reads only.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

from django.conf import settings
from django.db.models import Exists, Max, OuterRef, Q, QuerySet

from approvals.models import Approval, Promotion, Request, RequestArtifact, Revision
from approvals.packs.build import build_pack
from approvals.trust import current_trust
from gates.models import Decision
from gates.present_facts import check_ended, check_later_no, check_open_for_run, check_path_stands, check_run_facts
from gates.reasons import Reason
from identities.models import Environment, Project
from proofs.artifact_name import ArtifactName, read_name
from proofs.errors import Refusal
from proofs.moment import rfc3339
from proofs.pack.verify import verify_pack

# What goes on running. An action is over when it was carried out, and asks anew.
RUNS = (Request.Kind.RELEASE, Request.Kind.PROMOTION)
_MAX_PROMOTED = 20


@dataclass(frozen=True, slots=True)
class Promoted:
    """That a gate let `digest` through: on which revision, when for the first and the last time on it."""

    request: Request
    digest: str
    revision: Revision
    first_at: datetime
    last_at: datetime

    @property
    def run_until(self) -> datetime:
        """When people have to be asked again, counted from the first time."""
        return self.first_at + timedelta(days=settings.RUN_DAYS)


def weigh_runs(digest: str, *, project: Project, environment: Environment, now: datetime) -> tuple[Request | None, list[Reason]]:
    """Return the request on which `digest` was promoted and still may run, and no reasons; else the newest one promoted and the reasons.

    Denies with `promotion.missing`, `promotion.superseded`, `promotion.too_old`, and the codes of the facts that speak against it today.
    """
    asked = Request.objects.filter(artifacts__artifact_id=digest, environment=environment, project=project, kind__in=RUNS)
    newest = (
        asked.filter(promotion__isnull=False).select_related("project", "environment", "requester__owner").order_by("-opened_at", "-pk")
    )
    first: tuple[Request, list[Reason]] | None = None
    for request in newest[:_MAX_PROMOTED]:
        against = weigh_run(request, digest, asked=asked, now=now)
        if not against:
            return request, []
        first = first or (request, against)
    if first is not None:
        return first
    words = f"No gate has let {digest} through to {environment.name}; ask for its promotion first."
    known = asked.order_by("-opened_at", "-pk").first()
    return known, [Reason("promotion.missing", words, request_id=known.pk if known else None)]


def weigh_run(request: Request, digest: str, *, asked: QuerySet[Request], now: datetime) -> list[Reason]:
    """Return the reasons why `digest` must not run on the promotion of `request`; none lets it. `asked` are all requests about it there."""
    promoted = read_promotion(request, digest)
    if promoted is None:
        words = "A gate let this request through, and never for this artifact; ask for its promotion first."
        return [Reason("promotion.missing", words, request_id=request.pk)]
    try:
        against = (
            check_open_for_run(request) or check_ended(request, promoted.revision) or check_age(promoted, now) or check_newest(promoted)
        )
        if against:
            return against
        files = build_pack(request=request, now=now, with_private=True, number=promoted.revision.number)
        verify_pack(files, trust=current_trust(), digest=digest, environment=request.environment_id, at=promoted.last_at)
        return (
            check_run_facts(request, promoted.revision, digest=digest, promoted_at=promoted.last_at, now=now)
            or check_later_no(asked, since=last_yes(promoted.revision))
            or check_path_stands(request, digest=digest)
        )
    except Refusal as refusal:
        return [Reason(refusal.code, refusal.reason, request_id=request.pk)]


def read_promotion(request: Request, digest: str) -> Promoted | None:
    """Return how `digest` was let through on `request`, on the revision of the last time; None where it never was."""
    allowed = _promotions().filter(request=request, artifact_digest=digest).order_by("decided_at", "entry")
    last = allowed.last()
    if last is None or not Promotion.objects.filter(request=request).exists():
        return None
    revisions = request.revisions.select_related("policy__document", "policy_input")
    # One that people had approved by then: the next may have been frozen in the same second.
    approved = Approval.objects.filter(revision=OuterRef("pk"), decision=Approval.Decision.APPROVE, signed_at__lte=last.decided_at)
    revision = revisions.filter(Exists(approved), frozen_at__lte=last.decided_at).order_by("-number").first()
    if revision is None:
        return None
    first = allowed.filter(decided_at__gte=revision.frozen_at)[:1].get()
    return Promoted(request, digest, revision, first.decided_at, last.decided_at)


def check_age(promoted: Promoted, now: datetime) -> list[Reason]:
    """Return the reason that it was promoted too long ago."""
    if now < promoted.run_until:
        return []
    words = f"It was promoted at {rfc3339(promoted.first_at)}, and may run for {settings.RUN_DAYS} days; ask people again."
    return [Reason("promotion.too_old", words, request_id=promoted.request.pk)]


def check_newest(promoted: Promoted) -> list[Reason]:
    """Return the reason that another artifact of this name was promoted there later. What has no name is overtaken by nothing."""
    named = RequestArtifact.objects.get(request=promoted.request, artifact_id=promoted.digest)
    if not named.name:
        return []
    last = _promotions().filter(request=promoted.request, artifact_digest=promoted.digest).order_by("entry").last()
    assert last is not None  # it was promoted
    later = _promotions().filter(
        entry__gt=last.entry_id,
        environment=promoted.request.environment,
        request__project=promoted.request.project,
    )
    others = later.exclude(Q(artifact_digest=promoted.digest) | Q(request=promoted.request)).values("request", "artifact_digest").distinct()
    for other in others.order_by("request", "artifact_digest"):
        artifact = RequestArtifact.objects.filter(request=other["request"], artifact_id=other["artifact_digest"]).first()
        if artifact is not None and artifact.name and _same(read_name(artifact.name), read_name(named.name)):
            words = f"{other['artifact_digest']} was promoted later under the same name; promote this one again, or run that."
            return [Reason("promotion.superseded", words, request_id=promoted.request.pk)]
    return []


def _same(one: ArtifactName, other: ArtifactName) -> bool:
    return (one.type, one.registry, one.spellings) == (other.type, other.registry, other.spellings)


def _promotions() -> QuerySet[Decision]:
    """The answers that let a promotion begin. What was let through only because nothing is enforced yet is none."""
    return Decision.objects.filter(outcome=Decision.Outcome.ALLOW, enforced=None).exclude(purpose=Decision.Purpose.RUN)


def last_yes(revision: Revision) -> datetime | None:
    """Return when the last approval of a revision that counts was signed; None where there is none."""
    given = revision.approvals.filter(end__isnull=True, decision=Approval.Decision.APPROVE)
    return given.aggregate(Max("signed_at"))["signed_at__max"]  # type: ignore[no-any-return]
