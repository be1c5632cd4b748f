"""Source, builder, inputs and signers of two releases, in the words of version 2: where it came from, what built it, and who vouches for it."""

from __future__ import annotations

import fnmatch
from collections.abc import Mapping, Sequence
from typing import Any

from proofs.comparison.compare_source import SENSITIVE_PATHS, Picture, Said
from proofs.comparison.picture import bare_address
from proofs.comparison.said import (
    ACK,
    ADDED,
    BLOCK,
    CHANGED,
    HIGH,
    MEDIUM,
    NEW,
    NONE,
    NOTE,
    NOTICE,
    OTHER,
    REMOVED,
    Area,
    Change,
    Signal,
    counted,
    listed,
    same,
    unknown,
)


def compare_source(before: Picture | None, now: Picture) -> Said:
    """Commits since the baseline: how many, by whom, unreviewed ones, sensitive paths, and whether it follows from the baseline at all."""
    sources, commits = now["source"], now["commits"]
    signals = [*_descent(before, now), *_unreviewed(commits), *_sensitive(commits), *_moved(before, now)]
    # Many commits are cut: those that nobody looked at stand before.
    told_of = sorted((commits or {"listed": []})["listed"], key=lambda item: item["isReviewed"])
    changes = [Change(ADDED, _commit_words(item)) for item in told_of]
    severity = _severity(signals)
    if not sources:
        nothing = unknown("source", "No verified provenance says which source it was built from.")
        return Area(
            "source", CHANGED, severity, _count_token(commits), nothing.sentence, changes
        ) if changes or signals else nothing, signals
    where = listed([_source_words(item) for item in sources])
    if before is None:
        return Area("source", NEW, severity, _count_token(commits) or "New", f"Built from {where}.{_authors(commits)}", changes), signals
    if before["source"] == sources and not signals:
        return same("source", f"Built from {where}, as before.", mark="Same commit"), []
    moved = _other_refs(before["source"] or [], sources)
    changes = [*moved, *changes]
    if moved and severity != HIGH:
        severity = MEDIUM
    token = _count_token(commits) or "Other commit"
    told = "" if commits else " The evidence does not list the commits in between."
    told += f" {moved[0].words}." if moved else ""
    sentence = f"{_way(before['source'] or [], sources)}.{_authors(commits)}{told}"
    return Area("source", CHANGED, severity, token, sentence, changes), signals


def _way(old: Sequence[Mapping[str, Any]], new: Sequence[Mapping[str, Any]]) -> str:
    if len(old) == len(new) == 1 and old[0]["repository"] == new[0]["repository"]:
        return f"{_source_words(old[0])} → {(new[0]['commit'] or 'unknown commit')[:12]}"
    return f"{listed([_source_words(item) for item in old]) or 'not known'} → {listed([_source_words(item) for item in new])}"


def _other_refs(old: Sequence[Mapping[str, Any]], new: Sequence[Mapping[str, Any]]) -> list[Change]:
    """Return that it was built from another branch than before, or from a branch and not from a tag: what reaches it may be another thing.
    Another tag is what every release has."""
    before, now = ({_place_of(item["ref"]) for item in side if item["ref"]} for side in (old, new))
    if not before or now <= before:
        return []
    return [Change(OTHER, f"Built from {listed(sorted(now - before))}, and before from {listed(sorted(before))}")]


def _place_of(ref: str) -> str:
    if ref.startswith("refs/heads/"):
        return f"the branch {ref.removeprefix('refs/heads/')}"
    return "a tag" if ref.startswith("refs/tags/") else ref


def _descent(before: Picture | None, now: Picture) -> list[Signal]:
    since, commits = now["since"], {item["commit"] for item in (before or {}).get("source") or [] if item["commit"]}
    if not since or not commits or set(since) & commits:
        return []
    commit = listed([item["commit"][:12] for item in now["source"] or [] if item["commit"]])
    words = f"{commit or 'The commit'} is not based on the last approved commit: it counts its commits since {listed([each[:12] for each in since])}, and {listed([each[:12] for each in sorted(commits)])} was approved."
    return [Signal("SRC_NOT_DESCENDANT", BLOCK, "source", words, about=commit)]


