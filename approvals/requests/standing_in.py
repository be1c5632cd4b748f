"""Who may answer a request in whose stead now, and with which roles; and what an answer given so counts as.

Reads only. A delegation is read from the bytes its person signed, found by the digest that the answer names. Not asked here: whether the
delegate may answer at all (`approvals.signing.entitlement`).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from django.db.models import F, Q

from approvals.models import Approval, Delegation, Request, Revision
from approvals.requests.people import barred_today
from attestations.blobs import bytes_of
from identities.models import Identity, Project
from identities.permissions import roles_of
from proofs.approval.approval_parts import HumanApproval, StandingIn
from proofs.approval.human_approval import parse_human_approval
from proofs.approval.person_statement import PersonStatement, parse_person_statement
from proofs.canonical import parse_canonical
from proofs.digest import sha256_hex
from proofs.errors import Conflict, NotAllowed, Refusal, Unproven
from proofs.pack.check_signer import HIGHEST_TIER
from proofs.policy.evaluate import CountedApproval, Policy, exclusions, is_within
from proofs.policy.standing_in import lent_roles, refuse_if_not_lent


def live_delegations(*, now: datetime) -> Any:
    """Return the delegations that nobody took back and whose time it is."""
    rows = Delegation.objects.filter(end__isnull=True, starts_at__lte=now, until__gt=now)
    return rows.select_related("signed__signing_key", "delegator", "delegate", "project__team").order_by("pk")


def list_usable(
    *, request: Request, revision: Revision, policy: Policy, by: Identity, now: datetime
) -> list[tuple[Delegation, frozenset[str]]]:
    """Return the delegations by which `by` may answer a revision now, each with the roles it lends that the policy counts."""
    found = []
    for row in live_delegations(now=now).filter(delegate=by, project=request.project_id):
        try:
            found.append((row, refuse_if_not_usable(row, request=request, revision=revision, policy=policy, now=now)))
        except Refusal:
            continue
    return found


def list_stand_ins(
    project: Project, roles: Sequence[str], *, request: Request, revision: Revision, policy: Policy, now: datetime
) -> list[tuple[Delegation, frozenset[str]]]:
    """Return the delegations by which somebody may fill one of `roles` in another's stead now, each with those of `roles` it lends."""
    found = []
    for row in live_delegations(now=now).filter(project=project, delegate__status=Identity.Status.ACTIVE):
        try:
            lent = refuse_if_not_usable(row, request=request, revision=revision, policy=policy, now=now) & set(roles)
        except Refusal:
            continue
        if lent:
            found.append((row, lent))
    return found


def refuse_if_not_usable(row: Delegation, *, request: Request, revision: Revision, policy: Policy, now: datetime) -> frozenset[str]:
    """Return the roles that a delegation lends for this revision now: those signed for that its person still holds and the policy counts.

    Refuses with `delegation.ended`, `delegation.delegator`, `signer.cooling_off` while the key that signed it is too new to approve there
    itself, `sod.violation` where its person may not approve, `approval.already_answered` where they did, or somebody in their stead, and as
    `refuse_if_not_lent` does.
    """
    statement = read_statement(row)
    policy_input = parse_canonical(bytes_of(revision.policy_input))
    if hasattr(row, "end"):
        raise Conflict("delegation.ended", f"the delegation of {row.delegator} ended at {row.end.ended_at:%Y-%m-%d %H:%M} UTC")
    environment = request.environment
    signed = refuse_if_not_lent(
        statement,
        environment=environment.pk,
        tier=environment.tier,
        at=now.replace(microsecond=0),
        policy=policy,
        policy_input=policy_input,
    )
    why = why_not_standing(row)
    if why:
        raise NotAllowed("delegation.delegator", why)
    ripens_at = row.signed.signing_key.matures_at
    if environment.tier >= HIGHEST_TIER and ripens_at is not None and now < ripens_at:
        words = f"{row.delegator} signed the delegation with a new key, which counts for this environment from {ripens_at:%Y-%m-%d %H:%M} UTC on"
        raise Conflict("signer.cooling_off", words)
    wanted = {rule.role for rule in policy.approvals_rules}
    lent = frozenset(signed) & wanted & {str(role.role) for role in roles_of(row.delegator, project=request.project)}
    if not lent:
        raise NotAllowed("delegation.role", f"{row.delegator} lends no role that the policy counts here and that they still hold")
    person = (row.delegator.issuer, row.delegator.subject)
    barred = exclusions(policy, policy_input) + barred_today(revision, policy, policy_input)
    owner = request.requester.owner
    if owner is not None:
        barred += exclusions(policy, {**policy_input, "owner": {"issuer": owner.issuer, "subject": owner.subject}})
    if any((item["issuer"], item["subject"]) == person for item in barred):
        raise NotAllowed("sod.violation", f"{row.delegator} may not decide this, so nobody may in their stead")
    if answered_for(revision, row.delegator):
        raise Conflict("approval.already_answered", f"{row.delegator} has answered this revision, or somebody in their stead")
    return lent


