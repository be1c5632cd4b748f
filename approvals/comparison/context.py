"""What only the portal knows about a release, as a comparison takes it: who is registered, what observers saw, how the policy changed.

Frozen into the snapshot as it is now. Reads only.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any

from django.db.models import Max, Q

from approvals.comparison.baseline import Baseline, list_approved, subject_of
from approvals.models import Approval, PolicyActivation, PolicyVersion, Request
from attestations.blobs import bytes_of
from attestations.models import Place, Verdict
from attestations.observe import does_count, newest_of_each_digest
from identities.models import Identity
from proofs.artifact_name import read_name
from proofs.canonical import parse_canonical
from proofs.path import names_place
from proofs.policy.compare import compare_policies

# Whoever asks more often than this in an hour asks for answers that nobody thought about.
BURST, BURST_WITHIN = 20, timedelta(hours=1)
REFUSED_WITHIN = timedelta(days=7)
MAX_DIFFERENCES = 20
MAX_PLACES = 50


def gather_context(
    request: Request, *, baseline: Baseline | None, picture: Mapping[str, Any], policy: PolicyVersion, now: datetime
) -> dict[str, Any]:
    """Return the context of `proofs.comparison.compare.compare_releases`; parts with nothing to say are left out."""
    found: dict[str, Any] = {"tier": request.environment.tier}
    identities = (picture["identities"] or {"listed": []})["listed"]
    if identities:
        found["identities"] = _identities(identities, now)
    if baseline is not None and baseline.revision.policy_id != policy.digest:
        found["policy"] = policy_changes(request, baseline, policy)
    if seen := _elsewhere(request):
        found["path"] = seen
    if burst := _burst(request, now):
        found["burst"] = burst
    if request.kind == Request.Kind.AGENT_ACTION:
        found["tools"], found["denied"] = _tools(request), _denied(request, now)
    return found


def _identities(named: Sequence[Mapping[str, Any]], now: datetime) -> list[dict[str, Any]]:
    pairs = sorted({(item["issuer"], item["subject"]) for item in named})
    wanted = Q()
    for issuer, subject in pairs:
        wanted |= Q(issuer=issuer, subject=subject)
    rows = {(row.issuer, row.subject): row for row in Identity.objects.filter(wanted).select_related("owner")}
    seen = (
        Verdict.objects.filter(signer__in=[row.pk for row in rows.values()], verified_at__lte=now)
        .values_list("signer")
        .annotate(Max("verified_at"))
    )
    last = dict(seen)
    return [_identity(pair, rows.get(pair), last, now) for pair in pairs]


def _identity(pair: tuple[str, str], row: Identity | None, last: Mapping[str, datetime], now: datetime) -> dict[str, Any]:
    owner = row.owner if row is not None else None
    seen_at = last.get(row.pk) if row is not None else None
    return {
        "issuer": pair[0],
        "subject": pair[1],
        "isRegistered": row is not None,
        "kind": str(row.kind) if row else "",
        "status": str(row.status) if row else "",
        "owner": owner.name if owner is not None and owner.status == Identity.Status.ACTIVE else "",
        "lastSeenDays": max(0, (now - seen_at).days) if seen_at else None,
    }


def policy_changes(request: Request, baseline: Baseline, policy: PolicyVersion) -> dict[str, Any]:
    """Return how the policy differs from the one a baseline was approved under, and who agreed to that."""
    before, document = (parse_canonical(bytes_of(row.document)) for row in (baseline.revision.policy, policy))
    differences = [item.as_dict() for item in compare_policies(before, document)][:MAX_DIFFERENCES]
    put = PolicyActivation.objects.filter(
        policy=policy, project=request.project_id, environment=request.environment_id, request__isnull=False
    )
    activation = put.order_by("-entry_id").first()
    by: list[str] = []
    if activation is not None:
        agreed = Approval.objects.filter(revision__request=activation.request_id, decision=Approval.Decision.APPROVE)
        by = sorted(set(agreed.values_list("identity__name", flat=True)))
    return {"differences": differences, "by": by}


def _elsewhere(request: Request) -> list[dict[str, str]]:
    """Say where a registry or index keeps another digest under the very name and version that is asked about."""
    asked = [(item.artifact_id, item.name) for item in request.artifacts.all() if item.name and read_name(item.name).version]
    if not asked:
        return []
    versions = Q()
    for _, name in asked:
        versions |= Q(reference__contains=read_name(name).version)
    kept = (Place.Kind.REGISTRY, Place.Kind.PACKAGE_INDEX)
    places = list(Place.objects.filter(versions, team=request.project.team_id, kind__in=kept).order_by("key")[:MAX_PLACES])
    newest = newest_of_each_digest(places)
    found = []
    for digest, name in asked:
        for place in places:
            seen = [row for row in newest[place.pk] if does_count(row)]
            if not seen or not names_place(name, kind=place.kind, location=place.location, reference=place.reference):
                continue
            last = max(seen, key=lambda row: (row.observed_at, row.pk))
            if last.digest != digest and last.digest.partition(":")[0] == digest.partition(":")[0]:
                is_moved = any(row.digest == digest for row in seen)
                code = "retagged" if is_moved else "serves-other"
                words = f"{place.location} {'now has' if is_moved else 'has'} {_short(last.digest)} under {name}, and {_short(digest)} is what is asked about."
                found.append({"code": code, "sentence": words})
    return found


def _burst(request: Request, now: datetime) -> dict[str, Any] | None:
    count = Request.objects.filter(requester=request.requester_id, opened_at__gt=now - BURST_WITHIN, opened_at__lte=now).count()
    return {"count": count, "by": request.requester.name} if count >= BURST else None


def _tools(request: Request) -> list[str]:
    agent = subject_of(request).get("agent")
    rows = [
        row.revision.request
        for row in list_approved(request).filter(revision__request__environment=request.environment_id)[:200]
        if row.revision
    ]
    subjects = [subject_of(row) for row in rows]
    return sorted({str(subject["tool"]) for subject in subjects if subject.get("agent") == agent})


def _denied(request: Request, now: datetime) -> list[dict[str, str]]:
    """Return which actions of this agent people said no to lately."""
    agent = subject_of(request).get("agent")
    noes = Approval.objects.filter(
        revision__request__kind=request.kind,
        revision__request__environment=request.environment_id,
        decision=Approval.Decision.REJECT,
        signed_at__gt=now - REFUSED_WITHIN,
        signed_at__lte=now,
    ).exclude(revision__request=request.pk)
    rows = [answer.revision.request for answer in noes.select_related("revision__request__subject").order_by("-signed_at", "-pk")[:200]]
    subjects = [subject_of(row) for row in {row.pk: row for row in rows}.values()]
    return [{"tool": str(each["tool"]), "target": str(each["target"])} for each in subjects if each.get("agent") == agent]


def _short(digest: str) -> str:
    algorithm, _, value = digest.partition(":")
    return f"{algorithm}:{value[:8]}…{value[-4:]}"
