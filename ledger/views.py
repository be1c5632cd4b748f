"""The ledger's pages. Who may see the first is said where it is mounted, for the ledger knows nobody; the second is public."""

from __future__ import annotations

from django.core.paginator import Paginator
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render

from ledger.keys import log_verifier_key
from ledger.prove import latest_checkpoint
from ledger.queries import PAGE_SIZE, describe_event, newest_entries
from ledger.tree import current_size
from proofs.errors import NotFound, Unavailable


def log(request: HttpRequest) -> HttpResponse:
    """Show the signed head, the newest entries, and how to check both without this portal."""
    checkpoint = latest_checkpoint()
    page = Paginator(newest_entries(), PAGE_SIZE).get_page(request.GET.get("page"))
    signed_size = checkpoint.size if checkpoint else 0
    size = current_size()
    rows = [{"entry": entry, "words": describe_event(entry.event), "is_signed": entry.index < signed_size} for entry in page]
    try:
        verifier_key = log_verifier_key()
    except Unavailable:
        verifier_key = ""
    context = {
        "checkpoint": checkpoint,
        "page": page,
        "rows": rows,
        "size": size,
        "unsigned": size - signed_size,
        "verifier_key": verifier_key,
    }
    return render(request, "ledger/log.html", context)


def checkpoint(request: HttpRequest) -> HttpResponse:
    """Hand out the newest signed tree head, to anybody. Refuses with `log.no_checkpoint` while nothing was signed."""
    newest = latest_checkpoint()
    if newest is None:
        raise NotFound("log.no_checkpoint", "nothing has been signed yet; ask again when the ledger has its first entry")
    return HttpResponse(newest.note, content_type="text/plain; charset=utf-8", headers={"Cache-Control": "no-cache"})
