"""Decide: may this digest go to this environment, now?

The answer is recomputed from the signed material each time, with the code an auditor uses offline (`proofs.pack.verify`), and
then held against what is true today: keys, identities, policy and verdicts. Whatever cannot be shown is a deny with a reason; under a policy that
is only observed or warned of it is an allow that says so, with the reasons of the deny it would have been. Where somebody broke the glass for
this digest there, the deny becomes `break_glass`, with its reasons, as often as they signed; that is never an allow.
A question is about a promotion that begins, or, with the purpose `run`, about what was promoted before and starts again (`gates.weigh_run`).
Every answer is written down with its ledger entry before it is given. Not checked here: where the artifact is; a gate is asked about a
digest, and knows of tags only what observers told.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

import structlog
from django.db import transaction
from django.db.models import Max, Min, QuerySet

from approvals.carried_out.claim_use import claim_use
from approvals.carried_out.note_promotion import note_promotion
from approvals.emergency.use_break_glass import use_break_glass
from approvals.models import Approval, BreakGlassUse, PolicyActivation, Request
from approvals.packs.build import build_pack
from approvals.policies.versions import activation_in_force, mode_of
from approvals.requests.uses import HAVE_USES, USED, has_uses, is_used
from approvals.trust import current_trust
from attestations.models import Artifact
from gates.approved_elsewhere_today import check_elsewhere, check_elsewhere_again, hold_elsewhere
from gates.models import Decision, new_decision_id
from gates.present_facts import (
    check_ended,
    check_later_no,
    check_open,
    check_open_for_run,
    check_path_stands,
    check_people,
    check_present_facts,
)
from gates.reasons import Reason
from gates.weigh_run import last_yes, read_promotion, weigh_runs
from identities.actors import actor_of
from identities.models import Environment, Identity, Project
from ledger.append import append_event
from proofs.canonical import canonical_bytes
from proofs.digest import parse_digest, sha256_hex
from proofs.errors import Malformed, Refusal
from proofs.moment import rfc3339
from proofs.pack.verify import verify_pack

log = structlog.get_logger(__name__)

MAX_REQUESTS_WEIGHED = 20
# What goes somewhere when a gate opens. The others change what people decided, and take effect in the portal alone.
LET_THROUGH = (Request.Kind.RELEASE, Request.Kind.PROMOTION, Request.Kind.AGENT_ACTION, Request.Kind.ROTATION)


@dataclass(frozen=True, slots=True)
class Question:
    """What a gate is asked: a digest as `parse_digest` spells it, the slugs of environment and, if named, project, and what it is to do."""

    digest: str
    environment: str
    project: str = ""
    purpose: Decision.Purpose = Decision.Purpose.PROMOTE

    @property
    def is_run(self) -> bool:
        """Whether it is about what was promoted before."""
        return self.purpose == Decision.Purpose.RUN


def decide(
    *, digest: str, environment_slug: str, by: Identity, now: datetime, project_slug: str = "", purpose: str = Decision.Purpose.PROMOTE
) -> Decision:
    """Weigh every request that asks for `digest` in the environment, and write the answer down.

    `purpose` is `promote` or `run`. `project_slug` may stay empty where one project alone has a policy for the environment. Returns the stored `Decision`. Refuses with
    `digest.malformed` for what is not a digest and `purpose.unknown` for another purpose; an unknown digest, environment or project is not a refusal but a recorded deny.
    """
    if purpose not in Decision.Purpose.values:
        raise Malformed("purpose.unknown", f"got the purpose {purpose[:64]!r}, expected promote or run")
    question = Question(str(parse_digest(digest)), environment_slug, project_slug, Decision.Purpose(purpose))
    request: Request | None = None
    lenient: PolicyActivation.Mode | None = None
    try:
        request, reasons, lenient = _weigh(question, by=by, now=now)
    except Refusal as refusal:
        reasons = [Reason(refusal.code, refusal.reason)]
    except Exception:
        # A gate that breaks must not open: whatever went wrong is a deny, and a line in our own log for whoever mends it.
        log.exception("gate_failed", digest=question.digest, environment=environment_slug)
        reasons = [Reason("gate.error", "The gate could not check this, so it stays shut; the portal's log has the cause.")]
    return _record(question, request, reasons, lenient=lenient, by=by, now=now)


def _ended_meanwhile(request: Request, question: Question, *, now: datetime) -> list[Reason]:
    """Hold the request, and those it rests on elsewhere, and look once more at who answers for it, and who does against it: an approval that
    ends unused must not have been used a moment later, nor may a no be passed over that was there before the answer."""
    asked = _asked_like(request, question.digest)
    try:
        hold_elsewhere(request, now=now)
        if question.is_run:
            promoted = read_promotion(request, question.digest)
            ended = check_open_for_run(request) or check_ended(request, promoted.revision if promoted else None)
            return ended or check_later_no(asked, since=last_yes(promoted.revision) if promoted else None)
        ended = check_open(request) or check_ended(request) or check_elsewhere_again(request, now=now)
        return ended or check_later_no(asked, since=_last_yes(request)) or check_people(request)
    except Refusal as refusal:
        return [Reason(refusal.code, refusal.reason, request_id=request.pk)]


def _claim(request: Request, decision_id: str, *, by: Identity, now: datetime) -> list[Reason]:
    """Take the one use of an approved action or rotation, in the transaction of the answer; of two gates that ask at once, one is told that it is used."""
    if not has_uses(request):
        return []
    try:
        claim_use(request=request, decision_id=decision_id, by=by, now=now)
    except Refusal as refusal:
        return [Reason(refusal.code, refusal.reason, request_id=request.pk)]
    return []


def _check_used(request: Request) -> list[Reason]:
    sentence = "This was let through once already; ask people again for another time."
    return [Reason(USED, sentence, request_id=request.pk)] if is_used(request) else []


def _check_kind(request: Request, digest: str) -> list[Reason]:
    """What people are asked about as an action or a rotation is let through as that alone: once, by the rules for it."""
    if has_uses(request) or not _asked_like(request, digest).filter(kind__in=HAVE_USES).exists():
        return []
    words = "This is the document of an action or a rotation, which is let through as that and not as a release."
    return [Reason("scope.kind", words, request_id=request.pk)]


def _weigh(question: Question, *, by: Identity, now: datetime) -> tuple[Request | None, list[Reason], PolicyActivation.Mode | None]:
    """Return the request that opens the gate and no reasons, or the newest request (if any) and the reasons against; and the mode of the
    policy in force, where it is not enforced. What belongs to no policy has no mode."""
    # Another team's environment is no environment for this caller: a gate tells nobody what others have approved.
    environment = Environment.objects.filter(slug=question.environment, team_id=by.team_id).first()
    if environment is None:
        return None, [Reason("scope.environment", f"There is no environment {question.environment[:64]!r} in your team.")], None
    project, reasons = _choose_project(question, environment)
    if project is None:
        return None, reasons, None
    lenient = _lenient_mode(project, environment)
    if not Artifact.objects.filter(pk=question.digest).exists():
        unseen = Reason("scope.artifact", f"{question.digest} has never been seen: no evidence and no request names it.")
        return None, [unseen], lenient
    weigh = weigh_runs if question.is_run else weigh_requests
    request, against = weigh(question.digest, project=project, environment=environment, now=now)
    if question.is_run:
        return request, against, lenient
    missing = Reason("approval.missing", f"Nobody has asked for {question.digest} to go to {environment.name}; open a request.")
    return request, against if request else [missing], lenient


def _lenient_mode(project: Project, environment: Environment) -> PolicyActivation.Mode | None:
    """Return the mode in which a no is said and not enforced; None where it is enforced, and where nothing is in force."""
    activation = activation_in_force(project=project, environment=environment)
    mode = mode_of(activation) if activation else PolicyActivation.Mode.ENFORCE
    return None if mode == PolicyActivation.Mode.ENFORCE else mode


def weigh_requests(digest: str, *, project: Project, environment: Environment, now: datetime) -> tuple[Request | None, list[Reason]]:
    """Return the request that opens the gate for `digest` and no reasons, or the newest one, if any, and the reasons against it.

    Writes nothing: a page that asks this says what a gate would say now. Refuses where a gate would deny with the refusal's code.
    """
    asked = Request.objects.filter(artifacts__artifact_id=digest, environment=environment, project=project)
    if asked.exists() and not asked.filter(kind__in=LET_THROUGH).exists():
        words = "This is the document of a decision that takes effect in the portal; there is nothing that a gate lets through."
        return asked.latest("opened_at", "pk"), [Reason("scope.kind", words)]
    asked = asked.filter(kind__in=LET_THROUGH)
    newest = asked.select_related("project", "environment", "requester__owner").order_by("-opened_at", "-pk")[:MAX_REQUESTS_WEIGHED]
    first_reasons: list[Reason] = []
    for request in newest:
        against = weigh_whole(request, digest, now=now)
        if not against:
            return request, []
        first_reasons = first_reasons or against
    return newest.first(), first_reasons


def weigh_whole(request: Request, digest: str, *, now: datetime) -> list[Reason]:
    """Return the reasons why a gate does not open on `request`: its own, a later no to the same question, and what observers saw."""
    return (
        weigh_request(request, digest, now=now)
        or check_later_no(_asked_like(request, digest), since=_last_yes(request))
        or check_path_stands(request, digest=digest)
    )


def _asked_like(request: Request, digest: str) -> QuerySet[Request]:
    """Return the requests that ask the same as `request` about `digest`, itself among them."""
    there = Request.objects.filter(environment=request.environment_id, project=request.project_id, kind__in=LET_THROUGH)
    return there.filter(artifacts__artifact_id=digest)


def _last_yes(request: Request) -> datetime | None:
    live = Approval.objects.filter(revision__request=request, end__isnull=True)
    return live.aggregate(Max("signed_at"))["signed_at__max"]  # type: ignore[no-any-return]


def _choose_project(question: Question, environment: Environment) -> tuple[Project | None, list[Reason]]:
    """Return the project whose policy and people the question is about: the one named, or the only one there is."""
    ruled = PolicyActivation.objects.filter(environment=environment).values("project")
    projects = list(Project.objects.filter(pk__in=ruled, team_id=environment.team_id).order_by("slug"))
    if question.project:
        projects = [project for project in projects if project.slug == question.project]
    if len(projects) == 1:
        return projects[0], []
    if not projects:
        named = f"the project {question.project[:64]!r}" if question.project else "any project"
        return None, [Reason("policy.missing", f"No policy is in force for {named} in {environment.name}.")]
    # One project's approvers must not open the gate for what another project rejected.
    return None, [Reason("scope.project", f"Several projects go to {environment.name}; ask again and name the project.")]


def weigh_request(request: Request, digest: str, *, now: datetime) -> list[Reason]:
    """Return the reasons that `request` itself gives against opening the gate; none where it gives none."""
    try:
        ended = check_open(request) or check_ended(request) or _check_used(request) or _check_kind(request, digest)
        if ended:
            return ended
        files = build_pack(request=request, now=now, with_private=True)
        verify_pack(files, trust=current_trust(), digest=digest, environment=request.environment_id, at=now)
        return check_elsewhere(request, now=now) or check_present_facts(request, digest=digest, now=now)
    except Refusal as refusal:
        return [Reason(refusal.code, refusal.reason, request_id=request.pk)]


@transaction.atomic
def _record(
    question: Question,
    request: Request | None,
    reasons: list[Reason],
    *,
    lenient: PolicyActivation.Mode | None,
    by: Identity,
    now: datetime,
) -> Decision:
    decision_id = new_decision_id()
    if request is not None and not reasons:
        reasons = (
            _ended_meanwhile(request, question, now=now)
            or _claim(request, decision_id, by=by, now=now)
            or _promote(request, question, decision_id, by=by, now=now)
        )
    valid_until = _valid_until(request, question) if request is not None and not reasons else None
    environment = Environment.objects.filter(slug=question.environment, team_id=by.team_id).first()
    # Under a policy that is observed or warned of alone, the deny is written down as what it would have been.
    would = [reason.as_dict() for reason in reasons] if lenient else []
    against = [] if would else [reason.as_dict() for reason in reasons]
    use = _broken_glass(question, environment, decision_id, by=by, now=now) if against and environment else None
    denied = Decision.Outcome.BREAK_GLASS if use else Decision.Outcome.DENY
    outcome = denied if against else Decision.Outcome.ALLOW
    document = canonical_bytes(
        {
            "schema": "countersign-decision/v1",
            "id": decision_id,
            "artifact": question.digest,
            "environment": question.environment,
            "project": question.project,
            "purpose": question.purpose.value,
            "outcome": outcome.value,
            "reasons": against,
            "request": request.pk if request else None,
            "decidedAt": now.strftime("%Y-%m-%dT%H:%M:%SZ"),
            **({"validUntil": rfc3339(valid_until)} if valid_until else {}),
            **({"enforced": False, "mode": str(lenient), "would": would} if would else {}),
            **({"breakGlass": _use_document(use)} if use else {}),
        }
    )
    entry = append_event(event="gate.decision", ref_digest=sha256_hex(document), actor=actor_of(by), now=now)
    return Decision.objects.create(
        id=decision_id,
        artifact_digest=question.digest,
        environment_slug=question.environment,
        environment=environment,
        purpose=question.purpose,
        valid_until=valid_until,
        outcome=outcome,
        reasons=against,
        enforced=False if would else None,
        would=would or None,
        break_glass=use.break_glass if use else None,
        request=request,
        asked_by=by,
        document=document,
        entry=entry,
        decided_at=now,
    )


def _valid_until(request: Request, question: Question) -> datetime | None:
    """Return until when the same question can be answered with yes on this request, as far as time alone decides: the first approval that
    runs out, or the end of a run. Null where that is not known."""
    if question.is_run:
        promoted = read_promotion(request, question.digest)
        return promoted.run_until if promoted else None
    revision = request.revisions.latest("number")
    live = revision.approvals.filter(decision=Approval.Decision.APPROVE, end__isnull=True)
    return live.aggregate(Min("not_after"))["not_after__min"]  # type: ignore[no-any-return]


def _promote(request: Request, question: Question, decision_id: str, *, by: Identity, now: datetime) -> list[Reason]:
    """Note that artifacts were let through, the first time; what cannot be noted is not let through."""
    if question.is_run or request.kind not in (Request.Kind.RELEASE, Request.Kind.PROMOTION):
        return []
    try:
        note_promotion(request=request, decision_id=decision_id, by=by, now=now)
    except Refusal as refusal:
        return [Reason(refusal.code, refusal.reason, request_id=request.pk)]
    return []


def _broken_glass(question: Question, environment: Environment, decision_id: str, *, by: Identity, now: datetime) -> BreakGlassUse | None:
    """Take one use of a break-glass for the question, where there is one; None where it is not clear whose policy the question is about."""
    project, _ = _choose_project(question, environment)
    if project is None:
        return None
    return use_break_glass(digest=question.digest, project=project, environment=environment, decision=decision_id, by=by, now=now)


def _use_document(use: BreakGlassUse) -> dict[str, object]:
    row = use.break_glass
    return {"statement": {"sha256": row.signed.payload_digest}, "incident": row.incident, "use": use.n, "of": row.max_uses}
