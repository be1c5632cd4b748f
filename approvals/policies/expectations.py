"""Expectations of a project: read what a person wrote as YAML, store each version by its digest, say which is in force.

As with policies, only the canonical document counts. The only policy owner of a project puts it into force here; where there are several,
`approvals.changes.propose_expectations` asks them.
Not checked here: whether the expectations are good ones.
"""

from __future__ import annotations

from datetime import datetime

from django.db import transaction

from approvals.models import ExpectationsActivation, ExpectationsVersion
from approvals.policies.source import parse_yaml
from approvals.policies.versions import demand_only_owner
from attestations.blobs import store_blob
from identities.actors import actor_of
from identities.models import Identity, Project
from ledger.append import append_event
from proofs.canonical import canonical_bytes
from proofs.digest import sha256_hex
from proofs.errors import Conflict, Malformed
from proofs.moment import rfc3339
from proofs.policy.expectations_document import parse_expectations


def expectations_document(source: str) -> bytes:
    """Return the canonical bytes of expectations written as YAML. Refuses as `parse_yaml` and `parse_expectations` do."""
    document = canonical_bytes(parse_yaml(source))
    parse_expectations(document)
    return document


@transaction.atomic
def activate_expectations(*, source: str, project: Project, by: Identity, now: datetime) -> ExpectationsActivation:
    """Store expectations and put them into force for their project; those in force already, again, change nothing.

    Refuses as `expectations_document` does, with `policy.owner_required` and `policy.two_owners_required` as `activate_policy` does,
    with `expectations.other_project`, and with `expectations.version_exists` when this version already names another document.
    """
    demand_only_owner(project, by)
    return record_expectations(source=source, project=project, by=by, one_person=True, now=now)


def record_expectations(*, source: str, project: Project, by: Identity, one_person: bool, now: datetime) -> ExpectationsActivation:
    """Store expectations and write that they are in force, with a ledger entry. Does not check who may: the act and the bootstrap do.

    Must run inside the caller's transaction. Refuses as `activate_expectations` does of documents.
    """
    version = store_expectations(source=source, project=project, by=by, now=now)
    newest = activation_of_expectations(project)
    if newest is not None and newest.expectations_id == version.digest:
        return newest
    document = canonical_bytes(
        {
            "schema": "countersign-expectations-activation/v1",
            "expectations": {"version": version.version, "digest": {"sha256": version.digest}},
            "project": project.slug,
            "by": [{"issuer": by.issuer, "subject": by.subject}],
            "onePerson": one_person,
            "at": rfc3339(now),
        }
    )
    ref = store_blob(document, now).digest
    event = "expectations.activated_by_one_person" if one_person else "expectations.activated"
    entry = append_event(event=event, ref_digest=ref, actor=actor_of(by), now=now)
    return ExpectationsActivation.objects.create(expectations=version, entry=entry, activated_at=now)


def active_expectations(project: Project) -> ExpectationsVersion | None:
    """Return the expectations in force for a project, or None: then no rule that leaves it to them can be met."""
    newest = activation_of_expectations(project)
    return newest.expectations if newest else None


def activation_of_expectations(project: Project) -> ExpectationsActivation | None:
    """Return the activation that counts for a project: the newest one."""
    mine = ExpectationsActivation.objects.filter(expectations__project=project)
    return mine.select_related("expectations__document", "request").order_by("-entry_id").first()


def store_expectations(*, source: str, project: Project, by: Identity, now: datetime) -> ExpectationsVersion:
    """Store a version of a project's expectations and write it into the ledger; the same document again gives the same row.

    Must run inside the caller's transaction. Refuses as `expectations_document` does, with `expectations.other_project` and with
    `expectations.version_exists` when this version already names another document. Does not check who may.
    """
    document = expectations_document(source)
    parsed = parse_expectations(document)
    if parsed.project != project.slug:
        raise Malformed("expectations.other_project", f"got the expectations of {parsed.project}, expected those of {project.slug}")
    known = ExpectationsVersion.objects.filter(pk=parsed.digest).first()
    if known is not None:
        return known
    if ExpectationsVersion.objects.filter(project=project, version=parsed.version).exists():
        raise Conflict(
            "expectations.version_exists",
            f"version {parsed.version} already names another document; give the changed one a new version",
        )
    blob = store_blob(document, now)
    row = ExpectationsVersion.objects.create(
        digest=sha256_hex(document), project=project, version=parsed.version, document=blob, source=source, created_at=now
    )
    append_event(event="expectations.published", ref_digest=row.digest, actor=actor_of(by), now=now)
    return row
