"""Who made what a request asks about: accounts that were named or proved, and the people who have them today.

Only what the policy's rules exclude is gathered, so that requests under other policies are written as before. Reads only. What is made of
it is for `proofs.policy.people_rule`: an account that nobody is known to have is said to be so, and fails the rule.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from approvals.models import NamedPerson, PolicyActivation, Request, Revision
from approvals.policies.named_signers import own_of
from approvals.requests.snapshot import SeenEvidence
from attestations.blobs import bytes_of
from attestations.models import Blob
from identities.models import Identity, TokenExchange
from identities.people.accounts.known_accounts import find_known
from proofs.assess import VERIFIED
from proofs.canonical import parse_canonical
from proofs.policy.document import Policy
from proofs.policy.people_rule import evaluate_separation, exclusions
from proofs.policy.rules import EXCLUDABLE
from proofs.provenance import PROVENANCE_TYPES
from proofs.provenance_actor import read_actor_ids

GITHUB = "github"
_GITHUB_ISSUER = "https://token.actions.githubusercontent.com"
# The accounts of these are looked up; the others follow from who owns what, which is asked at signing and at the gate.
BY_ACCOUNT = frozenset({"commit-author", "co-author", "committer", "build-trigger"})


@dataclass(frozen=True, slots=True)
class Named:
    """An account, and why whoever has it is named."""

    because: str
    provider: str
    account: str


def people_of(request: Request, policy: Policy, evidence: Sequence[SeenEvidence]) -> list[dict[str, Any]]:
    """Return the facts about people that a policy input holds: {"because", "account", "issuer", "subject"}.

    `evidence` is what counts as the team's own. Whose each account is, is what is known today.
    """
    wanted = _wanted(policy, str(request.kind))
    if not wanted:
        return []
    named = [item for item in [*_named(request), *_triggers(evidence)] if item.because in wanted]
    known = find_known((item.provider, item.account) for item in named)
    people = [_fact(item.because, f"{item.provider}:{item.account}", known.get((item.provider, item.account))) for item in named]
    people += _operators(request) if "agent-operator" in wanted else []
    people += [fact for fact in _owners(evidence) if fact["because"] in wanted]
    people += _editors(request, policy) if "policy-editor" in wanted else []
    found = {(item["because"], item["account"]): item for item in people}
    return [found[key] for key in sorted(found)]


def people_today(revision: Revision, policy: Policy) -> list[dict[str, Any]]:
    """Return what `people_of` says today about the evidence of a revision."""
    if not _wanted(policy, str(revision.request.kind)):
        return []
    held = revision.evidence.filter(verdict__in=own_of(revision)).select_related("attestation__blob", "verdict__document")
    seen = [SeenEvidence(item.verdict, parse_canonical(bytes_of(item.verdict.document))) for item in held]
    return people_of(revision.request, policy, seen)


def barred_today(revision: Revision, policy: Policy, policy_input: dict[str, Any]) -> list[dict[str, Any]]:
    """Return who may not approve a revision as things are known today, as `exclusions` does for what was known when it was frozen."""
    return exclusions(policy, {**policy_input, "people": people_today(revision, policy)})


def unknown_today(revision: Revision, policy: Policy, policy_input: dict[str, Any]) -> list[tuple[str, str]]:
    """Return code and sentence of each rule about separation of duties that fails on what is known today."""
    facts = {**policy_input, "people": people_today(revision, policy)}
    outcomes = [evaluate_separation(rule, facts) for rule in policy.for_kind(policy_input.get("kind", "release")).separation_rules]
    return [(outcome.code, outcome.sentence) for outcome in outcomes if outcome.outcome != "pass"]


def accounts_differ(today: Iterable[dict[str, Any]], then: Iterable[dict[str, Any]]) -> bool:
    """Say whether other people are known to have the accounts of those who made the change."""
    names = ("because", "account", "issuer", "subject")
    now, before = ({tuple(item[name] for name in names) for item in people if item["because"] in BY_ACCOUNT} for people in (today, then))
    return now != before


def actor_of_exchange(exchange: TokenExchange | None) -> Named | None:
    """Return who set off the job whose token was exchanged, where it says so."""
    if exchange is None or not exchange.actor_id or not exchange.actor_provider:
        return None
    return Named(NamedPerson.Because.BUILD_TRIGGER, exchange.actor_provider, exchange.actor_id)


def _wanted(policy: Policy, kind: str) -> set[str]:
    """Return for which reasons the policy wants people kept out of a request of this kind."""
    return {EXCLUDABLE[name] for rule in policy.for_kind(kind).separation_rules for name in rule.exclude}


def _named(request: Request) -> list[Named]:
    return [Named(row.because, row.provider, row.account) for row in request.named_people.order_by("pk")]


def _triggers(evidence: Sequence[SeenEvidence]) -> list[Named]:
    """Who set off the builds, as verified provenance of GitHub's own runners states."""
    found = []
    for item in evidence:
        facts = item.document.get("facts") or {}
        signer = facts.get("signer") or {}
        if (
            item.document["result"] != VERIFIED
            or facts.get("predicateType") not in PROVENANCE_TYPES
            or signer.get("issuer") != _GITHUB_ISSUER
        ):
            continue
        content = bytes_of(item.verdict.attestation.blob)
        found += [Named(NamedPerson.Because.BUILD_TRIGGER, GITHUB, number) for number in read_actor_ids(content)]
    return found


