"""The JSON twin of the page that says how an identity used its rights."""

from __future__ import annotations

from django.utils import timezone
from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from identities.api_authentication import HasScope, caller_of
from identities.models import ApiCredential
from reports.identity_use.report import build_report, find_reported
from reports.identity_use.serializers import OutputUse
from reports.identity_use.window import read_window


class IdentityUseView(APIView):
    """Read whether a program of the reader's own team was overprivileged or misused in a window."""

    permission_classes = [HasScope]
    required_scope = ApiCredential.Scope.READ
    required_action = "identities.read"

    @extend_schema(
        responses={200: OutputUse},
        operation_id="identity_use",
        parameters=[
            OpenApiParameter("from", str, description="A day (its beginning) or a time in UTC; 90 days before the end unless told."),
            OpenApiParameter("to", str, description="A day (its end) or a time in UTC; now unless told."),
        ],
    )
    def get(self, request: Request, identity_id: str) -> Response:
        shown = find_reported(identity_id, reader=caller_of(request))
        window = read_window(
            unverified_from=request.query_params.get("from", ""),
            unverified_to=request.query_params.get("to", ""),
            now=timezone.now(),
        )
        return Response(OutputUse(build_report(shown, window)).data)