def answered_for(revision: Revision, person: Identity) -> bool:
    """Return whether a person has answered a revision, themselves or by somebody in their stead."""
    answers = Approval.objects.filter(revision=revision)
    return answers.filter(Q(identity=person) | Q(in_stead__person=person)).exists()


def people_of_answer(answer: Approval) -> list[Identity]:
    """Return who signed an answer, and in whose stead where it was in another's: the last one is the person it counts for."""
    return [answer.identity, *([answer.in_stead.person] if hasattr(answer, "in_stead") else [])]


def why_not_standing(row: Delegation) -> str:
    """Return why nobody may answer for whoever delegated, as far as it is about them: they are gone, or may not have signed it themselves."""
    person, key, signed_at = row.delegator, row.signed.signing_key, row.signed.signed_at
    if person.status != Identity.Status.ACTIVE:
        return f"{person} delegated, and is {person.get_status_display().lower()} now"
    stolen = [since for since in (key.compromised_from, person.compromised_from) if since is not None and since <= signed_at]
    return f"the delegation of {person} may have been signed by somebody else" if stolen else ""


def maybe_of_others() -> Q:
    """Return for the database: an answer that somebody else may have signed, or the delegation it rests on. That is since when a key, or
    whoever signed with it, was reported compromised."""
    lent = F("in_stead__delegation__signed__signed_at")
    signed = Q(signing_key__compromised_from__lte=F("signed_at")) | Q(identity__compromised_from__lte=F("signed_at"))
    by_key = Q(in_stead__delegation__signed__signing_key__compromised_from__lte=lent)
    return signed | by_key | Q(in_stead__person__compromised_from__lte=lent)


def named_delegation(standing: StandingIn) -> Delegation:
    """Return the delegation that an answer names. Refuses with `delegation.unknown`."""
    rows = Delegation.objects.filter(signed__payload_digest=standing.delegation)
    row = rows.select_related("signed__signing_key", "delegator", "delegate", "project__team", "end").first()
    if row is None:
        raise Unproven("delegation.unknown", "the answer names a delegation that nobody gave here")
    return row


def read_statement(row: Delegation) -> PersonStatement:
    """Return what was signed. Refuses with `delegation.altered` where the stored bytes are not those that were."""
    payload = bytes(row.signed.payload)
    if sha256_hex(payload) != row.signed.payload_digest:
        raise Unproven("delegation.altered", "the stored delegation is not the one that was signed")
    return parse_person_statement(payload)


def signed_roles(signed: HumanApproval, policy: Policy, policy_input: Mapping[str, Any]) -> tuple[str, ...]:
    """Return the roles an answer was signed with: the approver's own where the request is, or those delegated; none where that does not hold."""
    if signed.standing_in_for is None:
        return tuple(role.name for role in signed.approver.roles if is_within(role.scope, dict(policy_input)))
    try:
        row = named_delegation(signed.standing_in_for)
        digest = row.signed.payload_digest
        return lent_roles(read_statement(row), digest=digest, approval=signed, policy=policy, policy_input=dict(policy_input))
    except Refusal:
        return ()


def count_answer(answer: Approval, policy: Policy, policy_input: Mapping[str, Any]) -> CountedApproval:
    """Return an answer as counting needs it, with the roles that count where the request is."""
    signed = parse_human_approval(bytes(answer.payload))
    instead = signed.standing_in_for.person if signed.standing_in_for else None
    roles = signed_roles(signed, policy, policy_input)
    return CountedApproval(signed.approver.issuer, signed.approver.subject, roles, answer.level, instead)
