"""What people fully approved for a team's environments: the facts that an observation is held against.

An approval says that something may go somewhere. That it has lapsed since stops the next promotion and not what runs already, so lapsed
ones count here. Not checked: the signatures, which were verified when people signed and which the gate verifies again.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime

from django.db.models import Exists, OuterRef

from approvals.models import Approval, RequestArtifact
from approvals.requests.status import stood_approved
from identities.models import Environment, Project, Team
from proofs.path import Approved, Seen, names_alike, names_exactly

# Of the requests that an observation may be about, the newest ones. What only an older one approved counts as not approved.
MAX_REQUESTS_WEIGHED = 200


@dataclass(frozen=True, slots=True)
class _Asked:
    """An artifact of a request that somebody approved, perhaps not fully."""

    request_id: str
    digest: str
    name: str
    environment: str
    environment_id: str
    project: str


class ApprovedReleases:
    """The approvals of one team, read once and weighed as they are asked for."""

    def __init__(self, team: Team | str, *, environment: Environment | None = None, project: Project | None = None) -> None:
        """Read those of a whole team, or of one environment or one project of it alone."""
        somebody = Approval.objects.filter(revision__request=OuterRef("request"), decision=Approval.Decision.APPROVE)
        rows = RequestArtifact.objects.filter(Exists(somebody), request__environment__team=team).order_by("-request__opened_at", "pk")
        if environment is not None:
            rows = rows.filter(request__environment=environment)
        if project is not None:
            rows = rows.filter(request__project=project)
        about = ("request__environment__slug", "request__environment_id", "request__project__slug")
        fields = ("request_id", "artifact_id", "name", *about)
        self._asked = [_Asked(*row) for row in rows.values_list(*fields)]
        self._weighed: dict[str, tuple[Approval, datetime] | None] = {}
        self._noes: dict[str, list[tuple[str, str, datetime]]] = {}

    def about(self, seen: Sequence[Seen]) -> list[Approved]:
        """Return the approvals of the digests that were seen, and of the names they were seen under."""
        digests = {item.digest for item in seen}
        fitting = [asked for asked in self._asked if asked.digest in digests or any(_is_called_like(asked, item) for item in seen)]
        allowed = set(list(dict.fromkeys(asked.request_id for asked in fitting))[:MAX_REQUESTS_WEIGHED])
        return self._approved([asked for asked in fitting if asked.request_id in allowed])

    def of(self, digest: str) -> list[Approved]:
        """Return the approvals of one digest."""
        return self._approved([asked for asked in self._asked if asked.digest == digest][:MAX_REQUESTS_WEIGHED])

    def _approved(self, fitting: Sequence[_Asked]) -> list[Approved]:
        self._weigh({asked.request_id for asked in fitting} - set(self._weighed))
        self._read_noes({asked.digest for asked in fitting} - set(self._noes))
        found = []
        for asked in fitting:
            weighed = self._weighed[asked.request_id]
            if weighed is None:
                continue
            approval, last_yes = weighed
            question = (asked.project, asked.environment_id)
            ended = [at for *about, at in self._noes[asked.digest] if tuple(about) == question and at >= last_yes]
            found.append(
                Approved(
                    digest=asked.digest,
                    name=asked.name,
                    environment=asked.environment,
                    approved_at=approval.signed_at,
                    ended_at=min(ended, default=None),
                    approval_id=approval.pk,
                    request_id=asked.request_id,
                    project=asked.project,
                )
            )
        return found

    def _weigh(self, request_ids: Collection[str]) -> None:
        """Find for each request the approval that made it fully approved, whichever revision that was, and its last yes."""
        if not request_ids:
            return
        self._weighed |= dict.fromkeys(request_ids)
        standing = Approval.objects.filter(end__isnull=True, revision__request__in=request_ids)
        rows = standing.select_related("identity", "revision__request", "revision__policy__document", "revision__policy_input")
        told: dict[int, list[Approval]] = {}
        for answer in rows.order_by("revision__number", "signed_at", "pk"):
            told.setdefault(answer.revision_id, []).append(answer)
        for answers in told.values():
            revision = answers[0].revision
            approval = stood_approved(revision, answers=answers)
            if approval is not None:
                last = max(answer.signed_at for answer in answers if answer.decision == Approval.Decision.APPROVE)
                self._weighed[revision.request_id] = (approval, last)

    def _read_noes(self, digests: Collection[str]) -> None:
        """Find when people answered no about each artifact, on whichever request. It ends what the same project approved, as at the gate."""
        if not digests:
            return
        self._noes |= {digest: [] for digest in digests}
        rows = Approval.objects.filter(revision__request__artifacts__artifact__in=digests).exclude(decision=Approval.Decision.APPROVE)
        request = "revision__request"
        fields = (f"{request}__artifacts__artifact_id", f"{request}__project__slug", f"{request}__environment_id", "signed_at")
        for digest, project, environment, at in rows.values_list(*fields):
            # A request may be about others as well; the join brings those too.
            if digest in digests:
                self._noes[digest].append((project, environment, at))


def _is_called_like(asked: _Asked, seen: Seen) -> bool:
    return names_exactly(asked.name, seen) or (bool(seen.environment) and names_alike(asked.name, seen))