def _owners(evidence: Sequence[SeenEvidence]) -> list[dict[str, Any]]:
    """Who answers today for the keys and runners that signed the verified evidence."""
    signers: dict[tuple[str, str], None] = {}
    for item in evidence:
        if item.document["result"] != VERIFIED:
            continue
        facts = item.document["facts"]
        because = "key-owner" if facts["signer"]["kind"] == "key" else "runner-owner"
        together = [(because, item.document.get("identity"))]
        together += [("key-owner", co.get("identity")) for co in item.document.get("coIdentities", ())]
        signers.update({(why, identity["id"]): None for why, identity in together if identity})
    rows = Identity.objects.select_related("owner").in_bulk([pk for _, pk in signers])
    return [_fact(why, _name_of(rows[pk]), rows[pk]) for why, pk in signers if pk in rows]


def _operators(request: Request) -> list[dict[str, Any]]:
    """Who answers today for the agent that asks, or whose action it is."""
    agents = [request.requester] if request.requester.kind == Identity.Kind.AGENT else []
    subject = parse_canonical(bytes_of(request.subject)) if request.subject else {}
    named = subject.get("agent") if request.kind == Request.Kind.AGENT_ACTION else None
    if isinstance(named, dict):
        found = Identity.objects.filter(issuer=named["issuer"], subject=named["subject"]).select_related("owner").first()
        if found is None:
            return [{"because": "agent-operator", "account": str(named["subject"])[:300], "issuer": None, "subject": None}]
        agents.append(found)
    return [_fact("agent-operator", _name_of(agent), agent) for agent in agents]


def _editors(request: Request, policy: Policy) -> list[dict[str, Any]]:
    """Who put this version of the policy into force here, and who asked for it where that was asked."""
    put = PolicyActivation.objects.filter(policy=policy.digest, project=request.project, environment=request.environment)
    facts = []
    for activation in put.select_related("entry", "request__requester__owner").order_by("-entry_id")[:8]:
        blob = Blob.objects.filter(pk=activation.entry.ref_digest).first()
        document = parse_canonical(bytes_of(blob)) if blob else {}
        for who in document.get("by", ()) if isinstance(document, dict) else ():
            found = Identity.objects.filter(issuer=who["issuer"], subject=who["subject"]).select_related("owner").first()
            facts.append(_fact("policy-editor", str(who["subject"])[:300], found))
        if activation.request is not None:
            facts.append(_fact("policy-editor", _name_of(activation.request.requester), activation.request.requester))
    return facts


def _name_of(identity: Identity) -> str:
    return identity.subject[:300]


def _fact(because: str, account: str, identity: Identity | None) -> dict[str, Any]:
    """A program counts as the person who answers for it: what it made, they could have had it make."""
    person = identity if identity is None or identity.is_person else identity.owner
    return {
        "because": because,
        "account": account,
        "issuer": person.issuer if person else None,
        "subject": person.subject if person else None,
    }
