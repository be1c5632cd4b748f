"""The approval record: the portal's signed wrapper around one person's statement and signature, an answer or what is signed beside one.

Everything copied into it from the statement is a hint for readers who cannot decode base64; the truth is the embedded payload,
and `mirror_of` says what the copies must be. Signatures are verified in `proofs.pack.verify`.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from proofs.approval.approval_parts import SignerReference, SignInReference
from proofs.approval.cose import ALGORITHMS
from proofs.approval.human_approval import parse_human_approval
from proofs.approval.passkey import Assertion
from proofs.approval.person_statement import PERSON_STATEMENT_TYPES, parse_person_statement
from proofs.approval.signed_parts import PASSKEY, SIGN_IN
from proofs.canonical import canonical_bytes, parse_canonical
from proofs.digest import sha256_hex
from proofs.dsse import IN_TOTO_PAYLOAD_TYPE
from proofs.encoding import b64_encode, b64url_encode
from proofs.errors import Malformed
from proofs.fields import Fields
from proofs.moment import rfc3339
from proofs.statement import STATEMENT_V1

RECORD_TYPE = "urn:countersign:approval-record:v1"
ASSERTION_EXTENSION = "urn:countersign:webauthn-assertion:v1"
# What a portal checks before it signs a record. A record that claims another check claims something nobody has defined.
CHECKS = (
    "approval.form",
    "webauthn.client_data",
    "webauthn.challenge",
    "webauthn.origin",
    "webauthn.rp_id",
    "webauthn.user_presence",
    "webauthn.user_verification",
    "webauthn.signature",
    "signer.enrolled",
    "signer.identity",
    "sod.not_excluded",
    "policy.result",
)
# The same for a sign-in at an identity provider in place of a passkey.
SIGN_IN_CHECKS = (
    "approval.form",
    "sign_in.token",
    "sign_in.audience",
    "sign_in.nonce",
    "sign_in.asked_again",
    "signer.identity",
    "sod.not_excluded",
    "policy.result",
)
# The same for what a person signs beside an answer: no policy stands behind it.
PERSON_CHECKS = (
    "statement.form",
    "webauthn.client_data",
    "webauthn.challenge",
    "webauthn.origin",
    "webauthn.rp_id",
    "webauthn.user_presence",
    "webauthn.user_verification",
    "webauthn.signature",
    "signer.enrolled",
    "signer.identity",
    "signer.entitled",
)
LEVELS = ("H0", "H1", "H2", "H3", "H4")

_CODE = "record.malformed"
_MIRRORED = ("decision", "environment", "approver", "validity", "request")
_MIRRORED_OF_OTHERS = ("statement", "person", "validity")


@dataclass(frozen=True, slots=True)
class TokenReference:
    """What stands where a signature would: the provider's token and the keys it was verified with, by SHA-256. The token is private."""

    token: str
    keys: str
    issuer: str
    audience: str


@dataclass(frozen=True, slots=True)
class Record:
    """What a record says. `mirrored` holds its subject and the copied fields, `payload` the statement as signed.

    `enrollment` is empty where the person answered without a key.
    """

    subject: Any
    mirrored: dict[str, Any]
    assurance: str
    payload: bytes
    signature: Assertion | TokenReference
    enrollment: str
    checked_at: datetime
    checks: tuple[str, ...]
    verifier_version: str
    portal: str

    @property
    def assertion(self) -> Assertion:
        """The passkey's assertion. Refuses with `record.malformed` where the person answered without a key."""
        if isinstance(self.signature, TokenReference):
            raise Malformed(_CODE, "got a record of a sign-in, expected one of a passkey")
        return self.signature


