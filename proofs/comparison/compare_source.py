"""Source, builder and inputs of two releases: where it came from, what built it, and what went into it."""

from __future__ import annotations

import fnmatch
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

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
    either,
    grouped,
    listed,
    same,
    series,
    unknown,
)
from proofs.comparison.settings import EXTERNAL, INTERNAL

Picture = Mapping[str, Any]
Said = tuple[Area, list[Signal]]
# An input's address, and its digests.
Versioned = tuple[str, tuple[str, ...]]
# What else a builder is told from another by, and how it is called.
_PARTS_OF_BUILDER = (("workflow", "workflow"), ("buildType", "kind of build"), ("issuer", "issuer"))
_ALL_PARTS = tuple(part for part, _ in _PARTS_OF_BUILDER)
# A small change to one of these reaches far, however its name is written.
SENSITIVE_PATHS = (
    ".github/*",
    ".gitlab-ci.yml",
    ".circleci/*",
    "*Jenkinsfile*",
    "*Dockerfile*",
    "*Containerfile*",
    "*iam*",
    "*rbac*",
    "*policy*",
    "*policies*",
    "*secret*",
    "*.tf",
    "*CODEOWNERS",
)


def compare_source(before: Picture | None, now: Picture) -> Said:
    """Commits since the baseline: how many, by whom, unreviewed ones, sensitive paths, and whether it follows from the baseline at all."""
    sources, commits = now["source"], now["commits"]
    signals = [*_descent(before, now), *_unreviewed(commits), *_sensitive(commits), *_moved(before, now)]
    # Many commits are cut: those that nobody looked at stand before.
    told_of = sorted((commits or {"listed": []})["listed"], key=lambda item: item["isReviewed"])
    changes = [Change(ADDED, _commit_words(item)) for item in told_of]
    severity = severity_of(signals)
    if not sources:
        nothing = unknown("source", "No verified provenance says which source it was built from.")
        words = f"{nothing.sentence}{_authors(commits)}"
        return Area("source", CHANGED, severity, _count_token(commits), words, changes) if changes or signals else nothing, signals
    where = _sources_words(sources)
    if before is None:
        return Area("source", NEW, severity, _count_token(commits) or "New", f"Built from {where}.{_authors(commits)}", changes), signals
    if before["source"] == sources and not signals:
        return same("source", f"Built from {where}, as before.", mark="Same commit"), []
    old = before["source"] or []
    moved = _other_refs(old, sources)
    changes = [*moved, *changes]
    if moved and severity != HIGH:
        severity = MEDIUM
    is_same = _commits_of(old) == _commits_of(sources)
    token = _count_token(commits) or ("Same commit" if is_same else "Other commit" if old else "Not known before")
    told = (
        ""
        if is_same or not old or (commits and (commits["listed"] or commits["unreadable"]))
        else " The evidence does not list the commits in between."
    )
    told += f" {moved[0].words}." if moved else ""
    return Area("source", CHANGED, severity, token, f"{_way(old, sources)}.{_authors(commits)}{told}", changes), signals


def _commits_of(sources: Sequence[Mapping[str, Any]]) -> set[tuple[Any, Any]]:
    return {(item["repository"], item["commit"]) for item in sources}


def _way(old: Sequence[Mapping[str, Any]], new: Sequence[Mapping[str, Any]]) -> str:
    came = _sources_words(new)
    if not old:
        return f"Built from {came}; of the last release the source is not known"
    if _commits_of(old) == _commits_of(new):
        return f"Built from {came}, as before"
    if len(old) == len(new) == 1 and old[0]["repository"] == new[0]["repository"]:
        return f"{_sources_words(old)} → {_commit_label(new[0]['commit'])}"
    return f"{_sources_words(old)} → {came}"


def _other_refs(old: Sequence[Mapping[str, Any]], new: Sequence[Mapping[str, Any]]) -> list[Change]:
    """Return that it was built from another branch than before, or from a branch and not from a tag: what reaches it may be another thing.
    Another tag is what every release has."""
    before, now = ({_place_of(item["ref"]) for item in side if item["ref"]} for side in (old, new))
    if not before or now <= before:
        return []
    return [Change(OTHER, f"Built from {listed(sorted(now - before))}; the last release from {listed(sorted(before))}")]


