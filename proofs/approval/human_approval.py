"""The statement a person signs: from typed values to canonical bytes, and strictly back.

What is shown is what is hashed is what is signed. Reading checks form only (binding rules of the statement): whose key signed,
whether the policy agrees and whether the evidence holds is decided in `proofs.pack.verify`.
"""

from __future__ import annotations

from typing import Any

from proofs.approval.approval_parts import (
    ApprovedArtifact,
    Approver,
    EnvironmentReference,
    EvidenceReference,
    ExcludedParty,
    HeldRole,
    HumanApproval,
    LogHead,
    MissingEvidence,
    Party,
    PolicyReference,
    RequestReference,
    ReviewReference,
    SeparationOfDuties,
    SignerReference,
    SigningCeremony,
    SignInReference,
    Validity,
)
from proofs.approval.cose import ALGORITHMS
from proofs.approval.reason_codes import DECISIONS_WITH_CODES, REASON_CODES
from proofs.approval.sshsig import NAMESPACE, sshsig_message
from proofs.canonical import canonical_bytes, parse_canonical
from proofs.digest import LENGTHS, parse_digest
from proofs.dsse import IN_TOTO_PAYLOAD_TYPE, pae
from proofs.encoding import b64_encode, b64url_decode
from proofs.errors import Malformed, Refusal
from proofs.fields import Fields
from proofs.moment import rfc3339
from proofs.statement import STATEMENT_V1

HUMAN_APPROVAL_TYPE = "urn:countersign:human-approval:v1"
SNAPSHOT_MEDIA_TYPE = "application/vnd.countersign.review-snapshot+json"
PROFILE = "sshsig-v1"
# How the person answers: with an enrolled passkey, or by a sign-in whose nonce is the hash of the statement.
PASSKEY, SIGN_IN = "webauthn", "oidc-nonce"
DECISIONS = ("approve", "reject", "request_changes")
RESULTS = ("pass", "fail")
MAX_STATEMENT_BYTES = 1024 * 1024
MAX_ARTIFACTS = 256
MAX_JUSTIFICATION = 2000

ENVIRONMENT_ID = "env_"

_CODE = "approval.malformed"
_KINDS = ("person", "workflow", "service", "agent", "key", "bot")


