"""The graph of a chain picture, told from a passport: who and what made it, the way it went, and what stands for it. No queries.

An edge is verified where evidence or a signature proves it, claimed where somebody merely says so or nobody has decided, broken where it was
denied, taken back or contradicted. What a policy asks for and nobody brought is a ghost. Nothing is judged here that the passport has not judged.
"""

from __future__ import annotations

from urllib.parse import quote

from django.urls import reverse

from approvals.models import Approval
from attestations.models import Verdict
from attestations.queries import verdict_document
from attestations.signer import when_signed_of
from attestations.trace import Link
from identities.models import Environment
from identities.standing import why_not_answering
from proofs.answers.told import short_type
from proofs.path import AS_APPROVED, DIFFERS
from reports.chain_picture.graph import BROKEN, CLAIMED, GHOST, PEOPLE, PROOF, VERIFIED, WAY, Edge, Graph, Node, group_beyond
from reports.passport import sentence
from reports.passport.build import Passport, SeenPlace
from reports.passport.facts import Target

_LINK = {sentence.PROVED: (VERIFIED, "Proved"), sentence.CLAIMED: (CLAIMED, "Only claimed"), sentence.MISSING: (GHOST, "Missing")}
_TARGET = {
    sentence.APPROVED: (VERIFIED, "Approved"),
    sentence.PROMOTED: (VERIFIED, "Promoted"),
    sentence.WAITING: (CLAIMED, "Not approved yet"),
    sentence.LAPSED: (CLAIMED, "Ran out"),
    sentence.OVER: (CLAIMED, "No longer asked"),
    sentence.STALE: (BROKEN, "Stale"),
    sentence.REVOKED: (BROKEN, "Revoked"),
    sentence.REFUSED: (BROKEN, "Answered no"),
    sentence.BLOCKED: (BROKEN, "Blocked"),
}
_VERDICT = {
    Verdict.Result.VERIFIED: (VERIFIED, "Verified"),
    Verdict.Result.REJECTED: (BROKEN, "Rejected"),
    Verdict.Result.UNSUPPORTED: (CLAIMED, "Not supported"),
    Verdict.Result.ERROR: (BROKEN, "Error"),
}
# How whoever signed or approved stands in the register today. What somebody retired signed before stays.
_STANDING = {
    "active": (VERIFIED, "Registered"),
    "retired": (VERIFIED, "Retired"),
    "suspended": (CLAIMED, "Suspended"),
    "orphaned": (CLAIMED, "Nobody answers"),
    "compromised": (BROKEN, "Compromised"),
}
_KINDS = {"source": "Source", "build": "Build", "artifact": "Artifact"}
_MISSING = "policy.evidence_missing"


class _Told:
    """The nodes and edges found so far, each once."""

    def __init__(self) -> None:
        self.nodes: dict[str, Node] = {}
        self.edges: dict[tuple[str, str], Edge] = {}

    def node(self, node: Node) -> None:
        self.nodes.setdefault(node.key, node)

    def edge(self, start: str, end: str, words: str, state: str, word: str = "") -> None:
        self.edges.setdefault((start, end), Edge(start, end, words, state, word))


def tell_graph(passport: Passport) -> Graph:
    """Return the picture of everything that a passport holds, grouped so that it can be looked at."""
    told = _Told()
    _tell_made(told, passport)
    for target in passport.targets:
        _tell_target(told, passport, target)
    if not passport.targets:
        told.node(Node("promotion", WAY, "Promotion", "Nobody asked", GHOST, "Missing", "#approvals"))
        told.edge("artifact", "promotion", "would go to", GHOST)
    for item in passport.glass:
        _tell_glass(told, passport, str(item.row.pk), item.row.environment, item.row.review_id)
    for seen in passport.path.places:
        _tell_place(told, passport, seen)
    if not any(place.now.place.is_running for place in passport.path.places):
        told.node(Node("runtime", WAY, "Runtime", "Not seen running", GHOST, "Missing", "#places", "No observer has told of it"))
        after = [_key(target) for target in passport.targets] or ["promotion"]
        for start in after:
            told.edge(start, "runtime", "would run at", GHOST)
    for verdict in passport.verdicts:
        _tell_evidence(told, passport, verdict)
    name = passport.name or "this artifact"
    return group_beyond(Graph(f"Chain of {name}", tuple(told.nodes.values()), tuple(told.edges.values())))


