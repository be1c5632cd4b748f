"""What one person is told, who asks for a request, and where its page is."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from django.urls import reverse

from approvals.models import Request
from identities.models import Identity
from identities.permissions import may


@dataclass(frozen=True, slots=True)
class Told:
    """That a person is told a sentence of a kind, with a page to look at."""

    identity: Identity
    kind: str
    sentence: str
    link: str


def tell(who: Identity, kind: str, sentence: str, request: Request) -> Iterable[Told]:
    """Tell somebody about a request, if they may read it now: its title stands in the sentence, and a mail cannot be taken back.

    Whoever signed, asked, was named or reminded earlier may have lost every role there since.
    """
    if may(who, "requests.read", project=request.project).allowed:
        yield Told(who, kind, sentence, page_of(request))


def list_askers(request: Request) -> list[Identity]:
    """Return the people a request is for: who opened it, who answers for the program that did, and whom it was opened for."""
    people = (request.requester, request.requester.owner, request.on_behalf_of)
    return list({who.pk: who for who in people if who is not None and who.is_person}.values())


def page_of(request: Request) -> str:
    """Return the address of a request's page."""
    return reverse("approvals:request", args=[request.pk])