def build_record(
    *,
    payload: bytes,
    assertion: Assertion | TokenReference,
    assurance: str,
    checked_at: datetime,
    checks: Sequence[str],
    verifier_version: str,
    portal: str,
) -> bytes:
    """Return the canonical payload of the record of one verified approval.

    `checks` are the ids of the checks that held, `portal` is the portal's origin. Refuses with `record.malformed`, or as
    `parse_human_approval` or `parse_person_statement` does. Give it only what has been verified; nothing is verified here.
    """
    statement = parse_canonical(payload)
    signer = signer_of(payload)
    predicate = {
        **mirror_of(statement),
        "assurance": assurance,
        "approval": {
            "payloadType": IN_TOTO_PAYLOAD_TYPE,
            "payload": b64_encode(payload),
            "payloadDigest": {"sha256": sha256_hex(payload)},
            "signature": _signature_document(assertion),
        },
        "verification": {
            "verifier": "countersign",
            "version": verifier_version,
            "checkedAt": rfc3339(checked_at),
            "checks": [{"id": check, "result": "pass"} for check in checks],
        },
        "portal": {"id": portal},
    }
    if not isinstance(signer, SignInReference):
        predicate["enrollment"] = {"digest": {"sha256": signer.enrollment}}
    record = canonical_bytes(
        {"_type": STATEMENT_V1, "subject": statement["subject"], "predicateType": RECORD_TYPE, "predicate": predicate},
    )
    parse_record(record)
    return record


def parse_record(payload: bytes) -> Record:
    """Parse the payload of a record. Refuses with `record.malformed` or `json.*`; does not compare it with the statement inside."""
    value = parse_canonical(payload)
    statement = Fields(value, path="record", code=_CODE).only("_type", "subject", "predicateType", "predicate")
    statement.choice("_type", (STATEMENT_V1,))
    statement.choice("predicateType", (RECORD_TYPE,))
    predicate = statement.fields("predicate")
    mirrored = _MIRRORED_OF_OTHERS if predicate.has("statement") else _MIRRORED
    predicate.only(*mirrored, "assurance", "approval", "enrollment", "verification", "portal")
    approval = predicate.fields("approval").only("payloadType", "payload", "payloadDigest", "signature")
    approval.choice("payloadType", (IN_TOTO_PAYLOAD_TYPE,))
    embedded = approval.base64("payload")
    if approval.sha256("payloadDigest") != sha256_hex(embedded):
        approval.refuse("payloadDigest", "the digest of the payload beside it")
    verification = predicate.fields("verification").only("verifier", "version", "checkedAt", "checks")
    verification.choice("verifier", ("countersign",))
    signature = _read_signature(approval.fields("signature"))
    by_sign_in = isinstance(signature, TokenReference)
    for check in verification.each("checks"):
        check.only("id", "result").choice("result", ("pass",))
        check.choice("id", SIGN_IN_CHECKS if by_sign_in else PERSON_CHECKS if predicate.has("statement") else CHECKS)
    if by_sign_in and predicate.has("enrollment"):
        predicate.refuse("enrollment", "none, as no key was used")
    return Record(
        subject=value.get("subject"),
        mirrored={name: value["predicate"].get(name) for name in mirrored},
        assurance=predicate.choice("assurance", LEVELS),
        payload=embedded,
        signature=signature,
        enrollment="" if by_sign_in else predicate.fields("enrollment").sha256(),
        checked_at=verification.time("checkedAt"),
        checks=tuple(check.text("id", limit=80) for check in verification.each("checks")),
        verifier_version=verification.text("version", limit=40),
        portal=predicate.fields("portal").only("id").text("id", limit=300),
    )


def signer_of(payload: bytes) -> SignerReference | SignInReference:
    """Return with what a statement was signed, an approval or another one of a person. Refuses as reading it does."""
    if read_statement_type(payload) in PERSON_STATEMENT_TYPES:
        return parse_person_statement(payload).signer
    return parse_human_approval(payload).signer


def read_statement_type(payload: bytes) -> object:
    """Return the predicate type of a statement that nobody has read yet, whatever stands there. Refuses with `json.*`."""
    statement = parse_canonical(payload)
    return statement.get("predicateType") if isinstance(statement, dict) else None