def _moved(before: Picture | None, now: Picture) -> list[Signal]:
    old = {item["repository"] for item in (before or {}).get("source") or [] if item["repository"]}
    new = {item["repository"] for item in now["source"] or [] if item["repository"]}
    if not old or new <= old:
        return []
    other = listed(sorted(new - old))
    words = f"Built from {other}; what was approved last was built from {listed(sorted(old))}."
    return [Signal("SRC_OTHER_REPOSITORY", ACK, "source", words, f"It may come from {other}", other)]


def _unreviewed(commits: Mapping[str, Any] | None) -> list[Signal]:
    if not commits:
        return []
    alone = [item for item in commits["listed"] if not item["isReviewed"]]
    count, total = len(alone) + commits["unreadable"], len(commits["listed"]) + commits["unreadable"]
    if not count:
        return []
    words = f"{count} of {counted(total, 'commit')} {'has' if count == 1 else 'have'} no second person’s review: {listed([item['id'][:12] for item in alone]) or 'not readable'}."
    return [Signal("SRC_UNREVIEWED", ACK, "source", words, f"{counted(count, 'commit')} without review may go in")]


def _sensitive(commits: Mapping[str, Any] | None) -> list[Signal]:
    paths = sorted({path for item in (commits or {"listed": []})["listed"] for path in item["paths"]})
    found = [path for path in paths if any(fnmatch.fnmatch(path, pattern) for pattern in SENSITIVE_PATHS)]
    signals = []
    workflows = [path for path in found if path.startswith((".github/workflows/", ".gitlab-ci"))]
    if workflows:
        signals.append(
            Signal("BLD_WORKFLOW_CHANGED", NOTE, "builder", f"The build workflow changed: {listed(workflows)}.", about=workflows[0])
        )
    others = [path for path in found if path not in workflows]
    if others:
        signals.append(Signal("SRC_SENSITIVE_PATH", NOTE, "source", f"Changes {listed(others)}.", about=others[0]))
    return signals


def compare_builder(before: Picture | None, now: Picture) -> Said:
    """Builder, kind of build, workflow, runner, and what a caller could set."""
    builders = now["builder"]
    if not builders:
        return unknown("builder", "No verified provenance says what built it."), []
    words = listed([_builder_words(item) for item in builders])
    if before is None or not before["builder"]:
        return Area("builder", NEW, NONE, "New" if before is None else "Not known before", f"Built by {words}."), []
    old, new = ({_builder_key(item, side) for item in side["builder"]} for side in (before, now))
    signals = []
    if new - old:
        was = listed([_builder_words(item) for item in before["builder"]])
        signals.append(
            Signal(
                "BLD_NEW_BUILDER",
                ACK,
                "builder",
                f"Built by {words}; the last release was built by {was}.",
                f"{words} may build this",
                words,
            )
        )
    known = {name for item in before["builder"] for name in item["parameters"]}
    added = sorted({name for item in builders for name in item["parameters"]} - known)
    if added:
        sentence = f"{'External parameters' if len(added) > 1 else 'The external parameter'} {listed(added)} {'change' if len(added) > 1 else 'changes'} the build, and {'were' if len(added) > 1 else 'was'} not there before."
        signals.append(Signal("BLD_PARAMS_UNTRUSTED", ACK, "builder", sentence, f"The build may be set by {listed(added)}", added[0]))
    if not signals and old == new:
        return same("builder", f"{words}, as before."), []
    return Area("builder", CHANGED, _severity(signals), "Changed", f"Built by {words}.", _sides(old, new)), signals


def compare_inputs(before: Picture | None, now: Picture) -> Said:
    """What else went into the build: base images, toolchains, fetched files."""
    inputs = now["inputs"]
    if inputs is None:
        return unknown("inputs", "No verified provenance lists what went into the build."), []
    new = _by_name(inputs)
    bare = sorted({item["uri"] for item in inputs if not item["digests"]})
    signals = []
    if bare:
        words = f"{listed(bare)} went into the build without a digest, so nobody can tell what it was."
        signals.append(Signal("INP_NO_DIGEST", NOTE, "inputs", words, about=bare[0]))
    if before is None or before["inputs"] is None:
        if not inputs:
            return same("inputs", "The provenance lists no input but the source.", mark="None listed"), []
        return Area("inputs", NEW, NONE, counted(len(inputs), "input"), f"Built with {listed(sorted(new))}."), signals
    old = _by_name(before["inputs"])
    changes = [Change(ADDED, words) for name in sorted(new.keys() - old.keys()) for words in _uris(new[name])]
    moved = [name for name in sorted(old.keys() & new.keys()) if old[name] != new[name]]
    changes += [Change(OTHER, f"{listed(_uris(old[name] - new[name]) or _uris(old[name]))} → {listed(_uris(new[name]))}") for name in moved]
    changes += [Change(REMOVED, words) for name in sorted(old.keys() - new.keys()) for words in _uris(old[name])]
    if not changes:
        words = (
            f"{counted(len(inputs), 'input')}, each with the same digest." if inputs else "The provenance lists no input but the source."
        )
        return same("inputs", words, mark="No change" if inputs else "None listed"), signals
    severity = MEDIUM if any(change.change != REMOVED for change in changes) else NOTICE
    return Area(
        "inputs", CHANGED, severity, f"{counted(len(changes), 'change')}", f"{listed([change.words for change in changes])}.", changes
    ), signals