def build_human_approval(approval: HumanApproval) -> bytes:
    """Return the canonical bytes of the statement: the DSSE payload that the person's passkey will cover.

    Refuses with `approval.malformed` when the values do not make a statement that `parse_human_approval` accepts.
    """
    payload = canonical_bytes(
        {
            "_type": STATEMENT_V1,
            "subject": [
                {"name": item.name, "digest": {digest.algorithm: digest.hex for digest in item.digests}} for item in approval.artifacts
            ],
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
    """Parse the exact bytes a person signed.

    Refuses with `json.*` when they are not canonical, and with `approval.malformed` for every broken rule of form: wrong type,
    a missing or ill-typed field, an unknown environment scope, policy exception or validity field, a rejection without a reason.
    """
    if len(payload) > MAX_STATEMENT_BYTES:
        raise Malformed(_CODE, f"got a statement of {len(payload)} bytes, expected at most {MAX_STATEMENT_BYTES}")
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
        artifacts=_artifacts(statement),
        decision=decision,
        request=_request(predicate.fields("request")),
        environment=_environment(predicate.fields("environment")),
        approver=_approver(approver),
        signer=_signer(approver.fields("signer")),
        policy=_policy(predicate.fields("policy")),
        evidence=_evidence(predicate),
        missing_evidence=tuple(
            MissingEvidence(item.text("requirement", limit=300), item.text("treatedAs", limit=40))
            for item in predicate.each("missingEvidence")
        ),
        review=_review(predicate.fields("review")),
        justification=justification,
        separation_of_duties=_separation_of_duties(predicate.fields("separationOfDuties")),
        validity=_validity(predicate.fields("validity")),
        ceremony=_ceremony(predicate.fields("ceremony")),
        reason_codes=_reason_codes(predicate.fields("justification"), decision),
    )


def _predicate(approval: HumanApproval) -> dict[str, Any]:
    request, environment, validity = approval.request, approval.environment, approval.validity
    return {
        "decision": approval.decision,
        "request": {"id": request.id, "revision": request.revision, "kind": request.kind, "digest": {"sha256": request.digest}},
        "environment": {"id": environment.id, "name": environment.name, "tier": environment.tier, "scopes": []},
        "approver": _approver_document(approval.approver, approval.signer),
        "policy": _policy_document(approval.policy),
        "evidence": [_evidence_document(item) for item in approval.evidence],
        "missingEvidence": [{"requirement": item.requirement, "treatedAs": item.treated_as} for item in approval.missing_evidence],
        "review": _review_document(approval.review),
        "justification": {
            "text": approval.justification,
            **({"reasonCodes": list(approval.reason_codes)} if approval.reason_codes else {}),
        },
        "separationOfDuties": _separation_document(approval.separation_of_duties),
        "validity": {
            "issuedAt": rfc3339(validity.issued_at),
            "notBefore": rfc3339(validity.not_before),
            "notAfter": rfc3339(validity.not_after),
        },
        "supersedes": [],
        "ceremony": _ceremony_document(approval.ceremony),
    }


def _approver_document(approver: Approver, signer: SignerReference | SignInReference) -> dict[str, Any]:
    return {
        "kind": "human",
        "issuer": approver.issuer,
        "subject": approver.subject,
        "username": approver.username,
        "roles": [{"name": role.name, "scope": role.scope, "source": role.source, "asOf": rfc3339(role.as_of)} for role in approver.roles],
        "authn": {"method": approver.authenticated_by, "authTime": rfc3339(approver.authenticated_at)},
        "signer": _signer_document(signer),
    }


def _signer_document(signer: SignerReference | SignInReference) -> dict[str, Any]:
    if isinstance(signer, SignInReference):
        return {"type": SIGN_IN, "issuer": signer.issuer, "audience": signer.audience, "subject": signer.subject}
    return {
        "type": PASSKEY,
        "keyId": signer.key_id,
        "alg": signer.algorithm,
        "enrollment": {"digest": {"sha256": signer.enrollment}},
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
        "exceptions": [],
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


def _ceremony_document(ceremony: SigningCeremony) -> dict[str, Any]:
    head = ceremony.log_head
    return {
        "id": ceremony.id,
        "nonce": ceremony.nonce,
        "rpId": ceremony.rp_id,
        "origin": ceremony.origin,
        "profile": PROFILE,
        "namespace": NAMESPACE,
        "expiresAt": rfc3339(ceremony.expires_at),
        "logHead": {"origin": head.origin, "size": head.size, "rootHash": b64_encode(head.root)},
    }


def _artifacts(statement: Fields) -> tuple[ApprovedArtifact, ...]:
    artifacts = []
    for item in statement.each("subject", low=1, high=MAX_ARTIFACTS):
        named = item.raw("digest")
        if not isinstance(named, dict):
            item.refuse("digest", "an object of digests")
        try:
            digests = tuple(parse_digest(f"{algorithm}:{named[algorithm]}") for algorithm in sorted(LENGTHS) if algorithm in named)
        except Refusal as error:
            raise Malformed(_CODE, error.reason) from error
        if not digests:
            item.refuse("digest", "a sha256, sha384 or sha512")
        artifacts.append(ApprovedArtifact(item.text("name", empty=True), digests))
    every = [digest for artifact in artifacts for digest in artifact.digests]
    if len(set(every)) != len(every):
        statement.refuse("subject", "every digest once")
    return tuple(artifacts)


def _request(item: Fields) -> RequestReference:
    return RequestReference(item.text("id", limit=80), item.integer("revision", low=1), item.text("kind", limit=40), item.sha256())


def _environment(item: Fields) -> EnvironmentReference:
    # A scope narrows where the approval holds. We know none yet, and one we do not know must not be passed over.
    if item.raw("scopes") != []:
        item.refuse("scopes", "no scope, as none is understood")
    identifier, name = item.text("id", limit=80), item.text("name", limit=80)
    # Whoever asks for an environment may give either; so nothing may look like both.
    if not identifier.startswith(ENVIRONMENT_ID) or len(identifier) == len(ENVIRONMENT_ID):
        item.refuse("id", f"an id that starts with {ENVIRONMENT_ID}")
    if name.startswith(ENVIRONMENT_ID):
        item.refuse("name", f"a name that does not look like an id ({ENVIRONMENT_ID}…)")
    return EnvironmentReference(identifier, name, item.integer("tier", low=1, high=3))


def _approver(item: Fields) -> Approver:
    item.choice("kind", ("human",))
    authentication = item.fields("authn")
    roles = tuple(
        HeldRole(role.text("name", limit=80), role.text("scope", limit=200), role.text("source", limit=200), role.time("asOf"))
        for role in item.each("roles", high=64)
    )
    return Approver(
        issuer=item.text("issuer", limit=300),
        subject=item.text("subject", limit=300),
        username=item.text("username", limit=200),
        roles=roles,
        authenticated_by=authentication.text("method", limit=80),
        authenticated_at=authentication.time("authTime"),
    )


def _signer(item: Fields) -> SignerReference | SignInReference:
    if item.choice("type", (PASSKEY, SIGN_IN)) == SIGN_IN:
        item.only("type", "issuer", "audience", "subject")
        return SignInReference(item.text("issuer", limit=300), item.text("audience", limit=300), item.text("subject", limit=300))
    algorithm = item.raw("alg")
    if not isinstance(algorithm, int) or algorithm not in ALGORITHMS:
        item.refuse("alg", "-7, -8 or -257")
    return SignerReference(item.text("keyId", limit=60), algorithm, item.fields("enrollment").sha256())


def _policy(item: Fields) -> PolicyReference:
    if item.raw("exceptions") != []:
        item.refuse("exceptions", "no exception, as none is understood")
    return PolicyReference(
        id=item.text("id", limit=80),
        version=item.text("version", limit=40),
        digest=item.sha256(),
        input_digest=item.sha256("inputDigest"),
        result_digest=item.sha256("resultDigest"),
        result=item.choice("result", RESULTS),
        engine_version=_made_by_us(item.fields("engine")),
    )


def _made_by_us(item: Fields) -> str:
    item.choice("name", ("countersign",))
    return item.text("version", limit=40)


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
        renderer_version=_made_by_us(display.fields("renderer")),
        locale=display.text("locale", limit=20),
        channel=item.text("channel", limit=20),
        acknowledged=tuple((signal.text("signal", limit=80), signal.sha256()) for signal in item.each("acknowledged")),
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


def _person(item: Fields, name: str) -> tuple[str, str] | None:
    if not item.has(name):
        return None
    person = item.fields(name)
    return person.text("issuer", limit=300), person.text("subject", limit=300)


def _validity(item: Fields) -> Validity:
    item.only("issuedAt", "notBefore", "notAfter")
    validity = Validity(item.time("issuedAt"), item.time("notBefore"), item.time("notAfter"))
    if not validity.issued_at <= validity.not_before < validity.not_after:
        item.refuse("notAfter", "issuedAt, notBefore and notAfter in this order")
    return validity


def _ceremony(item: Fields) -> SigningCeremony:
    item.choice("profile", (PROFILE,))
    item.choice("namespace", (NAMESPACE,))
    nonce = item.text("nonce", limit=43)
    if len(b64url_decode(nonce, code=_CODE, what="the nonce")) != 32:
        item.refuse("nonce", "32 random bytes in base64url")
    head = item.fields("logHead")
    root = head.base64("rootHash")
    if len(root) != 32:
        head.refuse("rootHash", "32 bytes")
    return SigningCeremony(
        id=item.text("id", limit=80),
        nonce=nonce,
        rp_id=item.text("rpId", limit=255),
        origin=item.text("origin", limit=300),
        expires_at=item.time("expiresAt"),
        log_head=LogHead(head.text("origin", limit=300), head.integer("size", low=1), root),
    )
