"""The door for programs: open a request, read where it stands, and tell what was observed. There is no way to approve through it."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any

from django.conf import settings
from django.shortcuts import get_object_or_404
from django.urls import reverse
from django.utils import timezone
from drf_spectacular.utils import OpenApiResponse, extend_schema
from rest_framework.request import Request as ApiRequest
from rest_framework.response import Response
from rest_framework.views import APIView

from approvals.attention.turns import WAITING
from approvals.attention.unblock import read_blockers
from approvals.models import Approval, Request
from approvals.pages.live import due_of
from approvals.path.receive_observations import NEW, REFUSED, ObservationAnswer, receive_observations
from approvals.requests.open_request import AskedArtifact, open_request
from approvals.requests.status import Standing, compute_standing
from approvals.serializers import InputObservation, InputRequest, OutputObservations, OutputRequest
from attestations.blobs import bytes_of
from identities.api_authentication import HasScope, IsPerson, caller_of
from identities.models import ApiCredential, Environment, Identity, Project
from identities.permissions import readable_projects
from proofs.canonical import parse_canonical
from proofs.errors import NotAllowed, NotFound

MAX_TURNS = 100


class RequestsView(APIView):
    """Open a request."""

    permission_classes = [HasScope]
    required_scope = ApiCredential.Scope.REQUESTS_WRITE
    required_action = "requests.open"

    @extend_schema(request=InputRequest, responses={201: OutputRequest}, operation_id="request_open")
    def post(self, request: ApiRequest) -> Response:
        body = InputRequest(data=request.data)
        body.is_valid(raise_exception=True)
        asked = body.validated_data
        project = _find_project(asked["project"], caller_of(request))
        opened = open_request(
            project=project,
            environment=_find_environment(asked["environment"], project),
            title=asked["title"],
            note=asked["note"],
            artifacts=[AskedArtifact(item["digest"], item["name"]) for item in asked["artifacts"]],
            by=caller_of(request),
            on_behalf_of=asked["onBehalfOf"] or "",
            now=timezone.now(),
        )
        answer = _describe(opened, caller_of(request))
        return Response(answer, status=201, headers={"Location": answer["url"]})


class RequestView(APIView):
    """Read a request."""

    permission_classes = [HasScope]
    required_action = "requests.read"

    @property
    def required_scope(self) -> str:
        # Whoever may open requests may also ask how they stand.
        scopes = getattr(self.request.auth, "scopes", ())
        return ApiCredential.Scope.READ if ApiCredential.Scope.READ in scopes else ApiCredential.Scope.REQUESTS_WRITE

    @extend_schema(responses={200: OutputRequest}, operation_id="request_read")
    def get(self, request: ApiRequest, request_id: str) -> Response:
        rows = Request.objects.select_related("project__team", "environment")
        asked = get_object_or_404(rows, pk=request_id, project__in=readable_projects(caller_of(request), "requests.read"))
        return Response(_describe(asked, caller_of(request)))


class ApprovalsView(APIView):
    """Approving is for people, with their own passkey, on the signing page. This address exists to say so."""

    permission_classes = [IsPerson]
    required_action = "requests.decide"

    @extend_schema(
        request=None,
        responses={403: OpenApiResponse(description="Always: approval.human_required")},
        operation_id="request_approve",
    )
    def post(self, request: ApiRequest, request_id: str) -> Response:
        raise NotAllowed("approval.human_required", "an approval is signed by a person with a passkey, on the page of the request")


class ObservationsView(APIView):
    """Tell what a registry, an index or a cluster has now: one observation, or a list of up to 500."""

    permission_classes = [HasScope]
    required_scope = ApiCredential.Scope.OBSERVATIONS_WRITE

    @extend_schema(
        operation_id="observations_send",
        request=InputObservation(many=True),
        responses={
            201: OpenApiResponse(OutputObservations, description="Every observation is stored and was held against the approvals."),
            200: OpenApiResponse(OutputObservations, description="Every observation was here before."),
            207: OpenApiResponse(OutputObservations, description="At least one of the list was refused; the others are stored."),
        },
        description="A list of observations, or one as an object; one alone that is refused is answered with its problem document.",
    )
    def post(self, request: ApiRequest) -> Response:
        # Each observation answers for itself, so no serializer may refuse the list for one of them; `read_observation` is as strict.
        answers = receive_observations(unverified=request.data, by=caller_of(request), now=timezone.now())
        if not isinstance(request.data, list) and answers[0].refusal is not None:
            raise answers[0].refusal
        counts = Counter(answer.answer for answer in answers)
        status = 207 if REFUSED in counts else 201 if NEW in counts else 200
        shown = {"counts": counts, "items": [_observation_answer(answer) for answer in answers]}
        return Response(OutputObservations(shown).data, status=status)


def _observation_answer(answered: ObservationAnswer) -> dict[str, Any]:
    observation, refusal = answered.observation, answered.refusal
    return {
        "position": answered.position,
        "answer": answered.answer,
        "id": observation.pk if observation else None,
        "receivedAt": observation.received_at if observation else None,
        "findings": answered.findings,
        "code": refusal.code if refusal else None,
        "sentence": refusal.reason if refusal else None,
    }


def _find_project(slug: str, caller: Identity) -> Project:
    # Another team's project is no project for this caller.
    project = readable_projects(caller, "requests.read").filter(slug=slug).select_related("team").first()
    if project is None:
        raise NotFound("project.unknown", f"there is no project {slug!r}")
    return project


def _find_environment(slug: str, project: Project) -> Environment:
    environment = Environment.objects.filter(slug=slug, team=project.team_id).first()
    if environment is None:
        raise NotFound("environment.unknown", f"there is no environment {slug!r}")
    return environment


def _describe(asked: Request, reader: Identity) -> dict[str, Any]:
    now = timezone.now()
    standing = compute_standing(asked, now=now)
    revision = standing.revision
    result: dict[str, Any] = parse_canonical(bytes_of(revision.policy_result)) if revision else {"rules": [], "result": "fail"}
    counted = {rule["id"]: rule for rule in standing.rules}
    rules: list[Mapping[str, Any]] = [counted.get(rule["id"], rule) for rule in result["rules"]]
    value = {
        "id": asked.pk,
        "url": settings.ORIGIN + reverse("approvals:request", args=[asked.pk]),
        "title": asked.title,
        "project": asked.project.slug,
        "environment": asked.environment.slug,
        "status": standing.status,
        "revision": revision.number if revision else 0,
        "snapshot": revision.snapshot_id if revision else "",
        "policy": revision.policy_id if revision else "",
        "result": result["result"],
        "artifacts": [{"digest": item.artifact_id, "name": item.name} for item in asked.artifacts.order_by("artifact_id")],
        "rules": rules,
        "approvals": [_answer(answer) for answer in standing.answers],
        "approvalsRequired": standing.required,
        "reasons": _reasons(standing, rules),
        "openedAt": asked.opened_at,
        "dueAt": due_of(asked, revision) if revision and str(standing.status) in WAITING else None,
        "waitsFor": asked.attention.select_related("identity").order_by("since", "pk")[:MAX_TURNS],
        "unblock": read_blockers(request=asked, standing=standing, reader=reader, now=now),
    }
    return dict(OutputRequest(value).data)


def _answer(answer: Approval) -> dict[str, Any]:
    return {
        "by": answer.identity.name,
        "issuer": answer.identity.issuer,
        "subject": answer.identity.subject,
        "decision": answer.decision,
        "level": answer.level,
        "signedAt": answer.signed_at,
        "notAfter": answer.not_after,
        "record": answer.record.digest,
        "ledgerIndex": answer.record.entry_id,
    }


def _reasons(standing: Standing, rules: Sequence[Mapping[str, Any]]) -> list[str]:
    if standing.status == "approved":
        return []
    against = [
        f"{answer.identity.name}: {answer.get_decision_display().lower()}."
        for answer in standing.answers
        if answer.decision != Approval.Decision.APPROVE
    ]
    return against + [rule["sentence"] for rule in rules if rule["outcome"] != "pass"]
