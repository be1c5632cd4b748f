"""Verify one person's signature over a statement, with the code an auditor uses offline (`proofs.approval`).

1. The assertion is this enrolled key's, over exactly these bytes, at our origin, with the person verified.   webauthn.*
2. The statement names that key and that enrolment.                                                           signer.key_mismatch
3. The enrolment is the portal's own and names a person.                                                      enrollment.*, signer.not_human
4. The statement names the person the key was enrolled for.                                                   signer.identity_mismatch
5. The key is old enough for an environment of the highest tier.                                              signer.cooling_off
6. What vouches for the enrolment, a sign-in and an attestation, still holds; the level follows from it.      binding.*, id_token.*, attestation.*

Not checked here: revocation and what the policy makes of it.
"""

from __future__ import annotations

from dataclasses import dataclass

from django.conf import settings

from approvals.trust import current_trust
from identities.models import Identity, SigningKey
from ledger.recorder import recorder_key
from proofs.approval.approval_parts import HumanApproval, SignerReference
from proofs.approval.assurance import assurance_level
from proofs.approval.enrollment import HUMAN_APPROVAL_PURPOSE, Enrollment, parse_enrollment
from proofs.approval.human_approval import approval_challenge
from proofs.approval.passkey import Assertion, VerifiedAssertion, approval_policy, verify_assertion
from proofs.canonical import parse_json
from proofs.digest import sha256_hex
from proofs.dsse import parse_envelope, verify_envelope
from proofs.encoding import b64url_decode
from proofs.errors import Conflict, Malformed, Unproven
from proofs.keys import PublicKey, load_spki
from proofs.pack.check_signer import is_cooling_off
from proofs.pack.weigh_enrollment import weigh_enrollment

MAX_ASSERTION_BYTES = 32 * 1024
FIELDS = ("credentialId", "authenticatorData", "clientDataJSON", "signature")


@dataclass(frozen=True)
class GivenAssertion:
    """What the browser sent, decoded and unverified."""

    credential_id: bytes
    authenticator_data: bytes
    client_data_json: bytes
    signature: bytes


def parse_assertion(unverified_text: str) -> GivenAssertion:
    """Decode what the signing page posts. Refuses with `webauthn.malformed` or a `json.*` code; verifies nothing."""
    if len(unverified_text) > MAX_ASSERTION_BYTES:
        raise Malformed(
            "webauthn.malformed", f"got {len(unverified_text)} characters, expected an assertion of at most {MAX_ASSERTION_BYTES}"
        )
    value = parse_json(unverified_text.encode("utf-8", "replace"))
    if not isinstance(value, dict) or set(value) != set(FIELDS):
        raise Malformed("webauthn.malformed", f"expected an object with {', '.join(FIELDS)}")
    return GivenAssertion(*(b64url_decode(value[name], code="webauthn.malformed", what=name) for name in FIELDS))


@dataclass(frozen=True)
class VerifiedSignature:
    """What a verified assertion says, and how sure we may be that this person gave it."""

    key: PublicKey
    assertion: Assertion
    origin: str
    level: str
    sign_count: int


def verify_signature(
    *, payload: bytes, statement: HumanApproval, given: GivenAssertion, key: SigningKey, by: Identity
) -> VerifiedSignature:
    """Return the verified signature of `by` over `payload` with `key`; refuses with the codes above."""
    public_key = load_spki(bytes(key.spki))
    if given.credential_id != bytes(key.credential_id):
        raise Unproven("signer.key_mismatch", "another key answered than the one the statement names")
    verified = verify_assertion(  # 1
        challenge=approval_challenge(payload),
        authenticator_data=given.authenticator_data,
        client_data_json=given.client_data_json,
        signature=given.signature,
        key=public_key,
        policy=approval_policy(rp_id=settings.RP_ID, origins=(settings.ORIGIN,)),
        stored_sign_count=key.sign_count,
    )
    named = statement.signer  # 2
    if not isinstance(named, SignerReference) or (named.key_id, named.enrollment) != (public_key.key_id, key.enrollment_digest):
        raise Unproven("signer.key_mismatch", "the statement names another key or enrolment than the one that signed")
    enrollment = _open_enrollment(key)  # 3
    if enrollment.key_id != public_key.key_id or enrollment.kind != "person" or HUMAN_APPROVAL_PURPOSE not in enrollment.purposes:
        raise Unproven("signer.not_human", "the enrolment of this key does not name a person who approves with it")
    approver = (statement.approver.issuer, statement.approver.subject)
    if not approver == (by.issuer, by.subject) == (enrollment.issuer, enrollment.subject):  # 4
        raise Unproven("signer.identity_mismatch", "the statement, the sign-in and the enrolment do not name the same person")
    if is_cooling_off(enrollment, tier=statement.environment.tier, at=statement.validity.issued_at):  # 5
        raise Conflict(
            "signer.cooling_off", f"the key {key.label!r} is new and counts here from {enrollment.matures_at:%Y-%m-%d %H:%M} UTC on"
        )
    return VerifiedSignature(
        key=public_key,
        assertion=Assertion(
            public_key.key_id,
            given.credential_id,
            given.authenticator_data,
            given.client_data_json,
            given.signature,
            verified.algorithm,
        ),
        origin=verified.origin,
        level=_level(verified, enrollment, key),
        sign_count=verified.sign_count,
    )


def _level(verified: VerifiedAssertion, enrollment: Enrollment, key: SigningKey) -> str:  # 6
    """Return the level, as an auditor computes it who trusts what this portal trusts and has every private file."""
    bound = key.bound_by
    weighed = weigh_enrollment(
        enrollment,
        id_token=bound.id_token.encode() if bound else None,
        issuer_keys=bytes(bound.issuer_keys) if bound and bound.issuer_keys else None,
        attestation=bytes(key.attestation) if key.attestation else None,
        trust=current_trust(),
    )
    if enrollment.binding is not None and weighed.binding is None:
        raise Unproven("binding.missing", "the proof of this key's enrolment is not here any more, so it cannot be recorded with its level")
    return assurance_level(assertion=verified, enrollment=enrollment, binding=weighed.binding, attestation=weighed.attestation)


def _open_enrollment(key: SigningKey) -> Enrollment:
    envelope = parse_envelope(bytes(key.enrollment))
    verify_envelope(envelope, [load_spki(recorder_key().spki)])
    if sha256_hex(envelope.payload) != key.enrollment_digest:
        raise Unproven("signer.key_mismatch", "the stored enrolment is not the one this key was enrolled with")
    return parse_enrollment(envelope.payload)
