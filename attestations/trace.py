"""The way of an artifact as evidence and observations tell it: source, build, artifact, registry or runtime, and the four questions a
signature does not answer.

Reading is one function; the telling is pure, and the answers are checks of `proofs.answers`. "Proved" is what a certificate or key says in verified
evidence of a signer somebody here answers for, "claimed" is what such a statement merely says and whatever others say, "missing" is everything else.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime

from attestations.models import Verdict
from attestations.queries import verdict_document, verdicts_about
from attestations.signer import when_signed_of
from identities.standing import in_words, why_not_answering
from proofs.answers.altered_since import check_altered_since, tell_review
from proofs.answers.made_from import NOBODY, check_made_from, rank_builds
from proofs.answers.path_intact import check_path_intact
from proofs.answers.told import Answer, ReviewFacts, ToldEvidence, count, soften
from proofs.answers.who_signed import check_who_signed
from proofs.tell_path import PathAnswer, PlaceStands

PROVED, CLAIMED, MISSING = "proved", "claimed", "missing"
_SAID_BY_NOBODY = f"This is {NOBODY}."


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
class Trace:
    """The chain from source to artifact, and the four answers."""

    chain: tuple[Link, ...]
    questions: tuple[Answer, ...]


@dataclass(frozen=True, slots=True)
class PathFacts:
    """What the rooms above make of the observations: the answer, and the places where the artifact is or should be, newest first."""

    answer: PathAnswer
    places: tuple[PlaceStands, ...] = ()


@dataclass(frozen=True, slots=True)
class Viewpoint:
    """For whom it is told: their teams, and the attestations that their projects accept. Without teams, nobody is another team's."""

    teams: Collection[str] | None = None
    accepted: Collection[str] = ()


ANYBODY = Viewpoint()


def trace_artifact(
    digest: str, *, seen_by: Viewpoint = ANYBODY, reviews: Sequence[ReviewFacts] = (), path: PathFacts | None = None
) -> Trace:
    """Read the evidence about `digest` and tell its way. `reviews` and `path` are what the rooms above know."""
    return trace_verdicts(digest, verdicts_about(digest), seen_by=seen_by, reviews=reviews, path=path)


def trace_verdicts(
    digest: str,
    verdicts: Iterable[Verdict],
    *,
    seen_by: Viewpoint = ANYBODY,
    reviews: Sequence[ReviewFacts] | None = None,
    path: PathFacts | None = None,
) -> Trace:
    """Tell the way of an artifact from these verdicts about it alone, newest first. `reviews` is None inside a review."""
    return tell_trace(digest, [_told(verdict, seen_by) for verdict in verdicts], reviews=reviews, path=path)


def tell_trace(
    digest: str, evidence: Sequence[ToldEvidence], *, reviews: Sequence[ReviewFacts] | None = None, path: PathFacts | None = None
) -> Trace:
    """Tell the way of an artifact from the evidence about it, newest first. Without `path` nothing is told of what came after the build."""
    builds, aside = rank_builds(evidence)
    downstream = () if path is None else (_downstream_link(digest, path.places),)
    chain = (_source_link(builds, aside), _build_link(builds, aside), _artifact_link(digest, evidence), *downstream)
    opens = [review.target for review in reviews or () if review.opens]
    questions = (
        soften(check_who_signed(evidence), opens=opens),
        soften(check_made_from(evidence), opens=opens),
        check_path_intact(evidence, path.answer if path else None),
        tell_review() if reviews is None else check_altered_since(reviews),
    )
    return Trace(chain, questions)


