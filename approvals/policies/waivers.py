"""Which waivers are live: granted, not withdrawn, not over, with agreements that stand, and of a rule that still says what it said.

Reads only. What a live waiver does to a rule's outcome is decided in `proofs.policy.evaluate`.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from datetime import datetime
from typing import Any

from django.db.models import Exists, F, OuterRef, Q, QuerySet

from approvals.models import Approval, PolicyVersion, Revision, Waiver
from attestations.blobs import bytes_of
from identities.models import Environment, Project
from proofs.approval.waiver_terms import WaiverTerms, parse_waiver
from proofs.canonical import parse_canonical
from proofs.digest import sha256_hex
from proofs.errors import Refusal
from proofs.policy.derived import policy_for_exception
from proofs.policy.waiving import carried, is_same_rule, touches


def not_ended(*, now: datetime) -> QuerySet[Waiver]:
    """Return the waivers that were neither withdrawn nor are over, and whose agreements all stand."""
    return Waiver.objects.filter(~Exists(taken_back()), end__isnull=True, until__gt=now)


def taken_back() -> QuerySet[Approval]:
    """Return the agreements to the waiver of the outer query that were revoked since, or that somebody else may have given with a lost key."""
    since = F("signed_at")
    lost = Q(signing_key__compromised_from__lte=since) | Q(identity__compromised_from__lte=since)
    # What was signed about an earlier revision did not count when it was granted.
    newer = Revision.objects.filter(
        request=OuterRef("revision__request"), number__gt=OuterRef("revision__number"), frozen_at__lte=OuterRef(OuterRef("granted_at"))
    )
    given = Approval.objects.filter(revision__request=OuterRef("request"), decision=Approval.Decision.APPROVE)
    return given.filter(Q(end__isnull=False) | lost).exclude(Exists(newer))


def live_waivers(
    *, project: Project, environment: Environment, policy: PolicyVersion, artifacts: Collection[str], now: datetime
) -> list[dict[str, Any]]:
    """Return the waivers that speak of any of `artifacts` there under `policy`, as a policy input names them, in a fixed order."""
    document = parse_canonical(bytes_of(policy.document))
    rows = not_ended(now=now).filter(project=project, environment=environment, policy_id=policy.policy_id)
    found = [(row, terms_of(row)) for row in rows.select_related("document", "request").order_by("pk")]
    return [carried(terms, row.pk) for row, terms in found if touches(terms, artifacts) and still_holds(row, terms, document)]


def still_holds(waiver: Waiver, terms: WaiverTerms, document: Mapping[str, Any]) -> bool:
    """Say whether a policy document still has the rule that was waived, word for word, and would still let the same people waive it."""
    if not is_same_rule(terms, document):
        return False
    try:
        agreed_under = sha256_hex(policy_for_exception(document))
    except Refusal:
        return False
    return bool(waiver.agreed_under == agreed_under)


def terms_of(waiver: Waiver) -> WaiverTerms:
    """Return the terms that people signed over."""
    return parse_waiver(bytes_of(waiver.document))


def ended_among(carried_waivers: Iterable[Mapping[str, Any]], *, now: datetime) -> list[str]:
    """Return the digests of those waivers in a policy input that are withdrawn or over, or were never granted."""
    digests = [str(item["digest"]) for item in carried_waivers]
    alive = set(not_ended(now=now).filter(pk__in=digests).values_list("pk", flat=True))
    return [digest for digest in digests if digest not in alive]


def without_ended(policy_input: Mapping[str, Any], *, now: datetime) -> dict[str, Any]:
    """Return the policy input with those waivers alone that are alive: what a rule about the clock is judged on."""
    carried_waivers = list(policy_input.get("waivers", ()))
    gone = set(ended_among(carried_waivers, now=now))
    return {**policy_input, "waivers": [item for item in carried_waivers if item["digest"] not in gone]}
