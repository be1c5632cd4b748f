"""The doors for programs: evidence in, verdicts out."""

from __future__ import annotations

from collections import Counter
from typing import Any

from django.conf import settings
from django.urls import reverse
from django.utils import timezone
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiParameter, OpenApiResponse, extend_schema
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from attestations.collection.follow import follow_collection, get_collection
from attestations.collection.judge_npm_set import judge_npm_set
from attestations.collection.receive import NEW, REFUSED, ItemAnswer, receive_collection
from attestations.models import Attestation, Collection
from attestations.queries import did_submit, get_attestation, latest_verdict, verdict_document, verdict_history
from attestations.receive import receive_attestation
from attestations.serializers import (
    OutputAttestationWithVerdict,
    OutputCollectionProgress,
    OutputCollectionReceipt,
    OutputReceipt,
)
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


class _ReadByReaderOrSender(APIView):
    """Read with the scope for reading, or as whoever sent it."""

    permission_classes = [HasScope]
    required_action = "attestations.read"

    @property
    def required_scope(self) -> str:
        # Whoever sent the evidence may ask about it with the same credential.
        scopes = getattr(self.request.auth, "scopes", ())
        return ApiCredential.Scope.READ if ApiCredential.Scope.READ in scopes else ApiCredential.Scope.ATTESTATIONS_WRITE


class AttestationView(_ReadByReaderOrSender):
    """Read an attestation and its verdict."""

    @extend_schema(operation_id="attestation_read", responses={200: OutputAttestationWithVerdict})
    def get(self, request: Request, attestation_id: str) -> Response:
        attestation = get_attestation(attestation_id)
        if not _reads_all(request) and not did_submit(_caller(request), attestation):
            raise NotAllowed(
                "permission.scope", "this credential may only read attestations that its own identity sent; others need the scope read"
            )
        return Response(OutputAttestationWithVerdict(_whole(attestation)).data)


class CollectionsView(APIView):
    """Send many pieces of evidence in one file: the body is the file, whatever content type it is sent as."""

    permission_classes = [HasScope]
    required_scope = ApiCredential.Scope.ATTESTATIONS_WRITE

    @extend_schema(
        operation_id="collection_send",
        request={"application/octet-stream": OpenApiTypes.BINARY, "application/json": OpenApiTypes.OBJECT},
        responses={
            202: OpenApiResponse(OutputCollectionReceipt, description="Every item is stored; those that are new will be verified."),
            200: OpenApiResponse(OutputCollectionReceipt, description="Every item was here before."),
            207: OpenApiResponse(OutputCollectionReceipt, description="At least one item was refused; the others are stored."),
        },
        parameters=[
            OpenApiParameter(
                "Location", str, OpenApiParameter.HEADER, response=[200, 202, 207], description="Where the state of every item stands."
            )
        ],
    )
    def post(self, request: Request) -> Response:
        # The exact bytes. One more than the limit is enough to see that there are too many.
        content = request._request.read(settings.MAX_COLLECTION_BYTES + 1)
        collection, answers = receive_collection(content=content, name="", by=_caller(request), now=timezone.now())
        ring_after_commit()
        counts = Counter(answer.answer for answer in answers)
        shown = _collection(collection) | {"counts": counts, "items": [_item_answer(answer) for answer in answers]}
        status = 207 if REFUSED in counts else 202 if NEW in counts else 200
        return Response(OutputCollectionReceipt(shown).data, status=status, headers={"Location": str(shown["statusUrl"])})


class CollectionView(_ReadByReaderOrSender):
    """Read where each item of a collection stands."""

    @extend_schema(operation_id="collection_read", responses={200: OutputCollectionProgress})
    def get(self, request: Request, collection_id: str) -> Response:
        collection = get_collection(collection_id, reader=_caller(request))
        if not _reads_all(request) and collection.identity_id != _caller(request).pk:
            raise NotAllowed(
                "permission.scope", "this credential may only read collections that its own identity sent; others need the scope read"
            )
        progress = follow_collection(collection)
        items = [
            {
                "position": item.position,
                "name": item.name,
                "unsignedLabel": item.label,
                "isMislabelled": item.is_mislabelled,
                "state": item.state,
                "id": item.attestation_id,
                "code": item.code or None,
                "sentence": item.sentence or None,
                "predicateType": item.predicate_type or None,
            }
            for item in progress.items
        ]
        shown = _collection(collection) | {
            "counts": progress.counts,
            "open": progress.is_open,
            "unanswered": progress.unanswered,
            "asSet": judge_npm_set(progress),
            "items": items,
        }
        return Response(OutputCollectionProgress(shown).data)


def _reads_all(request: Request) -> bool:
    return not isinstance(request.auth, ApiCredential) or ApiCredential.Scope.READ in request.auth.scopes


def _caller(request: Request) -> Identity:
    # HasScope let only identities through; the framework's type knows accounts alone.
    caller: Any = request.user
    identity: Identity = caller.identity
    return identity


def _collection(collection: Collection) -> dict[str, Any]:
    return {
        "id": collection.pk,
        "kind": collection.kind,
        "digest": f"sha256:{collection.digest}",
        "statusUrl": settings.ORIGIN + reverse("attestations:api_collection", args=[collection.pk]),
    }


def _item_answer(answered: ItemAnswer) -> dict[str, Any]:
    attestation, refusal = answered.attestation, answered.refusal
    return {
        "position": answered.position,
        "name": answered.item.name,
        "unsignedLabel": answered.item.label,
        "answer": answered.answer,
        "id": attestation.pk if attestation else None,
        "digest": f"sha256:{attestation.blob_id}" if attestation else None,
        "statusUrl": settings.ORIGIN + reverse("attestations:api_attestation", args=[attestation.pk]) if attestation else None,
        "code": refusal.code if refusal else None,
        "sentence": refusal.reason if refusal else None,
    }


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
        "verdicts": verdict_history(attestation),
    }
