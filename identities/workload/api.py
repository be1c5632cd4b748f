"""The door where a job turns its platform's token into a credential."""

from __future__ import annotations

from django.conf import settings
from django.utils import timezone
from drf_spectacular.utils import OpenApiResponse, extend_schema
from rest_framework.permissions import AllowAny
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from identities.workload.exchange import exchange_token
from identities.workload.serializers import InputToken, OutputExchange


class TokenView(APIView):
    """Exchange a workload token, once, for a credential of a quarter of an hour."""

    # The body is the proof; a header or a cookie that comes along says nothing here.
    authentication_classes = ()
    permission_classes = (AllowAny,)
    counts_by_address = True

    @extend_schema(
        operation_id="token_exchange",
        auth=[],
        request=InputToken,
        responses={
            201: OpenApiResponse(OutputExchange, description="The credential, shown this once."),
            503: OpenApiResponse(description="The issuer cannot be asked for its keys; try again."),
        },
    )
    def post(self, request: Request) -> Response:
        sent = InputToken(data=request.data)
        sent.is_valid(raise_exception=True)
        credential, secret = exchange_token(unverified_token=sent.validated_data["token"], audience=settings.ORIGIN, now=timezone.now())
        shown = {
            "credential": secret,
            "expiresAt": credential.expires_at,
            "identity": credential.identity_id,
            "scopes": credential.scopes,
        }
        return Response(OutputExchange(shown).data, status=201, headers={"Cache-Control": "no-store"})
