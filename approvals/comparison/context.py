"""What only the portal knows about a release, as a comparison takes it: who is registered, what observers saw, how the policy changed.

Frozen into the snapshot as it is now. Reads only.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any

from django.db.models import Max, Q

from approvals.comparison.baseline import RELEASES, Baseline, list_approved, list_others_here, run_of, subject_of
from approvals.models import Approval, ExpectationsVersion, PolicyActivation, PolicyVersion, Request, Revision
from approvals.policies.expectations import active_expectations
from approvals.policies.versions import mode_of
from attestations.blobs import bytes_of
from attestations.models import Place, Verdict
from attestations.observe import counts_at, does_count, newest_of_each_digest
from identities.models import Identity
from proofs.artifact_name import read_name
from proofs.canonical import parse_canonical
from proofs.path import names_place
from proofs.policy.compare import compare_policies
from proofs.policy.compare_expectations import compare_expectations
from proofs.policy.evaluate import parse_policy

# Whoever asks more often than this in an hour asks for answers that nobody thought about.
BURST, BURST_WITHIN = 20, timedelta(hours=1)
REFUSED_WITHIN = timedelta(days=7)
MAX_DIFFERENCES = 20
MAX_OTHERS = 3


def gather_context(
    request: Request, *, baseline: Baseline | None, picture: Mapping[str, Any], policy: PolicyVersion, now: datetime
) -> dict[str, Any]:
    """Return the context of `proofs.comparison.compare.compare_releases`; parts with nothing to say are left out."""
    found: dict[str, Any] = {"tier": request.environment.tier}
    identities = (picture["identities"] or {"listed": []})["listed"]
    if identities:
        found["identities"] = _identities(identities, now)
    if baseline is not None and (weighed := policy_changes(request, baseline, policy)):
        found["policy"] = weighed
    if seen := list_elsewhere(request):
        found["path"] = seen
    if baseline is None and request.kind in RELEASES and (others := list_others_here(request, most=MAX_OTHERS)):
        found["approvedHere"] = others
    if burst := _burst(request, now):
        found["burst"] = burst
    if request.kind == Request.Kind.AGENT_ACTION:
        found["tools"], found["denied"] = _tools(request), _denied(request, now)
    if request.kind == Request.Kind.ROTATION:
        found["parties"] = _parties(request, baseline)
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


def policy_changes(request: Request, baseline: Baseline, policy: PolicyVersion) -> dict[str, Any] | None:
    """Say how the rules differ from those that the baseline was approved by: the policy, what gates do with its no, and what the project expects
    of its releases. None where nothing does."""
    approved = baseline.revision
    then = _in_force(project=request.project_id, environment=approved.request.environment_id, at=baseline.outcome.signed_at)
    now = _in_force(project=request.project_id, environment=request.environment_id)
    before, document = (parse_canonical(bytes_of(row.document)) for row in (approved.policy, policy))
    mode_before, mode = (str(mode_of(row)) if row else "enforce" for row in (then, now))
    differences = [item.as_dict() for item in compare_policies(before, document, mode_before=mode_before, mode=mode)]
    differences = [*_expected_otherwise(request, approved, policy), *differences][:MAX_DIFFERENCES]
    if not differences and approved.policy_id == policy.digest:
        return None
    return {"differences": differences, "by": _put_into_force_by(request, policy) if approved.policy_id != policy.digest else []}


def _in_force(*, project: str, environment: str, at: datetime | None = None) -> PolicyActivation | None:
    rows = PolicyActivation.objects.filter(project=project, environment=environment)
    return (rows if at is None else rows.filter(activated_at__lte=at)).order_by("-entry_id").first()


def _expected_otherwise(request: Request, approved: Revision, policy: PolicyVersion) -> list[dict[str, Any]]:
    """Return how other expectations are in force than the baseline was approved under, entry by entry."""
    if approved.expectations_digest is None or not parse_policy(bytes_of(policy.document)).asks_expectations:
        return []
    now = active_expectations(request.project)
    if (now.digest if now else "") == approved.expectations_digest:
        return []
    then = ExpectationsVersion.objects.filter(pk=approved.expectations_digest).select_related("document").first()
    before, document = (parse_canonical(bytes_of(row.document)) if row else None for row in (then, now))
    versions = f"expectations {then.version if then else 'none'} → {now.version if now else 'none'}"
    found = compare_expectations(before, document or {})
    return [{**item.as_dict(), "words": f"{versions}: {item.words}"} for item in found]


def _put_into_force_by(request: Request, policy: PolicyVersion) -> list[str]:
    put = PolicyActivation.objects.filter(
        policy=policy, project=request.project_id, environment=request.environment_id, request__isnull=False
    )
    activation = put.order_by("-entry_id").first()
    by: list[str] = []
    if activation is not None:
        agreed = Approval.objects.filter(revision__request=activation.request_id, decision=Approval.Decision.APPROVE)
        by = sorted(set(agreed.values_list("identity__name", flat=True)))
    return by


def list_elsewhere(request: Request) -> list[dict[str, str]]:
    """Say where a registry or index keeps another digest under the very name and version that is asked about."""
    asked = [(item.artifact_id, item.name) for item in request.artifacts.all() if item.name and read_name(item.name).version]
    if not asked:
        return []
    kept = (Place.Kind.REGISTRY, Place.Kind.PACKAGE_INDEX)
    named = Q()
    for _, name in asked:
        taken_apart = read_name(name)
        run = run_of(taken_apart)
        named |= Q(reference__contains=taken_apart.version) & (Q(location__icontains=run) | Q(reference__icontains=run))
    rows = Place.objects.filter(named, team=request.project.team_id, kind__in=kept).order_by("key")
    # Taken by their names first: what only looks alike does not take the room of what counts.
    places = [place for place in rows.iterator() if any(_is_kept(name, place) for _, name in asked)]
    newest = newest_of_each_digest(places)
    found = []
    for digest, name in asked:
        for place in places:
            seen = [row for row in newest[place.pk] if does_count(row)]
            if not seen or not _is_kept(name, place):
                continue
            # A date ahead of its time hides nothing that was seen later.
            last = max(seen, key=lambda row: (counts_at(row), row.pk))
            if last.digest != digest and last.digest.partition(":")[0] == digest.partition(":")[0]:
                is_moved = any(row.digest == digest for row in seen)
                code = "retagged" if is_moved else "serves-other"
                words = f"{place.location} {'now has' if is_moved else 'has'} {_short(last.digest)} under {name}, and {_short(digest)} is what is asked about."
                found.append({"code": code, "sentence": words})
    return found


def _is_kept(name: str, place: Place) -> bool:
    return names_place(name, kind=place.kind, location=place.location, reference=place.reference)


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


def _parties(request: Request, baseline: Baseline | None) -> list[dict[str, str]]:
    """Return what those who take part in this rotation and in the last one are called here; who is not registered is left out."""
    documents = [subject_of(request), *([subject_of(baseline.revision.request)] if baseline else [])]
    named = [each[part] for each in documents for part in ("executor", "initiator") if part in each]
    wanted = Q(pk__in=())
    for party in named:
        wanted |= Q(issuer=party["issuer"], subject=party["subject"])
    rows = Identity.objects.filter(wanted).order_by("issuer", "subject")
    return [{"issuer": row.issuer, "subject": row.subject, "name": row.name} for row in rows]


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