def _told(verdict: Verdict, seen_by: Viewpoint) -> ToldEvidence:
    document = verdict_document(verdict)
    facts, identity = document["facts"], verdict.signer
    found = {item["check"]: item for item in document["findings"]}
    code, words = found.get("signer", {}).get("code", ""), found.get("signer", {}).get("sentence", "")
    if identity is not None and facts is not None:
        # A verdict was given at one time, and who answers is asked now: it is verified again, but perhaps not yet.
        why = why_not_answering(identity, signed_at=when_signed_of(document, received_at=verdict.attestation.received_at))
        if why:
            code, words = f"signer.{why}", f"The signer is registered as {identity.name}, and {in_words(identity, why)}."
            identity = None
    return ToldEvidence(
        id=verdict.attestation_id,
        result=verdict.result,
        reason=verdict.reason,
        facts=facts,
        identity=identity.name if identity else None,
        owner=identity.owner.name if identity and identity.owner else None,
        at=verdict.attestation.received_at,
        signer_code=code,
        signer_words=words,
        is_ours=seen_by.teams is None or (identity is not None and identity.team_id in seen_by.teams),
        is_accepted=verdict.attestation_id in seen_by.accepted,
        also_signed=found.get("co_signers", {}).get("sentence", ""),
    )


def _source_link(builds: Sequence[ToldEvidence], aside: Sequence[ToldEvidence]) -> Link:
    for item in builds:
        signer = item.signer
        if signer.get("sourceRepository"):
            place = f" at {signer['sourceRef']}" if signer.get("sourceRef") else ""
            words = f"The certificate names this repository{place} as the source."
            return _link("source", signer["sourceRepository"], PROVED, words, item, str(signer.get("sourceCommit") or ""))
    for item in builds:
        if item.claims.get("sourceRepository"):
            words = "Only the statement says so; no certificate confirms it."
            return _link("source", item.claims["sourceRepository"], CLAIMED, words, item, str(item.claims.get("sourceCommit") or ""))
    for item in aside:
        said = item.signer if item.signer.get("sourceRepository") else item.claims
        if not builds and said.get("sourceRepository"):
            return _link("source", said["sourceRepository"], CLAIMED, _SAID_BY_NOBODY, item, str(said.get("sourceCommit") or ""))
    return Link("source", "No source known", MISSING, "No verified evidence says what this was built from.")


def _build_link(builds: Sequence[ToldEvidence], aside: Sequence[ToldEvidence]) -> Link:
    for item in builds:
        if item.signer["kind"] == "certificate":
            runner = f" on a {item.signer['runnerEnvironment']} runner" if item.signer.get("runnerEnvironment") else ""
            words = f"The certificate was issued to this workflow{runner}."
            return _link("build", str(item.signer.get("workflow") or item.signer["identity"]), PROVED, words, item)
    for item in builds:
        builder = item.claims.get("builderId")
        words = "A registered key signed the statement; that this builder ran is only what the statement says."
        return _link("build", str(builder or "Builder not named"), CLAIMED, words, item)
    for item in aside[:1]:
        return _link("build", str(item.signer.get("workflow") or item.signed_as), CLAIMED, _SAID_BY_NOBODY, item)
    return Link("build", "No build known", MISSING, "No verified evidence says who built this.")


def _artifact_link(digest: str, evidence: Sequence[ToldEvidence]) -> Link:
    counting = [item for item in evidence if item.counts]
    verified = [item for item in evidence if item.is_verified]
    if counting:
        words = f"{count(len(counting), 'verified statement')} {'names' if len(counting) == 1 else 'name'} exactly this digest."
        return _link("artifact", _name_in(counting, digest), PROVED, words, counting[-1], digest)
    if verified:
        return _link("artifact", _name_in(verified, digest), CLAIMED, _SAID_BY_NOBODY, verified[-1], digest)
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
    others = f" It was seen in {count(len(here) - 1, 'other place')} as well." if len(here) > 1 else ""
    wrong = " It is not what was approved there." if seen.check.is_contradiction else ""
    words = f"A registered identity saw this digest there.{wrong}{others}"
    return Link("downstream", seen.words, PROVED, words, digest, f"Seen by {seen.told_by}", seen.received_at)


def _link(kind: str, title: str, state: str, words: str, item: ToldEvidence, digest: str = "") -> Link:
    by = item.identity or "a signer that nobody here answers for"
    return Link(kind, title, state, words, digest, by, item.at, item.id)


def _name_in(evidence: Sequence[ToldEvidence], digest: str) -> str:
    for item in evidence:
        for subject in item.facts["subjects"] if item.facts else []:
            if digest in subject["digests"] and subject["name"]:
                return str(subject["name"])
    return "Artifact"
