"""Which pages give something away as a file: taking it is kept although it changes nothing."""

from __future__ import annotations

from django.http import HttpResponse
from django.http.response import HttpResponseBase

# The same page as `reports:pack`, for whoever gets the identity providers' tokens with it.
PRIVATE_PACK = "reports:pack_with_private_files"
EXPORTS = frozenset(
    {
        "reports:pack",
        "attestations:raw",
        PRIVATE_PACK,
        "approvals:queue_export",
        "identities:export",
        "identities:audit_export",
        "identities:api_signers",
        "identities:allowed_signers",
        "identities:revoked_signers",
    }
)


class NamedDownload(HttpResponse):
    """A file of which the page's name does not say enough: where `taken_as` is not empty, it is what is kept."""

    taken_as = ""


def is_export(act: str) -> bool:
    """Say whether the page of this URL name is one that gives a file, so that a refusal of it is kept as well."""
    return act in EXPORTS


def is_download(response: HttpResponseBase) -> bool:
    """Say whether an answer is a file to keep, whatever the page is called."""
    return str(response.get("Content-Disposition", "")).lower().startswith("attachment")
