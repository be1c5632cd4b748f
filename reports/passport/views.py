"""The passport of an artifact, and what holds of it at this moment."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils import timezone
from django.utils.translation import gettext_noop as noop

from approvals.pages.emergency.register import may_declare
from attestations.listing import BILL_TYPES
from attestations.names import proven_name
from identities.models import Identity
from identities.permissions import ACTIONS, allowed_somewhere, list_roles_in, person_of, requires
from identities.read_once import reads_once
from proofs.digest import parse_digest
from proofs.errors import Malformed
from reports.chain_picture.drawing import draw
from reports.passport.build import Passport, build_passport
from reports.passport.chain_graph import tell_graph
from reports.passport.contents import Moved, read_bills, search_packages
from reports.passport.now import ask_now
from reports.passport.rows import list_banners, list_entries, list_environments, list_names
from reports.passport.side_by_side import compare_artifacts

MAX_QUERY = 200


@reads_once
@requires("artifacts.read")
def artifact(request: HttpRequest, digest: str) -> HttpResponse:
    """Show the passport of one artifact. An unknown digest answers 404 with what that means."""
    reader = person_of(request)
    passport = build_passport(str(parse_digest(digest)), reader=reader, now=timezone.now())
    context = {
        "passport": passport,
        **(_sections(passport) if passport.is_known else {}),
        "may_send": _may_send(reader),
        "may_steward": bool(allowed_somewhere(reader, ["identities.steward"])),
    }
    return render(request, "reports/artifact.html", context, status=200 if passport.is_known else 404)


@reads_once
@requires("artifacts.read")
def artifact_now(request: HttpRequest, digest: str) -> HttpResponse:
    """Ask gates and projects what they make of one artifact now. The passport fetches this part when it has been shown."""
    reader = person_of(request)
    found = ask_now(str(parse_digest(digest)), reader=reader, now=timezone.now())
    context = {"found": found, "passport": found.passport, "may_break": may_declare(reader)}
    return render(request, "reports/artifact_now.html", context, status=200 if found.passport.is_known else 404)


@reads_once
@requires("artifacts.read")
def artifact_contents(request: HttpRequest, digest: str) -> HttpResponse:
    """List the packages that verified bills of materials name, or search them."""
    asked, query = str(parse_digest(digest)), request.GET.get("q", "").strip()[:MAX_QUERY]
    bills = read_bills(asked)
    context = {"digest": asked, "name": proven_name(asked), "bills": bills, "query": query, "found": search_packages(bills.contents, query)}
    return render(request, "reports/artifact_contents.html", context)


@reads_once
@requires("artifacts.read")
def artifact_compare(request: HttpRequest, digest: str) -> HttpResponse:
    """Hold two artifacts side by side; without another digest, or with one that is none, ask for it."""
    reader, asked, other = person_of(request), str(parse_digest(digest)), request.GET.get("with", "").strip()[:MAX_QUERY]
    context: dict[str, Any] = {"other": other}
    try:
        if other:
            with_digest = str(parse_digest(other if ":" in other else f"sha256:{other}"))
            both = compare_artifacts(asked, with_digest, reader=reader, now=timezone.now())
            context |= {"both": both, "passport": both.left, "moved": _moved(both.packages)}
    except Malformed as refusal:
        context["trouble"] = refusal.reason
    if "passport" not in context:
        context["passport"] = {"digest": asked, "name": proven_name(asked)}
    return render(request, "reports/artifact_compare.html", context, status=400 if "trouble" in context else 200)


def _may_send(reader: Identity) -> bool:
    """As `attestations.collection.receive.may_send` answers, without reading what its reason would name."""
    if reader.team_id is None:
        return bool(allowed_somewhere(reader, ["attestations.send"]))
    roles = ACTIONS["attestations.send"][1]
    return any(role.project_id is None and role.role in roles for role in list_roles_in(reader, reader.team_id))


def _sections(passport: Passport) -> dict[str, Any]:
    return {
        **draw(tell_graph(passport)),
        "banners": list_banners(passport),
        "environments": list_environments(passport),
        "names": list_names(passport),
        "entries": list_entries(passport),
        "bills": [
            verdict for verdict in passport.verdicts if verdict.signer and verdict.predicate_type in BILL_TYPES and verdict.is_verified
        ],
    }


def _moved(moved: Moved | None) -> list[tuple[str, Sequence[tuple[str, ...]]]]:
    if moved is None:
        return []
    return [
        (noop("Added"), moved.added),
        (noop("Downgraded"), moved.downgraded),
        (noop("Other versions"), moved.changed),
        (noop("Upgraded"), moved.upgraded),
        (noop("Removed"), moved.removed),
    ]
