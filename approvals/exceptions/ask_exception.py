"""Ask for an exception: that one rule is not asked of some artifacts, or of everything that goes to a place, until a moment.

A person asks and names a person who answers for it; neither of them decides. Not checked here: whether the reason is a good one.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta

from django.db import transaction

from approvals.models import Request, Waiver
from approvals.policies.versions import active_policy
from approvals.requests.open_about_document import open_about_document
from approvals.requests.plain_text import clean_text
from attestations.blobs import bytes_of
from identities.models import Identity
from identities.permissions import demand, is_of_team
from proofs.approval.waiver_terms import MAX_REASON, WaiverTerms, build_waiver
from proofs.canonical import parse_canonical
from proofs.digest import sha256_hex
from proofs.errors import Conflict, Malformed
from proofs.policy.waiving import find_waivable_rule, rule_digest

KINDS = (Request.Kind.RELEASE, Request.Kind.PROMOTION, Request.Kind.AGENT_ACTION, Request.Kind.ROTATION)


@transaction.atomic
def ask_exception(
    *,
    about: Request,
    rule_id: str,
    reason: str,
    owner: Identity,
    until: datetime,
    artifacts: Sequence[str] | None,
    by: Identity,
    now: datetime,
) -> Request:
    """Open the request for a waiver of the rule `rule_id` that stands against `about`, for `artifacts` of it (digests), or None for all there.

    Refuses with `permission.missing` unless `by` may ask in the project, with `waiver.about`, `waiver.owner`, `waiver.until`,
    `waiver.artifacts`, `waiver.exists`, `policy.missing`, `request.text`, and as `find_waivable_rule` and `open_about_document` do.
    """
    demand(by, "exceptions.ask", project=about.project)
    if about.kind not in KINDS:
        raise Conflict(
            "waiver.about", f"a {about.get_kind_display().lower()} is decided under rules of its own, and none of those is waived"
        )
    policy = active_policy(project=about.project, environment=about.environment)
    if policy is None:
        raise Conflict("policy.missing", f"no policy is in force for {about.project} in {about.environment.name}")
    document = parse_canonical(bytes_of(policy.document))
    rule = find_waivable_rule(document, rule_id)
    if not owner.is_person or not is_of_team(owner, about.project.team):
        raise Malformed("waiver.owner", f"got {owner.name!r} as who answers for it, expected an active person of the team")
    terms = WaiverTerms(
        policy_id=policy.policy_id,
        policy_digest=policy.digest,
        rule_id=rule_id,
        rule_digest=rule_digest(rule),
        project=about.project.slug,
        environment=about.environment.slug,
        artifacts=_named(about, artifacts),
        owner=(owner.issuer, owner.subject),
        reason=clean_text(reason, "the reason", MAX_REASON, required=True, lines=True),
        until=_end(until, days=document["waivers"]["maxDays"], now=now),
    )
    subject = build_waiver(terms)
    if Waiver.objects.filter(pk=sha256_hex(subject)).exists():
        raise Conflict("waiver.exists", "exactly this was waived before; name another end")
    return open_about_document(
        kind=Request.Kind.EXCEPTION,
        project=about.project,
        environment=about.environment,
        title=f"Exception from “{rule['title']}”"[:200],
        subject=subject,
        name=f"waiver of {rule_id}",
        by=by,
        now=now,
        # Who answers for the exception is kept from deciding it, like whoever a request is made for.
        on_behalf_of=owner if owner.pk != by.pk else None,
        about=about,
    )


def _end(until: datetime, *, days: int, now: datetime) -> datetime:
    until = until.replace(microsecond=0)
    if not now < until <= now + timedelta(days=days):
        raise Malformed(
            "waiver.until", f"got {until:%Y-%m-%d %H:%M}, expected a moment from now on and within {days} days, as the policy allows"
        )
    return until


def _named(about: Request, artifacts: Sequence[str] | None) -> tuple[str, ...] | None:
    if artifacts is None:
        return None
    asked = set(about.artifacts.values_list("artifact_id", flat=True))
    if not artifacts or not set(artifacts) <= asked:
        raise Malformed("waiver.artifacts", "expected at least one artifact, all of them of the request that needs the exception")
    return tuple(sorted(set(artifacts)))
