"""What each kind of request demands beyond its form, before it is opened: where artifacts come from, who may ask, whom it names.

Reads only. What the documents must say is read strictly in `proofs.approval.subjects`.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime

from django.db.models import Max

from approvals.models import Approval, Request, RequestState
from approvals.requests.status import compute_standing
from identities.models import Environment, Identity, Project
from proofs.errors import Conflict, Malformed, NotAllowed
from proofs.fields import Fields

Status = RequestState.Status
MAX_REQUESTS_WEIGHED = 20


def check_promotion(
    digests: Iterable[str], *, project: Project, origin: Environment | None, environment: Environment, now: datetime
) -> Environment:
    """Return where a promotion comes from when each artifact is fully approved there now.

    Refuses with `promotion.no_origin`, `request.other_team`, `promotion.same_place` or `promotion.not_approved_there`.
    """
    if origin is None:
        raise Malformed("promotion.no_origin", "got no environment that the artifacts come from, expected one they are approved for")
    if origin.team_id != project.team_id:
        raise NotAllowed("request.other_team", f"{origin.name} does not belong to the team of {project}")
    if origin.pk == environment.pk:
        raise Malformed("promotion.same_place", f"got {origin.name} as origin and target, expected two environments")
    for digest in digests:
        if not is_approved_there(digest, project=project, environment=origin, now=now):
            raise Conflict(
                "promotion.not_approved_there", f"{digest} is not approved for {origin.name}, so it cannot be promoted from there"
            )
    return origin


def is_approved_there(digest: str, *, project: Project, environment: Environment, now: datetime) -> bool:
    """Say whether a request for `digest` stands approved there now, or was let through, and nobody answered no since."""
    asked = Request.objects.filter(artifacts__artifact_id=digest, project=project, environment=environment)
    for request in asked.order_by("-opened_at", "-pk")[:MAX_REQUESTS_WEIGHED]:
        if compute_standing(request, now=now).status in (Status.APPROVED, Status.PROMOTED):
            last_yes = Approval.objects.filter(revision__request=request, end__isnull=True).aggregate(Max("signed_at"))["signed_at__max"]
            later = Approval.objects.filter(revision__request__in=asked.values("pk"), signed_at__gte=last_yes)
            return not later.exclude(decision=Approval.Decision.APPROVE).exists()
    return False


def check_agent_action(subject: Fields, *, project: Project, by: Identity) -> None:
    """Return when the document names a registered agent of the team, and it asks itself, or a program of the same person asks for it.

    Refuses with `agent.not_registered` or `agent.not_yours`. A person never asks in an agent's place.
    """
    agent = _named(subject, "agent")
    if agent is None or agent.kind != Identity.Kind.AGENT or agent.team_id != project.team_id or not _is_active(agent):
        raise NotAllowed("agent.not_registered", f"the action names an agent that is not registered and active in the team of {project}")
    if by.is_person or (by.pk != agent.pk and (by.owner_id is None or by.owner_id != agent.owner_id)):
        raise NotAllowed("agent.not_yours", "an action is asked for by the agent itself, or by a program of the person who answers for it")
    if subject.raw("executor") is not None:
        executor = _named(subject, "executor")
        if executor is None or executor.is_person or executor.team_id != project.team_id or not _is_active(executor):
            raise NotAllowed("agent.executor", f"the action is carried out by a program registered and active in the team of {project}")


def check_rotation(subject: Fields, *, project: Project, by: Identity, principal: Identity | None) -> None:
    """Return when the person who starts a rotation is the one who asks, and a registered program of the team carries it out.

    Refuses with `rotation.initiator` or `rotation.executor`.
    """
    asks = by if by.is_person else principal
    initiator, executor = _named(subject, "initiator"), _named(subject, "executor")
    if asks is None or initiator is None or initiator.pk != asks.pk:
        raise Malformed("rotation.initiator", "the rotation names another person as the one who started it than the one it is asked for by")
    if executor is None or executor.is_person or executor.team_id != project.team_id or not _is_active(executor):
        raise Malformed("rotation.executor", f"a rotation is carried out by a program registered and active in the team of {project}")


def _named(subject: Fields, name: str) -> Identity | None:
    party = subject.fields(name)
    return Identity.objects.filter(issuer=party.text("issuer"), subject=party.text("subject")).first()


def _is_active(identity: Identity) -> bool:
    return identity.status == Identity.Status.ACTIVE