def _tell_made(told: _Told, passport: Passport) -> None:
    links = {link.kind: link for link in passport.chain}
    for kind, words in _KINDS.items():
        link = links[kind]
        state, word = _LINK[link.state]
        title = {
            "source": sentence.short_source(link.title, link.digest),
            "build": sentence.short_builder(link.title),
            "artifact": passport.name or link.title,
        }[kind]
        line = passport.digest[:19] + "…" if kind == "artifact" else ""
        told.node(Node(kind, WAY, words, title, state, word, _evidence_of(link) or "#chain", line))
    told.edge("source", "build", "was built by", *_LINK[links["source"].state])
    # What is known of the build says how far it is known that this came out of it.
    told.edge("build", "artifact", "made", *_LINK[links["build"].state])
    signed = {verdict.attestation_id: verdict for verdict in passport.verdicts}.get(links["build"].attestation_id)
    if signed is not None and signed.signer is not None:
        signer = signed.signer
        state, word = _LINK[links["build"].state]
        owner = f"owned by {signer.owner}" if signer.owner else ""
        href = reverse("identities:identity", args=[signer.pk])
        told.node(Node(f"signer-{signer.pk}", PEOPLE, signer.get_kind_display(), signer.name, *_STANDING[signer.standing], href, owner))
        told.edge(f"signer-{signer.pk}", "build", "signed how it was built", state, word)


def _tell_target(told: _Told, passport: Passport, target: Target) -> None:
    state, word = _TARGET[target.state]
    request, key = target.request, _key(target)
    href = reverse("approvals:request", args=[request.pk])
    told.node(Node(key, WAY, "Promotion", target.words, state, word, href, request.title))
    told.edge("artifact", key, "was asked to go to", state, word)
    mine = [approval for approval in passport.approvals if approval.revision.request_id == request.pk]
    for approval in mine:
        is_newest = approval.revision.number == request.state.revision_number
        # Without an answer to the newest revision, what people said of the last one is what went stale.
        if is_newest or approval.revision.number == max(each.revision.number for each in mine):
            _tell_approval(told, approval, key, is_newest=is_newest)
    if target.state in (sentence.APPROVED, sentence.PROMOTED, sentence.OVER):
        return
    for rule in passport.rules.get(request.pk, ()):
        title = str(rule["title"])
        ghost = f"rule-{request.pk}-{rule['id']}"
        if rule["kind"] == "evidence" and rule["outcome"] == "fail":
            is_missing = rule["code"] == _MISSING
            state, word = (GHOST, "Missing") if is_missing else (BROKEN, "Not met")
            told.node(Node(ghost, PROOF, "The policy asks for", title, state, word, href, "evidence"))
            told.edge(ghost, key, "is asked for by the policy", state, word)
        elif rule["kind"] == "approvals" and rule["outcome"] == "awaiting" and target.state == sentence.WAITING:
            told.node(Node(ghost, PEOPLE, "The policy asks for", title, GHOST, "Awaited", href, "people who approve"))
            told.edge(ghost, key, "is asked for by the policy", GHOST, "awaited")


def _tell_approval(told: _Told, approval: Approval, target: str, *, is_newest: bool) -> None:
    person, says_yes = approval.identity, approval.decision == Approval.Decision.APPROVE
    ended = hasattr(approval, "end")
    state = VERIFIED if says_yes and not ended else BROKEN
    word = "taken back" if ended else "" if says_yes else "answered no"
    if state == VERIFIED and not is_newest:
        state, word = CLAIMED, "of an earlier revision"
    what = "Earlier revision" if state == CLAIMED else "Approved" if says_yes else str(approval.get_decision_display())
    href = reverse("identities:identity", args=[person.pk])
    told.node(Node(f"person-{person.pk}", PEOPLE, "Person", person.name, *_STANDING[person.standing], href))
    told.edge(f"person-{person.pk}", target, "approved" if says_yes else "answered no to", state, word)
    record = reverse("approvals:record", args=[approval.record.digest])
    shown = "Taken back" if ended else what
    line = f"level {approval.level}, log entry {approval.record.entry_id}"
    told.node(Node(approval.pk, PROOF, "Answer", f"by {person.name}", state, shown, record, line))
    told.edge(approval.pk, target, "is the record for", state, word)


