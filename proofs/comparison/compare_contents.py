"""What is in two releases: packages by purl, vulnerabilities with what VEX says of them, and tests."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from proofs.comparison.answers import HARMLESS, OTHER_PART, OTHER_PRODUCT
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
    either,
    grouped,
    listed,
    same,
    series,
    unknown,
)
from proofs.comparison.scans import SEVERITIES
from proofs.comparison.versions import order_versions
from proofs.comparison.well_known import WELL_KNOWN

Key = tuple[str, str]
Versions = dict[Key, set[str]]
# A package with the places it came from and comes from.
Moved = tuple[Key, str, str]
_GRAVE = ("critical", "high", "unknown")
# Shorter names are too often one letter apart by chance.
MIN_NAME = 5


def compare_packages(before: Picture | None, now: Picture) -> Said:
    """Packages added, removed, upgraded and downgraded, and new names that look like another."""
    contents = now["packages"]
    if contents is None:
        return unknown("packages", "No verified bill of materials says what is in it."), []
    new, direct = _versions(contents), {(kind, name) for kind, name, _, is_direct, _ in contents["listed"] if is_direct}
    partly = _partly(contents)
    if before is None or before["packages"] is None:
        told = "New" if before is None else "Not known before"
        return Area("packages", NEW, NOTICE, told, f"{_how_many(new)}.{partly}"), []
    old = _versions(before["packages"])
    added, removed = sorted(new.keys() - old.keys()), sorted(old.keys() - new.keys())
    up, down, other = _moves(old, new)
    moved = _moved_origins(before["packages"], contents)
    warning = [*_emptied(old, new), *_other_origins(moved), *_lookalikes(added, old), *_downgrades(down, old, new)]
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
        words = f"{_how_many(new)}{', in the same version' if len(new) == 1 else ', each in the same version' if new else ', as before'}.{partly}"
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
    return Area(
        "packages", CHANGED, severity, token, f"{_package_sentence(added, removed, up, down, moved, other, new)}{partly}", changes
    ), signals


def _package_sentence(
    added: Sequence[Key],
    removed: Sequence[Key],
    up: Sequence[Key],
    down: Sequence[Key],
    moved: Sequence[Moved],
    other: Sequence[Key],
    new: Versions,
) -> str:
    told = [("New", [_words(key, new) for key in added]), ("Gone", [name for _, name in removed])]
    told += [("From another place", [_full(key) for key, _, _ in moved]), ("Older", [_full(key) for key in down])]
    # Of what is newer the number is enough: each stands below.
    words = [grouped(*told, ("In other versions", [name for _, name in other])), f"{counted(len(up), 'upgrade')}." if up else ""]
    return " ".join(filter(None, words))


def _how_many(versions: Versions) -> str:
    return counted(len(versions), "package") if versions else "No package is named"


def _partly(contents: Mapping[str, Any]) -> str:
    words = (
        ""
        if contents["isComplete"]
        else f" Only the first {counted(len(contents['listed']), 'package')} {either(len(contents['listed']), 'was', 'were')} read."
    )
    if unnamed := contents["unnamed"]:
        words += f" {counted(unnamed, 'entry', 'entries')} without a package URL {either(unnamed, 'is', 'are')} not compared."
    return words


def _versions(contents: Mapping[str, Any]) -> Versions:
    found: Versions = {}
    for kind, name, version, _, _ in contents["listed"]:
        found.setdefault((kind, name), set()).add(version)
    return found


def _moves(old: Versions, new: Versions) -> tuple[list[Key], list[Key], list[Key]]:
    """Return which packages went up, which went down, and of which nobody can tell."""
    moves: dict[int | None, list[Key]] = {1: [], -1: [], None: []}
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
    words = f"The bill of materials names no package any more; the last one named {counted(len(old), 'package')}."
    return [Signal("EVID_MISSING", ACK, "packages", words, "It may go although nobody says what is in it", "packages")]


def _not_compared(old: Mapping[str, Any], new: Mapping[str, Any]) -> list[Signal]:
    """Return the signal that more than before is in it that nobody can compare: where a thing is not named, it is not seen."""
    if not new["isComplete"]:
        words = f"The bill of materials is too long: only the first {counted(len(new['listed']), 'package')} {either(len(new['listed']), 'was', 'were')} read and compared."
    elif new["unnamed"] > old["unnamed"]:
        count, before = new["unnamed"], f"{old['unnamed']:,}" if old["unnamed"] else "none"
        words = f"{counted(count, 'entry', 'entries')} of the bill of materials {either(count, 'has', 'have')} no package URL and {either(count, 'is', 'are')} not compared; the last one had {before} of these."
    else:
        return []
    return [Signal("EVID_UNVERIFIABLE", ACK, "packages", words, "It may go although not all that is in it was compared", "packages")]


def _origins(contents: Mapping[str, Any]) -> dict[Key, set[str]]:
    found: dict[Key, set[str]] = {}
    for kind, name, _, _, origin in contents["listed"]:
        found.setdefault((kind, name), set()).add(origin)
    return found


def _moved_origins(old: Mapping[str, Any], new: Mapping[str, Any]) -> list[Moved]:
    """Return the packages that come from a place they did not come from before, with both places."""
    before, now = _origins(old), _origins(new)
    moved = [key for key in sorted(now.keys() & before.keys()) if now[key] - before[key]]
    return [(key, listed(sorted(filter(None, before[key]))), listed(sorted(filter(None, now[key] - before[key])))) for key in moved]


def _other_origins(moved: Sequence[Moved]) -> list[Signal]:
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


def _full(key: Key) -> str:
    return f"{key[1]} ({key[0]})"


def _from(key: Key, contents: Mapping[str, Any]) -> str:
    places = sorted({origin for kind, name, _, _, origin in contents["listed"] if (kind, name) == key and origin})
    return f" from {listed(places)}" if places else ""


def _downgrades(down: Sequence[Key], old: Versions, new: Versions) -> list[Signal]:
    if not down:
        return []
    told = [f"{_full(key)} {_versions_words(old[key])} → {_versions_words(new[key])}" for key in down]
    words = f"{either(len(down), 'An older version goes in', 'Older versions go in')}: {series(told)}."
    agree = f"{either(len(down), 'The older version', 'The older versions')} of {listed([_full(key) for key in down])} may go in"
    return [Signal("DEP_DOWNGRADE", ACK, "packages", words, agree, down[0][1])]


def _direct_ones(added: Sequence[Key], direct: set[Key], new: Versions) -> list[Signal]:
    found = [key for key in added if key in direct]
    if not found:
        return []
    words = f"New direct {either(len(found), 'dependency', 'dependencies')}: {series([_words(key, new) for key in found])}."
    return [Signal("DEP_NEW_DIRECT", NOTE, "packages", words, about=found[0][1])]


def _lookalikes(added: Sequence[Key], old: Versions) -> list[Signal]:
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
    open_ = _open(scan)
    harmless, unread = len(scan["listed"]) - len(open_), scan["unreadable"]
    told = f" VEX calls {counted(harmless, 'finding')} not affected or fixed." if harmless else ""
    told += _unheard(scan)
    told += f" {counted(unread, 'result')} of a scan cannot be read." if unread else ""
    old_scan = before["scan"] if before is not None else None
    signals = _unread(unread, old_scan["unreadable"] if old_scan else 0)
    if old_scan is None:
        signals += _grave(open_, "")
        severity = NOTICE if open_ or unread else NONE
        token = f"{len(open_):,} open{', not all read' if unread else ''}"
        return Area("vulnerabilities", NEW, severity, token, f"{_graded(open_) or _none(unread)}.{told}"), signals
    old = _open(old_scan)
    came, went = _by_grade(open_, open_.keys() - old.keys()), _by_grade(old, old.keys() - open_.keys())
    # Graver than it was: the last approval was given for less.
    worse = [name for name in _by_grade(open_, open_.keys() & old.keys()) if SEVERITIES.index(open_[name]) < SEVERITIES.index(old[name])]
    milder = [name for name in _by_grade(open_, open_.keys() & old.keys()) if SEVERITIES.index(open_[name]) > SEVERITIES.index(old[name])]
    changes = [Change(ADDED, f"{name} ({_grade(open_[name])})") for name in came]
    changes += [Change(OTHER, _regraded(name, old, open_)) for name in [*worse, *milder]]
    changes += [Change(REMOVED, f"{name} ({_grade(old[name])})") for name in went]
    if not changes and not signals:
        mark = "Not all read" if unread else "No change"
        return same("vulnerabilities", f"{_graded(open_) or _none(unread)}, as before.{told}", mark=mark), []
    which = "new or graver" if came and worse else "graver" if worse else "new"
    signals += _grave({name: open_[name] for name in [*came, *worse]}, f"{which} ")
    severity = HIGH if signals else MEDIUM if came else NONE
    sentence = _vulnerability_sentence(came, worse, milder, went, old, scan)
    counts = [(came, "new"), (worse, "graver"), (milder, "milder"), (went, "no longer open")]
    token = " · ".join([*(f"{len(names)} {word}" for names, word in counts if names), *(["not all read"] if unread else [])])
    sentence = f"{sentence} {_graded(open_) or _none(unread)}.{told}".strip()
    return Area("vulnerabilities", CHANGED, severity, f"{token[:1].upper()}{token[1:]}", sentence, changes), signals


def _vulnerability_sentence(
    came: Sequence[str], worse: Sequence[str], milder: Sequence[str], went: Sequence[str], old: Mapping[str, str], scan: Mapping[str, Any]
) -> str:
    found = {item["id"]: item["severity"] for item in scan["listed"]}
    return grouped(
        ("New", [f"{name} ({_grade(found[name])})" for name in came]),
        ("Graver", [_regraded(name, old, found) for name in worse]),
        ("Milder", [_regraded(name, old, found) for name in milder]),
        ("Answered by VEX", [name for name in went if name in found]),
        # That a scan finds it no longer does not say that anybody fixed it.
        ("Not found any more", [name for name in went if name not in found]),
    )


def _grade(severity: str) -> str:
    return {"unknown": "not graded", "none": "of no severity"}.get(severity, severity)


def _regraded(name: str, old: Mapping[str, str], new: Mapping[str, str]) -> str:
    return f"{name}: {_grade(old[name])} → {_grade(new[name])}"


def _open(scan: Mapping[str, Any]) -> dict[str, str]:
    return {item["id"]: item["severity"] for item in scan["listed"] if item["answer"] not in HARMLESS}


def _unheard(scan: Mapping[str, Any]) -> str:
    """Say which findings stay open although VEX calms them: it speaks of something else."""
    told = ""
    for reason, words in ((OTHER_PRODUCT, "another product than this artifact"), (OTHER_PART, "another part than it was found in")):
        names = [item["id"] for item in scan["listed"] if item.get("unheard") == reason]
        if names:
            told += f" VEX about {words} does not answer {listed(names)}."
    return told


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


def _grave(found: Mapping[str, str], which: str) -> list[Signal]:
    grave = _by_grade(found, [name for name, severity in found.items() if severity in _GRAVE])
    if not grave:
        return []
    count = f"{len(grave):,} {which}{either(len(grave), 'vulnerability is', 'vulnerabilities are')}"
    told = listed([f"{name} ({_grade(found[name])})" for name in grave])
    words = f"{count} critical, high or not graded, and no VEX answers {either(len(grave), 'it', 'them')}: {told}."
    return [Signal("VUL_NEW", ACK, "vulnerabilities", words, f"It may go out with {listed(grave)}", grave[0])]


def _graded(found: Mapping[str, str]) -> str:
    counts: dict[str, int] = {}
    for severity in found.values():
        counts[severity] = counts.get(severity, 0) + 1
    order = ("critical", "high", "medium", "low", "none", "unknown")
    said = listed([f"{counts[name]:,} {_grade(name)}" for name in order if name in counts], most=len(order))
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
    signals = _suite_signals(gone, bad, new)
    changes = [Change(REMOVED, _suite(name)) for name in gone]
    changes += [
        Change(OTHER, f"{_suite(name)}: {old[name]['result'] or 'no result'} → {new[name]['result'] or 'no result'}")
        for name in sorted(old.keys() & new.keys())
        if old[name]["result"] != new[name]["result"]
    ]
    changes += [Change(ADDED, f"{_suite(name)}: {new[name]['result'] or 'no result'}") for name in sorted(new.keys() - old.keys())]
    # Of many only the first are named: what did not pass leads.
    words = listed([_outcome(name, new[name]["result"]) for name in [*bad, *sorted(new.keys() - set(bad))]]) or "No verified test result"
    if before is not None and not changes and not signals:
        return same("tests", f"{words}, as before."), []
    severity = HIGH if signals else NOTICE if changes else NONE
    counts = [f"{len(gone):,} missing" if gone else "", f"{len(bad):,} not passed" if bad else ""]
    token = " · ".join(filter(None, counts)) or counted(len(new), "suite")
    sentence = " ".join(filter(None, [f"{words}.", grouped(("Missing", [_suite(name) for name in gone]))]))
    return Area("tests", NEW if before is None else CHANGED, severity, token, sentence, changes), signals


def _suite_signals(gone: Sequence[str], bad: Sequence[str], new: Mapping[str, Mapping[str, Any]]) -> list[Signal]:
    signals = []
    if gone:
        names = listed([_suite(name) for name in gone])
        words = f"{_suites(gone)} {either(len(gone), 'has a result', 'have results')} for the last release and none for this one."
        signals.append(Signal("TST_SUITE_VANISHED", ACK, "tests", words, f"It may go out without {names}", gone[0]))
    if bad:
        names = listed([_suite(name) for name in bad])
        failed = next((name for name in bad if new[name]["failed"]), None)
        words = f"{_suites(bad)} did not pass"
        if failed is not None:
            # Whose tests these are has to be said where several did not pass.
            words += f"{'' if len(bad) == 1 else f'; in {_suite(failed)}'}: {listed(new[failed]['failed'])} failed"
        signals.append(Signal("TST_FAILED", ACK, "tests", f"{words}.", f"It may go out although {names} did not pass", bad[0]))
    return signals


def _suites(names: Sequence[str]) -> str:
    return f"The test {either(len(names), 'suite', 'suites')} {listed([_suite(name) for name in names])}"


def _suite(name: str) -> str:
    return name or "(unnamed)"


def _outcome(name: str, result: str | None) -> str:
    came = {"PASSED": "passed", "WARNED": "passed with warnings", "FAILED": "failed", None: "came to no result"}
    return f"{_suite(name)} {came.get(result) or str(result).lower()}"


def _words(key: Key, versions: Versions) -> str:
    return f"{key[1]} {_versions_words(versions[key])}".strip()


def _versions_words(versions: set[str]) -> str:
    return listed(sorted(version or "without a version" for version in versions))
