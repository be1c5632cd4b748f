"""The door for programs: open a request, read where it stands, and tell what was observed. There is no way to approve through it."""

from __future__ import annotations

from collections import Counter
from typing import Any

from django.shortcuts import get_object_or_404
from django.utils import timezone
from drf_spectacular.utils import OpenApiResponse, extend_schema
from rest_framework.request import Request as ApiRequest
from rest_framework.response import Response
from rest_framework.views import APIView

from approvals.carried_out.report_execution import report_execution
from approvals.models import OutcomeStatement, Request
from approvals.outcome.read_outcome import newest_outcome
from approvals.pages.described import describe_execution, describe_request
from approvals.path.receive_observations import NEW, REFUSED, ObservationAnswer, receive_observations
from approvals.requests.answer_changes import answer_changes
from approvals.requests.open_request import AskedArtifact, open_request
from approvals.requests.people import Named
from approvals.requests.submit import submit_request
from approvals.requests.withdraw import withdraw_request
from approvals.serializers import (
    InputExecution,
    InputNote,
    InputObservation,
    InputReason,
    InputRequest,
    OutputExecution,
    OutputObservations,
    OutputOutcome,
    OutputRequest,
)
from identities.api_authentication import HasScope, IsPerson, caller_of
from identities.models import ApiCredential, Environment, Identity, Project
from identities.permissions import readable_projects
from proofs.approval.outcome import SIMPLE_RESULT, SUMMARY
from proofs.canonical import canonical_bytes, parse_canonical
from proofs.errors import NotAllowed, NotFound


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
        origin = asked["fromEnvironment"]
        opened = open_request(
            kind=asked["kind"],
            project=project,
            environment=_find_environment(asked["environment"], project),
            from_environment=_find_environment(origin, project) if origin else None,
            subject=canonical_bytes(asked["subject"]) if asked["subject"] is not None else None,
            is_draft=asked["draft"],
            title=asked["title"],
            note=asked["note"],
            artifacts=[AskedArtifact(item["digest"], item["name"]) for item in asked["artifacts"]],
            by=caller_of(request),
            on_behalf_of=asked["onBehalfOf"] or "",
            people=[Named(item["because"], item["provider"], item["account"]) for item in asked["people"]],
            asked_with=request.auth if isinstance(request.auth, ApiCredential) else None,
            now=timezone.now(),
        )
        answer = _described(opened, caller_of(request))
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
        return Response(_described(_get_request(request, request_id), caller_of(request)))


class WithdrawalView(APIView):
    """Withdraw a request."""

    permission_classes = [HasScope]
    required_scope = ApiCredential.Scope.REQUESTS_WRITE
    required_action = "requests.withdraw"

    @extend_schema(request=InputReason, responses={200: OutputRequest}, operation_id="request_withdraw")
    def post(self, request: ApiRequest, request_id: str) -> Response:
        # Looked up first: what the body says must tell nobody whether somebody else's request is there.
        asked = _get_request(request, request_id)
        body = InputReason(data=request.data)
        body.is_valid(raise_exception=True)
        withdraw_request(request=asked, reason=body.validated_data["reason"], by=caller_of(request), now=timezone.now())
        return Response(_described(asked, caller_of(request)))


class SubmissionView(APIView):
    """Submit a draft."""

    permission_classes = [HasScope]
    required_scope = ApiCredential.Scope.REQUESTS_WRITE
    required_action = "requests.open"

    @extend_schema(request=None, responses={200: OutputRequest}, operation_id="request_submit")
    def post(self, request: ApiRequest, request_id: str) -> Response:
        asked = _get_request(request, request_id)
        submit_request(request=asked, by=caller_of(request), now=timezone.now())
        return Response(_described(asked, caller_of(request)))


class ChangesView(APIView):
    """Answer those who asked for changes, with a new revision."""

    permission_classes = [HasScope]
    required_scope = ApiCredential.Scope.REQUESTS_WRITE
    required_action = "requests.open"

    @extend_schema(request=InputNote, responses={200: OutputRequest}, operation_id="request_answer_changes")
    def post(self, request: ApiRequest, request_id: str) -> Response:
        asked = _get_request(request, request_id)
        body = InputNote(data=request.data)
        body.is_valid(raise_exception=True)
        answer_changes(request=asked, note=body.validated_data["note"], by=caller_of(request), now=timezone.now())
        return Response(_described(asked, caller_of(request)))


class ExecutionView(APIView):
    """Report what became of an action or a rotation, by the program that a gate let do it."""

    permission_classes = [HasScope]
    required_scope = ApiCredential.Scope.GATES_DECIDE

    @extend_schema(request=InputExecution, responses={200: OutputExecution}, operation_id="request_report_execution")
    def post(self, request: ApiRequest, request_id: str) -> Response:
        body = InputExecution(data=request.data)
        body.is_valid(raise_exception=True)
        asked = _get_request(request, request_id)
        report_execution(request=asked, **body.validated_data, by=caller_of(request), now=timezone.now())
        return Response(OutputExecution(describe_execution(asked)).data)


class OutcomeView(APIView):
    """What the portal signed about a request once people had approved it, for tools that know two common formats."""

    permission_classes = [HasScope]
    required_scope = ApiCredential.Scope.READ
    required_action = "requests.read"

    @extend_schema(responses={200: OutputOutcome}, operation_id="request_outcome")
    def get(self, request: ApiRequest, request_id: str) -> Response:
        asked = get_object_or_404(Request, pk=request_id, project__in=readable_projects(caller_of(request), "requests.read"))
        said = newest_outcome(asked)
        if not said:
            raise NotFound(
                "outcome.missing", "the newest revision of this request was never fully approved, so nothing was signed about it"
            )
        return Response(OutputOutcome({"request": asked.pk, "statements": [_signed_statement(row) for row in said]}).data)


def _signed_statement(row: OutcomeStatement) -> dict[str, Any]:
    predicate_type = SUMMARY if row.type == OutcomeStatement.Type.SUMMARY else SIMPLE_RESULT
    envelope = parse_canonical(bytes(row.envelope))
    return {
        "type": row.type,
        "predicateType": predicate_type,
        "digest": row.digest,
        "ledgerIndex": row.entry_id,
        "signedAt": row.signed_at,
        "envelope": envelope,
    }


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


def _get_request(request: ApiRequest, request_id: str) -> Request:
    rows = Request.objects.select_related("project__team", "environment", "requester__owner", "on_behalf_of", "from_environment", "subject")
    return get_object_or_404(rows, pk=request_id, project__in=readable_projects(caller_of(request), "requests.read"))


def _described(asked: Request, reader: Identity) -> dict[str, Any]:
    return dict(OutputRequest(describe_request(asked, reader=reader, now=timezone.now())).data)
