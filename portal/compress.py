"""Compress pages for whoever asked for them from the portal itself.

The length of a compressed page tells what it shares with what somebody wrote into it. Whoever can make a browser load a page of the portal very
often, each time with another guess in its address, and sees the lengths go by, reads a secret of the page that way (BREACH). Three things stand
against it. Compressed is only what the browser says was asked for by a page of this portal or by its user, by hand: what another site made it ask
for goes out as it is, and so does what a browser asks for that does not say. The secrets that stand in pages, the token of forms and the nonce of
scripts, are written anew into each. And Django's middleware, which does the rest, adds up to a hundred random bytes to each answer.
"""

from __future__ import annotations

from django.http import HttpRequest
from django.http.response import HttpResponseBase
from django.middleware.gzip import GZipMiddleware
from django.utils.cache import patch_vary_headers

# What a browser sends of itself, and no script can change. "none": typed, or from a bookmark.
ASKED_BY, ASKED_HERE = "Sec-Fetch-Site", frozenset({"same-origin", "none"})
PAGES = "text/html"


class CompressPagesMiddleware(GZipMiddleware):
    """Compresses pages that were read (GET) here, and nothing else: no answer to a form, no file, nothing of the API."""

    def process_response(self, request: HttpRequest, response: HttpResponseBase) -> HttpResponseBase:
        """Return the page compressed where nobody else can have made the browser ask for it."""
        if request.method != "GET" or response.status_code != 200 or not response.get("Content-Type", "").startswith(PAGES):
            return response
        patch_vary_headers(response, [ASKED_BY])
        if request.headers.get(ASKED_BY) not in ASKED_HERE:
            return response
        compressed: HttpResponseBase = super().process_response(request, response)
        return compressed
