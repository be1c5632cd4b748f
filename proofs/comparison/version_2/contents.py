"""What is in two releases, in the words of version 2: packages by purl, vulnerabilities with what VEX says of them, and tests."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from proofs.comparison.answers import HARMLESS
from proofs.comparison.compare_contents import is_lookalike
from proofs.comparison.compare_source import Picture, Said
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
from proofs.comparison.scans import SEVERITIES
from proofs.comparison.version_2.versions import order_versions
from proofs.comparison.well_known import WELL_KNOWN

Versions = dict[tuple[str, str], set[str]]
_GRAVE = ("critical", "high", "unknown")


def compare_packages(before: Picture | None, now: Picture) -> Said:
    """Packages added, removed, upgraded and downgraded, and new names that look like another."""
    contents = now["packages"]
    if contents is None:
        return unknown("packages", "No verified bill of materials says what is in it."), []
    new, direct = _versions(contents), {(kind, name) for kind, name, _, is_direct, _ in contents["listed"] if is_direct}
    partly = "" if contents["isComplete"] and not contents["unnamed"] else f" {_partly(contents)}"
    if before is None or before["packages"] is None:
        told = "New" if before is None else "Not known before"
        return Area("packages", NEW, NOTICE, told, f"{counted(len(new), 'package')}.{partly}"), []
    old = _versions(before["packages"])
    added, removed = sorted(new.keys() - old.keys()), sorted(old.keys() - new.keys())
    up, down, other = _moves(old, new)
    moved = _moved_origins(before["packages"], contents)
    warning = [*_emptied(old, new), *_other_origins(moved), *_lookalikes(added, old), *_downgrades(down)]
    signals = [*warning, *_not_compared(before["packages"], contents), *_direct_ones(added, direct, new)]
    alarming = {signal.about for signal in warning}
    # Many changes are cut: what somebody has to see stands before.
    added.sort(key=lambda key: (key[1] not in alarming, key not in direct))
    changes = [Change(OTHER, f"{_full(key)}: from {was or 'the usual place'} → from {now or 'the usual place'}") for key, was, now in moved]
    changes += [Change(DOWN, f"{key[1]} {_versions_words(old[key])} → {_versions_words(new[key])}") for key in down]
    changes += [Change(ADDED, f"{_words(key, new)}{_from(key, contents)}") for key in added]
    changes += [
        Change(kind, f"{key[1]} {_versions_words(old[key])} → {_versions_words(new[key])}")
        for kind, keys in ((OTHER, other), (UP, up))
        for key in keys
    ]
    changes += [Change(REMOVED, _words(key, old)) for key in removed]
    if not changes:
        words = f"{counted(len(new), 'package')}, each in the same version.{partly}"
        return Area("packages", CHANGED, HIGH, "Not all compared", words) if signals else same("packages", words), signals
    marks = [
        f"+{len(added)}" if added else "",
        f"−{len(removed)}" if removed else "",
        f"↑{len(up)}" if up else "",
        f"↓{len(down)}" if down else "",
    ]
    others = len(other) + len(moved)
    token = " ".join(filter(None, [*marks, f"±{others}" if others else ""]))
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
    for kind, name, version, _, _ in contents["listed"]:
        found.setdefault((kind, name), set()).add(version)
    return found


def _moves(old: Versions, new: Versions) -> tuple[list[tuple[str, str]], list[tuple[str, str]], list[tuple[str, str]]]:
    """Return which packages went up, which went down, and of which nobody can tell."""
    moves: dict[int | None, list[tuple[str, str]]] = {1: [], -1: [], None: []}
    for key in sorted(old.keys() & new.keys()):
        if old[key] == new[key]:
            continue
        gone, came = old[key] - new[key], new[key] - old[key]
        if len(gone) == len(came) == 1:
            moves[order_versions(*gone, *came) or None].append(key)
        else:
            # Of several at once the worst is told: one that is older than all there was.
            is_older = any(all(order_versions(was, each) == -1 for was in old[key]) for each in came)
            moves[-1 if is_older else None].append(key)
    return moves[1], moves[-1], moves[None]


def _emptied(old: Versions, new: Versions) -> list[Signal]:
    if new or not old:
        return []
    words = f"The bill of materials names no package any more; the last one named {len(old):,}."
    return [Signal("EVID_MISSING", ACK, "packages", words, "It may go although nobody says what is in it", "packages")]


def _not_compared(old: Mapping[str, Any], new: Mapping[str, Any]) -> list[Signal]:
    """Return the signal that more than before is in it that nobody can compare: where a thing is not named, it is not seen."""
    if not new["isComplete"]:
        words = f"The bill of materials is too long: only {len(new['listed']):,} packages were read and compared."
    elif new["unnamed"] > old["unnamed"]:
        words = f"{counted(new['unnamed'], 'entry', 'entries')} of the bill of materials {'has' if new['unnamed'] == 1 else 'have'} no package URL and {'is' if new['unnamed'] == 1 else 'are'} not compared; the last one had {old['unnamed'] or 'none'}."
    else:
        return []
    return [Signal("EVID_UNVERIFIABLE", ACK, "packages", words, "It may go although not all that is in it was compared", "packages")]


def _origins(contents: Mapping[str, Any]) -> dict[tuple[str, str], set[str]]:
    found: dict[tuple[str, str], set[str]] = {}
    for kind, name, _, _, origin in contents["listed"]:
        found.setdefault((kind, name), set()).add(origin)
    return found


def _moved_origins(old: Mapping[str, Any], new: Mapping[str, Any]) -> list[tuple[tuple[str, str], str, str]]:
    """Return the packages that come from a place they did not come from before, with both places."""
    before, now = _origins(old), _origins(new)
    moved = [key for key in sorted(now.keys() & before.keys()) if now[key] - before[key]]
    return [(key, listed(sorted(filter(None, before[key]))), listed(sorted(filter(None, now[key] - before[key])))) for key in moved]


def _other_origins(moved: Sequence[tuple[tuple[str, str], str, str]]) -> list[Signal]:
    return [
        Signal(
            "DEP_OTHER_ORIGIN",
            ACK,
            "packages",
            f"{_full(key)} comes from {now or 'the usual place'}, and came from {was or 'the usual place'} before.",
            f"{_full(key)} may come from {now or 'the usual place'}",
            key[1],
        )
        for key, was, now in moved
    ]


def _full(key: tuple[str, str]) -> str:
    return f"{key[1]} ({key[0]})"


def _from(key: tuple[str, str], contents: Mapping[str, Any]) -> str:
    places = sorted({origin for kind, name, _, _, origin in contents["listed"] if (kind, name) == key and origin})
    return f" from {listed(places)}" if places else ""


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


def compare_vulnerabilities(before: Picture | None, now: Picture) -> Said:
    """What a scan found and VEX does not answer, held against what it found before."""
    scan = now["scan"]
    if scan is None:
        return unknown("vulnerabilities", "No verified scan looked for known vulnerabilities."), []
    open_ = _open(scan)
    harmless, unread = len(scan["listed"]) - len(open_), scan["unreadable"]
    told = f" {counted(harmless, 'finding')} {'does' if harmless == 1 else 'do'} no harm here, says VEX." if harmless else ""
    told += f" {counted(unread, 'result')} of a scan cannot be read." if unread else ""
    old_scan = before["scan"] if before is not None else None
    signals = _unread(unread, old_scan["unreadable"] if old_scan else 0)
    if old_scan is None:
        signals += _grave(open_)
        severity = NOTICE if open_ or unread else NONE
        token = f"{len(open_)} open" if not unread else f"{len(open_)} open, not all read"
        return Area("vulnerabilities", NEW, severity, token, f"{_graded(open_) or _none(unread)}.{told}"), signals
    old = _open(old_scan)
    came, went = _by_grade(open_, open_.keys() - old.keys()), _by_grade(old, old.keys() - open_.keys())
    # Graver than it was: the last approval was given for less.
    worse = [name for name in _by_grade(open_, open_.keys() & old.keys()) if SEVERITIES.index(open_[name]) < SEVERITIES.index(old[name])]
    changes = [Change(ADDED, f"{name} ({open_[name]})") for name in came]
    changes += [Change(OTHER, f"{name}: {old[name]} → {open_[name]}") for name in worse]
    changes += [Change(REMOVED, f"{name} ({old[name]})") for name in went]
    if not changes and not signals:
        mark = "Not all read" if unread else "No change"
        return same("vulnerabilities", f"{_graded(open_) or _none(unread)}, as before.{told}", mark=mark), []
    signals += _grave({name: open_[name] for name in [*came, *worse]})
    severity = HIGH if signals else MEDIUM if came else NONE
    sentence = f"{listed([change.words for change in changes if change.change != REMOVED]) or 'None new'}; {counted(len(went), 'one', 'ones')} fixed or answered. {_graded(open_) or _none(unread)}.{told}"
    token = f"{len(came)} new · {len(went)} fixed" if not unread else f"{len(came)} new, not all read"
    return Area("vulnerabilities", CHANGED, severity, token, sentence, changes), signals


def _open(scan: Mapping[str, Any]) -> dict[str, str]:
    return {item["id"]: item["severity"] for item in scan["listed"] if item["answer"] not in HARMLESS}


def _none(unread: int) -> str:
    return "None open" if not unread else "None open among what could be read"


def _by_grade(found: Mapping[str, str], names: Iterable[str]) -> list[str]:
    """Return these names, the gravest first: of many only the first are named."""
    return sorted(names, key=lambda name: (SEVERITIES.index(found[name]), name))


def _unread(unread: int, before: int) -> list[Signal]:
    if unread <= before:
        return []
    words = f"{counted(unread, 'result')} of a scan cannot be read, so what {'it' if unread == 1 else 'they'} found is not known."
    return [Signal("EVID_UNVERIFIABLE", ACK, "vulnerabilities", words, "It may go although nobody can read what a scan found", "scan")]


def _grave(found: Mapping[str, str]) -> list[Signal]:
    grave = _by_grade(found, [name for name, severity in found.items() if severity in _GRAVE])
    if not grave:
        return []
    words = f"{counted(len(grave), 'vulnerability', 'vulnerabilities')} that {'is' if len(grave) == 1 else 'are'} high, critical or not graded, and answered by no VEX: {listed(grave)}."
    return [Signal("VUL_NEW", ACK, "vulnerabilities", words, f"It may go out with {listed(grave)}", grave[0])]


def _graded(found: Mapping[str, str]) -> str:
    counts: dict[str, int] = {}
    for severity in found.values():
        counts[severity] = counts.get(severity, 0) + 1
    order = ("critical", "high", "medium", "low", "none", "unknown")
    said = listed([f"{counts[name]} {name}" for name in order if name in counts], most=len(order))
    return f"{said} open" if said else ""


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