def _by_name(inputs: Sequence[Mapping[str, Any]]) -> dict[str, set[tuple[str, tuple[str, ...]]]]:
    """Return the inputs by what they are called without their version; one thing may go in twice, in two versions."""
    found: dict[str, set[tuple[str, tuple[str, ...]]]] = {}
    for item in inputs:
        found.setdefault(bare_address(item["uri"]), set()).add((item["uri"], tuple(item["digests"])))
    return found


def _uris(found: set[tuple[str, tuple[str, ...]]]) -> list[str]:
    return sorted({uri for uri, _ in found})


def compare_signers(before: Picture | None, now: Picture) -> Said:
    """Who signed what: every kind of evidence, held against who signed that kind before."""
    signers = now["signers"]
    words = listed(sorted({_signer_words(item) for item in signers}))
    unproven = now["unproven"]
    signals = []
    if unproven:
        sentence = f"{counted(unproven, 'evidence item')} about this did not verify; what {'it says' if unproven == 1 else 'they say'} counts for nothing."
        signals.append(Signal("EVID_UNVERIFIABLE", NOTE, "signer", sentence))
    if before is None:
        if not signers:
            nothing = unknown("signer", "No evidence verified, so nobody vouches for anything.")
            return Area("signer", NEW, NOTICE, "None", nothing.sentence) if signals else nothing, signals
        return Area("signer", NEW, NONE, "New", f"Signed by {words}."), signals
    old: dict[str, set[tuple[str | None, str]]] = {}
    for item in before["signers"]:
        old.setdefault(item["type"], set()).add((item["issuer"], item["signer"]))
    changes = []
    for item in signers:
        if item["type"] in old and (item["issuer"], item["signer"]) not in old[item["type"]]:
            sentence = f"{_short(item['type'])} is signed by {_signer_words(item)}, who did not sign this before."
            signals.append(
                Signal(
                    "SIG_NEW_IDENTITY", ACK, "signer", sentence, f"{_signer_words(item)} may sign {_short(item['type'])}", item["signer"]
                )
            )
            changes.append(Change(ADDED, f"{_short(item['type'])}: {_signer_words(item)}"))
        elif item["type"] not in old:
            changes.append(Change(ADDED, f"{_short(item['type'])}, which the last release did not have: {_signer_words(item)}"))
    missing, farther = _lost(before["signers"], signers)
    changes += [Change(REMOVED, f"{_short(kind)}, which the last release had") for kind in missing]
    changes += [Change(REMOVED, f"{_short(kind)} by {who}") for kind, who in farther]
    signals += _missing(missing, farther)
    if not signers and not changes:
        return unknown("signer", "No evidence verified, so nobody vouches for anything."), signals
    if not changes:
        return same("signer", f"{words}, as before."), signals
    severity = _severity(signals)
    return Area(
        "signer",
        CHANGED,
        severity if severity != NONE else NOTICE,
        counted(len(changes), "change"),
        f"{listed([each.words for each in changes])}.",
        changes,
    ), signals


def _lost(old: Sequence[Mapping[str, Any]], new: Sequence[Mapping[str, Any]]) -> tuple[list[str], list[tuple[str, str]]]:
    """Return the kinds of evidence that are gone, and those for which only somebody farther away vouches now, with who did before."""
    nearest = {kind: min(item["distance"] for item in new if item["type"] == kind) for kind in {item["type"] for item in new}}
    before = {kind: min(item["distance"] for item in old if item["type"] == kind) for kind in sorted({item["type"] for item in old})}
    missing = [kind for kind in before if kind not in nearest]
    farther = [kind for kind in before if kind in nearest and nearest[kind] > before[kind]]
    who = {
        kind: listed(sorted({_signer_words(item) for item in old if item["type"] == kind and item["distance"] == before[kind]}))
        for kind in farther
    }
    return missing, [(kind, who[kind]) for kind in farther]


