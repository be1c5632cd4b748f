"""What is in force where: for every project and environment a reader knows, which policy, since when, in which mode and by whom. Reads only."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from django.db.models import Exists, OuterRef, QuerySet

from approvals.changes.propose_expectations import CHANGE_NAME
from approvals.models import Approval, ExpectationsActivation, PolicyActivation, RequestArtifact, RequestState
from approvals.policies.versions import was_one_person
from identities.models import Environment, Identity, Project
from identities.permissions import readable_projects

Status = RequestState.Status
# How their one artifact is called (`propose_expectations`); any other change of that kind is about a policy at one place.
_ABOUT_EXPECTATIONS = Exists(RequestArtifact.objects.filter(request=OuterRef("request"), name__startswith=CHANGE_NAME))
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
    signed = _signed_by([row.request_id for row in newest.values() if row.request_id])
    waiting: dict[tuple[object, object], list[RequestState]] = {}
    for state in _proposed(projects).exclude(_ABOUT_EXPECTATIONS):
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


@dataclass(frozen=True)
class ExpectationsInForce:
    """A project of the reader, the activation of its expectations that counts, who signed for it, and whether it was one person."""

    project: Project
    activation: ExpectationsActivation | None
    by: tuple[str, ...]
    is_one_person: bool
    proposed: tuple[RequestState, ...]
    may_propose: bool


def list_expected(places: Sequence[PlaceInForce]) -> list[ExpectationsInForce]:
    """Return the expectations of the projects of these places, by name; with a number of queries that does not grow."""
    projects = {place.project.pk: (place.project, place.may_propose) for place in places}
    rows = ExpectationsActivation.objects.filter(expectations__project__in=projects).select_related("expectations", "entry")
    newest = {row.expectations.project_id: row for row in rows.order_by("entry_id")}
    signed = _signed_by([row.request_id for row in newest.values() if row.request_id])
    waiting: dict[object, list[RequestState]] = {}
    for state in _proposed(list(projects)).filter(_ABOUT_EXPECTATIONS):
        waiting.setdefault(state.request.project_id, []).append(state)
    return [
        ExpectationsInForce(
            project=project,
            activation=(row := newest.get(pk)),
            by=tuple(signed.get(row.request_id or "", ())) if row else (),
            is_one_person=row is not None and row.entry.event == "expectations.activated_by_one_person",
            proposed=tuple(waiting.get(pk, ())),
            may_propose=may_propose,
        )
        for pk, (project, may_propose) in projects.items()
    ]


def _proposed(projects: Iterable[Project | str]) -> QuerySet[RequestState]:
    states = RequestState.objects.filter(request__kind="policy-change", request__project__in=projects, status__in=OPEN)
    return states.select_related("request").order_by("request__opened_at")


def _signed_by(requests: Sequence[str]) -> dict[str, list[str]]:
    """Return who approved each of these requests, in the order of their answers."""
    signed: dict[str, list[str]] = {}
    answers = Approval.objects.filter(revision__request__in=requests, decision=Approval.Decision.APPROVE, end__isnull=True)
    for answer in answers.select_related("identity", "revision").order_by("signed_at", "pk"):
        signed.setdefault(answer.revision.request_id, []).append(answer.identity.name)
    return signed


def _request_of(activation: PolicyActivation | None) -> str:
    return activation.request_id or "" if activation else ""


def _is_one_person(activation: PolicyActivation | None) -> bool:
    return activation is not None and was_one_person(activation)
