"""Propose that expectations of a project come into force: a request of kind policy-change, on which policy owners sign what changes, in words.

Older ones may be proposed again: that is how a change is taken back. They count wherever a policy of the project leaves it to them, so the
request goes by the place of the highest tier. Not checked here: whether the expectations are good ones.
"""

from __future__ import annotations

from datetime import datetime

from django.db import transaction

from approvals.changes.propose_policy import tell
from approvals.changes.replaced import policies_in_force
from approvals.models import ExpectationsVersion, Request
from approvals.policies.expectations import active_expectations, store_expectations
from approvals.requests.open_about_document import open_about_document
from attestations.blobs import bytes_of
from identities.models import Identity, Project
from identities.permissions import demand
from proofs.approval.expectations_change import ExpectationsChange, build_expectations_change
from proofs.canonical import parse_canonical
from proofs.errors import Conflict
from proofs.policy.compare import Difference
from proofs.policy.compare_expectations import compare_expectations

CHANGE_NAME = "expectations-change"


@transaction.atomic
def propose_expectations(*, source: str, project: Project, by: Identity, now: datetime, note: str = "") -> Request:
    """Store expectations written as YAML and open the request to put them into force.

    Refuses with `permission.missing` unless `by` is a policy owner of the project, with `policy.missing` where the project has none in force,
    with `expectations_change.nothing` when exactly these are in force, and as `store_expectations` and `open_about_document` do.
    """
    demand(by, "policies.decide", project=project)
    environment = policies_in_force(project)[0].environment
    version = store_expectations(source=source, project=project, by=by, now=now)
    before = active_expectations(project)
    if before is not None and before.digest == version.digest:
        raise Conflict("expectations_change.nothing", f"version {version.version} of the expectations of {project} is in force already")
    document = build_expectations_change(
        ExpectationsChange(
            version=version.version,
            digest=version.digest,
            project=project.slug,
            previous=before.digest if before else "",
            differences=tell(compare_with_expected(bytes_of(version.document), before)),
        )
    )
    return open_about_document(
        kind=Request.Kind.POLICY_CHANGE,
        project=project,
        environment=environment,
        title=f"Expectations of {project.slug}, version {version.version}"[:200],
        subject=document,
        name=f"{CHANGE_NAME} {project.slug} {version.version}",
        by=by,
        now=now,
        note=note,
    )


def compare_with_expected(document: bytes, before: ExpectationsVersion | None) -> list[Difference]:
    """Return how expectations (canonical bytes) differ from those in force, what is loosened first. Reads only."""
    return compare_expectations(parse_canonical(bytes_of(before.document)) if before else None, parse_canonical(document))
