"""What scans found in an artifact, and what VEX says of it: in-toto's list, and the reports of Trivy and Grype as cosign carries them.

A result in a form that nobody here reads is counted, never taken for a clean one. A VEX statement answers for the artifact it is about, and
strangers answer for nothing that somebody known found. Whether a finding is right nobody can tell from it.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from proofs.predicates.reading import at, items, text

MAX_FINDINGS = 5_000
SEVERITIES = ("unknown", "critical", "high", "medium", "low", "none")
# A VEX statement with one of these says that a finding does no harm here.
HARMLESS = ("not_affected", "fixed")
# How far away a signer stands whom nobody has registered.
STRANGER = 2
_LEAST_SCORES = (("critical", 9.0), ("high", 7.0), ("medium", 4.0), ("low", 0.1), ("none", 0.0))
_LONG_AGO = datetime.min.replace(tzinfo=UTC)


@dataclass(frozen=True, slots=True)
class Scan:
    """A scan's predicate, the digests it is about, and how far away its signer stands: 0 the own team, 1 another one, 2 a stranger."""

    predicate: Mapping[str, Any]
    about: frozenset[str]
    distance: int


@dataclass(frozen=True, slots=True)
class Answers:
    """An OpenVEX document as `proofs.predicates` reads it, with the same two."""

    document: Mapping[str, Any]
    about: frozenset[str]
    distance: int


def read_scans(scans: Sequence[Scan], answers: Sequence[Answers]) -> dict[str, Any] | None:
    """Return `{"listed": [{"id", "severity", "answer"}], "unreadable"}`, None where there is no scan; never refuses.

    `answer` is the status that VEX gives the finding, the worst where it was found more than once; empty where it gives none.
    """
    if not scans:
        return None
    severities: dict[str, str] = {}
    given: dict[str, str] = {}
    unreadable = 0
    for scan in scans:
        statuses = _statuses([each for each in answers if each.about & scan.about and _may_answer(each, scan)])
        for finding in _findings(scan.predicate):
            name = _name(finding)
            if name is None:
                unreadable += 1
                continue
            severities[name] = _graver(severities.get(name, "none"), _severity(finding))
            given[name] = _worse(given.get(name), statuses.get(name, ""))
    # Of too many the gravest are kept.
    order = sorted(severities, key=lambda name: (given[name] in HARMLESS, SEVERITIES.index(severities[name]), name))
    kept = sorted(order[:MAX_FINDINGS])
    return {
        "listed": [{"id": name, "severity": severities[name], "answer": given[name]} for name in kept],
        "unreadable": unreadable + len(order) - len(kept),
    }


def _findings(predicate: Mapping[str, Any]) -> Iterator[Any]:
    """Yield each finding as its scanner wrote it; None for a result in another form."""
    result = at(predicate, "scanner", "result")
    if isinstance(result, list):
        yield from result
    elif isinstance(at(result, "Results"), list):
        for target in items(result, "Results"):
            found = at(target, "Vulnerabilities")
            # Trivy leaves the list out where it found nothing.
            yield from found if isinstance(found, list) else () if found is None and isinstance(target, dict) else (None,)
    elif isinstance(at(result, "matches"), list):
        yield from (at(match, "vulnerability") for match in items(result, "matches"))
    else:
        yield None


def _name(finding: Any) -> str | None:
    return text(finding, "id") or text(finding, "VulnerabilityID")


def _severity(finding: Any) -> str:
    """Return how grave a scanner calls a finding, the gravest word of several; one that says nothing readable is called unknown."""
    said = [text(item, "score") for item in items(finding, "severity")]
    words = [*said, text(finding, "severity"), text(finding, "Severity")]
    graded = [grade for word in words if word and (grade := _grade(word.lower())) is not None]
    return min(graded, key=SEVERITIES.index) if graded else "unknown"


def _grade(word: str) -> str | None:
    if word in SEVERITIES[1:]:
        return word
    if word == "negligible":
        return "low"
    try:
        score = float(word)
    except ValueError:
        return None
    # Not a number is no score, and compares with nothing.
    return next((name for name, low in _LEAST_SCORES if score >= low), None)


def _graver(one: str, other: str) -> str:
    return min(one, other, key=SEVERITIES.index)


def _may_answer(answers: Answers, scan: Scan) -> bool:
    return answers.distance < STRANGER or scan.distance >= STRANGER


def _statuses(answers: Iterable[Answers]) -> dict[str, str]:
    """Return what each vulnerability is said to be: the newest word, and of several at the same time the worst. Without a time it is the oldest."""
    found: dict[str, tuple[tuple[datetime, int], str]] = {}
    for each in answers:
        age = (_moment(each.document["timestamp"]), each.document["version"] or 0)
        for said in each.document["statements"]:
            name, status = said["vulnerability"], said["status"] or ""
            if not name:
                continue
            before = found.get(name)
            if before is None or age > before[0]:
                found[name] = (age, status)
            elif age == before[0]:
                found[name] = (age, _worse(before[1], status))
    return {name: status for name, (_, status) in found.items()}


def _worse(one: str | None, other: str) -> str:
    return other if one is None or one in HARMLESS else one


def _moment(written: str | None) -> datetime:
    try:
        moment = datetime.fromisoformat(written or "")
    except ValueError:
        return _LONG_AGO
    return moment if moment.tzinfo else moment.replace(tzinfo=UTC)
