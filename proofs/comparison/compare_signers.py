"""Who signed what of two releases: every kind of evidence, held against who signed that kind before."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from proofs.comparison.compare_source import Picture, Said, severity_of
from proofs.comparison.deployment import DEPLOYMENT_TYPE
from proofs.comparison.said import (
    ACK,
    ADDED,
    CHANGED,
    NEW,
    NONE,
    NOTE,
    NOTICE,
    REMOVED,
    Area,
    Change,
    Signal,
    counted,
    either,
    grouped,
    listed,
    same,
    unknown,
)
from proofs.predicates.read import READERS

# By the kind that `proofs.predicates.read` gives each type it reads.
_KINDS = {
    "verification-summary": "verification summary",
    "simple-verification": "simple verification result",
    "test-result": "test result",
    "vulnerability-scan": "vulnerability scan",
    "scai": "claim about attributes (SCAI)",
    "link": "record of a step (in-toto link)",
    "release": "release record",
    "reference": "reference to documents",
    "runtime-trace": "runtime trace",
    "spdx": "SPDX",
    "cyclonedx": "CycloneDX",
    "openvex": "OpenVEX",
    "npm-publish": "record of publishing (npm)",
    "pypi-publish": "record of publishing (PEP 740)",
    "witness-collection": "step records (witness)",
    "chainloop": "workflow run (Chainloop)",
}
_TYPES = {
    "https://slsa.dev/provenance/v1": "provenance",
    "https://slsa.dev/provenance/v0.2": "provenance 0.2",
    DEPLOYMENT_TYPE: "deployment statement",
    "": "statement without a type",
}
# Types of evidence by who signed them: by their name as it is shown, and what tells them from another of that name.
Signer = tuple[str, str]
BySigner = dict[Signer, list[str]]
Called = Mapping[str, str]


def compare_signers(before: Picture | None, now: Picture) -> Said:
    """Who signed what: every kind of evidence, held against who signed that kind before."""
    signers, unproven = now["signers"], now["unproven"]
    words = listed(sorted({_signer_words(item) for item in signers}))
    signals = []
    if unproven:
        sentence = f"{counted(unproven, 'evidence item')} about this did not verify; what {either(unproven, 'it says', 'they say')} counts for nothing."
        signals.append(Signal("EVID_UNVERIFIABLE", NOTE, "signer", sentence))
    if before is None:
        if not signers:
            nothing = unknown("signer", "No evidence verified, so nobody vouches for anything.")
            return Area("signer", NEW, NOTICE, "None", nothing.sentence) if signals else nothing, signals
        return Area("signer", NEW, NONE, "New", f"Signed by {words}."), signals
    called = call_kinds(item["type"] for item in (*before["signers"], *signers))
    came, others = _came(before["signers"], signers)
    missing, farther = _lost(before["signers"], signers)
    signals += [_other_signer(who, kinds, called) for who, kinds in others.items()] + _missing(missing, farther, called)
    groups = [
        ("New", ADDED, came),
        ("Signed by somebody else", ADDED, others),
        ("Gone", REMOVED, {("", ""): missing} if missing else {}),
        ("No longer signed as before", REMOVED, farther),
    ]
    changes = [
        Change(change, _by([called[kind]], who)) for _, change, found in groups for (who, _), kinds in found.items() for kind in kinds
    ]
    if not signers and not changes:
        return unknown("signer", "No evidence verified, so nobody vouches for anything."), signals
    if not changes:
        return same("signer", f"Signed by {words}, as before."), signals
    told = [(heading, [_by([called[kind] for kind in kinds], who) for (who, _), kinds in found.items()]) for heading, _, found in groups]
    severity, token = severity_of(signals), counted(len(changes), "change")
    return Area("signer", CHANGED, severity if severity != NONE else NOTICE, token, grouped(*told), changes), signals


def _by(kinds: Sequence[str], who: str) -> str:
    return f"{listed(kinds)} by {who}" if who else listed(kinds)


def _came(old: Sequence[Mapping[str, Any]], new: Sequence[Mapping[str, Any]]) -> tuple[BySigner, BySigner]:
    """Return the types of evidence that are new, and those that somebody signs who did not before, each by who signs them now."""
    before: dict[str, set[tuple[str | None, str]]] = {}
    for item in old:
        before.setdefault(item["type"], set()).add((item["issuer"], item["signer"]))
    everybody: dict[str, set[tuple[str | None, str]]] = {}
    for item in (*old, *new):
        everybody.setdefault(_signer_words(item), set()).add((item["issuer"], item["signer"]))
    came: BySigner = {}
    others: BySigner = {}
    for item in new:
        who = _signer_words(item)
        if len(everybody[who]) > 1:
            # Two of one name are two, and told with what tells them apart.
            who = f"{who} ({', issued by '.join(filter(None, [item['signer'], item['issuer']]))})"
        if item["type"] not in before:
            came.setdefault((who, item["signer"]), []).append(item["type"])
        elif (item["issuer"], item["signer"]) not in before[item["type"]]:
            others.setdefault((who, item["signer"]), []).append(item["type"])
    return came, others


def _other_signer(who: Signer, types: Sequence[str], called: Called) -> Signal:
    kinds = listed([called[kind] for kind in types])
    sentence = f"{who[0]} signed this, and did not for the last release: {kinds}."
    return Signal("SIG_NEW_IDENTITY", ACK, "signer", sentence, f"{who[0]} may sign {kinds}", who[1])


def _lost(old: Sequence[Mapping[str, Any]], new: Sequence[Mapping[str, Any]]) -> tuple[list[str], BySigner]:
    """Return the types of evidence that are gone, and those for which only somebody farther away vouches now, by who did before."""
    nearest = {kind: min(item["distance"] for item in new if item["type"] == kind) for kind in {item["type"] for item in new}}
    before = {kind: min(item["distance"] for item in old if item["type"] == kind) for kind in sorted({item["type"] for item in old})}
    farther: BySigner = {}
    for kind in before:
        if kind in nearest and nearest[kind] > before[kind]:
            who = listed(sorted({_signer_words(item) for item in old if item["type"] == kind and item["distance"] == before[kind]}))
            farther.setdefault((who, ""), []).append(kind)
    return [kind for kind in before if kind not in nearest], farther


def _missing(missing: Sequence[str], farther: BySigner, called: Called) -> list[Signal]:
    signals = []
    if missing:
        kinds = listed([called[kind] for kind in missing])
        sentence = f"Evidence that the last release had and this one does not: {kinds}."
        signals.append(Signal("EVID_MISSING", ACK, "signer", sentence, f"It may go without this evidence: {kinds}", missing[0]))
    for (who, _), found in farther.items():
        kinds = listed([called[kind] for kind in found])
        sentence = f"For the last release {who} vouched for this, and now only somebody less known does: {kinds}."
        signals.append(Signal("EVID_MISSING", ACK, "signer", sentence, f"It may go without the word of {who} for this: {kinds}", found[0]))
    return signals


def _signer_words(item: Mapping[str, Any]) -> str:
    return str(item["name"] or item["signer"] or "an unnamed signer")


def call_kinds(types: Iterable[str]) -> dict[str, str]:
    """Return what each type of evidence is called, in a word or two; two that would be called the same are told by their types."""
    words = {kind: _kind_words(kind) for kind in types}
    twice = [word for word, count in Counter(words.values()).items() if count > 1]
    return {kind: f"{word} ({kind})" if word in twice else word for kind, word in words.items()}


def _kind_words(predicate_type: str) -> str:
    # A type that is not known is called by its own name, whole: its last part alone may say anything.
    if predicate_type in _TYPES:
        return _TYPES[predicate_type]
    return _KINDS[READERS[predicate_type][0]] if predicate_type in READERS else predicate_type
