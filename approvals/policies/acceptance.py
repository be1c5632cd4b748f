"""Acceptance of an artifact's evidence by projects: for each project with expectations in force, item by item, yes or no and why.

Reads only, to be shown. It weighs each item by itself: what a failure overrules, and which items a request needs, is the policy's to say.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from django.db.models import Exists, OuterRef, QuerySet

from approvals.models import ExpectationsActivation
from approvals.policies.expectations import active_expectations
from approvals.policies.named_signers import named_by
from attestations.admission import others_verdicts, own_verdicts
from attestations.blobs import bytes_of
from attestations.models import Verdict
from attestations.queries import verdict_document
from identities.models import Project
from proofs.policy.document import EvidenceRule
from proofs.policy.evidence_rule import describe_signer, judge_item
from proofs.policy.expectation_rule import Shortfall
from proofs.policy.expectations_document import ProjectExpectations, parse_expectations
from proofs.policy.indexed_input import by_signer
from proofs.policy.reading import part_of

MAX_ITEMS = 100


@dataclass(frozen=True, slots=True)
class ItemAcceptance:
    """One item of evidence, and whether the project accepts it, in words."""

    verdict: Verdict
    accepted: bool
    words: str


@dataclass(frozen=True, slots=True)
class ProjectAcceptance:
    """What a project makes of an artifact's evidence under the expectations in force."""

    project: Project
    expected: ProjectExpectations
    items: tuple[ItemAcceptance, ...]

    @property
    def accepted(self) -> bool:
        """Whether any item is accepted."""
        return any(item.accepted for item in self.items)


def list_acceptances(digest: str, *, projects: Iterable[Project]) -> list[ProjectAcceptance]:
    """Return what each of the projects that has expectations in force makes of the evidence about `digest` that counts for its team."""
    found = []
    for project in projects:
        version = active_expectations(project)
        if version is not None:
            found.append(_judge(digest, project, parse_expectations(bytes_of(version.document))))
    return found


def active_expectations_of(projects: QuerySet[Project]) -> list[tuple[Project, bytes]]:
    """Return each of these projects that has expectations in force, with their document, in one query."""
    newer = ExpectationsActivation.objects.filter(
        expectations__project=OuterRef("expectations__project"), entry_id__gt=OuterRef("entry_id")
    )
    rows = ExpectationsActivation.objects.filter(~Exists(newer), expectations__project__in=projects)
    rows = rows.select_related("expectations__document", "expectations__project__team")
    return [(row.expectations.project, bytes_of(row.expectations.document)) for row in rows]


def accepted_among(digest: str, verdicts: Sequence[Verdict], expected: Iterable[tuple[Project, bytes]]) -> frozenset[str]:
    """Return which of these attestations about `digest` some project accepts under its expectations. No queries.

    For what is told first. Whether an item counts for the team at all is not asked; whom the expectations do not name is not accepted.
    """
    found: set[str] = set()
    documents = [(verdict, verdict_document(verdict)) for verdict in verdicts]
    for project, content in expected:
        parsed = parse_expectations(content)
        seen = _seen(project, [document for _, document in documents])
        for verdict, document in documents:
            rules = tuple(entry for entry in parsed.accept if verdict.predicate_type in entry.predicate_types)
            if rules and _nearest(rules, document, digest, seen) is None:
                found.add(verdict.attestation_id)
    return frozenset(found)


def _seen(project: Project, documents: Sequence[dict[str, Any]]) -> dict[str, Any]:
    return {
        "project": project.slug,
        "team": project.team.slug,
        "environment": None,
        "evidence": [{"verdict": document} for document in documents],
    }


def _judge(digest: str, project: Project, expected: ProjectExpectations) -> ProjectAcceptance:
    named = named_by(expected.accept)
    # However much others send, what the expectations may accept is looked at.
    verdicts = list(own_verdicts([digest], team=project.team, named=named)[:MAX_ITEMS])
    verdicts += others_verdicts([digest], team=project.team, named=named)[: MAX_ITEMS - len(verdicts)]
    documents = [verdict_document(verdict) for verdict in verdicts]
    seen = _seen(project, documents)
    items = []
    for verdict, document in zip(verdicts, documents, strict=True):
        rules = tuple(entry for entry in expected.accept if verdict.predicate_type in entry.predicate_types)
        shortfall = _nearest(rules, document, digest, seen) if rules else None
        if not rules:
            items.append(ItemAcceptance(verdict, False, "Nobody is expected to sign a statement of this type."))
        elif shortfall is None:
            signer = describe_signer(part_of(document, "facts", "signer"))
            items.append(ItemAcceptance(verdict, True, f"Signed by {signer}, as expected."))
        else:
            items.append(ItemAcceptance(verdict, False, shortfall.words or "It is not about this artifact."))
    return ProjectAcceptance(project, expected, tuple(items))


def _nearest(rules: tuple[EvidenceRule, ...], document: dict[str, Any], digest: str, seen: dict[str, Any]) -> Shortfall | None:
    """Return None when one of those who signed the item is accepted, else the shortfall that came nearest."""
    shortfalls = [judge_item(rules, signed["verdict"], digest, seen, own=document) for signed in by_signer({"verdict": document})]
    return None if None in shortfalls else max((found for found in shortfalls if found), key=lambda shortfall: shortfall.progress)
