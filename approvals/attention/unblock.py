"""Read the facts from which it is told who can unblock a request, for one reader. Writes nothing, and decides nothing: signing asks it all again.

A fixed number of queries, however many people hold a role.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from typing import Any

from approvals.attention.blockers import APPROVALS, Blocker, BlockerFacts, Holder, Reader, Requirement, list_blockers
from approvals.attention.renew import ROLE_WORDS, read_answered, read_askers, read_barred, read_holders
from approvals.attention.turns import BACK, TALKING
from approvals.models import Approval, Request
from approvals.policies.waivers import without_ended
from approvals.requests.standing_in import list_stand_ins, list_usable
from approvals.requests.status import Standing
from approvals.signing.entitlement import refuse_if_cooling_off, refuse_if_key_unusable
from approvals.signing.sign_in_offer import refuse_if_not_offered
from attestations.blobs import bytes_of
from identities.models import Identity, SigningKey
from identities.permissions import with_article
from identities.preferences.current import list_away
from proofs.approval.assurance import reaches_level
from proofs.canonical import parse_canonical
from proofs.errors import Refusal
from proofs.policy.evaluate import ApprovalsRule, EvidenceRule, Policy, parse_policy
from proofs.policy.time_rules import evaluate_times

MET = ("pass", "waived")


def read_blockers(*, request: Request, standing: Standing, reader: Identity, now: datetime) -> list[Blocker]:
    """Return what a request still needs, who can give it, and why `reader` may not."""
    revision, status = standing.revision, str(standing.status)
    if revision is None or status not in TALKING or status in ("approved", "draft"):
        return []
    policy = parse_policy(bytes_of(revision.policy.document)).for_kind(request.kind)
    barred = read_barred(request, standing, policy)
    requirements = list(_requirements(policy, standing, now))
    against = [answer for answer in standing.answers if answer.decision != Approval.Decision.APPROVE] if status in BACK else []
    facts = BlockerFacts(
        is_open=True,
        requirements=requirements,
        holders=_holders(request, standing, policy, requirements, barred, now),
        against=[f"{answer.identity.name}: {answer.get_decision_display().lower()}." for answer in against],
        askers=_names(read_askers(request)) if against else (),
        is_blocked=revision.result != "pass",
    )
    return list_blockers(replace(facts, reader=_reader(request, standing, policy, reader, barred, now)))


def _requirements(policy: Policy, standing: Standing, now: datetime) -> Sequence[Requirement]:
    assert standing.revision is not None
    rules = {rule.id: rule for rule in policy.rules}
    counted = {rule["id"]: rule for rule in standing.rules}
    result = parse_canonical(bytes_of(standing.revision.policy_result))
    # What people sign awaits the moment of promotion; who asks now is told how the clock stands now, as a gate would say it.
    facts = without_ended(parse_canonical(bytes_of(standing.revision.policy_input)), now=now)
    counted |= {rule["id"]: rule for rule in evaluate_times(policy, str(standing.revision.request.kind), now, policy_input=facts)}
    documents = [counted.get(document["id"], document) for document in result["rules"]]
    return [_requirement(document, rules.get(document["id"]), standing) for document in documents if document["outcome"] not in MET]


def _requirement(document: Mapping[str, Any], rule: object, standing: Standing) -> Requirement:
    told = Requirement(document["id"], document["kind"], document["title"], document["code"], document["sentence"])
    if isinstance(rule, ApprovalsRule):
        words = with_article(ROLE_WORDS.get(rule.role, rule.role))
        return replace(told, role=rule.role, role_words=words, missing=_missing(rule, document))
    if isinstance(rule, EvidenceRule):
        return replace(told, expected=[str(builder) for builder in rule.builders])
    return told


def _missing(rule: ApprovalsRule, document: Mapping[str, Any]) -> int:
    """Return how many approvals a rule lacks; its document says how many it has in the words "2 of 3 approvals"."""
    before, _, _ = str(document["sentence"]).partition(f" of {rule.count} approvals by ")
    got = before.rpartition(" ")[2]
    return rule.count - int(got) if got.isdecimal() and int(got) <= rule.count else rule.count


def _holders(
    request: Request,
    standing: Standing,
    policy: Policy,
    requirements: Sequence[Requirement],
    barred: Mapping[str, object],
    now: datetime,
) -> list[Holder]:
    by_role = read_holders(request.project, [item.role for item in requirements if item.kind == APPROVALS])
    people = {person for holders in by_role.values() for person in holders}
    answered = read_answered(standing)
    names, away = dict(Identity.objects.filter(pk__in=people).values_list("pk", "name")), list_away(people, now=now)
    own = [
        Holder(
            id=person,
            name=names[person],
            roles=frozenset(role for role, holders in by_role.items() if person in holders),
            is_free=person not in barred and person not in answered,
            away=away.get(person, ""),
        )
        for person in sorted(people)
    ]
    return own + _stand_ins(request, standing, policy, list(by_role), {*barred, *answered}, now)


def _stand_ins(
    request: Request, standing: Standing, policy: Policy, roles: Sequence[str], not_free: Collection[str], now: datetime
) -> list[Holder]:
    """Return who may answer in somebody's stead, named with both and until when."""
    assert standing.revision is not None
    rows = list_stand_ins(request.project, roles, request=request, revision=standing.revision, policy=policy, now=now)
    return [
        Holder(
            id=row.delegate_id,
            name=f"{row.delegate.name} for {row.delegator.name} until {row.until:%-d %B}",
            roles=lent,
            is_free=row.delegate_id not in not_free,
        )
        for row, lent in rows
    ]


