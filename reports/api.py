"""The JSON twin of the artifact page, and what was observed of an artifact."""

from __future__ import annotations

from django.utils import timezone
from drf_spectacular.utils import extend_schema
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from approvals.path.contradictions import observations_about
from identities.api_authentication import HasScope, caller_of
from identities.models import ApiCredential
from identities.permissions import readable_whole_teams
from proofs.digest import parse_digest
from proofs.errors import NotFound
from reports.passport.build import read_path
from reports.passport.now import ask_now
from reports.serializers import OutputObserved, OutputPassport

MAX_OBSERVATIONS = 200


class ArtifactView(APIView):
    """Read what is known about one digest."""

    permission_classes = [HasScope]
    required_scope = ApiCredential.Scope.READ
    required_action = "artifacts.read"

    @extend_schema(responses={200: OutputPassport}, operation_id="artifact_read")
    def get(self, request: Request, digest: str) -> Response:
        found = ask_now(str(parse_digest(digest)), reader=caller_of(request), now=timezone.now())
        passport = found.passport
        if not passport.is_known:
            raise NotFound("artifact.unknown", f"{passport.digest} has never been seen here; gates deny it.")
        return Response(
            OutputPassport(
                {
                    "digest": passport.digest,
                    "known": True,
                    "name": passport.name,
                    "sentence": passport.sentence,
                    "questions": found.questions,
                    "chain": passport.chain,
                    "environments": passport.targets,
                    "gates": found.reviews,
                    "attestations": passport.verdicts,
                }
            ).data
        )


class ArtifactObservationsView(APIView):
    """Read where an artifact was seen, or another in its stead, by programs of the reader's own teams. Nobody learns of other teams' places."""

    permission_classes = [HasScope]
    required_scope = ApiCredential.Scope.READ
    required_action = "observations.read"

    @extend_schema(responses={200: OutputObserved}, operation_id="artifact_observations")
    def get(self, request: Request, digest: str) -> Response:
        asked = str(parse_digest(digest))
        teams = list(readable_whole_teams(caller_of(request), "observations.read"))
        path = read_path(asked, teams=teams, now=timezone.now())
        answer = path.facts.answer
        shown = {
            "digest": asked,
            "answer": answer.answer,
            "code": answer.code,
            "sentence": answer.words,
            "places": path.places,
            "observations": observations_about(asked, teams=teams)[:MAX_OBSERVATIONS],
        }
        return Response(OutputObserved(shown).data)