def _place_of(ref: str) -> str:
    if ref.startswith("refs/heads/"):
        return f"the branch {ref.removeprefix('refs/heads/')}"
    return "a tag" if ref.startswith("refs/tags/") else ref


def _descent(before: Picture | None, now: Picture) -> list[Signal]:
    since, commits = now["since"], {item["commit"] for item in (before or {}).get("source") or [] if item["commit"]}
    if not since or not commits or set(since) & commits:
        return []
    found = sorted({item["commit"][:12] for item in now["source"] or [] if item["commit"]})
    commit, others = listed(found), listed([each[:12] for each in since])
    approved = listed([each[:12] for each in sorted(commits)])
    # Where it begins is all the statement says; that nothing leads there from what was approved, nobody has shown.
    words = f"{commit or 'The commit'} {either(len(found) or 1, 'is', 'are')} not shown to follow from what was approved last, {approved}: the deployment statement counts its commits since {others}."
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
    which = "The only commit" if total == 1 else f"{count:,} of {counted(total, 'commit')}"
    if alone:
        unread = f" and {commits['unreadable']:,} that cannot be read" if commits["unreadable"] else ""
        words = f"{which} {either(count, 'has', 'have')} no second person’s review: {listed([item['id'][:12] for item in alone])}{unread}."
    else:
        words = f"{which} cannot be read, so nobody knows whether a second person reviewed {either(count, 'it', 'them')}."
    return [Signal("SRC_UNREVIEWED", ACK, "source", words, f"{counted(count, 'commit')} without review may go in")]


def _sensitive(commits: Mapping[str, Any] | None) -> list[Signal]:
    paths = sorted({path for item in (commits or {"listed": []})["listed"] for path in item["paths"]})
    found = [path for path in paths if any(fnmatch.fnmatchcase(path.lower(), pattern.lower()) for pattern in SENSITIVE_PATHS)]
    signals = []
    workflows = [path for path in found if path.startswith((".github/workflows/", ".gitlab-ci"))]
    if workflows:
        signals.append(
            Signal("BLD_WORKFLOW_CHANGED", NOTE, "builder", f"The commits change how it is built: {listed(workflows)}.", about=workflows[0])
        )
    others = [path for path in found if path not in workflows]
    if others:
        signals.append(
            Signal("SRC_SENSITIVE_PATH", NOTE, "source", f"The commits change what reaches far: {listed(others)}.", about=others[0])
        )
    return signals


def compare_builder(before: Picture | None, now: Picture) -> Said:
    """Builder, kind of build, workflow, runner, and what a caller could set."""
    builders = now["builder"]
    if not builders:
        return unknown("builder", "No verified provenance says what built it."), []
    words = listed(_unique(_builder_words(item) for item in builders))
    if before is None or not before["builder"]:
        return Area("builder", NEW, NONE, "New" if before is None else "Not known before", f"Built by {words}."), []
    old, new = ({_builder_key(item, side): item for item in side["builder"]} for side in (before, now))
    signals = _other_builder(before["builder"], builders) if new.keys() - old.keys() else []
    known = {name for item in before["builder"] for name in item["parameters"]}
    added = sorted({name for item in builders for name in item["parameters"]} - known)
    if added:
        sentence = f"External {either(len(added), 'parameter', 'parameters')} set for this build and not for the last one: {listed(added)}."
        signals.append(Signal("BLD_PARAMS_UNTRUSTED", ACK, "builder", sentence, f"The build may be set by {listed(added)}", added[0]))
    set_otherwise = _settings_changed(before["builder"], builders)
    for kind, level, who in ((EXTERNAL, ACK, "Whoever started the build"), (INTERNAL, NOTE, "The builder")):
        # What came in under a new name has its own sentence.
        told = [
            (name, change) for of, name, change in set_otherwise if of == kind and name.partition(".")[0].partition("[")[0] not in added
        ]
        if told:
            sentence = f"{who} set it otherwise than for the last release: {'; '.join(_set_words(told))}."
            signals.append(Signal("BLD_PARAMS_UNTRUSTED", level, "builder", sentence, _agree_set(told), told[0][0]))
    is_same = old.keys() == new.keys()
    if not signals and is_same and not set_otherwise:
        return same("builder", f"Built by {words}, as before."), []
    changes = [*_sides(old, new), *(change for _, _, change in set_otherwise)]
    sentence, token = (
        (f"Built by {words}, as before, and set otherwise.", "Set otherwise") if is_same else (f"Built by {words}.", "Changed")
    )
    return Area("builder", CHANGED, severity_of(signals), token, sentence, changes), signals


