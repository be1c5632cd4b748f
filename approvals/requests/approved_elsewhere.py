"""Where else a request's artifacts stand approved: what a rule of kind `approved-in` is weighed on.

Of each artifact in each environment that the policy names, the first approval counts that still stands: a release or promotion of the same
project whose newest revision had all it needed, by approvals that have not ended, were not given with a lost key and whose people nobody
suspects, that nobody took back or closed, and after which nobody said no to the same. That it has lapsed since takes nothing away: it was
approved then. Not looked at: whether a gate there ever opened, and signatures, evidence and who made it, which a gate looks at again
(`gates.approved_elsewhere_today`). Reads only.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from datetime import datetime
from functools import lru_cache
from typing import Any

from django.db.models import Exists, F, Max, Min, OuterRef, Prefetch, Q, QuerySet, Subquery

from approvals.models import Approval, PolicyActivation, PolicyVersion, Request, Revision
from approvals.requests.standing_in import maybe_of_others
from approvals.requests.status import is_not_shut, stood_approved
from attestations.blobs import bytes_of
from identities.models import Identity
from proofs.canonical import parse_canonical
from proofs.moment import rfc3339
from proofs.policy.evaluate import Policy, evaluate_policy, parse_policy
from proofs.policy.rules import ApprovedInRule

KINDS = (Request.Kind.RELEASE, Request.Kind.PROMOTION)
# How many requests for each artifact are looked through that somebody approved, first answered first. Beyond them nothing counts.
LOOKED_THROUGH = 60


def approved_elsewhere(request: Request, policy: Policy, digests: Collection[str]) -> list[dict[str, str]]:
    """Return the facts {"environment", "digest", "at", "request"} that the policy's rules ask about `digests`; none where it has no such rule."""
    slugs = _asked(policy.for_kind(str(request.kind)))
    found = _standing_there(request, slugs, digests) if slugs and digests else {}
    return [found[place] for place in sorted(found)]


def approved_elsewhere_now(revision: Revision) -> list[dict[str, str]]:
    """Return the same facts as they are now, about what a revision asks under its own policy."""
    policy = parse_policy(bytes_of(revision.policy.document))
    if not _asked(policy.for_kind(str(revision.request.kind))):
        return []
    digests = [item["digest"] for item in parse_canonical(bytes_of(revision.policy_input))["artifacts"]]
    return approved_elsewhere(revision.request, policy, digests)


def policies_asking_elsewhere() -> list[str]:
    """Return the digests of those policies that were ever in force and ask what was approved in another environment."""
    return [digest for digest in _ever_in_force() if _asked_by(digest)]


def places_asked_elsewhere() -> frozenset[str]:
    """Return the slugs of the environments that a policy which was ever in force asks about: what was approved there goes on counting."""
    return frozenset().union(*(_asked_by(digest) for digest in _ever_in_force()))


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


def lost_elsewhere(revision: Revision, facts: Sequence[Mapping[str, str]], *, now: datetime) -> list[Mapping[str, Any]]:
    """Return the rules about approvals elsewhere that a revision rests on and that fail on `facts` now, as documents of a result."""
    policy = parse_policy(bytes_of(revision.policy.document)).for_kind(str(revision.request.kind))
    rules = {rule.id for rule in policy.rules if isinstance(rule, ApprovedInRule)}
    if not rules:
        return []
    today = {**parse_canonical(bytes_of(revision.policy_input)), "approvedIn": list(facts)}
    weighed = evaluate_policy(policy, today, at=now)["rules"]
    return [rule for rule in weighed if rule["id"] in rules and rule["outcome"] == "fail"]


def _ever_in_force() -> Iterable[str]:
    return PolicyActivation.objects.order_by("policy").values_list("policy", flat=True).distinct()


@lru_cache(maxsize=4096)
def _asked_by(digest: str) -> frozenset[str]:
    """A policy is stored under the digest of its bytes, so what it asks is read once: the worker would read all of them each time."""
    return _asked(parse_policy(bytes_of(PolicyVersion.objects.select_related("document").get(pk=digest).document)))


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
    approving = _standing_answers().filter(revision=OuterRef("pk"), decision=Approval.Decision.APPROVE)
    still = requests.filter(is_not_shut()).values("pk")
    rows = Revision.objects.filter(Exists(approving), request__in=still, result="pass", pk=Subquery(newest))
    rows = rows.annotate(answered_at=Min("approvals__signed_at"))
    rows = rows.select_related("request__environment", "policy__document", "policy_input").prefetch_related(
        "request__artifacts", Prefetch("approvals", queryset=_standing_answers(), to_attr="standing")
    )
    return rows.order_by("answered_at", "pk")


def _standing_answers() -> QuerySet[Approval]:
    """Return the answers that have not ended, that nobody else may have given, and whose people answer for them: who is suspended does not,
    and who has merely left does."""
    person, instead = _is_suspected("identity"), _is_suspected("in_stead__person")
    doubtful = Approval.objects.filter(maybe_of_others() | person | instead, pk=OuterRef("pk"))
    return Approval.objects.filter(~Exists(doubtful), end__isnull=True).select_related("identity").order_by("signed_at", "pk")


def _is_suspected(identity: str) -> Q:
    has_left = Q(**{f"{identity}__deactivated_at__isnull": False, f"{identity}__deactivated_at": F(f"{identity}__suspended_at")})
    return Q(**{f"{identity}__isnull": False}) & ~Q(**{f"{identity}__status": Identity.Status.ACTIVE}) & ~has_left


def _standing_since(revision: Revision) -> datetime | None:
    """Return when a revision had all it needed, or None where it has not, or no longer."""
    completing = stood_approved(revision, answers=revision.standing)  # type: ignore[attr-defined]
    return completing.signed_at if completing is not None else None
