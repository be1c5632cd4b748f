"""The gate's door for programs."""

from __future__ import annotations

from django.conf import settings
from django.urls import reverse
from django.utils import timezone
from drf_spectacular.utils import extend_schema
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from gates.decide import decide
from gates.models import Decision
from gates.serializers import InputDecision, OutputDecision
from identities.api_authentication import HasScope, caller_of
from identities.models import ApiCredential


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
            by=caller_of(request),
            now=timezone.now(),
        )
        return Response(_answer(decision))


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
                "digest": decision.artifact_digest,
                "environment": decision.environment_slug,
                "request": decision.request_id,
                "requestUrl": url,
                "ledgerIndex": decision.entry_id,
                "decidedAt": decision.decided_at,
            }
        ).data
    )
