"""Look at what arrives before anything reads it: NUL characters and sizes. The first of our middleware that may say no.

PostgreSQL cannot store or compare text with a NUL in it, and no address, field or cookie of ours has one, so such a request is
answered here, in one place, instead of breaking somewhere inside. Bodies are not searched: forms and the JSON reader look for themselves.
Sizes are those the request declares; the web server gives no more than that.
"""

from __future__ import annotations

from collections.abc import Callable

from django.conf import settings
from django.http import HttpRequest, HttpResponse

from portal.errors import answer, answer_refusal
from proofs.errors import Malformed, Refusal, TooLarge

# The doors for large bodies. They read the exact bytes of whoever proved to be allowed to send them. That for one piece of evidence has
# limits of its own; those for many are given what a form puts around a file.
EVIDENCE_PATH = "/api/v1/attestations"
COLLECTION_PATHS = ("/api/v1/collections", "/collections/new")
FORM_BYTES = 64 * 1024
MAX_BODY_BYTES = 1024 * 1024


class ScreenRequestsMiddleware:
    """Refuses what no door of ours could read."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        if "CONTENT_LENGTH" not in request.META and request.headers.get("Transfer-Encoding"):
            # Django takes such a body for an empty one.
            return answer(request, status=411, code="request.length_missing", detail="got a body in chunks, expected a Content-Length")
        try:
            refuse_nul(request)
            refuse_size(request)
        except Refusal as refusal:
            return answer_refusal(request, refusal)
        return self.get_response(request)


def refuse_nul(request: HttpRequest) -> None:
    """Refuses with `request.malformed` if the path, the query or a cookie holds a NUL character."""
    for name, texts in (
        ("path", [request.path]),
        ("query", [text for key, values in request.GET.lists() for text in (key, *values)]),
        # Quoted cookie values may spell a NUL as \000.
        ("cookies", [text for pair in request.COOKIES.items() for text in pair]),
    ):
        if any("\0" in text for text in texts):
            raise Malformed("request.malformed", f"got a NUL character in the {name}, expected text")


def refuse_size(request: HttpRequest) -> None:
    """Refuses with `request.too_large` if the body is over what its door reads, and with `request.malformed`."""
    declared = request.META.get("CONTENT_LENGTH") or "0"
    if not (declared.isascii() and declared.isdigit() and len(declared) < 16):
        raise Malformed("request.malformed", "got a Content-Length that is no number of bytes")
    limit = settings.MAX_COLLECTION_BYTES + FORM_BYTES if request.path in COLLECTION_PATHS else MAX_BODY_BYTES
    if int(declared) > limit and request.path != EVIDENCE_PATH:
        raise TooLarge("request.too_large", f"got {int(declared)} bytes, expected at most {limit}")
