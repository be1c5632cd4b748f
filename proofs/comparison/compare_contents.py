"""What is in two releases: packages by purl, vulnerabilities with what VEX says of them, and tests."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from proofs.comparison.compare_source import Picture, Said
from proofs.comparison.packages import order_versions
from proofs.comparison.said import (
    ACK,
    ADDED,
    CHANGED,
    DOWN,
    HIGH,
    MEDIUM,
    NEW,
    NONE,
    NOTE,
    NOTICE,
    OTHER,
    REMOVED,
    UP,
    Area,
    Change,
    Signal,
    counted,
    listed,
    same,
    unknown,
)
from proofs.comparison.well_known import WELL_KNOWN

Versions = dict[tuple[str, str], set[str]]
_GRAVE = ("critical", "high", "unknown")
# A VEX statement with one of these says that a finding does no harm here.
_HARMLESS = ("not_affected", "fixed")
# Shorter names are too often one letter apart by chance.
MIN_NAME = 5


def compare_packages(before: Picture | None, now: Picture) -> Said:
    """Packages added, removed, upgraded and downgraded, and new names that look like another."""
    contents = now["packages"]
    if contents is None:
        return unknown("packages", "No verified bill of materials says what is in it."), []
    new, direct = _versions(contents), {(kind, name) for kind, name, _, is_direct in contents["listed"] if is_direct}
    partly = "" if contents["isComplete"] and not contents["unnamed"] else f" {_partly(contents)}"
    if before is None or before["packages"] is None:
        told = "New" if before is None else "Not known before"
        return Area("packages", NEW, NOTICE, told, f"{counted(len(new), 'package')}.{partly}"), []
    old = _versions(before["packages"])
    added, removed = sorted(new.keys() - old.keys()), sorted(old.keys() - new.keys())
    up, down, other = _moves(old, new)
    signals = [*_lookalikes(added, old), *_downgrades(down), *_direct_ones(added, direct, new)]
    changes = [Change(ADDED, _words(key, new)) for key in added]
    changes += [
        Change(kind, f"{key[1]} {_versions_words(old[key])} → {_versions_words(new[key])}")
        for kind, keys in ((DOWN, down), (OTHER, other), (UP, up))
        for key in keys
    ]
    changes += [Change(REMOVED, _words(key, old)) for key in removed]
    if not changes:
        return same("packages", f"{counted(len(new), 'package')}, each in the same version.{partly}"), signals
    marks = [
        f"+{len(added)}" if added else "",
        f"−{len(removed)}" if removed else "",
        f"↑{len(up)}" if up else "",
        f"↓{len(down)}" if down else "",
    ]
    token = " ".join(filter(None, [*marks, f"±{len(other)}" if other else ""]))
    severity = HIGH if any(signal.level == ACK for signal in signals) else MEDIUM if added else NOTICE
    return Area("packages", CHANGED, severity, token, f"{_package_sentence(added, removed, up, down, new)}{partly}", changes), signals


def _package_sentence(
    added: Sequence[tuple[str, str]], removed: Sequence[tuple[str, str]], up: Sequence[Any], down: Sequence[Any], new: Versions
) -> str:
    said = [f"new: {listed([_words(key, new) for key in added])}" if added else ""]
    said += [f"gone: {listed([name for _, name in removed])}" if removed else ""]
    said += [f"{counted(len(down), 'downgrade')}: {listed([name for _, name in down])}" if down else ""]
    said += [counted(len(up), "upgrade") if up else ""]
    words = "; ".join(filter(None, said)) or "other versions"
    return f"{words[:1].upper()}{words[1:]}."


def _partly(contents: Mapping[str, Any]) -> str:
    if not contents["isComplete"]:
        return f"Only the first {len(contents['listed']):,} were read."
    return f"{counted(contents['unnamed'], 'entry', 'entries')} without a package URL {'is' if contents['unnamed'] == 1 else 'are'} not compared."


def _versions(contents: Mapping[str, Any]) -> Versions:
    found: Versions = {}
    for kind, name, version, _ in contents["listed"]:
        found.setdefault((kind, name), set()).add(version)
    return found


def _moves(old: Versions, new: Versions) -> tuple[list[tuple[str, str]], list[tuple[str, str]], list[tuple[str, str]]]:
    """Return which packages went up, which went down, and of which nobody can tell."""
    moves: dict[int | None, list[tuple[str, str]]] = {1: [], -1: [], None: []}
    for key in sorted(old.keys() & new.keys()):
        if old[key] == new[key]:
            continue
        gone, came = old[key] - new[key], new[key] - old[key]
        single = len(gone) == len(came) == 1
        moves[(order_versions(*gone, *came) or None) if single else None].append(key)
    return moves[1], moves[-1], moves[None]


def _downgrades(down: Sequence[tuple[str, str]]) -> list[Signal]:
    if not down:
        return []
    names = listed([name for _, name in down])
    return [
        Signal(
            "DEP_DOWNGRADE",
            ACK,
            "packages",
            f"{names} {'goes' if len(down) == 1 else 'go'} back to an older version.",
            f"The older {names} may go in",
            down[0][1],
        )
    ]


def _direct_ones(added: Sequence[tuple[str, str]], direct: set[tuple[str, str]], new: Versions) -> list[Signal]:
    found = [key for key in added if key in direct]
    return (
        [
            Signal(
                "DEP_NEW_DIRECT",
                NOTE,
                "packages",
                f"New direct dependency: {listed([_words(key, new) for key in found])}.",
                about=found[0][1],
            )
        ]
        if found
        else []
    )


def _lookalikes(added: Sequence[tuple[str, str]], old: Versions) -> list[Signal]:
    signals = []
    for kind, name in added:
        known = {other for type_, other in old if type_ == kind} | WELL_KNOWN.get(kind, frozenset())
        twin = next((other for other in sorted(known) if is_lookalike(name, other)), None)
        if twin is not None and name not in WELL_KNOWN.get(kind, ()):
            words = f"The new package {name} ({kind}) is called almost like {twin}."
            signals.append(Signal("DEP_TYPO", ACK, "packages", words, f"{name} is meant, and not {twin}", name))
    return signals


def is_lookalike(name: str, other: str) -> bool:
    """Return whether two different names are one letter apart, or two swapped, or differ only in their marks."""
    one, two = name.lower(), other.lower()
    if one == two or min(len(one), len(two)) < MIN_NAME or abs(len(one) - len(two)) > 1:
        return False
    if one.replace("_", "-").replace(".", "-") == two.replace("_", "-").replace(".", "-"):
        return True
    start = next((at for at, (left, right) in enumerate(zip(one, two, strict=False)) if left != right), min(len(one), len(two)))
    rest, others = one[start:], two[start:]
    # Numbers tell versions of one thing apart: `lib2` is not mistaken for `lib3`.
    if (rest[:1].isdigit() or not rest[:1]) and (others[:1].isdigit() or not others[:1]):
        return False
    swapped = len(rest) == len(others) and rest[1::-1] == others[:2] and rest[2:] == others[2:]
    return rest[1:] == others[1:] or rest[1:] == others or rest == others[1:] or swapped


def compare_vulnerabilities(before: Picture | None, now: Picture) -> Said:
    """What a scan found and VEX does not answer, held against what it found before."""
    scan = now["scan"]
    if scan is None:
        return unknown("vulnerabilities", "No verified scan looked for known vulnerabilities."), []
    answered = {item["vulnerability"]: item["status"] for item in now["vex"] or []}
    open_ = {item["id"]: item["severity"] for item in scan if answered.get(item["id"]) not in _HARMLESS}
    harmless = len(scan) - len(open_)
    told = f" {counted(harmless, 'finding')} {'does' if harmless == 1 else 'do'} no harm here, says VEX." if harmless else ""
    if before is None or before["scan"] is None:
        return Area(
            "vulnerabilities", NEW, NOTICE if open_ else NONE, f"{len(open_)} open", f"{_graded(open_) or 'None open'}.{told}"
        ), _grave(open_)
    old_answers = {item["vulnerability"]: item["status"] for item in before["vex"] or []}
    old = {item["id"]: item["severity"] for item in before["scan"] if old_answers.get(item["id"]) not in _HARMLESS}
    came, went = sorted(open_.keys() - old.keys()), sorted(old.keys() - open_.keys())
    changes = [Change(ADDED, f"{name} ({open_[name]})") for name in came] + [Change(REMOVED, f"{name} ({old[name]})") for name in went]
    if not changes:
        return same("vulnerabilities", f"{_graded(open_) or 'None open'}, as before.{told}", mark="No change"), []
    signals = _grave({name: open_[name] for name in came})
    severity = HIGH if signals else MEDIUM if came else NONE
    sentence = f"{listed([change.words for change in changes if change.change == ADDED]) or 'None new'}; {counted(len(went), 'one', 'ones')} fixed or answered. {_graded(open_) or 'None'} open.{told}"
    return Area("vulnerabilities", CHANGED, severity, f"{len(came)} new · {len(went)} fixed", sentence, changes), signals


def _grave(found: Mapping[str, str]) -> list[Signal]:
    grave = sorted(name for name, severity in found.items() if severity in _GRAVE)
    if not grave:
        return []
    words = f"{counted(len(grave), 'vulnerability', 'vulnerabilities')} that {'is' if len(grave) == 1 else 'are'} high, critical or not graded, and answered by no VEX: {listed(grave)}."
    return [Signal("VUL_NEW", ACK, "vulnerabilities", words, f"It may go out with {listed(grave)}", grave[0])]


def _graded(found: Mapping[str, str]) -> str:
    counts: dict[str, int] = {}
    for severity in found.values():
        counts[severity] = counts.get(severity, 0) + 1
    order = ("critical", "high", "medium", "low", "none", "unknown")
    return listed([f"{counts[name]} {name}" for name in order if name in counts], most=len(order))


def compare_tests(before: Picture | None, now: Picture) -> Said:
    """Test suites: what came of each, and which of before are missing."""
    tests = now["tests"]
    old = {item["suite"]: item for item in (before or {}).get("tests") or []}
    if tests is None and not old:
        return unknown("tests", "No verified test result."), []
    new = {item["suite"]: item for item in tests or []}
    gone = sorted(old.keys() - new.keys())
    bad = sorted(name for name, item in new.items() if item["result"] not in ("PASSED", "WARNED"))
    signals = []
    if gone:
        words = f"{'The test suite' if len(gone) == 1 else 'The test suites'} {listed(gone)} ran for the last release and not for this one."
        signals.append(Signal("TST_SUITE_VANISHED", ACK, "tests", words, f"It may go out without {listed(gone)}", gone[0]))
    if bad:
        words = f"{listed(bad)} did not pass{': ' + listed(new[bad[0]]['failed']) if new[bad[0]]['failed'] else ''}."
        signals.append(Signal("TST_FAILED", ACK, "tests", words, f"It may go out although {listed(bad)} did not pass", bad[0]))
    changes = [Change(REMOVED, name) for name in gone]
    changes += [
        Change(OTHER, f"{name}: {old[name]['result'] or 'no result'} → {new[name]['result'] or 'no result'}")
        for name in sorted(old.keys() & new.keys())
        if old[name]["result"] != new[name]["result"]
    ]
    changes += [Change(ADDED, f"{name}: {new[name]['result'] or 'no result'}") for name in sorted(new.keys() - old.keys())]
    words = listed([f"{name or 'tests'} {(item['result'] or 'no result').lower()}" for name, item in sorted(new.items())]) or "None"
    if before is not None and not changes and not signals:
        return same("tests", f"{words}, as before."), []
    severity = HIGH if signals else NOTICE if changes else NONE
    state = NEW if before is None else CHANGED
    token = f"{len(gone)} missing" if gone else f"{len(bad)} failed" if bad else counted(len(new), "suite")
    return Area("tests", state, severity, token, f"{words[:1].upper()}{words[1:]}.", changes), signals


def _words(key: tuple[str, str], versions: Versions) -> str:
    return f"{key[1]} {_versions_words(versions[key])}".strip()


def _versions_words(versions: set[str]) -> str:
    return listed(sorted(version or "without version" for version in versions))