def _other_builder(old: Sequence[Mapping[str, Any]], new: Sequence[Mapping[str, Any]]) -> list[Signal]:
    """Return the signal that something else built it; where both are called the same, with what tells them apart."""
    looks_same = not {_builder_words(item) for item in old}.isdisjoint(_builder_words(item) for item in new)
    parts = [part for part, _ in _PARTS_OF_BUILDER if looks_same and {item[part] for item in old} != {item[part] for item in new}]
    words, was = (series(_unique(_whole_builder(item, parts) for item in side)) for side in (new, old))
    sentence = f"Built by {words}; the last release was built by {was}."
    return [Signal("BLD_NEW_BUILDER", ACK, "builder", sentence, f"{words} may build this", words)]


def _set_words(told: Sequence[tuple[str, Change]]) -> list[str]:
    """Return what was set otherwise, three of it, and how much more there is."""
    marks = {ADDED: " (new)", REMOVED: " (gone)"}
    words = [f"{change.words}{marks.get(change.change, '')}" for _, change in told[:3]]
    return [*words, f"and {len(told) - 3:,} more"] if len(told) > 3 else words


def _agree_set(told: Sequence[tuple[str, Change]]) -> str:
    return f"The build may be set so: {listed([name for name, _ in told])}"


def _settings_changed(before: Sequence[Mapping[str, Any]], now: Sequence[Mapping[str, Any]]) -> list[tuple[str, str, Change]]:
    """Return each parameter that has another value, what it was and is; nothing where a picture tells no values."""
    if not all("settings" in item for item in (*before, *now)):
        return []
    old, new = _settings(before), _settings(now)
    found = []
    for key in sorted(old.keys() | new.keys()):
        was, is_ = old.get(key), new.get(key)
        if was == is_:
            continue
        name, words = key[1], " or ".join(sorted(is_ or was or ()))
        if was is None or is_ is None:
            found.append((*key, Change(ADDED if was is None else REMOVED, f"{name} = {words}")))
        else:
            found.append((*key, Change(OTHER, f"{name}: {' or '.join(sorted(was))} → {words}")))
    return found


def _settings(builders: Sequence[Mapping[str, Any]]) -> dict[tuple[str, str], set[str]]:
    found: dict[tuple[str, str], set[str]] = {}
    for item in builders:
        for kind, name, value in item["settings"]:
            found.setdefault((kind, name), set()).add(value)
    return found


def compare_inputs(before: Picture | None, now: Picture) -> Said:
    """What else went into the build: base images, toolchains, fetched files."""
    inputs = now["inputs"]
    if inputs is None:
        return unknown("inputs", "No verified provenance lists what went into the build."), []
    new = _by_name(inputs)
    bare = sorted({item["uri"] for item in inputs if not item["digests"]})
    signals = []
    if bare:
        words = f"{listed(bare)} went into the build without a digest, so nobody can tell what {either(len(bare), 'it was', 'they were')}."
        signals.append(Signal("INP_NO_DIGEST", NOTE, "inputs", words, about=bare[0]))
    if before is None or before["inputs"] is None:
        if not inputs:
            return same("inputs", "The provenance lists no input but the source.", mark="None listed"), []
        return Area("inputs", NEW, NONE, counted(len(inputs), "input"), f"Built with {listed(sorted(new))}."), signals
    old = _by_name(before["inputs"])
    groups = [
        ("New", ADDED, [words for name in sorted(new.keys() - old.keys()) for words in _uris(new[name])]),
        ("Changed", OTHER, [_moved_input(old[name], new[name]) for name in sorted(old.keys() & new.keys()) if old[name] != new[name]]),
        ("Gone", REMOVED, [words for name in sorted(old.keys() - new.keys()) for words in _uris(old[name])]),
    ]
    changes = [Change(change, words) for _, change, found in groups for words in found]
    if not changes:
        return same("inputs", _same_inputs(inputs), mark="No change" if inputs else "None listed"), signals
    severity = MEDIUM if any(change.change != REMOVED for change in changes) else NOTICE
    sentence = grouped(*((heading, found) for heading, _, found in groups))
    return Area("inputs", CHANGED, severity, counted(len(changes), "change"), sentence, changes), signals


