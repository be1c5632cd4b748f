"""Say which verdicts are of a signer that a policy, or the project's expectations, name: whoever is named may fill up a request.

A builder that a delegator signs for is not among them: anybody can have a delegator sign, and a certificate does not say for whom.
"""

from __future__ import annotations

from django.db.models import Q

from approvals.models import ExpectationsVersion
from attestations.blobs import bytes_of
from proofs.policy.document import Builder, EvidenceRule, Policy
from proofs.policy.expectations_document import parse_expectations


def named_signers(policy: Policy, expected: ExpectationsVersion | None) -> Q:
    """Return the condition that a verdict's signer or a co-signer is named; `expected` are None where none are asked for or in force."""
    rules = [rule for rule in policy.rules if isinstance(rule, EvidenceRule)]
    rules += parse_expectations(bytes_of(expected.document)).accept if expected else ()
    named = Q(pk__in=[])
    for builder in {builder for rule in rules for builder in rule.builders}:
        named |= _is_signed_by(builder)
    return named


def _is_signed_by(builder: Builder) -> Q:
    if builder.key_id:
        return Q(signer_issuer="", signer_name=builder.key_id) | Q(co_signer_names__contains=builder.key_id)
    if builder.identity:
        return Q(signer_issuer=builder.issuer, signer_name=builder.identity)
    if builder.workflow:
        return Q(signer_issuer=builder.issuer) & (Q(signer_name=builder.workflow) | Q(signer_name__startswith=f"{builder.workflow}@"))
    return Q(pk__in=[])
