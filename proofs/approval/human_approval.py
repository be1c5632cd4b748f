"""The statement a person signs: from typed values to canonical bytes, and strictly back.

What is shown is what is hashed is what is signed. Reading checks form only (binding rules of the statement): whose key signed,
whether the policy agrees and whether the evidence holds is decided in `proofs.pack.verify`.
"""

from __future__ import annotations

from functools import lru_cache
from typing import Any

from proofs.approval.approval_parts import (
    EnvironmentReference,
    EvidenceReference,
    ExcludedParty,
    HumanApproval,
    MissingEvidence,
    Party,
    PolicyReference,
    RequestReference,
    ReviewReference,
    SeparationOfDuties,
    StandingIn,
)
from proofs.approval.reason_codes import DECISIONS_WITH_CODES, REASON_CODES
from proofs.approval.signed_parts import (
    ENVIRONMENT_ID,
    approver_document,
    artifacts_document,
    ceremony_document,
    environment_document,
    read_approver,
    read_artifacts,
    read_ceremony,
    read_environment,
    read_renderer,
    read_signer,
    read_validity,
    validity_document,
)
from proofs.approval.sshsig import NAMESPACE, sshsig_message
from proofs.canonical import canonical_bytes, parse_canonical
from proofs.dsse import IN_TOTO_PAYLOAD_TYPE, pae
from proofs.errors import Malformed
from proofs.fields import Fields
from proofs.moment import rfc3339
from proofs.statement import STATEMENT_V1

HUMAN_APPROVAL_TYPE = "urn:countersign:human-approval:v1"
SNAPSHOT_MEDIA_TYPE = "application/vnd.countersign.review-snapshot+json"
DECISIONS = ("approve", "reject", "request_changes")
MAX_EXCEPTIONS = 256
RESULTS = ("pass", "fail")
MAX_STATEMENT_BYTES = 1024 * 1024
MAX_JUSTIFICATION = 2000

# One answer of a gate reads each statement many times. Nothing in what was read can be changed.
MOST_KEPT = 128
_CODE = "approval.malformed"
_KINDS = ("person", "workflow", "service", "agent", "key", "bot")


def build_human_approval(approval: HumanApproval) -> bytes:
    """Return the canonical bytes of the statement: the DSSE payload that the person's passkey will cover.

    Refuses with `approval.malformed` when the values do not make a statement that `parse_human_approval` accepts.
    """
    payload = canonical_bytes(
        {
            "_type": STATEMENT_V1,
            "subject": artifacts_document(approval.artifacts),
            "predicateType": HUMAN_APPROVAL_TYPE,
            "predicate": _predicate(approval),
        }
    )
    if parse_human_approval(payload) != approval:
        raise Malformed(
            _CODE, "the values do not survive being written down (fractions of a second?), expected a statement that reads back the same"
        )
    return payload


def approval_signed_bytes(payload: bytes) -> bytes:
    """Return the DSSE pre-authentication encoding of a statement: the message `ssh-keygen -Y verify` is given."""
    return pae(IN_TOTO_PAYLOAD_TYPE, payload)


def approval_challenge(payload: bytes) -> bytes:
    """Return the WebAuthn challenge for a statement: the SSHSIG blob over its DSSE encoding."""
    return sshsig_message(NAMESPACE, approval_signed_bytes(payload))


def is_environment(asked: str, environment: EnvironmentReference) -> bool:
    """Return whether `asked` is this environment: its id where `asked` looks like an id, its name otherwise."""
    return asked == (environment.id if asked.startswith(ENVIRONMENT_ID) else environment.name)


def parse_human_approval(payload: bytes) -> HumanApproval:
    """Parse the exact bytes a person signed; the same bytes again are the same value again.

    Refuses with `json.*` when they are not canonical, and with `approval.malformed` for every broken rule of form: wrong type,
    a missing or ill-typed field, an unknown environment scope, policy exception or validity field, a rejection without a reason.
    """
    if len(payload) > MAX_STATEMENT_BYTES:
        raise Malformed(_CODE, f"got a statement of {len(payload)} bytes, expected at most {MAX_STATEMENT_BYTES}")
    return _read_human_approval(bytes(payload))


