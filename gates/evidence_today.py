"""Whether the evidence that people were shown still carries their approval: its signers and its verdicts, as they are today.

What no longer speaks for the artifact shuts a gate only where a rule fails without it. Not looked at: evidence that came in later.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from approvals.models import Revision, RevisionEvidence
from approvals.policies.named_signers import own_of
from attestations.blobs import bytes_of
from attestations.models import Verdict
from attestations.queries import newest_verdicts, verdict_document
from attestations.signer import CHECK, check_signer_trusted_today
from gates.reasons import Reason
from proofs.assess import BEFORE_GRANTS
from proofs.canonical import parse_canonical
from proofs.moment import parse_moment
from proofs.policy.document import EvidenceRule
from proofs.policy.evaluate import evaluate_policy, parse_policy
from proofs.policy.evidence_rule import NOT_ITS_WORD

VERDICT_CHANGED = "evidence.verdict_changed"
# These are said of a signer for good.
FOR_GOOD = frozenset({"signer.revoked", "signer.compromised", "signer.blocked"})


@dataclass(frozen=True, slots=True)
class _Fallen:
    """An item that is worth less than when people signed: its verdict as it is to be weighed today, why, and whether it is the team's own."""

    verdict: dict[str, Any]
    reasons: tuple[Reason, ...]
    is_own: bool


def check_evidence_today(
    revision: Revision, *, now: datetime, weighed_at: datetime | None = None, only_for_good: bool = False
) -> list[Reason]:
    """Return the reasons why the evidence of a revision no longer meets its policy, each naming an item; none where it does without those.

    `weighed_at` is the moment at which the rules about age are weighed, where it is not now. With `only_for_good` what may pass again is
    taken as it was shown.
    A suspended, orphaned or revoked signer says no yes today, one retired since it signed does; a no that they said stands. Refuses as
    evaluating the policy does.
    """
    fallen = _find_fallen(revision, now, only_for_good=only_for_good)
    policy, policy_input = parse_policy(bytes_of(revision.policy.document)), parse_canonical(bytes_of(revision.policy_input))
    evidence = [
        {**item, "verdict": fallen[item["digest"]].verdict} if item["digest"] in fallen else item for item in policy_input["evidence"]
    ]
    weighed = evaluate_policy(policy, {**policy_input, "evidence": evidence}, at=weighed_at or now)
    failed = {rule["id"] for rule in weighed["rules"] if rule["outcome"] not in ("pass", "awaiting", "waived")}
    if failed:
        shown = parse_canonical(bytes_of(revision.policy_result))
        counted = {digest for rule in shown["rules"] if rule["id"] in failed for digest in rule["evidence"]}
        # Where none of those that counted has fallen, it is a no that appeared; where nothing has, what failed is too old by now.
        because = _reasons(each for digest, each in fallen.items() if digest in counted) or _reasons(fallen.values())
        return because or [Reason(rule["code"], rule["sentence"]) for rule in weighed["rules"] if rule["id"] in failed]
    if not any(isinstance(rule, EvidenceRule) for rule in policy.rules):
        # Nobody said which evidence matters, so that all of the team's own does.
        return _reasons(each for each in fallen.values() if each.is_own)
    return []


def _reasons(fallen: Iterable[_Fallen]) -> list[Reason]:
    return [reason for each in fallen for reason in each.reasons]


def _find_fallen(revision: Revision, now: datetime, *, only_for_good: bool) -> dict[str, _Fallen]:
    """Return by the digests of their bytes the items whose signer is not trusted today, or whose newest verdict is another than was shown."""
    items = list(revision.evidence.select_related("attestation", "verdict__document", "verdict__signer").order_by("pk"))
    newest = {
        verdict.attestation_id: verdict for verdict in newest_verdicts().filter(attestation__in=[item.attestation_id for item in items])
    }
    own = own_of(revision)
    fallen = {}
    for item in items:
        shown, latest = verdict_document(item.verdict), newest.get(item.attestation_id)
        document, reasons = shown, []
        changed = latest is None or latest.result != item.verdict.result
        if changed and (not only_for_good or _is_rejected_for_good(item.verdict, latest)):
            reasons.append(_changed(item, latest))
            document = verdict_document(latest) if latest else {}
        for signer in _counted_signers(item.verdict, shown):
            shutting = check_signer_trusted_today(signer, shown["facts"], as_of=_was_here(item, shown), at=now)
            if shutting is not None and (not only_for_good or shutting[0] in FOR_GOOD):
                code, sentence = shutting
                reasons.append(Reason(f"evidence.{code.replace('.', '_')}", f"Evidence {item.attestation_id}: {sentence}"))
                document = _without(signer, document, code=code, sentence=sentence)
        if reasons:
            fallen[item.attestation.blob_id] = _Fallen(document, tuple(reasons), item.verdict_id in own)
    return fallen


def _is_rejected_for_good(shown: Verdict, latest: Verdict | None) -> bool:
    """Say whether what was verified is rejected today, for another reason than that nobody has registered its key just now."""
    rejected = latest is not None and latest.result == Verdict.Result.REJECTED and not latest.is_key_unknown
    return rejected and shown.result == Verdict.Result.VERIFIED


def _changed(item: RevisionEvidence, latest: Verdict | None) -> Reason:
    result = Verdict.Result(latest.result).label.lower() if latest else "gone"
    words = f"Evidence {item.attestation_id} was {item.verdict.result} when people signed; it is {result} now."
    return Reason(VERDICT_CHANGED, words)


def _without(signer: Mapping[str, Any], document: Mapping[str, Any], *, code: str, sentence: str) -> dict[str, Any]:
    """Return the verdict as it is to be weighed when this one of its signers says no yes: what the others say of it stays."""
    facts = document.get("facts") or {}
    others = facts.get("coSigners", ())
    if signer not in others:
        finding = {"check": CHECK, "outcome": "fail", "code": code, "sentence": sentence}
        return {**document, "identity": None, "findings": [*document.get("findings", ()), finding]}
    if code in NOT_ITS_WORD or document["verifier"]["version"] in BEFORE_GRANTS:
        # Its no counts neither. Verdicts of before there were grants count a co-signer without an identity, and know no no that stands.
        return {**document, "facts": {**facts, "coSigners": [other for other in others if other != signer]}}
    known = [{**each, "identity": None} if each["keyId"] == signer["keyId"] else each for each in document.get("coIdentities", ())]
    return {**document, "coIdentities": known}


def _counted_signers(verdict: Verdict, document: dict[str, Any]) -> list[dict[str, Any]]:
    """Return what the verdict proved about each signer that could count then: the first one, also where nobody had registered it and nothing
    stood against it, and those who were registered and signed with it."""
    facts, known = document["facts"] or {}, {each["keyId"] for each in document.get("coIdentities", ()) if each["identity"]}
    refused = any(found["check"] == CHECK and found["outcome"] == "fail" for found in document.get("findings", ()))
    could_count = verdict.signer is not None or (verdict.result == Verdict.Result.VERIFIED and not refused)
    first = [facts["signer"]] if could_count else []
    return first + [signer for signer in facts.get("coSigners", ()) if signer["keyId"] in known]


def _was_here(item: RevisionEvidence, document: dict[str, Any]) -> datetime:
    as_of = parse_moment(document.get("asOf", document["verifiedAt"]), code="evidence.verdict_mismatch", what="the time of a verdict")
    return min(as_of, item.attestation.received_at.replace(microsecond=0))