def _missing(missing: Sequence[str], farther: Sequence[tuple[str, str]]) -> list[Signal]:
    signals = []
    if missing:
        kinds = listed([_short(kind) for kind in missing])
        sentence = f"The last release had {kinds}; this one does not."
        signals.append(Signal("EVID_MISSING", ACK, "signer", sentence, f"It may go without {kinds}", missing[0]))
    for kind, who in farther:
        sentence = f"The last release had {_short(kind)} by {who}; now only somebody less known vouches for it."
        signals.append(Signal("EVID_MISSING", ACK, "signer", sentence, f"It may go without {_short(kind)} by {who}", kind))
    return signals


def _severity(signals: Sequence[Signal]) -> str:
    if any(signal.level in (BLOCK, ACK) for signal in signals):
        return HIGH
    return NOTICE if signals else NONE


def _source_words(item: Mapping[str, Any]) -> str:
    repository = item["repository"] or "an unnamed repository"
    return f"{repository.partition('://')[2] or repository}@{(item['commit'] or 'unknown commit')[:12]}"


def _count_token(commits: Mapping[str, Any] | None) -> str:
    return counted(len(commits["listed"]) + commits["unreadable"], "commit") if commits else ""


def _authors(commits: Mapping[str, Any] | None) -> str:
    if not commits or not commits["listed"]:
        return ""
    counts: dict[str, int] = {}
    for item in commits["listed"]:
        counts[item["author"] or "nobody named"] = counts.get(item["author"] or "nobody named", 0) + 1
    most = sorted(counts, key=lambda name: (-counts[name], name))
    reviewed = all(item["isReviewed"] for item in commits["listed"]) and not commits["unreadable"]
    signed = all(item["isSigned"] for item in commits["listed"]) and not commits["unreadable"]
    return f" {listed([f'{counts[name]} by {name}' for name in most])}{', all reviewed' if reviewed else ''}{', all signed' if signed else ''}."


def _commit_words(item: Mapping[str, Any]) -> str:
    notes = [] if item["isReviewed"] else ["not reviewed"]
    notes += [] if item["isSigned"] else ["not signed"]
    return f"{item['id'][:12]} by {item['author'] or 'nobody named'}{': ' + ', '.join(notes) if notes else ''}"


def _builder_key(item: Mapping[str, Any], picture: Picture) -> tuple[str, ...]:
    name, workflow = item["id"] or "", item["workflow"] or ""
    builder, mark, ref = name.partition("@refs/")
    # A workflow of the source itself, or at another tag, is the same one: which commit it was is the source's row. Another repository's at another
    # branch is whatever somebody wrote there.
    own = any(source["repository"] and name.startswith(f"{source['repository']}/") for source in picture["source"] or [])
    if mark and ref.startswith("heads/") and not own:
        builder = name
    return builder, item["buildType"] or "", workflow, item["runner"] or "", item["issuer"] or ""


def _builder_words(item: Mapping[str, Any]) -> str:
    name = (item["id"] or "an unnamed builder").partition("@refs/tags/")[0]
    name = name.partition("://")[2] or name
    return f"{name}{' on a ' + item['runner'] + ' runner' if item['runner'] else ''}"


def _sides(old: set[tuple[str, ...]], new: set[tuple[str, ...]]) -> list[Change]:
    changes = [Change(ADDED, ", ".join(filter(None, key))) for key in sorted(new - old)]
    return changes + [Change(REMOVED, ", ".join(filter(None, key))) for key in sorted(old - new)]


def _signer_words(item: Mapping[str, Any]) -> str:
    return str(item["name"] or item["signer"] or "an unnamed signer")


def _short(predicate_type: str) -> str:
    """Return the kind of evidence in a word or two."""
    parts = [part for part in predicate_type.replace(":", "/").split("/") if part and not part.lstrip("v").replace(".", "").isdigit()]
    return parts[-1].replace("_", " ").replace("-", " ") if parts else "unnamed evidence"
