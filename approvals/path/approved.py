"""What people fully approved for a team's environments: the facts that an observation is held against.

An approval says that something may go somewhere. That it has lapsed since stops the next promotion and not what runs already, so lapsed
ones count here. Not checked: the signatures, which were verified when people signed and which the gate verifies again.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import reduce
from operator import or_

from django.db.models import Case, Exists, OuterRef, Q, When

from approvals.models import Approval, RequestArtifact
from approvals.requests.status import stood_approved
from identities.models import Environment, Project, Team
from proofs.artifact_name import without_scheme
from proofs.path import Approved, Seen, names_alike, names_exactly, names_seen

# Of the requests that an observation may be about, the newest ones. What only an older one approved counts as not approved.
MAX_REQUESTS_WEIGHED = 200
# Of what may be about it, of all the teams asked about, the newest rows.
MAX_READ = 2000
_WORDS = re.compile("[a-z0-9]+", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class _Asked:
    """An artifact of a request that somebody approved, perhaps not fully. `at` orders them, the newest first."""

    pk: int
    at: datetime
    request_id: str
    digest: str
    name: str
    environment: str
    environment_id: str
    team_id: str
    project: str


class ApprovedReleases:
    """The approvals of some teams, read and weighed as they are asked for: those of a digest, and those of a name that may be the one asked about.

    What the database gives for that is bounded, whatever else the teams approved, and so is what is weighed of it for each team.
    """

    def __init__(self, teams: Collection[Team | str], *, environment: Environment | None = None, project: Project | None = None) -> None:
        """Look among those of whole teams, or of one environment or one project alone."""
        somebody = Approval.objects.filter(revision__request=OuterRef("request"), decision=Approval.Decision.APPROVE)
        rows = RequestArtifact.objects.filter(Exists(somebody), request__environment__team__in=teams)
        if environment is not None:
            rows = rows.filter(request__environment=environment)
        if project is not None:
            rows = rows.filter(request__project=project)
        self._rows = rows
        self._asked: dict[int, _Asked] = {}
        self._of_teams: dict[str, list[_Asked]] = {}
        self._digests: set[str] = set()
        self._weighed_digests: set[str] = set()
        self._names: set[str] = set()
        self._seen: set[Seen] = set()
        self._weighed: dict[str, tuple[Approval, datetime] | None] = {}
        self._noes: dict[str, list[tuple[str, str, datetime]]] = {}

    def about(self, seen: Sequence[Seen], *, team: Team | str) -> list[Approved]:
        """Return the approvals of a team of the digests that were seen, and of the names they were seen under."""
        self.read(seen)
        return self._approved(_fitting(self._of(team), seen))

    def of(self, digest: str, *, team: Team | str) -> list[Approved]:
        """Return the approvals of a team of one digest."""
        self._find(digest)
        if digest not in self._weighed_digests:
            self._weigh_all([])
        return self._approved(self._of_digest(digest, team))

    def names_of(self, digest: str, *, team: Team | str) -> set[str]:
        """Return what a team calls a digest that somebody there approved, perhaps not fully. Weighs nothing yet."""
        self._find(digest)
        return {asked.name for asked in self._of_digest(digest, team) if asked.name}

    def read(self, seen: Iterable[Seen]) -> None:
        """Read at once, for all teams, what will be asked about each of these, and weigh it together with the digests that were looked for."""
        new = [item for item in seen if item not in self._seen]
        if not new:
            return
        self._seen.update(new)
        names = {key: condition for item in new for key, condition in _may_be_called_like(item).items() if key not in self._names}
        digests = {item.digest for item in new} - self._digests
        self._names |= set(names)
        self._digests |= digests
        if names or digests:
            self._keep(digests, names.values())
        self._weigh_all(new)

    def _find(self, digest: str) -> None:
        if digest not in self._digests:
            self._digests.add(digest)
            self._keep({digest})

    def _weigh_all(self, seen: Sequence[Seen]) -> None:
        """Weigh what may be asked about these, and the digests looked for so far, of all teams at once, so that many cost what one does."""
        found = [asked for team in self._of_teams for asked in _fitting(self._of(team), seen)] if seen else []
        for digest in self._digests - self._weighed_digests:
            found += [asked for team in self._of_teams for asked in self._of_digest(digest, team)]
        self._weighed_digests |= self._digests
        self._approved(found)

    def _keep(self, digests: Collection[str], names: Iterable[Q] = ()) -> None:
        """Read those of the digests, and then the newest of those that may have the names."""
        about = ("request__environment__slug", "request__environment_id", "request__environment__team_id", "request__project__slug")
        fields = ("pk", "request__opened_at", "request_id", "artifact_id", "name", *about)
        ours = Q(artifact__in=digests)
        rows = self._rows.filter(reduce(or_, names, ours)).order_by("-request__opened_at", "pk")
        if digests:
            rows = rows.order_by(Case(When(ours, then=0), default=1), "-request__opened_at", "pk")
        for row in rows.values_list(*fields)[:MAX_READ]:
            self._asked.setdefault(row[0], _Asked(*row))
        self._of_teams = {}
        for asked in sorted(self._asked.values(), key=lambda asked: (-asked.at.timestamp(), asked.pk)):
            self._of_teams.setdefault(asked.team_id, []).append(asked)

    def _of(self, team: Team | str) -> list[_Asked]:
        return self._of_teams.get(team.pk if isinstance(team, Team) else team, [])

    def _of_digest(self, digest: str, team: Team | str) -> list[_Asked]:
        return [asked for asked in self._of(team) if asked.digest == digest][:MAX_REQUESTS_WEIGHED]

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


def _fitting(asked: Sequence[_Asked], seen: Sequence[Seen]) -> list[_Asked]:
    """Return those of one team that what was seen may be about, of the newest requests."""
    digests = {item.digest for item in seen}
    fitting = [item for item in asked if item.digest in digests or any(_is_called_like(item, each) for each in seen)]
    allowed = set(list(dict.fromkeys(item.request_id for item in fitting))[:MAX_REQUESTS_WEIGHED])
    return [item for item in fitting if item.request_id in allowed]


def _is_called_like(asked: _Asked, seen: Seen) -> bool:
    return names_exactly(asked.name, seen) or (bool(seen.environment) and names_alike(asked.name, seen))


def _may_be_called_like(seen: Seen) -> dict[str, Q]:
    """Return conditions of which one holds for every artifact that `_is_called_like` says yes to, and for some others; each with a key, so that
    nothing is read twice."""
    # In a package URL even letters may be escaped.
    may_be = {"%": Q(name__istartswith="pkg:", name__contains="%")}
    if seen.reference:
        may_be[f"={seen.reference}"] = Q(name=seen.reference)
    for name in names_seen(seen):
        for spelling in name.spellings:
            # A name ends as the other does, but for case and marks; so the longest word of its end is in both.
            word = max(_WORDS.findall(without_scheme(spelling).rpartition("/")[2]), key=len, default="").lower()
            may_be[word] = Q(name__icontains=word) if word else ~Q(name="")
    return may_be
