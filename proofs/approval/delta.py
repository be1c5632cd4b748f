"""What changed between two snapshots of one request: since somebody signed the earlier one. Snapshots in, sentences out.

Both are read as they are stored; nothing is checked about them but that they are snapshots. Text from outside is shortened to a label
and left out where it could deceive a reader.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from proofs.approval.review_words import evidence_label, label, signer_label

AREAS = ("artifacts", "evidence", "comparison", "policy", "rules", "people", "words")
_TROUBLE = ("fail", "review", "error")
# What a rule of this kind passes on is no evidence of this request, and stands in its sentence alone.
_NAMES_ITS_GROUNDS = "approved-in"
_WORDS = {"note": "the requester's note", "title": "the title", "answersChanges": "what the requester answered"}


@dataclass(frozen=True, slots=True)
class Change:
    """One thing that is otherwise. `area` is one of `AREAS`, `code` stable and dotted, `sentence` for people."""

    area: str
    code: str
    sentence: str

    def as_dict(self) -> dict[str, str]:
        """Return the change for a document or an answer of the API."""
        return {"area": self.area, "code": self.code, "sentence": self.sentence}


def compare_snapshots(signed: Mapping[str, Any], newer: Mapping[str, Any]) -> list[Change]:
    """Return what is otherwise in `newer`, in the order of `AREAS`; nothing where only times and numbers differ."""
    return [
        *_artifacts(signed, newer),
        *_evidence(signed, newer),
        *_comparison(signed.get("comparison") or {}, newer.get("comparison") or {}),
        *_policy(signed["policy"], newer["policy"]),
        *_rules(signed["policy"]["rules"], newer["policy"]["rules"]),
        *_people(signed, newer),
        *_words(signed, newer),
    ]


def _artifacts(signed: Mapping[str, Any], newer: Mapping[str, Any]) -> Iterator[Change]:
    before, after = ({item["digest"]: item for item in each["artifacts"]} for each in (signed, newer))
    for digest in sorted(after.keys() - before.keys()):
        yield Change("artifacts", "artifact.added", f"The artifact {_named(after[digest])} was added.")
    for digest in sorted(before.keys() - after.keys()):
        yield Change("artifacts", "artifact.removed", f"The artifact {_named(before[digest])} was removed.")
    for digest in sorted(before.keys() & after.keys()):
        if before[digest]["name"] != after[digest]["name"]:
            yield Change("artifacts", "artifact.renamed", f"The artifact {_short(digest)} is called {_named(after[digest])} now.")


def _evidence(signed: Mapping[str, Any], newer: Mapping[str, Any]) -> Iterator[Change]:
    before, after = ({item["digest"]["sha256"]: item for item in each["evidence"]} for each in (signed, newer))
    for digest in sorted(after.keys() - before.keys()):
        item = after[digest]
        yield Change("evidence", "evidence.added", f"New evidence: {_described(item)}, {item['result']}.")
    for digest in sorted(before.keys() - after.keys()):
        yield Change("evidence", "evidence.removed", f"Evidence that counts no longer: {_described(before[digest])}.")
    for digest in sorted(before.keys() & after.keys()):
        yield from _verdict(before[digest], after[digest])


def _verdict(before: Mapping[str, Any], after: Mapping[str, Any]) -> Iterator[Change]:
    if before["result"] != after["result"]:
        why = f" ({label(str(after['code']), 80)})" if after["code"] else ""
        words = f"{_described(after)} was {before['result']} and is {after['result']} now{why}."
        yield Change("evidence", "evidence.verdict", words[:1].upper() + words[1:])
        return
    outcomes = {item["check"]: item["outcome"] for item in before["findings"]}
    for finding in after["findings"]:
        if finding["outcome"] in _TROUBLE and outcomes.get(finding["check"]) != finding["outcome"]:
            yield Change("evidence", "evidence.finding", f"About {_described(after)}: {label(finding['sentence'], 300) or finding['code']}")


def _comparison(before: Mapping[str, Any], after: Mapping[str, Any]) -> Iterator[Change]:
    """Yield what else it is compared with, and what was seen of its name since."""
    was, now = (each.get("baseline") or {} for each in (before, after))
    if before and after and was.get("snapshot") != now.get("snapshot"):
        what, other = (label(str(each["title"]), 200) or "another request" if each else "nothing" for each in (now, was))
        yield Change("comparison", "comparison.baseline", f"It is compared with {what} now; it was {other}.")
    seen, sees = ([item["sentence"] for item in (each.get("context") or {}).get("path") or ()] for each in (before, after))
    for sentence in sees if before else ():
        if sentence not in seen:
            yield Change("comparison", "comparison.path", label(sentence, 600) or "Something else was seen under its name.")
    for sentence in seen if after else ():
        if sentence not in sees:
            yield Change(
                "comparison", "comparison.path_ended", f"Not seen any more: {label(sentence, 600) or 'something else under its name.'}"
            )


def _policy(before: Mapping[str, Any], after: Mapping[str, Any]) -> Iterator[Change]:
    if before["digest"] != after["digest"]:
        words = f"The policy is {after['id']} {after['version']} now; it was {before['id']} {before['version']}."
        yield Change("policy", "policy.version", words)
    for name, code, what, unit in (
        ("minimumAssurance", "policy.assurance", "The level the policy asks for is", ""),
        ("validityHours", "policy.validity", "The time an approval is valid is", " h"),
    ):
        if before[name] != after[name]:
            yield Change("policy", code, f"{what} {after[name]}{unit} now; it was {before[name]}{unit}.")
    if before.get("expectations") != after.get("expectations"):
        yield Change("policy", "policy.expectations", "The project's expectations of its evidence are other ones.")


def _rules(signed: Sequence[Mapping[str, Any]], newer: Sequence[Mapping[str, Any]]) -> Iterator[Change]:
    before, after = ({rule["id"]: rule for rule in rules} for rules in (signed, newer))
    for rule in newer:
        if rule["id"] not in before:
            yield Change("rules", "rule.added", f"New rule: {label(rule['title'], 200)}.")
        elif before[rule["id"]]["outcome"] != rule["outcome"]:
            was = before[rule["id"]]["outcome"]
            # A waiver lets pass what failed: that is for the reader to see as what it is.
            code = "rule.waived" if rule["outcome"] == "waived" else "rule.waiver_ended" if was == "waived" else "rule.outcome"
            yield Change("rules", code, f"The rule {label(rule['title'], 200)} was {was} and is {rule['outcome']} now.")
        elif before[rule["id"]]["title"] != rule["title"] or before[rule["id"]]["kind"] != rule["kind"]:
            yield Change("rules", "rule.changed", f"The rule {label(rule['title'], 200)} reads otherwise now.")
        elif rule["kind"] == _NAMES_ITS_GROUNDS and rule["outcome"] == "pass" and before[rule["id"]]["sentence"] != rule["sentence"]:
            yield Change("rules", "rule.rests_on", f"It passes on other grounds than you saw. {label(rule['sentence'], 600)}")
    for rule in signed:
        if rule["id"] not in after:
            yield Change("rules", "rule.removed", f"The rule {label(rule['title'], 200)} is gone.")


def _people(signed: Mapping[str, Any], newer: Mapping[str, Any]) -> Iterator[Change]:
    before, after = ({(who["issuer"], who["subject"]) for who in each["policy"]["excluded"]} for each in (signed, newer))
    for _, subject in sorted(after - before):
        yield Change("people", "people.excluded", f"{label(subject, 200)} may not approve any more.")
    for _, subject in sorted(before - after):
        yield Change("people", "people.included", f"{label(subject, 200)} was kept from approving and is not any more.")


def _words(signed: Mapping[str, Any], newer: Mapping[str, Any]) -> Iterator[Change]:
    for name, what in _WORDS.items():
        before, after = (_text(each, name) for each in (signed, newer))
        if before != after and after:
            yield Change(
                "words", f"words.{name}", f"{what[:1].upper()}{what[1:]} is new (not checked): {label(after, 200) or 'see the page'}"
            )
        elif before != after:
            yield Change("words", f"words.{name}", f"{what[:1].upper()}{what[1:]} is gone.")


def _text(snapshot: Mapping[str, Any], name: str) -> str:
    value = snapshot["request"]["title"] if name == "title" else snapshot.get(name, "")
    return str(value["text"] if isinstance(value, dict) else value)


def _described(item: Mapping[str, Any]) -> str:
    signer = signer_label(item["signer"])
    return f"{evidence_label(item['predicateType'])} {_short('sha256:' + item['digest']['sha256'])}" + (
        f", signed by {signer}" if signer else ""
    )


def _named(artifact: Mapping[str, Any]) -> str:
    return label(artifact["name"], 200) or _short(artifact["digest"])


def _short(digest: str) -> str:
    algorithm, _, value = digest.partition(":")
    return f"{algorithm}:{value[:8]}…{value[-4:]}"
