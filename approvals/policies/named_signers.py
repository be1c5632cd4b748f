"""Say which signers of verdicts a policy, or the project's expectations, name: whoever is named may fill up a request.

What neither the team nor anybody named has sent or signed is looked at as well, and changes no answer.

A builder that a delegator signs for is not among them: anybody can have a delegator sign, and a certificate does not say for whom.
"""

from __future__ import annotations

from collections.abc import Iterable

from django.db.models import Q

from approvals.models import ExpectationsVersion, Revision
from attestations.admission import is_own, is_troubled_by_signers
from attestations.blobs import bytes_of
from attestations.models import Verdict
from proofs.policy.document import Builder, EvidenceRule, Policy, parse_policy
from proofs.policy.expectations_document import parse_expectations


def named_signers(policy: Policy, expected: ExpectationsVersion | None) -> Q:
    """Return the condition that a row of `VerdictSigner` is named; `expected` are None where none are asked for or in force."""
    rules = [rule for rule in policy.rules if isinstance(rule, EvidenceRule)]
    return named_by([*rules, *(parse_expectations(bytes_of(expected.document)).accept if expected else ())])


def named_in(revision: Revision) -> Q:
    """Return the same for the policy and expectations that a revision was frozen under."""
    expected = ExpectationsVersion.objects.filter(pk=revision.expectations_digest or "").first()
    return named_signers(parse_policy(bytes_of(revision.policy.document)), expected)


def own_of(revision: Revision) -> frozenset[int]:
    """Return which of the verdicts that a revision shows are the team's own: it, or somebody named, sent or signed that evidence."""
    shown = Verdict.objects.filter(pk__in=revision.evidence.values("verdict"))
    return frozenset(shown.filter(is_own(revision.request.project.team, named_in(revision))).values_list("pk", flat=True))


def troubled_by_signers(revision: Revision) -> frozenset[int]:
    """Return those among them from which a signer who does not answer takes something away (`attestations.admission`)."""
    shown = Verdict.objects.filter(pk__in=revision.evidence.values("verdict"))
    return frozenset(shown.filter(is_troubled_by_signers(revision.request.project.team, named_in(revision))).values_list("pk", flat=True))


def named_by(rules: Iterable[EvidenceRule]) -> Q:
    """Return the condition that a row of `VerdictSigner` is named by one of these rules."""
    named = Q(pk__in=[])
    for builder, sources in {(builder, tuple(source.repository for source in rule.sources)) for rule in rules for builder in rule.builders}:
        # Whoever calls a reusable workflow gets a certificate in its name; that it was called from the wanted source, the certificate says too.
        named |= _is_signed_by(builder) & (Q(source__in=sources) if sources and not builder.key_id else Q())
    return named


def _is_signed_by(builder: Builder) -> Q:
    if builder.key_id:
        return Q(issuer="", name=builder.key_id)
    if builder.identity:
        return Q(issuer=builder.issuer, name=builder.identity)
    if builder.workflow:
        return Q(issuer=builder.issuer) & (Q(name=builder.workflow) | Q(name__startswith=f"{builder.workflow}@"))
    return Q(pk__in=[])
