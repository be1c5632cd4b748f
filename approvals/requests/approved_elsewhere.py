"""Where else a request's artifacts stand approved: what a rule of kind `approved-in` is weighed on.

Of each artifact in each environment that the policy names, the first approval counts that still stands: a release or promotion of the same
project whose newest revision had all it needed, by approvals that have not ended and were not given with a lost key, that nobody took
back or closed, and after which nobody said no to the same. That it has lapsed since takes nothing away: it was approved then. Not
looked at: whether a gate there ever opened, and evidence about it that the worker has not seen yet. Reads only.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from datetime import datetime
from typing import Any

from django.db.models import Exists, F, Max, Min, OuterRef, Prefetch, Q, QuerySet, Subquery

from approvals.models import Approval, PolicyActivation, PolicyVersion, Request, Revision
from approvals.requests.status import shut_because, stood_approved
from attestations.blobs import bytes_of
from proofs.canonical import parse_canonical
from proofs.moment import rfc3339
from proofs.policy.evaluate import Policy, evaluate_policy, parse_policy
from proofs.policy.rules import ApprovedInRule

KINDS = (Request.Kind.RELEASE, Request.Kind.PROMOTION)
# How many requests for each artifact are looked through, first answered first. Beyond them nothing counts.
LOOKED_THROUGH = 60


def approved_elsewhere(request: Request, policy: Policy, digests: Collection[str]) -> list[dict[str, str]]:
    """Return the facts {"environment", "digest", "at", "request"} that the policy's rules ask about `digests`; none where it has no such rule."""
    slugs = _asked(policy.for_kind(str(request.kind)))
    found = _standing_there(request, slugs, digests) if slugs and digests else {}
    return [found[place] for place in sorted(found)]


def asks_elsewhere(policy: Policy) -> bool:
    """Say whether a policy has a rule, for whichever kind, that asks what was approved in another environment."""
    return any(isinstance(rule, ApprovedInRule) for rule in policy.rules)


def policies_asking_elsewhere() -> list[str]:
    """Return the digests of those policies that were ever in force and ask what was approved in another environment."""
    ever = PolicyVersion.objects.filter(pk__in=PolicyActivation.objects.values("policy")).select_related("document")
    return [row.pk for row in ever if asks_elsewhere(parse_policy(bytes_of(row.document)))]


def differs_elsewhere(revision: Revision, policy_input: Mapping[str, Any], result: Mapping[str, Any]) -> bool:
    """Say whether a revision rests on an approval elsewhere that counts no longer, or a rule about one comes out otherwise now.

    `policy_input` and `result` are of the evaluation now, under the same policy.
    """
    policy = parse_policy(bytes_of(revision.policy.document)).for_kind(str(revision.request.kind))
    rules = {rule.id for rule in policy.rules if isinstance(rule, ApprovedInRule)}
    if not rules:
        return False
    then = parse_canonical(bytes_of(revision.policy_input)).get("approvedIn", [])
    now = policy_input.get("approvedIn", [])
    if any(fact not in now for fact in then):
        return True
    before = parse_canonical(bytes_of(revision.policy_result))["rules"]
    return _outcomes(before, rules) != _outcomes(result["rules"], rules)


def lost_elsewhere(revision: Revision, *, now: datetime) -> list[Mapping[str, Any]]:
    """Return the rules about approvals elsewhere that a revision rests on and that fail now, as documents of a result."""
    policy = parse_policy(bytes_of(revision.policy.document)).for_kind(str(revision.request.kind))
    policy_input = parse_canonical(bytes_of(revision.policy_input))
    if not _asked(policy):
        return []
    digests = [item["digest"] for item in policy_input["artifacts"]]
    today = {**policy_input, "approvedIn": approved_elsewhere(revision.request, policy, digests)}
    rules = {rule.id for rule in policy.rules if isinstance(rule, ApprovedInRule)}
    weighed = evaluate_policy(policy, today, at=now)["rules"]
    return [rule for rule in weighed if rule["id"] in rules and rule["outcome"] == "fail"]