def _reader(
    request: Request, standing: Standing, policy: Policy, reader: Identity, barred: Mapping[str, Sequence[str]], now: datetime
) -> Reader:
    own = next((answer for answer in standing.answers if answer.identity_id == reader.pk), None)
    held = read_holders(request.project, [rule.role for rule in policy.approvals_rules])
    answered = ""
    if own is not None:
        answered = f"{own.get_decision_display().lower()}{', which ended' if hasattr(own, 'end') else ''}"
    assert standing.revision is not None
    usable = list_usable(request=request, revision=standing.revision, policy=policy, by=reader, now=now)
    lent = {role for _, roles in usable for role in roles}
    return Reader(
        roles=frozenset({role for role, holders in held.items() if reader.pk in holders} | lent),
        is_person=reader.is_person,
        because=tuple(barred.get(reader.pk, ())),
        answered=answered,
        cannot_sign=_cannot_sign(request, policy, reader, now) if reader.is_person else "",
        cannot_reach={
            rule.id: _cannot_sign(request, replace(policy, minimum_assurance=rule.minimum_assurance), reader, now)
            for rule in policy.approvals_rules
            if reader.is_person and rule.minimum_assurance and not reaches_level(policy.minimum_assurance, rule.minimum_assurance)
        },
    )


def _cannot_sign(request: Request, policy: Policy, reader: Identity, now: datetime) -> str:
    """Return why nothing the reader has would make an approval that counts here; empty where something would."""
    keys = list(SigningKey.objects.filter(identity=reader, revoked_at=None).select_related("identity").order_by("-enrolled_at"))
    why = [_cannot_use(key, request, policy, now) for key in keys]
    if "" in why:
        return ""
    try:
        refuse_if_not_offered(policy, Approval.Decision.APPROVE, reader)
    except Refusal as refusal:
        return why[0] if why else _sentence("you have no approval key yet" if refusal.code == "sign_in.no_provider" else refusal.reason)
    return ""


def _cannot_use(key: SigningKey, request: Request, policy: Policy, now: datetime) -> str:
    try:
        refuse_if_key_unusable(key, key.identity)
        refuse_if_cooling_off(key, tier=request.environment.tier, now=now)
    except Refusal as refusal:
        return _sentence(refusal.reason)
    highest = "H2" if key.bound_by_id is None else "H3" if key.backup_eligible else "H4"
    if not reaches_level(highest, policy.minimum_assurance):
        return f"Your key {key.label!r} reaches level {highest} at most, this takes {policy.minimum_assurance}."
    return ""


def _names(people: frozenset[str]) -> list[str]:
    return sorted(Identity.objects.filter(pk__in=people).values_list("name", flat=True))


def _sentence(words: str) -> str:
    return f"{words[:1].upper()}{words[1:]}" + ("" if words.endswith(".") else ".")
