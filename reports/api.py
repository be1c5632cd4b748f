"""The JSON twin of the artifact page."""

from __future__ import annotations

from django.utils import timezone
from drf_spectacular.utils import extend_schema
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from identities.api_authentication import HasScope, caller_of
from identities.models import ApiCredential
from proofs.digest import parse_digest
from proofs.errors import NotFound
from reports.passport import build_passport
from reports.serializers import OutputPassport


class ArtifactView(APIView):
    """Read what is known about one digest."""

    permission_classes = [HasScope]
    required_scope = ApiCredential.Scope.READ
    required_action = "artifacts.read"

    @extend_schema(responses={200: OutputPassport}, operation_id="artifact_read")
    def get(self, request: Request, digest: str) -> Response:
        passport = build_passport(str(parse_digest(digest)), reader=caller_of(request), now=timezone.now())
        if passport.artifact is None:
            raise NotFound("artifact.unknown", f"{passport.digest} has never been seen here; gates deny it.")
        return Response(
            OutputPassport(
                {
                    "digest": passport.digest,
                    "known": True,
                    "name": passport.name,
                    "questions": passport.questions,
                    "chain": passport.trace.chain,
                    "attestations": passport.verdicts,
                }
            ).data
        )
