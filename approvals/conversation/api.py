"""Comments by the API: a program says something about a request, marked as a program. It is never an answer."""

from __future__ import annotations

from typing import Any

from django.shortcuts import get_object_or_404
from django.utils import timezone
from drf_spectacular.utils import extend_schema
from rest_framework.request import Request as ApiRequest
from rest_framework.response import Response
from rest_framework.views import APIView

from approvals.conversation.add_comment import add_comment
from approvals.conversation.serializers import InputComment, OutputCommented, OutputComments
from approvals.conversation.timeline import Happened, read_timeline
from approvals.models import Request
from identities.api_authentication import HasScope, caller_of
from identities.models import ApiCredential
from identities.permissions import readable_projects


class CommentsView(APIView):
    """Read what was said about a request, or say something."""

    permission_classes = [HasScope]
    required_scope = ApiCredential.Scope.REQUESTS_WRITE
    required_action = "requests.comment"

    @extend_schema(responses={200: OutputComments}, operation_id="request_comments")
    def get(self, request: ApiRequest, request_id: str) -> Response:
        items = [_comment(item) for item in read_timeline(_get_request(request, request_id)) if item.comment is not None]
        return Response(OutputComments({"items": items}).data)

    @extend_schema(request=InputComment, responses={201: OutputCommented}, operation_id="request_comment")
    def post(self, request: ApiRequest, request_id: str) -> Response:
        asked = _get_request(request, request_id)
        body = InputComment(data=request.data)
        body.is_valid(raise_exception=True)
        given, by = body.validated_data, caller_of(request)
        added = add_comment(request=asked, text=given["text"], replaces=given["replaces"], by=by, now=timezone.now())
        row = added.comment
        shown = {
            "id": row.pk,
            "revision": row.revision_number,
            "by": by.name,
            "isProgram": not by.is_person,
            "text": row.text,
            "gone": "",
            "at": row.commented_at,
            "unknown": added.unknown,
        }
        return Response(OutputCommented(shown).data, status=201)


def _get_request(request: ApiRequest, request_id: str) -> Request:
    rows = Request.objects.select_related("project__team", "environment", "requester__owner", "on_behalf_of")
    return get_object_or_404(rows, pk=request_id, project__in=readable_projects(caller_of(request), "requests.read"))


def _comment(item: Happened) -> dict[str, Any]:
    assert item.comment is not None
    return {
        "id": item.comment.pk,
        "revision": item.revision,
        "by": item.who,
        "isProgram": item.is_program,
        "text": item.quote,
        "gone": item.gone,
        "at": item.at,
    }
