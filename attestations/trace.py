"""The way of an artifact as evidence and observations tell it: source, build, artifact, registry or runtime, and the four questions a
signature does not answer.

Reading is one function; the telling is pure. "Proved" is what a certificate or key says in verified evidence, "claimed" is what
a verified statement merely says, "missing" is everything else. Only what verified is told as true.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from attestations.models import Verdict
from attestations.queries import verdict_document, verdicts_about
from proofs.tell_path import PathAnswer, PlaceStands

PROVED, CLAIMED, MISSING = "proved", "claimed", "missing"


@dataclass(frozen=True, slots=True)
class Link:
    """One link of the chain. `state` is proved, claimed or missing; `digest` is a commit or a digest, where there is one."""

    kind: str
    title: str
    state: str
    words: str
    digest: str = ""
    by: str = ""
    at: datetime | None = None
    attestation_id: str = ""


@dataclass(frozen=True, slots=True)
class Question:
    """A question and its answer (yes, no, unknown). `tone` says whether that answer is good (ok), bad or unknown."""

    question: str
    answer: str
    tone: str
    words: str
    reasons: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Trace:
    """The chain from source to artifact, and the four answers."""

    chain: tuple[Link, ...]
    questions: tuple[Question, ...]


@dataclass(frozen=True, slots=True)
class ReviewFacts:
    """What the rooms above know: who approved, and what changed since."""

    approved_by: tuple[str, ...] = ()
    changes_since: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class PathFacts:
    """What the rooms above make of the observations: the answer, and the places where the artifact is or should be, newest first."""

    answer: PathAnswer
    places: tuple[PlaceStands, ...] = ()


@dataclass(frozen=True, slots=True)
class TracedEvidence:
    """One newest verdict about the artifact, as the telling needs it. `facts` is None unless signatures verified."""

    attestation_id: str
    result: str
    reason: str
    facts: dict[str, Any] | None
    signer: str | None
    owner: str | None
    at: datetime

    @property
    def is_verified(self) -> bool:
        """Whether its newest verdict says verified."""
        return self.result == Verdict.Result.VERIFIED

    @property
    def is_build_record(self) -> bool:
        """Whether it is verified and says how something was built, in a form that is read here."""
        return self.is_verified and self.facts is not None and bool(self.facts["claims"]["understood"])


def trace_artifact(digest: str, *, review: ReviewFacts | None = None, path: PathFacts | None = None) -> Trace:
    """Read the evidence about `digest` and tell its way. `review` and `path` are what the rooms above know."""
    return tell_trace(digest, [_traced(verdict) for verdict in verdicts_about(digest)], review=review, path=path)


def trace_verdicts(digest: str, verdicts: Iterable[Verdict], *, review: ReviewFacts | None = None) -> Trace:
    """Tell the way of an artifact from these verdicts about it alone, newest first."""
    return tell_trace(digest, [_traced(verdict) for verdict in verdicts], review=review)


def tell_trace(
    digest: str, evidence: Sequence[TracedEvidence], *, review: ReviewFacts | None = None, path: PathFacts | None = None
) -> Trace:
    """Tell the way of an artifact from the evidence about it, newest first. Without `path` nothing is told of what came after the build."""
    builds = [item for item in evidence if item.is_build_record]
    # A registered signer's word comes first, then a certificate's, then the newest.
    builds.sort(key=lambda item: (item.signer is None, _signer(item)["kind"] != "certificate"))
    source = _source_link(builds)
    downstream = () if path is None else (_downstream_link(digest, path.places),)
    chain = (source, _build_link(builds), _artifact_link(digest, evidence), *downstream)
    questions = (_who_signed(evidence), _from_what(source, builds, evidence), _path_intact(evidence, path), _altered_since(review))
    return Trace(chain, questions)


def _traced(verdict: Verdict) -> TracedEvidence:
    return TracedEvidence(
        attestation_id=verdict.attestation_id,
        result=verdict.result,
        reason=verdict.reason,
        facts=verdict_document(verdict)["facts"],
        signer=verdict.signer.name if verdict.signer else None,
        owner=verdict.signer.owner.name if verdict.signer and verdict.signer.owner else None,
        at=verdict.attestation.received_at,
    )


def _signer(item: TracedEvidence) -> dict[str, Any]:
    return dict(item.facts["signer"]) if item.facts else {"kind": ""}


def _claims(item: TracedEvidence) -> dict[str, Any]:
    return dict(item.facts["claims"]) if item.facts else {}


def _source_link(builds: Sequence[TracedEvidence]) -> Link:
    for item in builds:
        signer = _signer(item)
        if signer.get("sourceRepository"):
            place = f" at {signer['sourceRef']}" if signer.get("sourceRef") else ""
            words = f"The certificate names this repository{place} as the source."
            return _link("source", signer["sourceRepository"], PROVED, words, item, str(signer.get("sourceCommit") or ""))
    for item in builds:
        claims = _claims(item)
        if claims.get("sourceRepository"):
            words = "Only the statement says so; no certificate confirms it."
            return _link("source", claims["sourceRepository"], CLAIMED, words, item, str(claims.get("sourceCommit") or ""))
    return Link("source", "No source known", MISSING, "No verified evidence says what this was built from.")


def _build_link(builds: Sequence[TracedEvidence]) -> Link:
    for item in builds:
        signer = _signer(item)
        if signer["kind"] == "certificate":
            runner = f" on a {signer['runnerEnvironment']} runner" if signer.get("runnerEnvironment") else ""
            words = f"The certificate was issued to this workflow{runner}."
            return _link("build", str(signer.get("workflow") or signer["identity"]), PROVED, words, item)
    for item in builds:
        builder = _claims(item).get("builderId")
        words = "A registered key signed the statement; that this builder ran is only what the statement says."
        return _link("build", str(builder or "Builder not named"), CLAIMED, words, item)
    return Link("build", "No build known", MISSING, "No verified evidence says who built this.")


def _artifact_link(digest: str, evidence: Sequence[TracedEvidence]) -> Link:
    verified = [item for item in evidence if item.is_verified]
    if verified:
        words = f"{_count(len(verified), 'verified statement')} {'names' if len(verified) == 1 else 'name'} exactly this digest."
        return _link("artifact", _name_in(verified, digest), PROVED, words, verified[-1], digest)
    if evidence:
        words = "Only evidence that did not verify names this digest."
        return _link("artifact", "Artifact", CLAIMED, words, evidence[-1], digest)
    return Link("artifact", "Artifact", MISSING, "No evidence names this digest.", digest)


def _downstream_link(digest: str, places: Sequence[PlaceStands]) -> Link:
    """Tell where the artifact was seen last. That a registered identity saw it there is proved; that it told the truth is not."""
    here = [item for item in places if item.has(digest)]
    if not here:
        lost = next((item.check.sentence for item in places if item.expects(digest) and item.check.is_contradiction), "")
        return Link(
            "downstream", "Not seen", MISSING, lost or "No registered observer has seen this digest in a registry or where it runs."
        )
    seen = here[0]
    others = f" It was seen in {_count(len(here) - 1, 'other place')} as well." if len(here) > 1 else ""
    wrong = " It is not what was approved there." if seen.check.is_contradiction else ""
    words = f"A registered identity saw this digest there.{wrong}{others}"
    return Link("downstream", seen.words, PROVED, words, digest, f"Seen by {seen.told_by}", seen.received_at)


def _link(kind: str, title: str, state: str, words: str, item: TracedEvidence, digest: str = "") -> Link:
    by = item.signer or "an unregistered signer"
    return Link(kind, title, state, words, digest, by, item.at, item.attestation_id)


def _name_in(evidence: Sequence[TracedEvidence], digest: str) -> str:
    for item in evidence:
        for subject in item.facts["subjects"] if item.facts else []:
            if digest in subject["digests"] and subject["name"]:
                return str(subject["name"])
    return "Artifact"


def _who_signed(evidence: Sequence[TracedEvidence]) -> Question:
    question = "Do we know who signed?"
    registered = [item for item in evidence if item.is_verified and item.signer]
    unregistered = [item for item in evidence if item.is_verified and not item.signer]
    others = [item for item in evidence if not item.is_verified]
    reasons = tuple(_not_verified_sentence(item) for item in others)
    if registered:
        names = list(dict.fromkeys(f"{item.signer}, owned by {item.owner}" if item.owner else str(item.signer) for item in registered))
        if unregistered:
            reasons = (f"{_count(len(unregistered), 'further statement')} verified, but nobody registered its signer here.", *reasons)
        return Question(question, "yes", "ok", f"Signed by {'; '.join(names)}.", reasons)
    if unregistered:
        who = "; ".join(dict.fromkeys(str(_signer(item).get("identity") or _signer(item).get("keyId")) for item in unregistered))
        return Question(question, "unknown", "unknown", f"The signature holds, but nobody registered its signer here: {who}.", reasons)
    if others:
        return Question(question, "no", "bad", "No evidence about this artifact verified.", reasons)
    return Question(question, "unknown", "unknown", "No evidence about this artifact has been received.")


def _from_what(source: Link, builds: Sequence[TracedEvidence], evidence: Sequence[TracedEvidence]) -> Question:
    question = "Do we know what it was made from?"
    proved = {(_signer(item).get("sourceRepository"), _signer(item).get("sourceCommit")) for item in builds} - {(None, None)}
    if len(proved) > 1:
        named = tuple(sorted(f"{repository} at {commit}" for repository, commit in proved))
        return Question(question, "unknown", "bad", "Verified statements name different sources for the same artifact.", named)
    if source.state == PROVED:
        commit = f", commit {source.digest[:12]}" if source.digest else ""
        inputs = sum(len(_claims(item).get("dependencies", [])) for item in builds[:1])
        reasons = (f"The statement lists {_count(inputs, 'input')}; that the list is complete is the builder's word.",) if inputs else ()
        return Question(question, "yes", "ok", f"Built from {source.title}{commit}: the certificate says so.", reasons)
    if source.state == CLAIMED:
        return Question(question, "unknown", "unknown", f"The statement claims {source.title}; no certificate confirms it.")
    contradicted = tuple(item.reason for item in evidence if item.facts is not None and not item.is_verified)
    if contradicted:
        return Question(question, "no", "bad", "The only evidence about its origin contradicts itself.", contradicted)
    return Question(question, "unknown", "unknown", "No verified evidence says what it was built from.")


def _path_intact(evidence: Sequence[TracedEvidence], path: PathFacts | None) -> Question:
    question = "Was the path from build to runtime intact?"
    named = sum(item.is_verified for item in evidence)
    reasons = (f"{_count(named, 'verified statement')} named this very digest when it was signed.",) if named else ()
    if path is None:
        words = "Observations from registries and clusters are no part of a review; the artifact's own page has them."
        return Question(question, "unknown", "unknown", words, reasons)
    told = path.answer
    return Question(question, told.answer, told.tone, told.words, (*told.reasons, *reasons))


def _altered_since(review: ReviewFacts | None) -> Question:
    question = "Was anything altered after review?"
    if review is None or not review.approved_by:
        return Question(question, "unknown", "unknown", "Nobody has approved this artifact yet, so there is no review to compare with.")
    if review.changes_since:
        return Question(question, "yes", "bad", "Something changed since it was approved.", review.changes_since)
    approvals = tuple(f"Approved by {approval}." for approval in review.approved_by)
    return Question(question, "no", "ok", "Artifact, evidence and policy are as they were shown when it was approved.", approvals)


def _not_verified_sentence(item: TracedEvidence) -> str:
    labels = {"rejected": "Rejected", "unsupported": "Not supported", "error": "Not finished"}
    return f"{labels.get(item.result, item.result)}: {item.reason}"


def _count(number: int, noun: str) -> str:
    return f"{number} {noun}{'' if number == 1 else 's'}"