def _asked(policy: Policy) -> frozenset[str]:
    return frozenset(rule.environment for rule in policy.rules if isinstance(rule, ApprovedInRule))


def _outcomes(rules: Iterable[Mapping[str, Any]], ids: Collection[str]) -> list[tuple[str, str, str]]:
    return sorted((rule["id"], rule["outcome"], rule["code"]) for rule in rules if rule["id"] in ids)


def _standing_there(request: Request, slugs: Collection[str], digests: Collection[str]) -> dict[tuple[str, str], dict[str, str]]:
    """Return the first approval that stands, as a fact, by environment and artifact."""
    there = Request.objects.filter(project=request.project_id, environment__slug__in=slugs, kind__in=KINDS)
    there = there.filter(artifacts__artifact__in=digests)
    noes = _last_noes(there, digests)
    found: dict[tuple[str, str], tuple[datetime, str]] = {}
    for revision in _newest_revisions(there.exclude(pk=request.pk))[: LOOKED_THROUGH * len(digests)]:
        since, asked = _standing_since(revision), revision.request
        for item in asked.artifacts.all():
            place = (asked.environment.slug, item.artifact_id)
            no = noes.get(place)
            if since is not None and item.artifact_id in digests and (no is None or since > no):
                found[place] = min(found.get(place, (since, asked.pk)), (since, asked.pk))
    return {
        (slug, digest): {"environment": slug, "digest": digest, "at": rfc3339(since), "request": about}
        for (slug, digest), (since, about) in found.items()
    }


def _last_noes(requests: QuerySet[Request], digests: Collection[str]) -> dict[tuple[str, str], datetime]:
    """Return when somebody last said no, by environment and artifact. It may be a no to the request itself, where a policy asks about the
    environment that it belongs to."""
    given = Approval.objects.filter(revision__request__in=requests.values("pk"), revision__request__artifacts__artifact__in=digests)
    noes = given.exclude(decision=Approval.Decision.APPROVE).order_by()
    place = ("revision__request__environment__slug", "revision__request__artifacts__artifact_id")
    rows = noes.values(*place).annotate(last=Max("signed_at"))
    return {(row[place[0]], row[place[1]]): row["last"] for row in rows}


def _newest_revisions(requests: QuerySet[Request]) -> QuerySet[Revision]:
    newest = Revision.objects.filter(request=OuterRef("request")).order_by("-number").values("pk")[:1]
    rows = Revision.objects.filter(request__in=requests.values("pk"), result="pass", pk=Subquery(newest))
    rows = rows.annotate(answered_at=Min("approvals__signed_at")).filter(answered_at__isnull=False)
    rows = rows.select_related("request__environment", "policy__document", "policy_input").prefetch_related(
        "request__artifacts", Prefetch("approvals", queryset=_standing_answers(), to_attr="standing")
    )
    return rows.order_by("answered_at", "pk")


def _standing_answers() -> QuerySet[Approval]:
    """Return the answers that have not ended and that nobody else may have given with a lost key."""
    since = F("signed_at")
    lost = Q(signing_key__compromised_from__lte=since) | Q(identity__compromised_from__lte=since)
    lost |= Q(in_stead__person__compromised_from__lte=since)
    taken = Approval.objects.filter(lost, pk=OuterRef("pk"))
    return Approval.objects.filter(~Exists(taken), end__isnull=True).select_related("identity").order_by("signed_at", "pk")


def _standing_since(revision: Revision) -> datetime | None:
    """Return when a revision had all it needed, or None where it has not, or no longer."""
    completing = stood_approved(revision, answers=revision.standing)  # type: ignore[attr-defined]
    if completing is None or shut_because(revision.request) is not None:
        return None
    return completing.signed_at
