"""The doors to the directory of approval keys: for programs, for OpenSSH, and for whoever watches the keys under their own name."""

from __future__ import annotations

from typing import Any

from django.http import HttpResponse
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiResponse, extend_schema
from rest_framework.negotiation import BaseContentNegotiation
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from identities.api_authentication import HasScope, IsPerson, caller_of
from identities.keys.directory import list_logged_keys, read_directory
from identities.keys.serializers import OutputEnvelope, OutputLoggedKey
from identities.models import ApiCredential
from ledger.recorder import recorder_key
from proofs.moment import rfc3339


class _AsItIs(BaseContentNegotiation):
    """A file is what it is, whatever the caller would rather have: browsers ask for pages. Refusals are JSON."""

    def select_parser(self, request: Request, parsers: Any) -> Any:
        return parsers[0]

    def select_renderer(self, request: Request, renderers: Any, format_suffix: str | None = None) -> Any:
        return renderers[0], renderers[0].media_type


class _ReadDirectory(APIView):
    permission_classes = [HasScope]
    required_scope = ApiCredential.Scope.READ
    required_action = "identities.read"


class SignersView(_ReadDirectory):
    """Read the directory: an envelope signed with the recorder's key, whose payload lists every approval key there ever was."""

    @extend_schema(operation_id="signers_read", responses={200: OutputEnvelope})
    def get(self, request: Request) -> Response:
        envelope = recorder_key().sign(read_directory().payload)
        return Response(OutputEnvelope(envelope).data, headers={"Cache-Control": "no-store"})


class AllowedSignersView(_ReadDirectory):
    """Read the keys as OpenSSH's allowed_signers file. The directory names its digest."""

    content_negotiation_class = _AsItIs

    @extend_schema(operation_id="signers_allowed", responses={(200, "text/plain"): OpenApiTypes.STR})
    def get(self, request: Request) -> HttpResponse:
        return _file(read_directory().allowed_signers, "text/plain; charset=utf-8", "allowed_signers")


class RevokedView(_ReadDirectory):
    """Read the revoked keys as OpenSSH's key revocation list. The directory names its digest."""

    content_negotiation_class = _AsItIs

    @extend_schema(operation_id="signers_revoked", responses={(200, "application/octet-stream"): OpenApiTypes.BINARY})
    def get(self, request: Request) -> HttpResponse:
        return _file(read_directory().revoked, "application/octet-stream", "revoked.krl")


class MyKeyLogView(APIView):
    """Read every key ever enrolled under your own name, each with its entry in the log. For people signed in with a browser."""

    permission_classes = [IsPerson, HasScope]
    required_action = "keys.own"

    @extend_schema(operation_id="signers_my_log", responses={200: OpenApiResponse(OutputLoggedKey(many=True))})
    def get(self, request: Request) -> Response:
        shown = [
            {
                "keyId": item.key.key_id,
                "name": item.key.label,
                "event": item.event,
                "at": rfc3339(item.at),
                "digest": f"sha256:{item.digest}",
                "entry": item.index,
            }
            for item in list_logged_keys(caller_of(request))
        ]
        return Response(OutputLoggedKey(shown, many=True).data, headers={"Cache-Control": "no-store"})


def _file(content: bytes, content_type: str, name: str) -> HttpResponse:
    disposition = f'attachment; filename="{name}"'
    return HttpResponse(content, content_type=content_type, headers={"Content-Disposition": disposition, "Cache-Control": "no-store"})
