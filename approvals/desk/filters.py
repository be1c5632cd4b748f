"""The filters of the queue, read from an address and written into one. A value that fits nothing finds nothing."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, fields, replace
from urllib.parse import urlencode

from django.db.models import Q
from django.utils.translation import gettext_noop as noop

from approvals.models import Request, RequestArtifact

DUE, NEWEST = "due", "newest"
SORTS = ((DUE, noop("What is due first")), (NEWEST, noop("Newest first")))
KINDS = tuple(Request.Kind.choices)
MAX_CHARACTERS = 200
_DIGEST = re.compile(r"(sha256:)?([0-9a-f]{6,64})")
_REQUEST = re.compile(r"req_[0-9A-Z]{26}")


@dataclass(frozen=True)
class Filters:
    """What narrows the queue. The empty string narrows nothing."""

    env: str = ""
    kind: str = ""
    requester: str = ""
    project: str = ""
    q: str = ""
    sort: str = ""

    @property
    def is_narrowed(self) -> bool:
        """Whether anything is left out."""
        return any((self.env, self.kind, self.requester, self.project, self.q))

    def as_query(self, **more: str) -> str:
        """Return the part of an address that leads here, with `more` before it."""
        given = {field.name: getattr(self, field.name) for field in fields(self)}
        return urlencode({name: value for name, value in {**more, **given}.items() if value})

    def condition(self) -> Q:
        """Return what holds for the states of the requests that are not left out."""
        found = Q()
        if self.env:
            found &= Q(request__environment__slug=self.env)
        if self.kind:
            found &= Q(request__kind=self.kind)
        if self.project:
            found &= Q(project__slug=self.project)
        if self.requester:
            found &= Q(request__requester__name__icontains=self.requester) | Q(request__on_behalf_of__name__icontains=self.requester)
        return found & _of_words(self.q) if self.q else found


def read_filters(query: Mapping[str, str]) -> Filters:
    """Return the filters of an address."""
    given = {field.name: str(query.get(field.name, "")).strip()[:MAX_CHARACTERS] for field in fields(Filters)}
    filters = Filters(**given)
    return filters if filters.sort in (DUE, NEWEST) else replace(filters, sort="")


def shown_tab(query: Mapping[str, str]) -> str:
    """Return the tab an address names, by either of the names it may have there."""
    return str(query.get("show") or query.get("tab") or "")


def clean_query(query: Mapping[str, str]) -> str:
    """Return the filters and the tab of an address, and nothing else of it: what a saved view keeps."""
    return read_filters(query).as_query(show=shown_tab(query)[:20])


def _of_words(words: str) -> Q:
    """Look for the beginning of a digest, for a request's own id, or else for words of the title."""
    digest = _DIGEST.fullmatch(words.lower())
    if digest:
        about = RequestArtifact.objects.filter(artifact__digest__startswith=f"sha256:{digest[2]}")
        return Q(request__in=about.values("request")) | Q(request__title__icontains=words)
    if _REQUEST.fullmatch(words):
        return Q(request=words)
    return Q(request__title__icontains=words)
