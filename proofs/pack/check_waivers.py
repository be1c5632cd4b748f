"""Step 19 of the argument, where rules were waived: every waiver that the policy was weighed with was agreed to, and was alive.

Each has a pack of its own inside this one, about the exception, which is verified whole by the same argument; and the portal's statement
that names its records. That a waiver was not withdrawn cannot be shown offline, no more than that an approval was not.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import datetime
from typing import Any

from proofs.approval.approval_parts import HumanApproval
from proofs.approval.portal_statement import WAIVER_TYPE, PortalStatement, parse_portal_statement
from proofs.approval.waiver_terms import WaiverTerms
from proofs.canonical import parse_canonical
from proofs.digest import sha256_hex
from proofs.dsse import parse_envelope, verify_envelope
from proofs.errors import Refusal, Unproven
from proofs.moment import rfc3339
from proofs.pack import layout
from proofs.pack.build import recorder_of
from proofs.pack.report import PackReport
from proofs.pack.trust import Trust
from proofs.policy.derived import policy_for_exception
from proofs.policy.waiving import carried, is_same_rule

# Verifies the pack inside: its files, the digest it is about, and the digest of the policy it must have been decided under.
VerifyInner = Callable[[Mapping[str, bytes], str, str], PackReport]


def check_waivers(
    files: Mapping[str, bytes],
    approval: HumanApproval,
    policy_input: Mapping[str, Any],
    trust: Trust,
    *,
    moment: datetime,
    verify: VerifyInner,
) -> tuple[WaiverTerms, ...]:
    """19. Return the terms of the waivers, in order, when the statement names them, the pack shows each, and each was alive at `moment`.

    Refuses with `waiver.unlisted`, `waiver.missing`, `waiver.mismatch`, `waiver.over`, or as the pack of an exception does.
    """
    given = list(policy_input.get("waivers", ()))
    listed = tuple(item["digest"] for item in given)
    if approval.policy.exceptions != listed:
        raise Unproven("waiver.unlisted", "the statement names other exceptions than those the policy was weighed with")
    packed = layout.waiver_digests(files)
    for digest in sorted(packed - set(listed)):
        raise Unproven("waiver.unlisted", f"the pack holds a waiver that the policy was not weighed with: {digest}")
    for digest in listed:
        if digest not in packed:
            raise Unproven("waiver.missing", f"the policy was weighed with the waiver {digest}, which the pack does not show")
    document = parse_canonical(files[layout.POLICY_DOCUMENT])
    return tuple(_check_one(files, item, document, policy_input, trust, moment, verify) for item in given)


def _check_one(
    files: Mapping[str, bytes],
    item: Mapping[str, Any],
    document: Mapping[str, Any],
    policy_input: Mapping[str, Any],
    trust: Trust,
    moment: datetime,
    verify: VerifyInner,
) -> WaiverTerms:
    digest = str(item["digest"])
    statement = _open(files[layout.waiver_envelope_path(digest)], digest, trust)
    terms = statement.waiver
    if carried(terms, digest) != item:
        raise Unproven("waiver.mismatch", "the policy was weighed with other terms of a waiver than people agreed to")
    place = (policy_input["project"], policy_input["environment"])
    if (terms.project, terms.environment) != place or not is_same_rule(terms, document):
        raise Unproven("waiver.mismatch", f"the waiver of {terms.rule_id} is of another place, or of a rule that says something else")
    if moment >= terms.until:
        raise Unproven("waiver.over", f"{terms.rule_id} was waived until {rfc3339(terms.until)}, asked was {rfc3339(moment)}")
    try:
        decided_under = sha256_hex(policy_for_exception(document))
    except Refusal as error:
        raise Unproven("waiver.mismatch", error.reason) from error
    inner = verify(layout.waiver_files(files, digest), f"sha256:{digest}", f"sha256:{decided_under}")
    records = tuple(sorted(answer.record_digest for answer in inner.approvals))
    if (inner.request.kind, inner.request.id, records) != ("exception", statement.request, statement.records):
        raise Unproven("waiver.mismatch", f"the portal names other records for the waiver of {terms.rule_id} than its pack shows")
    return terms


def _open(content: bytes, digest: str, trust: Trust) -> PortalStatement:
    envelope = parse_envelope(parse_canonical(content))
    verify_envelope(envelope, [recorder_of(envelope.signatures[0].key_hint, trust)])
    statement = parse_portal_statement(envelope.payload)
    if statement.predicate_type != WAIVER_TYPE or statement.digest != digest:
        raise Unproven("waiver.mismatch", "what the portal signed is not about this waiver")
    return statement
