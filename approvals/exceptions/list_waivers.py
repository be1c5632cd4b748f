"""The waivers a reader may know of: live, ending soon, and ended; and which rules of a request somebody may ask an exception from. Reads only."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from approvals.exceptions.ask_exception import KINDS
from approvals.exceptions.withdraw_waiver import may_withdraw
from approvals.models import Approval, Request, Waiver
from approvals.policies.versions import active_policy
from approvals.policies.waivers import not_ended, still_holds, terms_of
from attestations.blobs import bytes_of
from identities.models import Environment, Identity, Project
from identities.permissions import is_allowed, readable_projects
from proofs.approval.waiver_terms import WaiverTerms
from proofs.canonical import parse_canonical
from proofs.errors import Refusal
from proofs.policy.waiving import find_waivable_rule

SOON = timedelta(days=3)
SHOWN_ENDED = 50


@dataclass(frozen=True)
class ShownWaiver:
    """One waiver: its terms, who agreed, how it stands, and whether the reader may withdraw it."""

    waiver: Waiver
    terms: WaiverTerms
    agreed: tuple[str, ...]
    state: str
    may_withdraw: bool


@dataclass(frozen=True)
class ShownWaivers:
    """What the page of exceptions shows."""

    soon: list[ShownWaiver]
    live: list[ShownWaiver]
    ended: list[ShownWaiver]


def list_waivers(reader: Identity, *, now: datetime) -> ShownWaivers:
    """Return the waivers of the projects whose requests `reader` may read; those that end first stand first."""
    rows = Waiver.objects.filter(project__in=readable_projects(reader, "requests.read"))
    rows = rows.select_related("project__team", "environment", "owner", "request__requester", "document", "end__by")
    live = list(rows.filter(pk__in=not_ended(now=now).values("pk")).order_by("until", "pk"))
    over = list(rows.exclude(pk__in=[row.pk for row in live]).order_by("-until", "pk")[:SHOWN_ENDED])
    agreed: dict[str, list[str]] = {}
    answers = Approval.objects.filter(revision__request__in=[row.request_id for row in (*live, *over)], decision="approve")
    for answer in answers.select_related("identity", "revision").order_by("signed_at", "pk"):
        agreed.setdefault(answer.revision.request_id, []).append(answer.identity.name)
    documents, alive = _documents_in_force(live), {row.pk for row in live}

    def show(row: Waiver) -> ShownWaiver:
        terms = terms_of(row)
        state = _state(row, terms, documents.get((row.project_id, row.environment_id)), now, is_live=row.pk in alive)
        may_end = state in ("live", "idle") and may_withdraw(row, reader)
        return ShownWaiver(row, terms, tuple(agreed.get(row.request_id, ())), state, may_end)

    shown = [show(row) for row in live]
    soon = [item for item in shown if item.waiver.until <= now + SOON]
    return ShownWaivers(soon, [item for item in shown if item not in soon], [show(row) for row in over])


def list_waivable(*, request: Request, reader: Identity) -> frozenset[str]:
    """Return the rules that `reader` may ask an exception from for `request`: none where its policy allows none."""
    if request.kind not in KINDS or not is_allowed(reader, "exceptions.ask", project=request.project):
        return frozenset()
    policy = active_policy(project=request.project, environment=request.environment)
    document = parse_canonical(bytes_of(policy.document)) if policy else {"rules": []}
    return frozenset(rule["id"] for rule in document["rules"] if _is_waivable(document, rule["id"]))


def _is_waivable(document: Mapping[str, Any], rule_id: str) -> bool:
    try:
        find_waivable_rule(document, rule_id)
    except Refusal:
        return False
    return True


def _documents_in_force(rows: list[Waiver]) -> dict[tuple[str, str], Mapping[str, Any]]:
    places: dict[tuple[str, str], tuple[Project, Environment]] = {
        (row.project_id, row.environment_id): (row.project, row.environment) for row in rows
    }
    found = {}
    for key, (project, environment) in places.items():
        policy = active_policy(project=project, environment=environment)
        if policy is not None:
            found[key] = parse_canonical(bytes_of(policy.document))
    return found


def _state(row: Waiver, terms: WaiverTerms, document: Mapping[str, Any] | None, now: datetime, *, is_live: bool) -> str:
    if hasattr(row, "end"):
        return "withdrawn"
    if row.until <= now:
        return "expired"
    if not is_live:
        return "revoked"
    # Granted, and the rule says something else by now: it covers nothing.
    return "live" if document is not None and still_holds(row, terms, document) else "idle"
