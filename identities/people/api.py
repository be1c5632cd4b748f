"""The JSON twin of the page that says who may do what."""

from __future__ import annotations

from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from identities.api_authentication import HasScope, caller_of
from identities.models import ApiCredential
from identities.people.explain_may import explain_may, find_asked, find_place
from identities.people.serializers import OutputMay
from identities.permissions import ACTIONS


class MayView(APIView):
    """Ask whether somebody may do something here, and why. A program asks about itself."""

    permission_classes = [HasScope]
    required_action = "identities.read"

    @property
    def required_scope(self) -> str:
        # Whatever it may do here, it may ask what it may do.
        scopes = getattr(self.request.auth, "scopes", ())
        return str(scopes[0]) if scopes else ApiCredential.Scope.READ

    @extend_schema(
        operation_id="may",
        responses={200: OutputMay},
        parameters=[
            OpenApiParameter("action", str, required=True, enum=list(ACTIONS)),
            OpenApiParameter("identity", str, description="The id of a person or program of one's own team; oneself unless told."),
            OpenApiParameter("project", str, description="The slug of a project of one's own team."),
            OpenApiParameter("team", str, description="The slug of one's own team; without project and team the question is: somewhere?"),
        ],
    )
    def get(self, request: Request) -> Response:
        asked, caller = request.query_params, caller_of(request)
        identity = find_asked(asked.get("identity", "") or caller.pk, reader=caller)
        project, team = find_place(project=asked.get("project", ""), team=asked.get("team", ""), reader=caller)
        action = asked.get("action", "")
        explained = explain_may(identity, action, reader=caller, project=project, team=team)
        shown = {
            "identity": identity.pk,
            "action": action,
            "project": project.slug if project else None,
            "team": team.slug if team else None,
            "allowed": explained.allowed,
            "reason": explained.reason,
            "neededRoles": explained.needed,
            "needed": explained.needed_words,
            "givers": explained.givers,
            "besides": explained.besides,
        }
        return Response(OutputMay(shown).data)