@lru_cache(maxsize=MOST_KEPT)
def _read_human_approval(payload: bytes) -> HumanApproval:
    statement = Fields(parse_canonical(payload), path="statement", code=_CODE)
    statement.choice("_type", (STATEMENT_V1,))
    statement.choice("predicateType", (HUMAN_APPROVAL_TYPE,))
    predicate = statement.fields("predicate")
    # To supersede an answer would need to be understood to be followed; there is no such thing yet.
    if predicate.raw("supersedes") != []:
        predicate.refuse("supersedes", "nothing, as superseding is not understood")
    decision = predicate.choice("decision", DECISIONS)
    justification = predicate.fields("justification").text("text", limit=MAX_JUSTIFICATION, empty=decision != "reject", lines=True)
    approver = predicate.fields("approver")
    return HumanApproval(
        artifacts=read_artifacts(statement),
        decision=decision,
        request=_request(predicate.fields("request")),
        environment=read_environment(predicate.fields("environment")),
        approver=read_approver(approver),
        signer=read_signer(approver.fields("signer")),
        policy=_policy(predicate.fields("policy")),
        evidence=_evidence(predicate),
        missing_evidence=tuple(
            MissingEvidence(item.text("requirement", limit=300), item.text("treatedAs", limit=40))
            for item in predicate.each("missingEvidence")
        ),
        review=_review(predicate.fields("review")),
        justification=justification,
        separation_of_duties=_separation_of_duties(predicate.fields("separationOfDuties")),
        validity=read_validity(predicate.fields("validity")),
        ceremony=read_ceremony(predicate.fields("ceremony")),
        reason_codes=_reason_codes(predicate.fields("justification"), decision),
        standing_in_for=_standing_in(predicate.fields("standingInFor")) if predicate.has("standingInFor") else None,
    )


def _predicate(approval: HumanApproval) -> dict[str, Any]:
    request = approval.request
    return {
        "decision": approval.decision,
        "request": {"id": request.id, "revision": request.revision, "kind": request.kind, "digest": {"sha256": request.digest}},
        "environment": environment_document(approval.environment),
        "approver": approver_document(approval.approver, approval.signer),
        "policy": _policy_document(approval.policy),
        "evidence": [_evidence_document(item) for item in approval.evidence],
        "missingEvidence": [{"requirement": item.requirement, "treatedAs": item.treated_as} for item in approval.missing_evidence],
        "review": _review_document(approval.review),
        "justification": {
            "text": approval.justification,
            **({"reasonCodes": list(approval.reason_codes)} if approval.reason_codes else {}),
        },
        "separationOfDuties": _separation_document(approval.separation_of_duties),
        "validity": validity_document(approval.validity),
        "supersedes": [],
        "ceremony": ceremony_document(approval.ceremony),
        **({"standingInFor": _standing_in_document(approval.standing_in_for)} if approval.standing_in_for else {}),
    }


def _standing_in_document(standing: StandingIn) -> dict[str, Any]:
    return {
        "issuer": standing.issuer,
        "subject": standing.subject,
        "username": standing.username,
        "delegation": {"sha256": standing.delegation},
    }


def _policy_document(policy: PolicyReference) -> dict[str, Any]:
    return {
        "id": policy.id,
        "version": policy.version,
        "digest": {"sha256": policy.digest},
        "engine": {"name": "countersign", "version": policy.engine_version},
        "inputDigest": {"sha256": policy.input_digest},
        "resultDigest": {"sha256": policy.result_digest},
        "result": policy.result,
        "exceptions": [{"sha256": digest} for digest in policy.exceptions],
    }


def _evidence_document(item: EvidenceReference) -> dict[str, Any]:
    annotations = {
        "verdict": item.verdict,
        "verdictDigest": {"sha256": item.verdict_digest},
        "signer": item.signer,
        "verifiedAt": rfc3339(item.verified_at),
        "shown": item.shown,
    }
    return {"name": item.name, "digest": {"sha256": item.digest}, "mediaType": item.media_type, "annotations": annotations}


def _review_document(review: ReviewReference) -> dict[str, Any]:
    return {
        "snapshot": {"digest": {"sha256": review.snapshot_digest}, "mediaType": SNAPSHOT_MEDIA_TYPE},
        "display": {
            "summary": review.summary,
            "locale": review.locale,
            "renderer": {"name": "countersign", "version": review.renderer_version},
        },
        "acknowledged": [{"signal": signal, "digest": {"sha256": digest}} for signal, digest in review.acknowledged],
        **({"baseline": {"record": {"sha256": review.baseline}}} if review.baseline else {}),
        "channel": review.channel,
    }