def _tell_glass(told: _Told, passport: Passport, key: str, environment: Environment, review: str) -> None:
    ends = [_key(target) for target in passport.targets if target.request.environment_id == environment.pk] or ["artifact"]
    href = reverse("approvals:request", args=[review])
    told.node(Node(f"glass-{key}", PROOF, "Break-glass", environment.name, BROKEN, "Not reviewed", href, "past the policy"))
    told.edge(f"glass-{key}", ends[0], "went past the policy of", BROKEN, "glass broken")


def _tell_place(told: _Told, passport: Passport, seen: SeenPlace) -> None:
    place, observation, check = seen.now.place, seen.now.observation, seen.now.check
    state, word = _judge_place(passport.digest, seen)
    key = f"place-{place.pk[:16]}"
    title = check.about.words if check.about and not place.is_running else place.location
    line = f"{observation.digest[:19]}…" if observation.digest != passport.digest else place.environment.name if place.environment else ""
    told.node(Node(key, WAY, place.get_kind_display(), title, state, word, "#places", line))
    start = next((_key(target) for target in passport.targets if target.request.environment_id == place.environment_id), "artifact")
    words = "runs at" if place.is_running else "is kept at"
    told.edge(start, key, words, state, word.lower())
    observer = observation.identity
    href = reverse("identities:identity", args=[observer.pk])
    owner = f"owned by {observer.owner}" if observer.owner else ""
    told.node(Node(f"observer-{observer.pk}", PEOPLE, "Observer", observer.name, *_STANDING[observer.standing], href, owner))
    told.edge(f"observer-{observer.pk}", key, "saw what is at", VERIFIED)


def _judge_place(digest: str, seen: SeenPlace) -> tuple[str, str]:
    check, here = seen.now.check, seen.now.observation.digest == digest
    if seen.is_wrong_about(digest):
        if not here:
            return BROKEN, "Altered"
        return BROKEN, "In another's place" if check.code == DIFFERS else "Not approved"
    if not here:
        return CLAIMED, "Replaced"
    if check.code != AS_APPROVED:
        return CLAIMED, "Not compared"
    return (CLAIMED, "Not looked at lately") if seen.is_stale else (VERIFIED, "As approved")


def _tell_evidence(told: _Told, passport: Passport, verdict: Verdict) -> None:
    state, word = _VERDICT[Verdict.Result(verdict.result)]
    signer = verdict.signer
    if state == VERIFIED and not _answers(verdict):
        state, word = CLAIMED, "Nobody answers"
    title = short_type(verdict.predicate_type).split("/", 1)[-1]
    href = reverse("attestations:attestation", args=[verdict.attestation_id])
    line = f"signed by {signer.name}" if signer else "signer not registered"
    told.node(Node(verdict.attestation_id, PROOF, "Evidence", title, state, word, href, line))
    is_build = verdict.attestation_id in {link.attestation_id for link in passport.chain if link.kind == "build"}
    told.edge(verdict.attestation_id, "build" if is_build else "artifact", "tells of", state, word.lower())


def _answers(verdict: Verdict) -> bool:
    """Whether its signer answers for it today: a verdict was given at one time, and is given again only after a while."""
    signer = verdict.signer
    if signer is None or signer.standing == "active":
        return signer is not None
    return not why_not_answering(signer, signed_at=when_signed_of(verdict_document(verdict), received_at=verdict.attestation.received_at))


def _evidence_of(link: Link) -> str:
    return reverse("attestations:attestation", args=[link.attestation_id]) if link.attestation_id else ""


def _key(target: Target) -> str:
    return f"to-{quote(target.request.pk, safe='')}"
