"""The pages of evidence: sending a file of it, how each item was answered, and one attestation with its verdict and exact bytes."""

from __future__ import annotations

import base64

from django.conf import settings
from django.core.paginator import Paginator
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils import timezone
from django.views.decorators.cache import never_cache
from django.views.decorators.csrf import csrf_exempt, csrf_protect
from django.views.decorators.http import require_http_methods, require_safe

from attestations.blobs import read_blob
from attestations.collection.follow import follow_collection, get_collection
from attestations.collection.judge_npm_set import judge_npm_set
from attestations.collection.receive import demand_sender, may_send, receive_collection
from attestations.forms import InputCollection
from attestations.models import VerificationJob
from attestations.queries import get_attestation, latest_verdict, verdict_document, verdict_history
from attestations.side_by_side import compare_sides, describe_predicate
from attestations.statement_words import describe_format, list_claims, list_signing_times
from attestations.tasks import ring_after_commit
from identities.hold_in_memory import HoldInMemory
from identities.permissions import may, person_of, requires
from proofs.errors import Refusal

ROWS = 100


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
        "may_send": may_send(person_of(request)).allowed,
        "may_steward": may(person_of(request), "identities.steward").allowed,
        "history": verdict_history(found),
        "is_again": verdict is not None and found.job.state in (VerificationJob.State.WAITING, VerificationJob.State.CLAIMED),
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


# The token of the form stands in the body. It is checked by the inner view, once it is known who asks and that a file may come.
@never_cache
@csrf_exempt
@require_http_methods(["GET", "POST"])
@requires("attestations.send")
def collection_new(request: HttpRequest) -> HttpResponse:
    """Take a file of evidence from a person."""
    demand_sender(person_of(request))
    request.upload_handlers = [HoldInMemory(request)]
    return _take_collection(request)


@csrf_protect
def _take_collection(request: HttpRequest) -> HttpResponse:
    # The page's script reads JSON and follows by itself; a form sent without it is redirected.
    is_script = request.method == "POST" and request.get_preferred_type(["text/html", "application/json"]) == "application/json"
    refusal: Refusal | None = None
    form = InputCollection(request.POST, request.FILES) if request.method == "POST" else InputCollection()
    if form.is_valid():
        file = form.cleaned_data["file"]
        try:
            collection, _ = receive_collection(content=file.read(), name=file.name, by=person_of(request), now=timezone.now())
        except Refusal as error:
            if is_script:
                raise
            refusal = error
        else:
            ring_after_commit()
            address = reverse("attestations:collection", args=[collection.pk])
            return JsonResponse({"url": address}, status=201) if is_script else redirect(address)
    context = {"form": form, "refusal": refusal, "max_bytes": settings.MAX_COLLECTION_BYTES, "max_item_bytes": settings.MAX_EVIDENCE_BYTES}
    return render(request, "attestations/collection_new.html", context, status=400 if refusal or form.errors else 200)


@require_safe
@requires("attestations.read")
def collection(request: HttpRequest, collection_id: str) -> HttpResponse:
    """Show how each item of a file was answered; while one is being verified the page looks again by itself."""
    progress = follow_collection(get_collection(collection_id, reader=person_of(request)))
    page = Paginator(progress.items, ROWS).get_page(request.GET.get("page"))
    context = {
        "progress": progress,
        "as_set": judge_npm_set(progress),
        "page": page,
        "may_send": may_send(person_of(request)).allowed,
        "digest": f"sha256:{progress.collection.digest}",
    }
    return render(request, "attestations/collection.html", context)
