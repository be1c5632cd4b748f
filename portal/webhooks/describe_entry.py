"""What an entry of the ledger tells a team's other systems: enough to sort it by, and the address to look at. Reads only.

Told are requests, answers, approvals that ended, policies put into force, each break-glass, and what gates decided; never who by name
beyond the username, never what people wrote, and nothing with which anybody could answer. An entry that belongs to no team is told to nobody.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from django.conf import settings
from django.db.models import Q
from django.urls import reverse

from approvals.models import Approval, ApprovalEnd, BreakGlass, PolicyActivation, Record, Request, Revision
from attestations.blobs import bytes_of
from attestations.models import Blob
from gates.models import Decision
from ledger.models import Entry
from proofs.canonical import parse_json
from proofs.errors import Refusal
from proofs.moment import rfc3339

ANSWERED = "approval.recorded"
ENDED = "approval.ended"
DECIDED = "gate.decision"
BROKEN = "break_glass."
ABOUT_REQUESTS = ("request.", "approval.")
# What a team can choose from: the beginnings of the events' names, and what each is about.
CHOICES = (
    ("request.", "Requests: opened, changed, withdrawn, superseded, promoted"),
    ("approval.", "Approvals: answered, ended, revoked"),
    ("policy.", "Policies put into force"),
    ("gate.", "Answers of gates"),
    (BROKEN, "Break-glass: declared, used, taken back, reviewed"),
)


@dataclass(frozen=True, slots=True)
class Described:
    """An event as it is told: its name, the team it belongs to, and what is said of it."""

    event: str
    team_id: str
    data: dict[str, Any]


def describe_entry(entry: Entry) -> Described | None:
    """Return what an entry tells, or None where it tells other systems nothing."""
    if entry.event == "record":
        return _answered(entry)
    if entry.event == DECIDED:
        return _decided(entry)
    if entry.event.startswith("policy.activated"):
        return _activated(entry)
    if entry.event.startswith(BROKEN):
        return _broken(entry)
    if entry.event.startswith(ABOUT_REQUESTS):
        return _about_request(entry)
    return None


def _answered(entry: Entry) -> Described | None:
    found = Record.objects.filter(entry=entry).select_related("approval__identity__user", *_ways("approval__revision__request"))
    record = found.first()
    if record is None:
        return None
    approval = record.approval
    said = {"decision": str(approval.decision), "by": _username(approval), "level": approval.level, "record": f"sha256:{record.digest}"}
    return _told(ANSWERED, approval.revision.request, entry, **said)


def _decided(entry: Entry) -> Described | None:
    decision = Decision.objects.filter(entry=entry).select_related("environment__team", *_ways("request")).first()
    if decision is None or (decision.request is None and decision.environment is None):
        return None
    said = {"outcome": str(decision.outcome), "artifact": decision.artifact_digest, "reasons": [item["code"] for item in decision.reasons]}
    if decision.request is not None:
        return _told(DECIDED, decision.request, entry, **said)
    assert decision.environment is not None
    where = {"environment": decision.environment.slug, "entry": entry.index}
    return Described(DECIDED, str(decision.environment.team_id), {**where, **said})


def _activated(entry: Entry) -> Described | None:
    found = PolicyActivation.objects.filter(entry=entry).select_related("policy", "project__team", "environment").first()
    if found is None:
        return None
    said = {
        "policy": {"id": found.policy.policy_id, "version": found.policy.version, "digest": f"sha256:{found.policy_id}"},
        "project": found.project.slug,
        "environment": found.environment.slug,
        "url": settings.ORIGIN + reverse("approvals:policy", args=[found.policy_id]),
        "entry": entry.index,
    }
    return Described(entry.event, str(found.project.team_id), said)


def _broken(entry: Entry) -> Described | None:
    """A break-glass is told with the request that reviews it; each of its entries stands beside a row of its own."""
    is_about = Q(entry=entry) | Q(uses__entry=entry) | Q(end__entry=entry) | Q(concluded__entry=entry)
    row = BreakGlass.objects.filter(is_about).select_related("concluded", *_ways("review")).first()
    if row is None:
        return None
    said: dict[str, Any] = {"artifacts": [row.artifact_id], "maxUses": row.max_uses, "until": rfc3339(row.until)}
    if hasattr(row, "concluded"):
        said["verdict"] = str(row.concluded.verdict)
    return _told(entry.event, row.review, entry, **said)


def _about_request(entry: Entry) -> Described | None:
    ended = ApprovalEnd.objects.filter(entry=entry).select_related(*_ways("approval__revision__request")).first()
    if ended is not None:
        return _told(entry.event, ended.approval.revision.request, entry, reason=ended.code)
    revision = Revision.objects.filter(snapshot=entry.ref_digest).select_related(*_ways("request")).first()
    if revision is not None:
        return _told(entry.event, revision.request, entry, revision=revision.number)
    request = _named_request(entry.ref_digest)
    return _told(entry.event, request, entry) if request else None


def _named_request(digest: str) -> Request | None:
    """Return the request that the document with this digest names, where the portal keeps it."""
    blob = Blob.objects.filter(pk=digest).first()
    try:
        document = parse_json(bytes_of(blob)) if blob else None
    except Refusal:
        return None
    named = document.get("request") if isinstance(document, dict) else None
    if isinstance(named, dict):
        named = named.get("id")
    return Request.objects.filter(pk=named).select_related(*_ways("")).first() if isinstance(named, str) else None


def _told(event: str, request: Request, entry: Entry, **said: Any) -> Described:
    data = {
        "request": request.pk,
        "kind": str(request.kind),
        "status": str(request.state.status),
        "project": request.project.slug,
        "environment": request.environment.slug,
        "artifacts": [item.artifact_id for item in request.artifacts.order_by("artifact_id")],
        "url": settings.ORIGIN + reverse("approvals:request", args=[request.pk]),
        "entry": entry.index,
        "at": rfc3339(entry.appended_at.replace(microsecond=0)),
        **said,
    }
    return Described(event, str(request.project.team_id), data)


def _username(approval: Approval) -> str:
    user = getattr(approval.identity, "user", None)
    return user.username if user else approval.identity.name


def _ways(prefix: str) -> list[str]:
    return [f"{prefix}__{name}".strip("_") for name in ("project", "environment", "state")]