def _same_inputs(inputs: Sequence[Mapping[str, Any]]) -> str:
    if not inputs:
        return "The provenance lists no input but the source."
    bare = sum(not item["digests"] for item in inputs)
    if not bare:
        told = either(len(inputs), "with the same digest", "each with the same digest")
    elif bare == len(inputs):
        told = f"as before, {either(bare, '', 'all ')}without a digest"
    else:
        told = f"as before, {bare:,} without a digest"
    return f"{counted(len(inputs), 'input')}, {told}."


def _moved_input(old: set[Versioned], new: set[Versioned]) -> str:
    was, now = listed(_uris(old - new) or _uris(old)), listed(_uris(new - old) or _uris(new))
    return f"{now}: another digest" if was == now else f"{was} → {now}"


def _by_name(inputs: Sequence[Mapping[str, Any]]) -> dict[str, set[Versioned]]:
    """Return the inputs by what they are called without their version; one thing may go in twice, in two versions."""
    found: dict[str, set[Versioned]] = {}
    for item in inputs:
        found.setdefault(bare_address(item["uri"]), set()).add((item["uri"], tuple(item["digests"])))
    return found


def _uris(found: set[Versioned]) -> list[str]:
    return sorted({uri for uri, _ in found})


def severity_of(signals: Sequence[Signal]) -> str:
    """Return how grave an area is by its signals."""
    if any(signal.level in (BLOCK, ACK) for signal in signals):
        return HIGH
    return NOTICE if signals else NONE


def _unique(words: Iterable[str]) -> list[str]:
    return list(dict.fromkeys(words))


def _sources_words(sources: Sequence[Mapping[str, Any]]) -> str:
    """Return repositories with their commits, each repository once."""
    commits: dict[str, list[str]] = {}
    for item in sources:
        repository = item["repository"] or "an unnamed repository"
        commits.setdefault(repository.partition("://")[2] or repository, []).append(_commit_label(item["commit"]))
    return series([f"{repository}@{listed(_unique(named))}" for repository, named in commits.items()])


def _commit_label(commit: str | None) -> str:
    return commit[:12] if commit else "(no commit named)"


def _count_token(commits: Mapping[str, Any] | None) -> str:
    count = len(commits["listed"]) + commits["unreadable"] if commits else 0
    return counted(count, "commit") if count else ""


def _authors(commits: Mapping[str, Any] | None) -> str:
    if not commits or not (commits["listed"] or commits["unreadable"]):
        return ""
    counts: dict[str, int] = {}
    for item in commits["listed"]:
        by = f"by {item['author']}" if item["author"] else "without a named author"
        counts[by] = counts.get(by, 0) + 1
    if commits["unreadable"]:
        counts["that cannot be read"] = commits["unreadable"]
    most = sorted(counts, key=lambda by: (-counts[by], by))
    total = sum(counts.values())
    told = counted(total, "commit")
    told += f" {most[0]}" if len(most) == 1 else f": {listed([f'{counts[by]:,} {by}' for by in most])}"
    for flag, word in (("isReviewed", "reviewed"), ("isSigned", "signed")):
        if all(item[flag] for item in commits["listed"]) and not commits["unreadable"]:
            told += f", {either(total, '', 'all ')}{word}"
    return f" {told}."


def _commit_words(item: Mapping[str, Any]) -> str:
    notes = [] if item["isReviewed"] else ["not reviewed"]
    notes += [] if item["isSigned"] else ["not signed"]
    by = f"by {item['author']}" if item["author"] else "without a named author"
    return f"{item['id'][:12]} {by}{': ' + ', '.join(notes) if notes else ''}"


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


def _whole_builder(item: Mapping[str, Any], parts: Sequence[str]) -> str:
    """Return a builder with these parts of what it is told from another by."""
    told = [f"{word} {item[part]}" for part, word in _PARTS_OF_BUILDER if part in parts and item[part]]
    return ", ".join([_builder_words(item), *told])


def _sides(old: Mapping[Any, Mapping[str, Any]], new: Mapping[Any, Mapping[str, Any]]) -> list[Change]:
    changes = [Change(ADDED, _whole_builder(new[key], _ALL_PARTS)) for key in sorted(new.keys() - old.keys())]
    return changes + [Change(REMOVED, _whole_builder(old[key], _ALL_PARTS)) for key in sorted(old.keys() - new.keys())]
