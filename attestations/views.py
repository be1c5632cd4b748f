"""The pages of one attestation: what it is, what came of verifying it, and its exact bytes."""

from __future__ import annotations

import base64

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render

from attestations.blobs import read_blob
from attestations.models import VerificationJob
from attestations.queries import get_attestation, latest_verdict, verdict_document
from attestations.side_by_side import compare_sides, describe_predicate
from attestations.statement_words import describe_format, list_claims, list_signing_times
from identities.permissions import requires


@requires("attestations.read")
def attestation(request: HttpRequest, attestation_id: str) -> HttpResponse:
    """Show one attestation; while it is being verified the page looks again by itself."""
    found = get_attestation(attestation_id)
    verdict = latest_verdict(found)
    document = verdict_document(verdict) if verdict else {}
    facts = document.get("facts")
    context = {
        "attestation": found,
        "verdict": verdict,
        "document": document,
        "facts": facts,
        "kind_of_claim": describe_predicate(facts["predicateType"]) if facts else "",
        "rows": compare_sides(facts, document["findings"]) if facts else [],
        "claims": list_claims(facts) if facts else [],
        "signing_times": list_signing_times(facts) if facts else [],
        "format": describe_format(found.format),
        "evidence_digest": f"sha256:{found.blob_id}",
        "verdict_digest": f"sha256:{verdict.document_id}" if verdict else "",
        "is_open": verdict is None and found.job.state in (VerificationJob.State.WAITING, VerificationJob.State.CLAIMED),
    }
    return render(request, "attestations/attestation.html", context)


@requires("attestations.read")
def raw(request: HttpRequest, attestation_id: str) -> HttpResponse:
    """Hand out the exact bytes as received, never to be shown in the browser."""
    found = get_attestation(attestation_id)
    content = read_blob(found.blob_id)
    digest = base64.b64encode(bytes.fromhex(found.blob_id)).decode()
    headers = {
        "Content-Disposition": f'attachment; filename="{found.pk}.json"',
        "Repr-Digest": f"sha-256=:{digest}:",
        "Content-Security-Policy": "sandbox; default-src 'none'",
    }
    return HttpResponse(content, content_type="application/octet-stream", headers=headers)
