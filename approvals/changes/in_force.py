"""What is in force where: for every project and environment a reader knows, which policy, since when, in which mode and by whom. Reads only."""

from __future__ import annotations

from dataclasses import dataclass

from approvals.models import Approval, PolicyActivation, RequestState
from approvals.policies.versions import was_one_person
from identities.models import Environment, Identity, Project
from identities.permissions import readable_projects

Status = RequestState.Status
# Where a change still waits for somebody.
OPEN = (Status.COLLECTING, Status.READY, Status.IN_REVIEW, Status.STALE, Status.BLOCKED)


@dataclass(frozen=True)
class PlaceInForce:
    """One place: the activation that counts there, who brought it about, whether it was one person, and what is proposed."""

    project: Project
    environment: Environment
    activation: PolicyActivation | None
    by: tuple[str, ...]
    is_one_person: bool
    proposed: tuple[RequestState, ...]
    may_propose: bool

    @property
    def mode(self) -> str:
        """What gates do with a no there."""
        return str(self.activation.mode or PolicyActivation.Mode.ENFORCE) if self.activation else ""


def list_in_force(reader: Identity) -> list[PlaceInForce]:
    """Return the places of the projects whose policies `reader` may read, by name; with a number of queries that does not grow."""
    projects = list(readable_projects(reader, "policies.read").select_related("team").order_by("slug"))
    proposes = set(readable_projects(reader, "policies.decide").values_list("pk", flat=True)) if reader.is_person else set()
    environments = list(Environment.objects.filter(team__in=[project.team_id for project in projects]).order_by("slug"))
    rows = PolicyActivation.objects.filter(project__in=projects).select_related("policy", "entry", "request").order_by("entry_id")
    newest = {(row.project_id, row.environment_id): row for row in rows}
    signed: dict[str, list[str]] = {}
    requests = [row.request_id for row in newest.values() if row.request_id]
    answers = Approval.objects.filter(revision__request__in=requests, decision=Approval.Decision.APPROVE, end__isnull=True)
    for answer in answers.select_related("identity", "revision").order_by("signed_at", "pk"):
        signed.setdefault(answer.revision.request_id, []).append(answer.identity.name)
    waiting: dict[tuple[object, object], list[RequestState]] = {}
    states = RequestState.objects.filter(request__kind="policy-change", request__project__in=projects, status__in=OPEN)
    for state in states.select_related("request").order_by("request__opened_at"):
        waiting.setdefault((state.request.project_id, state.request.environment_id), []).append(state)
    return [
        PlaceInForce(
            project=project,
            environment=environment,
            activation=newest.get((project.pk, environment.pk)),
            by=tuple(signed.get(_request_of(newest.get((project.pk, environment.pk))), ())),
            is_one_person=_is_one_person(newest.get((project.pk, environment.pk))),
            proposed=tuple(waiting.get((project.pk, environment.pk), ())),
            may_propose=project.pk in proposes,
        )
        for project in projects
        for environment in environments
        if environment.team_id == project.team_id
    ]


def _request_of(activation: PolicyActivation | None) -> str:
    return activation.request_id or "" if activation else ""


def _is_one_person(activation: PolicyActivation | None) -> bool:
    return activation is not None and was_one_person(activation)
