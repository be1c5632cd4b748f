"""A SLSA verification summary held against what is expected of it (SLSA v1.0, "Verification summary: how to verify").

1. It is a summary, and is about the expected subject.
2. The verifier is the expected one. The caller has checked that the signer may speak for that verifier.
3. It is about the expected resource.
4. The result is PASSED.
5. Every wanted level is among those verified; a higher SLSA build level stands for a lower one of the same track.

Not checked: the signature (before), its age, its policy and its inputs.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass

from proofs.errors import Unproven
from proofs.predicates.read import READERS, read_predicate
from proofs.predicates.verdicts import PASSED
from proofs.statement import Statement, Subject

_TRACK = re.compile(r"(SLSA_[A-Z]+_LEVEL_)([0-9])")


@dataclass(frozen=True, slots=True)
class SummaryExpectations:
    """What is expected; None and empty are not asked. `subject` are digests by algorithm, as the statement writes them."""

    verifier_id: str | None = None
    resource_uri: str | None = None
    levels: tuple[str, ...] = ()
    subject: tuple[tuple[str, str], ...] = ()


def check_summary(statement: Statement, expected: SummaryExpectations) -> None:
    """Return when the summary is the expected one; refuses with `summary.*` and the number's reason."""
    # 1. A summary about this subject.
    if READERS.get(statement.predicate_type, ("",))[0] != "verification-summary":
        raise Unproven("summary.predicate", f"got predicate {statement.predicate_type[:100]!r}, expected a verification summary")
    if expected.subject and not any(set(expected.subject) <= _digests_of(subject) for subject in statement.subjects):
        raise Unproven("summary.subject", "the summary is about something else than what is in hand")
    said = read_predicate(statement.predicate_type, statement.predicate) or {}
    # 2. The verifier.
    if expected.verifier_id is not None and said["verifierId"] != expected.verifier_id:
        raise Unproven("summary.verifier", f"got a summary by {said['verifierId']!r}, expected {expected.verifier_id!r}")
    # 3. The resource.
    if expected.resource_uri is not None and said["resourceUri"] != expected.resource_uri:
        raise Unproven("summary.resource", f"got a summary of {said['resourceUri']!r}, expected {expected.resource_uri!r}")
    # 4. The result.
    if said["result"] != PASSED:
        raise Unproven("summary.result", f"got the result {said['result']!r}, expected {PASSED}")
    # 5. The levels.
    missing = [level for level in expected.levels if not reaches(said["levels"], level)]
    if missing:
        raise Unproven("summary.level", f"got the levels {', '.join(said['levels']) or 'none'}, expected {', '.join(missing)}")


def reaches(levels: Iterable[str], wanted: str) -> bool:
    """Whether one of `levels` is `wanted`, or a higher level of the same SLSA track."""
    track = _TRACK.fullmatch(wanted)
    for level in levels:
        found = _TRACK.fullmatch(level)
        if level == wanted or (track and found and track[1] == found[1] and int(found[2]) >= int(track[2])):
            return True
    return False


def _digests_of(subject: Subject) -> set[tuple[str, str]]:
    return {(digest.algorithm, digest.hex) for digest in subject.digests} | set(subject.others)