def _separation_document(duties: SeparationOfDuties) -> dict[str, Any]:
    requester: dict[str, Any] = {"kind": duties.requester.kind, "issuer": duties.requester.issuer, "subject": duties.requester.subject}
    for name, person in (("onBehalfOf", duties.requester.on_behalf_of), ("owner", duties.requester.owner)):
        if person is not None:
            requester[name] = {"issuer": person[0], "subject": person[1]}
    return {
        "rule": {"id": duties.rule_id},
        "requester": requester,
        "excluded": [{"issuer": item.issuer, "subject": item.subject, "because": list(item.because)} for item in duties.excluded],
        "result": duties.result,
        "required": duties.required,
    }


def _request(item: Fields) -> RequestReference:
    return RequestReference(item.text("id", limit=80), item.integer("revision", low=1), item.text("kind", limit=40), item.sha256())


def _policy(item: Fields) -> PolicyReference:
    exceptions = tuple(named.only("sha256").hex_sha256("sha256") for named in item.each("exceptions", high=MAX_EXCEPTIONS))
    if len(set(exceptions)) != len(exceptions):
        item.refuse("exceptions", "every exception once")
    return PolicyReference(
        id=item.text("id", limit=80),
        version=item.text("version", limit=40),
        digest=item.sha256(),
        input_digest=item.sha256("inputDigest"),
        result_digest=item.sha256("resultDigest"),
        result=item.choice("result", RESULTS),
        engine_version=read_renderer(item.fields("engine")),
        exceptions=exceptions,
    )


def _evidence(predicate: Fields) -> tuple[EvidenceReference, ...]:
    items = []
    for item in predicate.each("evidence"):
        notes = item.fields("annotations")
        items.append(
            EvidenceReference(
                name=item.text("name", limit=300),
                digest=item.sha256(),
                media_type=item.text("mediaType", limit=200),
                verdict=notes.text("verdict", limit=40),
                verdict_digest=notes.sha256("verdictDigest"),
                signer=notes.text("signer", limit=1000, empty=True),
                verified_at=notes.time("verifiedAt"),
                shown=notes.flag("shown"),
            )
        )
    if len({item.digest for item in items}) != len(items):
        predicate.refuse("evidence", "every item once")
    return tuple(items)


def _review(item: Fields) -> ReviewReference:
    snapshot, display = item.fields("snapshot"), item.fields("display")
    snapshot.choice("mediaType", (SNAPSHOT_MEDIA_TYPE,))
    return ReviewReference(
        snapshot_digest=snapshot.sha256(),
        summary=display.text("summary"),
        renderer_version=read_renderer(display.fields("renderer")),
        locale=display.text("locale", limit=20),
        channel=item.text("channel", limit=20),
        acknowledged=tuple((signal.text("signal", limit=80), signal.sha256()) for signal in item.each("acknowledged")),
        baseline=item.fields("baseline").sha256("record") if item.has("baseline") else "",
    )


def _reason_codes(item: Fields, decision: str) -> tuple[str, ...]:
    if "reasonCodes" not in item.value:
        return ()
    if decision not in DECISIONS_WITH_CODES:
        item.refuse("reasonCodes", "none in an approval")
    codes = item.texts("reasonCodes", low=1, high=len(REASON_CODES))
    if list(codes) != [code for code in REASON_CODES if code in codes]:
        item.refuse("reasonCodes", f"some of {', '.join(REASON_CODES)}, in this order")
    return codes


def _separation_of_duties(item: Fields) -> SeparationOfDuties:
    requester = item.fields("requester")
    return SeparationOfDuties(
        rule_id=item.fields("rule").text("id", limit=80),
        requester=Party(
            kind=requester.choice("kind", _KINDS),
            issuer=requester.text("issuer", limit=300),
            subject=requester.text("subject", limit=300),
            on_behalf_of=_person(requester, "onBehalfOf"),
            owner=_person(requester, "owner"),
        ),
        excluded=tuple(
            ExcludedParty(party.text("issuer", limit=300), party.text("subject", limit=300), party.texts("because", low=1))
            for party in item.each("excluded")
        ),
        result=item.choice("result", RESULTS),
        required=item.integer("required", low=1, high=64),
    )


def _standing_in(item: Fields) -> StandingIn:
    item.only("issuer", "subject", "username", "delegation")
    delegation = item.fields("delegation").only("sha256").hex_sha256("sha256")
    return StandingIn(item.text("issuer", limit=300), item.text("subject", limit=300), item.text("username", limit=200), delegation)


def _person(item: Fields, name: str) -> tuple[str, str] | None:
    if not item.has(name):
        return None
    person = item.fields(name)
    return person.text("issuer", limit=300), person.text("subject", limit=300)
