"""Was the path intact? What was seen at one place is held against what people approved, by named checks over facts alone.

`check_path` is a numbered argument; the numbers stand at its blocks, in docs/verification.md and in the names of its tests:

1. only approvals count that stood when it was seen: nobody answered no by then, and, where the observation names an environment, they were
   given for that environment and before (a registry may keep what nobody has approved yet; an environment may not run it)
2. the name: whoever approved this very name and version approved this digest
3. the digest was approved, under whatever name
4. the place: it had an approved digest before, and has another one now
5. the environment: another digest of the same name was approved for it, or nothing was
6. without an environment and without a name that anybody approved, there is nothing to compare with

`check_tag_moved` is step 7 and `check_freshness` step 8. Nothing here finds out whether the observer told the truth.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from proofs.artifact_name import ArtifactName, fits, name_at, read_name
from proofs.moment import rfc3339
from proofs.observation import PACKAGE_INDEX, RUNNING, TOLERATED_SKEW, place_words

# An observer that reports less often than this says nothing about now.
FRESH_FOR = timedelta(hours=24)

AS_APPROVED, DIFFERS, UNAPPROVED = "path.as_approved", "path.digest_differs", "path.unapproved"
NOT_COMPARED, TAG_MOVED = "path.not_compared", "path.tag_moved"
NOT_OBSERVED, STALE, SUSPENDED = "path.not_observed", "path.stale", "path.observer_suspended"
CONTRADICTIONS = frozenset({DIFFERS, UNAPPROVED})
UNDECIDED = frozenset({NOT_COMPARED, SUSPENDED})

BY_NAME, BY_PLACE, BY_ENVIRONMENT = "name", "place", "environment"
# Approvals of other projects under the same name that a sentence names.
MAX_OTHERS_NAMED = 3

NOT_LOOKED_AT = (
    "Whether the observer told the truth, and whether it looked at everything there.",
    "What was there between two observations, and in places that nobody observes.",
)
NO_ENVIRONMENT = "Whether this runs anywhere: the observation names no environment."
OTHER_ALGORITHM = "Approvals that name digests of another algorithm than the one that was seen."


@dataclass(frozen=True, slots=True)
class Seen:
    """One observation. `environment` is a slug or empty; `reference` the tag, version or image name that was seen.

    `observer_counts` is false once nobody answers for the observer, as when it was suspended: its word may still raise a contradiction, and no longer ends one.
    `received_at` is when it came in; left out, that is when it was made.
    """

    kind: str
    location: str
    reference: str
    digest: str
    observed_at: datetime
    environment: str = ""
    observer_counts: bool = True
    received_at: datetime | None = None

    @property
    def counts_at(self) -> datetime:
        """The moment it is ordered by: nobody has seen what is still to come, whatever their clock says."""
        return min(self.observed_at, self.arrived_at)

    @property
    def arrived_at(self) -> datetime:
        """When it came in."""
        return self.received_at or self.observed_at

    @property
    def words(self) -> str:
        """The place and the name there, as a sentence can begin with."""
        return place_words(self.kind, self.location, self.reference)


@dataclass(frozen=True, slots=True)
class Approved:
    """A digest people fully approved for an environment, under the name they signed. `ended_at`: somebody of that project answered no later."""

    digest: str
    name: str
    environment: str
    approved_at: datetime
    ended_at: datetime | None = None
    approval_id: str = ""
    request_id: str = ""
    project: str = ""


@dataclass(frozen=True, slots=True)
class PathCheck:
    """What a check found. `outcome` is pass, fail, review or unknown; `basis` says what tied a contradiction to the approval.

    `about` is the observation that decided, where a whole place was looked at.
    """

    code: str
    outcome: str
    sentence: str
    expected: Approved | None = None
    basis: str = ""
    not_looked_at: tuple[str, ...] = NOT_LOOKED_AT
    about: Seen | None = None

    @property
    def is_contradiction(self) -> bool:
        """Whether it keeps a gate shut: another digest than the approved one."""
        return self.code in CONTRADICTIONS


def check_path(seen: Seen, *, before: Iterable[str], approved: Sequence[Approved]) -> PathCheck:
    """Hold one observation against the approvals of its team. `before` are the other digests this place had, the newest first.

    A name belongs to the project that approved something under it first; what another project approved under it settles nothing and is said.
    Never refuses. Checks neither that the approvals' signatures hold (whoever collected them says so) nor how old the observation is.
    """
    # 1. Approvals that stood, in digests that can be compared.
    standing = [item for item in approved if _stood(item, seen)]
    comparable = [item for item in standing if _algorithm(item.digest) == _algorithm(seen.digest)]
    left_out = (
        *NOT_LOOKED_AT,
        *(() if seen.environment else (NO_ENVIRONMENT,)),
        *((OTHER_ALGORITHM,) if len(comparable) < len(standing) else ()),
    )
    same = [item for item in comparable if item.digest == seen.digest]

    # 2. The very name and version.
    named = [item for item in comparable if names_exactly(item.name, seen)]
    first = min(named, key=lambda item: (item.approved_at, item.approval_id), default=None)
    theirs = [item for item in named if first is not None and item.project == first.project]
    others = _said_by_others([item for item in named if item not in theirs])
    if theirs and not any(item.digest == seen.digest for item in theirs):
        return _differs(seen, _newest(theirs), BY_NAME, left_out, others)

    # 3. The digest, under whatever name.
    if same:
        expected = _newest([item for item in theirs if item.digest == seen.digest] or same)
        words = f"{seen.words} has {seen.digest}, which was approved{_as(expected)} for {expected.environment}{_by(expected)}.{others}"
        return PathCheck(AS_APPROVED, "pass", words, expected, not_looked_at=left_out)

    # 4. What this place had before.
    for digest in before:
        earlier = [item for item in comparable if item.digest == digest]
        if earlier:
            return _differs(seen, _newest(earlier), BY_PLACE, left_out)

    # 5. The environment.
    if seen.environment:
        alike = [item for item in comparable if names_alike(item.name, seen)]
        if alike:
            return _differs(seen, _newest(alike), BY_ENVIRONMENT, left_out)
        if len(comparable) == len(standing):
            words = f"{seen.words} has {seen.digest}, which nobody had approved for {seen.environment} when it was seen there."
            return PathCheck(UNAPPROVED, "fail", words, not_looked_at=left_out)

    # 6. Nothing to compare with.
    why = "what was approved is named by digests of another algorithm" if OTHER_ALGORITHM in left_out else "nothing approved has this name"
    return PathCheck(NOT_COMPARED, "unknown", f"{seen.words} has {seen.digest}; {why}, so it was not compared.", not_looked_at=left_out)


def check_tag_moved(seen: Seen, previous: Seen | None) -> PathCheck | None:
    """Say whether the same reference named another digest in the observation of this place before this one (step 7)."""
    # 7. The same reference, another digest.
    if previous is None or not seen.reference or previous.reference != seen.reference or previous.digest == seen.digest:
        return None
    words = (
        f"{seen.words} named {previous.digest} at {rfc3339(previous.observed_at)} and {seen.digest} at {rfc3339(seen.observed_at)}: "
        "the reference moved."
    )
    return PathCheck(TAG_MOVED, "review", words, not_looked_at=(*NOT_LOOKED_AT, "Who moved it, and when exactly."))


def check_freshness(observed_at: datetime | None, *, at: datetime) -> PathCheck:
    """Say whether what was seen last is recent enough to speak of now (step 8). `observed_at` is None where nothing was seen."""
    # 8. Recent enough.
    if observed_at is None:
        return _never_seen()
    hours = int(FRESH_FOR.total_seconds() // 3600)
    if at - observed_at > FRESH_FOR:
        return PathCheck(STALE, "unknown", f"It was seen last at {rfc3339(observed_at)}, more than {hours} hours ago.")
    return PathCheck("path.fresh", "pass", f"It was seen at {rfc3339(observed_at)}, within the last {hours} hours.")


def check_place(seen: Sequence[Seen], *, approved: Sequence[Approved]) -> PathCheck:
    """Say how a place stands now. `seen` holds the newest observation of each digest that was seen there, and the newest of each by an
    observer that counts, the newest first.

    The newest is the one that counts at the latest moment. What could not be compared, or was seen as approved by an observer that nobody
    answers for now, ends no contradiction. Of two observations of the same moment the worse one counts, and so does a contradiction that came in after what
    was seen as approved and is dated before it by no more than clocks may be apart.
    """
    digests = [item.digest for item in seen]
    last: PathCheck | None = None
    decided: Seen | None = None
    for item in seen:
        if decided is not None and not _may_overrule(item, decided):
            continue
        before = [digest for digest in digests if digest != item.digest]
        found = replace(check_path(item, before=before, approved=approved), about=item)
        if found.code == AS_APPROVED and not item.observer_counts:
            words = f"Whoever saw {item.words} as approved does not count any more (suspended, compromised, or without an owner); others must look."
            found = replace(found, code=SUSPENDED, outcome="unknown", sentence=words)
        if found.code in UNDECIDED:
            last = last or found
            continue
        decided = decided or item
        last = found if last is None or last.code in UNDECIDED or (found.is_contradiction and not last.is_contradiction) else last
    return last or _never_seen()


def names_exactly(name: str, seen: Seen) -> bool:
    """Say whether an approved name is, version and all, what was seen."""
    return names_place(name, kind=seen.kind, location=seen.location, reference=seen.reference)


def names_place(name: str, *, kind: str, location: str, reference: str) -> bool:
    """Say whether a name is, version and all, what is there. A name without version is one where a place only keeps things."""
    if not name or not reference:
        return False
    if name == reference and kind not in RUNNING:
        return True
    wanted = read_name(name)
    return bool(wanted.version) and any(
        wanted.version == found.version and fits(found, wanted) for found in _names_at(kind, location, reference)
    )


def names_alike(name: str, seen: Seen) -> bool:
    """Say whether an approved name is what was seen, whatever the version."""
    wanted = read_name(name)
    return any(fits(found, wanted) for found in _names_at(seen.kind, seen.location, seen.reference))


def names_seen(seen: Seen) -> list[ArtifactName]:
    """Return the names of what was seen: an approved name that is called so fits one of them."""
    return _names_at(seen.kind, seen.location, seen.reference)


def _names_at(kind: str, location: str, reference: str) -> list[ArtifactName]:
    """Return the names of what is there: the reference, where it is a name, and the location with the reference as version."""
    named = [read_name(reference)] if reference else []
    if kind in RUNNING:
        return named
    kept = name_at(location, reference, has_escapes=kind == PACKAGE_INDEX)
    return [kept, *named, *(name.at(kept.spellings[0]) for name in named if name.version)]


def _may_overrule(item: Seen, decided: Seen) -> bool:
    if item.counts_at == decided.counts_at:
        return True
    return item.arrived_at > decided.arrived_at and item.counts_at >= decided.counts_at - TOLERATED_SKEW


def _never_seen() -> PathCheck:
    return PathCheck(NOT_OBSERVED, "unknown", "Nobody has observed this artifact in a registry or where it runs.")


def _stood(item: Approved, seen: Seen) -> bool:
    if item.ended_at is not None and item.ended_at <= seen.observed_at:
        return False
    if not seen.environment:
        return True
    return item.environment == seen.environment and item.approved_at <= seen.observed_at + TOLERATED_SKEW


def _newest(items: Sequence[Approved]) -> Approved:
    return max(items, key=lambda item: (item.approved_at, item.approval_id))


def _differs(seen: Seen, expected: Approved, basis: str, left_out: tuple[str, ...], others: str = "") -> PathCheck:
    was = f"{expected.digest} was approved{_as(expected)} for {expected.environment}{_by(expected)}"
    words = f"{seen.words} has {seen.digest}, but {was}.{others}"
    return PathCheck(DIFFERS, "fail", words, expected, basis, left_out)


def _as(item: Approved) -> str:
    return f" as {item.name}" if item.name else ""


def _by(item: Approved) -> str:
    return f" by {item.project}" if item.project else ""


def _said_by_others(items: Sequence[Approved]) -> str:
    told = sorted({(item.project, item.digest) for item in items})[:MAX_OTHERS_NAMED]
    return "".join(f" {project} approved {digest} under the same name, which settles nothing." for project, digest in told)


def _algorithm(digest: str) -> str:
    return digest.partition(":")[0]
