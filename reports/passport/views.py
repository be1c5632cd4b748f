"""The passport of an artifact, and what holds of it at this moment."""

from __future__ import annotations

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils import timezone

from approvals.pages.emergency.register import may_declare
from attestations.collection.receive import may_send
from identities.permissions import may, person_of, requires
from proofs.digest import parse_digest
from reports.chain_picture.drawing import draw
from reports.passport.build import build_passport
from reports.passport.chain_graph import tell_graph
from reports.passport.now import ask_now


@requires("artifacts.read")
def artifact(request: HttpRequest, digest: str) -> HttpResponse:
    """Show the passport of one artifact. An unknown digest answers 404 with what that means."""
    reader = person_of(request)
    passport = build_passport(str(parse_digest(digest)), reader=reader, now=timezone.now())
    context = {
        "passport": passport,
        **(draw(tell_graph(passport)) if passport.is_known else {}),
        "may_send": may_send(reader).allowed,
        "may_steward": may(reader, "identities.steward").allowed,
    }
    return render(request, "reports/artifact.html", context, status=200 if passport.is_known else 404)


@requires("artifacts.read")
def artifact_now(request: HttpRequest, digest: str) -> HttpResponse:
    """Ask gates and projects what they make of one artifact now. The passport fetches this part when it has been shown."""
    reader = person_of(request)
    found = ask_now(str(parse_digest(digest)), reader=reader, now=timezone.now())
    context = {"found": found, "passport": found.passport, "may_break": may_declare(reader)}
    return render(request, "reports/artifact_now.html", context, status=200 if found.passport.is_known else 404)
