"""How much of what is approved and in use now a policy would deny: to be known before gates enforce it."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from approvals.dry_run.population import MAX_REQUESTS, is_in_use, list_in_use, load_revisions
from approvals.dry_run.weigh import NEWLY_DENIED, STILL_ALLOWED, weigh_revision
from approvals.models import PolicyVersion, RequestState
from approvals.requests.policy_for import derived_kinds
from approvals.requests.status import PENDING
from attestations.blobs import bytes_of
from identities.models import Environment, Project
from proofs.canonical import parse_canonical
from proofs.policy.document import parse_policy


@dataclass(frozen=True, slots=True)
class Stranded:
    """Of `in_use` requests, how many would be `denied`, and of how many nobody can tell; `is_all` is false where there are more."""

    in_use: int
    denied: int
    unknown: int
    is_all: bool


def count_stranded(*, policy: PolicyVersion, project: Project, environment: Environment, now: datetime) -> Stranded:
    """Weigh everything that is approved in one place now under another policy. Reads only, by a fixed number of queries."""
    found = list(
        list_in_use(project=project, environment=environment).order_by("-opened_at").values_list("pk", flat=True)[: MAX_REQUESTS + 1]
    )
    document = bytes_of(policy.document)
    weighed_by, value = parse_policy(document), parse_canonical(document)
    used = [revision for revision in load_revisions(found[:MAX_REQUESTS]).values() if is_in_use(revision, now=now)]
    outcomes = [weigh_revision(revision, list(revision.approvals.all()), weighed_by, value).outcome for revision in used]
    denied = outcomes.count(NEWLY_DENIED)
    return Stranded(len(used), denied, len(used) - denied - outcomes.count(STILL_ALLOWED), len(found) <= MAX_REQUESTS)


def count_waiting(*, project: Project, environment: Environment) -> int:
    """Return how many requests wait in a place under the policy in force: another policy asks the people about each of them anew."""
    waiting = RequestState.objects.filter(request__project=project, request__environment=environment, status__in=PENDING)
    return waiting.exclude(request__kind__in=derived_kinds()).count()
