"""An introduction: the person's older key signs that a new one is theirs too.

The statement is an in-toto statement of its own type about the new key; the older passkey signs the SSHSIG challenge over it in a
namespace of its own. An approval can therefore never be read as an introduction, nor the reverse: type and namespace both differ.
What is kept is one envelope (canonical JSON, the form of `proofs.approval.record.human_dsse`). The steps:

1. The enrolment names the older key and this envelope.                                introduction.missing, introduction.digest
2. The envelope has one signature, by the older key.                                   introduction.malformed, introduction.other_key
3. Its statement is about exactly this new key, for the same person, by that older     introduction.mismatch
   key's own enrolment.
4. The older key was this person's, enrolled before, for the same site.                introduction.other_person, introduction.too_early
5. The older passkey signed it on the portal's page, with the person verified.         webauthn.*

Not checked: whether the older key was revoked by then, and how it came to be enrolled itself.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from proofs.approval.cose import ALGORITHMS
from proofs.approval.enrollment import Enrollment
from proofs.approval.passkey import Assertion, VerifiedAssertion, approval_policy, verify_assertion
from proofs.approval.record import ASSERTION_EXTENSION, human_dsse
from proofs.approval.sshsig import sshsig_message
from proofs.canonical import canonical_bytes, parse_canonical
from proofs.digest import sha256_hex
from proofs.dsse import IN_TOTO_PAYLOAD_TYPE, pae
from proofs.encoding import b64url_encode
from proofs.errors import Malformed, Refusal, Unproven
from proofs.fields import Fields
from proofs.keys import PublicKey, load_spki
from proofs.moment import rfc3339
from proofs.statement import STATEMENT_V1

INTRODUCTION_TYPE = "urn:countersign:signer-introduction:v1"
NAMESPACE = "signer-introduction@countersign"

_CODE = "introduction.malformed"


@dataclass(frozen=True, slots=True)
class Introduction:
    """What the older key signed: the new key and credential, whose it is, for which site, by which enrolment, when."""

    at: datetime
    issuer: str
    subject: str
    key_id: str
    spki_digest: str
    credential_id: bytes
    rp_id: str
    introducer: str
    introducer_enrollment: str


def build_introduction(
    *,
    at: datetime,
    issuer: str,
    subject: str,
    key: PublicKey,
    credential_id: bytes,
    rp_id: str,
    introducer: str,
    introducer_enrollment: str,
) -> bytes:
    """Return the canonical statement that the older key `introducer` signs for the new `key`; refuses with `introduction.malformed`.

    `introducer` is the older key's id, `introducer_enrollment` the SHA-256 (hex) of its enrolment.
    """
    payload = canonical_bytes(
        {
            "_type": STATEMENT_V1,
            "subject": [{"name": key.key_id, "digest": {"sha256": sha256_hex(key.spki)}}],
            "predicateType": INTRODUCTION_TYPE,
            "predicate": {
                "at": rfc3339(at),
                "identity": {"kind": "person", "issuer": issuer, "subject": subject},
                "key": {"credentialId": b64url_encode(credential_id), "rpId": rp_id},
                "introducedBy": {"keyId": introducer, "enrollment": {"sha256": introducer_enrollment}},
            },
        }
    )
    parse_introduction(payload)
    return payload


def parse_introduction(payload: bytes) -> Introduction:
    """Parse the statement of an introduction. Refuses with `introduction.malformed` or `json.*`; verifies nothing."""
    statement = Fields(parse_canonical(payload), path="introduction", code=_CODE).only("_type", "subject", "predicateType", "predicate")
    statement.choice("_type", (STATEMENT_V1,))
    statement.choice("predicateType", (INTRODUCTION_TYPE,))
    named = statement.each("subject", low=1, high=1)[0].only("name", "digest")
    predicate = statement.fields("predicate").only("at", "identity", "key", "introducedBy")
    identity, key = predicate.fields("identity").only("kind", "issuer", "subject"), predicate.fields("key").only("credentialId", "rpId")
    identity.choice("kind", ("person",))
    older = predicate.fields("introducedBy").only("keyId", "enrollment")
    return Introduction(
        at=predicate.time("at"),
        issuer=identity.text("issuer", limit=300),
        subject=identity.text("subject", limit=300),
        key_id=named.text("name", limit=60),
        spki_digest=named.sha256(),
        credential_id=key.base64url("credentialId"),
        rp_id=key.text("rpId", limit=255),
        introducer=older.text("keyId", limit=60),
        introducer_enrollment=older.sha256("enrollment"),
    )


def introduction_challenge(payload: bytes) -> bytes:
    """Return the WebAuthn challenge for an introduction: the SSHSIG blob over its DSSE encoding, in the namespace of introductions."""
    return sshsig_message(NAMESPACE, pae(IN_TOTO_PAYLOAD_TYPE, payload))


def introduction_envelope(payload: bytes, assertion: Assertion) -> bytes:
    """Return what is kept of an introduction: statement and assertion in one canonical envelope. Nothing is verified here."""
    return canonical_bytes(human_dsse(payload, assertion))


def verify_introduction(
    *,
    enrollment: Enrollment,
    introduction: bytes,
    introducer: Enrollment,
    introducer_digest: str,
    rp_id: str,
    origins: tuple[str, ...],
) -> VerifiedAssertion:
    """Return what the older passkey says when it signed for the key of `enrollment`, steps 1 to 5; refuses with the codes above.

    `introduction` is the envelope, `introducer` the older key's enrolment and `introducer_digest` the SHA-256 (hex) of its payload.
    """
    named = enrollment.introduced_by
    if named is None:  # 1.
        raise Unproven("introduction.missing", "the enrolment names no older key that signed for this one")
    if sha256_hex(introduction) != named.signature_digest or (named.key_id, named.enrollment) != (introducer.key_id, introducer_digest):
        raise Unproven("introduction.digest", "got another introduction or another older key than the enrolment names")
    payload, assertion = _open_envelope(introduction)  # 2.
    if assertion.key_id != introducer.key_id or assertion.credential_id != introducer.credential_id:
        raise Unproven("introduction.other_key", f"the introduction is signed with {assertion.key_id}, expected {introducer.key_id}")
    said = parse_introduction(payload)
    _demand_same_key(said, enrollment, introducer, introducer_digest)  # 3.
    if (introducer.kind, introducer.issuer, introducer.subject, introducer.rp_id, introducer.event) != (  # 4.
        "person",
        enrollment.issuer,
        enrollment.subject,
        rp_id,
        "enrolled",
    ):
        raise Unproven("introduction.other_person", "the older key was not enrolled for the same person at this portal")
    if not introducer.at <= said.at <= enrollment.at:
        raise Unproven(
            "introduction.too_early", "the older key was enrolled after it is said to have signed, or signed after the enrolment"
        )
    return verify_assertion(  # 5.
        challenge=introduction_challenge(payload),
        authenticator_data=assertion.authenticator_data,
        client_data_json=assertion.client_data_json,
        signature=assertion.signature,
        key=load_spki(introducer.key.spki),
        policy=approval_policy(rp_id=rp_id, origins=origins),
    )


def _demand_same_key(said: Introduction, enrollment: Enrollment, introducer: Enrollment, introducer_digest: str) -> None:
    expected = (
        enrollment.key_id,
        sha256_hex(enrollment.key.spki),
        enrollment.credential_id,
        enrollment.rp_id,
        enrollment.issuer,
        enrollment.subject,
        introducer.key_id,
        introducer_digest,
    )
    got = (
        said.key_id,
        said.spki_digest,
        said.credential_id,
        said.rp_id,
        said.issuer,
        said.subject,
        said.introducer,
        said.introducer_enrollment,
    )
    if got != expected:
        raise Unproven("introduction.mismatch", "the older key signed for another key, person or site than the enrolment is about")


def _open_envelope(content: bytes) -> tuple[bytes, Assertion]:
    try:
        envelope = Fields(parse_canonical(content), path="introduction", code=_CODE).only("payload", "payloadType", "signatures")
    except Refusal as error:
        raise Malformed(_CODE, f"the introduction cannot be read: {error.reason}") from error
    envelope.choice("payloadType", (IN_TOTO_PAYLOAD_TYPE,))
    signature = envelope.each("signatures", low=1, high=1)[0].only("keyid", "sig", "extension")
    extension = signature.fields("extension").only("kind", "ext")
    extension.choice("kind", (ASSERTION_EXTENSION,))
    item = extension.fields("ext").only("credentialId", "authenticatorData", "clientDataJSON", "alg", "profile")
    algorithm = item.raw("alg")
    if not isinstance(algorithm, int) or algorithm not in ALGORITHMS:
        item.refuse("alg", "-7, -8 or -257")
    assertion = Assertion(
        key_id=signature.text("keyid", limit=60),
        credential_id=item.base64url("credentialId"),
        authenticator_data=item.base64url("authenticatorData"),
        client_data_json=item.base64url("clientDataJSON"),
        signature=signature.base64("sig"),
        algorithm=algorithm,
    )
    payload = envelope.base64("payload")
    if introduction_envelope(payload, assertion) != content:
        raise Malformed(_CODE, "got an introduction in another form, expected the canonical envelope")
    return payload, assertion
