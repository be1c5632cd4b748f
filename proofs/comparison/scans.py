"""What scans found in an artifact, and what VEX says of it: in-toto's list, and the reports of Trivy and Grype as cosign carries them.

A result in a form that nobody here reads is counted, never taken for a clean one. A VEX statement answers for the product it is about, and
strangers answer for nothing that somebody known found. Whether a finding is right nobody can tell from it.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from proofs.comparison.answers import HARMLESS, Answers, Subject, index_answers, weigh_answers, worse
from proofs.predicates.reading import at, items, text

MAX_FINDINGS = 5_000
SEVERITIES = ("unknown", "critical", "high", "medium", "low", "none")
# How far away a signer stands whom nobody has registered.
STRANGER = 2
_LEAST_SCORES = (("critical", 9.0), ("high", 7.0), ("medium", 4.0), ("low", 0.1), ("none", 0.0))


@dataclass(frozen=True, slots=True)
class Scan:
    """A scan's predicate, what of the release it is about, and how far away its signer stands: 0 the own team, 1 another one, 2 a stranger."""

    predicate: Mapping[str, Any]
    subjects: tuple[Subject, ...]
    distance: int


def read_scans(scans: Sequence[Scan], answers: Sequence[Answers], *, with_reasons: bool = True) -> dict[str, Any] | None:
    """Return `{"listed": [{"id", "severity", "answer", "unheard"}], "unreadable"}`, None where there is no scan; never refuses.

    `answer` is the status that VEX gives the finding, the worst where it was found more than once or in several artifacts; empty where it gives
    none. `unheard` is why a VEX that would calm it is not heard (`proofs.comparison.answers`), left out without `with_reasons`.
    """
    if not scans:
        return None
    severities: dict[str, str] = {}
    given: dict[str, str] = {}
    unheard: dict[str, str] = {}
    unreadable = 0
    for scan in scans:
        heard = [each for each in answers if _may_answer(each, scan)]
        indexes = [(subject, index_answers(heard, subject)) for subject in scan.subjects]
        for finding, package in _findings(scan.predicate):
            name = _name(finding)
            if name is None:
                unreadable += 1
                continue
            severities[name] = _graver(severities.get(name, "none"), _severity(finding))
            words = [weigh_answers(index.get(name, ()), subject, package) for subject, index in indexes] or [("", "")]
            for status, reason in words:
                given[name] = worse(given.get(name), status)
                unheard[name] = unheard.get(name) or reason
    # Of too many the gravest are kept.
    order = sorted(severities, key=lambda name: (given[name] in HARMLESS, SEVERITIES.index(severities[name]), name))
    listed = [{"id": name, "severity": severities[name], "answer": given[name]} for name in sorted(order[:MAX_FINDINGS])]
    if with_reasons:
        listed = [{**item, "unheard": "" if item["answer"] else unheard[item["id"]]} for item in listed]
    return {"listed": listed, "unreadable": unreadable + len(order) - len(listed)}


def _findings(predicate: Mapping[str, Any]) -> Iterator[tuple[Any, str | None]]:
    """Yield each finding as its scanner wrote it, with the package URL it was found in; None for a result in another form."""
    result = at(predicate, "scanner", "result")
    if isinstance(result, list):
        yield from ((item, text(item, "PkgIdentifier", "PURL")) for item in result)
    elif isinstance(at(result, "Results"), list):
        for target in items(result, "Results"):
            found = at(target, "Vulnerabilities")
            # Trivy leaves the list out where it found nothing.
            listed = found if isinstance(found, list) else () if found is None and isinstance(target, dict) else (None,)
            yield from ((item, text(item, "PkgIdentifier", "PURL")) for item in listed)
    elif isinstance(at(result, "matches"), list):
        yield from ((at(match, "vulnerability"), text(match, "artifact", "purl")) for match in items(result, "matches"))
    else:
        yield None, None


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
