"""The gate's door for programs."""

from __future__ import annotations

from django.conf import settings
from django.shortcuts import get_object_or_404
from django.urls import reverse
from django.utils import timezone
from drf_spectacular.utils import extend_schema
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from approvals.models import Record
from approvals.models import Request as AskedRequest
from gates.decide import decide
from gates.list_revocations import list_revocations
from gates.models import Decision
from gates.read_status import read_record_status, read_status
from gates.serializers import InputDecision, OutputDecision, OutputStatusEnvelope
from identities.api_authentication import HasScope, caller_of
from identities.models import ApiCredential
from identities.permissions import readable_projects


class DecisionsView(APIView):
    """Ask whether an artifact may go to an environment now."""

    permission_classes = [HasScope]
    required_scope = ApiCredential.Scope.GATES_DECIDE

    @extend_schema(request=InputDecision, responses={200: OutputDecision}, operation_id="gate_decide")
    def post(self, request: Request) -> Response:
        question = InputDecision(data=request.data)
        question.is_valid(raise_exception=True)
        decision = decide(
            digest=question.validated_data["digest"],
            environment_slug=question.validated_data["environment"],
            project_slug=question.validated_data["project"],
            purpose=question.validated_data["purpose"],
            by=caller_of(request),
            now=timezone.now(),
        )
        return Response(_answer(decision))


class StatusView(APIView):
    """Fetch the portal's signed word on whether the approvals of a request still count, for a gate that decides offline."""

    permission_classes = [HasScope]
    required_scope = ApiCredential.Scope.READ
    required_action = "requests.read"

    @extend_schema(responses={200: OutputStatusEnvelope}, operation_id="request_status")
    def get(self, request: Request, request_id: str) -> Response:
        rows = AskedRequest.objects.select_related("project", "environment", "requester__owner")
        asked = get_object_or_404(rows, pk=request_id, project__in=readable_projects(caller_of(request), "requests.read"))
        return Response(read_status(asked, now=timezone.now()))


class RecordStatusView(APIView):
    """Fetch the portal's signed word on whether one approval still counts, by the digest of its record."""

    permission_classes = [HasScope]
    required_scope = ApiCredential.Scope.READ
    required_action = "requests.read"

    @extend_schema(responses={200: OutputStatusEnvelope}, operation_id="record_status")
    def get(self, request: Request, digest: str) -> Response:
        way = "approval__revision__request"
        rows = Record.objects.select_related(f"{way}__project", f"{way}__environment", f"{way}__requester__owner")
        projects = readable_projects(caller_of(request), "requests.read")
        asked = get_object_or_404(rows, digest=digest, approval__revision__request__project__in=projects)
        return Response(read_record_status(asked, now=timezone.now()))


class RevocationsView(APIView):
    """Fetch the portal's signed list of the approvals that count no more, for gates that ask nobody. Digests of the whole portal."""

    permission_classes = [HasScope]
    required_scope = ApiCredential.Scope.READ
    required_action = "requests.read"

    @extend_schema(responses={200: OutputStatusEnvelope}, operation_id="revocations")
    def get(self, request: Request) -> Response:
        return Response(list_revocations(now=timezone.now()))


def _answer(decision: Decision) -> dict[str, object]:
    url = settings.ORIGIN + reverse("approvals:request", args=[decision.request_id]) if decision.request_id else None
    return dict(
        OutputDecision(
            {
                "id": decision.pk,
                "decision": decision.outcome,
                "reasons": decision.reasons,
                "enforced": decision.enforced is not False,
                "would": decision.would or [],
                "breakGlass": decision.break_glass.signed.payload_digest if decision.break_glass else None,
                "purpose": decision.purpose or Decision.Purpose.PROMOTE,
                "validUntil": decision.valid_until,
                "digest": decision.artifact_digest,
                "environment": decision.environment_slug,
                "request": decision.request_id,
                "requestUrl": url,
                "ledgerIndex": decision.entry_id,
                "decidedAt": decision.decided_at,
            }
        ).data
    )