def mirror_of(statement: dict[str, Any]) -> dict[str, Any]:
    """Return the fields a record must copy from a parsed statement, so that simple policies can match on them."""
    predicate = statement["predicate"]
    if statement["predicateType"] in PERSON_STATEMENT_TYPES:
        person = {name: predicate["person"][name] for name in ("kind", "issuer", "subject")}
        return {"statement": statement["predicateType"], "person": person, "validity": predicate["validity"]}
    approver = predicate["approver"]
    return {
        "decision": predicate["decision"],
        "environment": predicate["environment"],
        "approver": {name: approver[name] for name in ("kind", "issuer", "subject")},
        "validity": predicate["validity"],
        "request": predicate["request"],
    }


def human_dsse(payload: bytes, assertion: Assertion) -> dict[str, Any]:
    """Return the person's own envelope: DSSE with the assertion in a signature extension.

    The signature bytes stand in `sig`, so a verifier that does not know the extension fails closed.
    """
    extension = {
        "credentialId": b64url_encode(assertion.credential_id),
        "authenticatorData": b64url_encode(assertion.authenticator_data),
        "clientDataJSON": b64url_encode(assertion.client_data_json),
        "alg": assertion.algorithm,
        "profile": "sshsig-v1",
    }
    signature = {
        "keyid": assertion.key_id,
        "sig": b64_encode(assertion.signature),
        "extension": {"kind": ASSERTION_EXTENSION, "ext": extension},
    }
    return {"payload": b64_encode(payload), "payloadType": IN_TOTO_PAYLOAD_TYPE, "signatures": [signature]}


def human_sign_in(payload: bytes) -> dict[str, Any]:
    """Return what stands in a pack in place of the person's own envelope, where they answered without a key: no form, and why."""
    reason = "The person confirmed this statement by signing in at their identity provider; neither DSSE nor OpenSSH has a form for that."
    return {"type": SIGN_IN, "payloadDigest": {"sha256": sha256_hex(payload)}, "dsse": None, "sshsig": None, "reason": reason}


def _signature_document(given: Assertion | TokenReference) -> dict[str, Any]:
    if isinstance(given, TokenReference):
        return {
            "type": SIGN_IN,
            "tokenDigest": {"sha256": given.token},
            "keysDigest": {"sha256": given.keys},
            "provider": {"issuer": given.issuer, "audience": given.audience},
        }
    return {
        "type": PASSKEY,
        "keyId": given.key_id,
        "alg": given.algorithm,
        "credentialId": b64url_encode(given.credential_id),
        "authenticatorData": b64url_encode(given.authenticator_data),
        "clientDataJSON": b64url_encode(given.client_data_json),
        "signature": b64url_encode(given.signature),
    }


def _read_signature(item: Fields) -> Assertion | TokenReference:
    if item.choice("type", (PASSKEY, SIGN_IN)) == PASSKEY:
        return _assertion(item)
    item.only("type", "tokenDigest", "keysDigest", "provider")
    provider = item.fields("provider").only("issuer", "audience")
    return TokenReference(
        token=item.sha256("tokenDigest"),
        keys=item.sha256("keysDigest"),
        issuer=provider.text("issuer", limit=300),
        audience=provider.text("audience", limit=300),
    )


def _assertion(item: Fields) -> Assertion:
    item.only("type", "keyId", "alg", "credentialId", "authenticatorData", "clientDataJSON", "signature")
    algorithm = item.raw("alg")
    if not isinstance(algorithm, int) or algorithm not in ALGORITHMS:
        raise Malformed(_CODE, f"got algorithm {str(algorithm)[:20]}, expected -7, -8 or -257")
    return Assertion(
        key_id=item.text("keyId", limit=60),
        credential_id=item.base64url("credentialId"),
        authenticator_data=item.base64url("authenticatorData"),
        client_data_json=item.base64url("clientDataJSON"),
        signature=item.base64url("signature"),
        algorithm=algorithm,
    )
