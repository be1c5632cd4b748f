"""The doors for programs: evidence in, verdicts out."""

from __future__ import annotations

from typing import Any

from django.conf import settings
from django.urls import reverse
from django.utils import timezone
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiParameter, OpenApiResponse, extend_schema
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from attestations.models import Attestation
from attestations.queries import did_submit, get_attestation, latest_verdict, verdict_document
from attestations.receive import receive_attestation
from attestations.serializers import OutputAttestationWithVerdict, OutputReceipt
from attestations.tasks import ring_after_commit
from identities.api_authentication import HasScope
from identities.models import ApiCredential, Identity
from proofs.errors import NotAllowed


class AttestationsView(APIView):
    """Send evidence: the body is the evidence, byte for byte, whatever content type it is sent as."""

    permission_classes = [HasScope]
    required_scope = ApiCredential.Scope.ATTESTATIONS_WRITE

    @extend_schema(
        operation_id="attestation_send",
        request={"application/json": OpenApiTypes.OBJECT, "application/octet-stream": OpenApiTypes.BINARY},
        responses={
            202: OpenApiResponse(OutputReceipt, description="Stored; it will be verified."),
            200: OpenApiResponse(OutputReceipt, description="These bytes were here before; the same attestation."),
        },
        parameters=[
            OpenApiParameter("Location", str, OpenApiParameter.HEADER, response=[200, 202], description="Where the verdict stands.")
        ],
    )
    def post(self, request: Request) -> Response:
        # The exact bytes: no parser of ours or of the framework touches them.
        content = request._request.body
        attestation, created = receive_attestation(content=content, by=_caller(request), now=timezone.now())
        ring_after_commit()
        receipt = _receipt(get_attestation(attestation.pk))
        status = 202 if created else 200
        return Response(OutputReceipt(receipt).data, status=status, headers={"Location": str(receipt["statusUrl"])})


class AttestationView(APIView):
    """Read an attestation and its verdict."""

    permission_classes = [HasScope]
    required_action = "attestations.read"

    @property
    def required_scope(self) -> str:
        # Whoever sent the evidence may ask about it with the same credential.
        scopes = getattr(self.request.auth, "scopes", ())
        return ApiCredential.Scope.READ if ApiCredential.Scope.READ in scopes else ApiCredential.Scope.ATTESTATIONS_WRITE

    @extend_schema(operation_id="attestation_read", responses={200: OutputAttestationWithVerdict})
    def get(self, request: Request, attestation_id: str) -> Response:
        attestation = get_attestation(attestation_id)
        reads_all = not isinstance(request.auth, ApiCredential) or ApiCredential.Scope.READ in request.auth.scopes
        if not reads_all and not did_submit(_caller(request), attestation):
            raise NotAllowed(
                "permission.scope", "this credential may only read attestations that its own identity sent; others need the scope read"
            )
        return Response(OutputAttestationWithVerdict(_whole(attestation)).data)


def _caller(request: Request) -> Identity:
    # HasScope let only identities through; the framework's type knows accounts alone.
    caller: Any = request.user
    identity: Identity = caller.identity
    return identity


def _receipt(attestation: Attestation) -> dict[str, Any]:
    return {
        "id": attestation.pk,
        "digest": f"sha256:{attestation.blob_id}",
        "status": attestation.job.state,
        "statusUrl": settings.ORIGIN + reverse("attestations:api_attestation", args=[attestation.pk]),
    }


def _whole(attestation: Attestation) -> dict[str, Any]:
    verdict = latest_verdict(attestation)
    document = verdict_document(verdict) if verdict else {}
    return {
        **_receipt(attestation),
        "format": attestation.format,
        "receivedAt": attestation.received_at,
        "result": verdict.result if verdict else None,
        "code": verdict.code if verdict else None,
        "sentence": verdict.reason if verdict else None,
        "predicateType": verdict.predicate_type or None if verdict else None,
        "signer": document.get("identity"),
        "subjects": verdict.subjects.all() if verdict else [],
        "findings": verdict.findings.all() if verdict else [],
        "notChecked": document.get("notChecked", []),
        "verdictDigest": f"sha256:{verdict.document_id}" if verdict else None,
        "verifiedAt": verdict.verified_at if verdict else None,
    }
