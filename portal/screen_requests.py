"""Look at what arrives before anything reads it: NUL characters and sizes. The first of our middleware that may say no.

PostgreSQL cannot store or compare text with a NUL in it, and no address, field or cookie of ours has one, so such a request is
answered here, in one place, instead of breaking somewhere inside. Bodies are not searched: forms and the JSON reader look for themselves.
"""

from __future__ import annotations

from collections.abc import Callable

from django.http import HttpRequest, HttpResponse

from portal.errors import answer_refusal
from proofs.errors import Malformed, Refusal


class ScreenRequestsMiddleware:
    """Refuses what no door of ours could read."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        try:
            refuse_nul(request)
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
