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
from datetime import datetime
from typing import Any

from django.conf import settings

from approvals.trust import current_trust
from identities.actors import actor_of
from identities.models import Identity, SigningKey
from ledger.append import append_event
from ledger.recorder import recorder_key
from proofs.approval.approval_parts import HumanApproval, SignerReference
from proofs.approval.assurance import assurance_level
from proofs.approval.enrollment import HUMAN_APPROVAL_PURPOSE, Enrollment, parse_enrollment
from proofs.approval.human_approval import approval_challenge, approval_signed_bytes
from proofs.approval.passkey import Assertion, VerifiedAssertion, approval_policy, verify_assertion
from proofs.approval.person_statement import BreakGlass, PersonStatement
from proofs.approval.sshsig import NAMESPACE, sshsig_armor
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
    *, payload: bytes, statement: HumanApproval | PersonStatement, given: GivenAssertion, key: SigningKey, by: Identity
) -> VerifiedSignature:
    """Return the verified signature of `by` over `payload` with `key`; refuses with the codes above."""
    person = statement.approver if isinstance(statement, HumanApproval) else statement.person
    tier = _tier(statement)
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
    if not (person.issuer, person.subject) == (by.issuer, by.subject) == (enrollment.issuer, enrollment.subject):  # 4
        raise Unproven("signer.identity_mismatch", "the statement, the sign-in and the enrolment do not name the same person")
    if is_cooling_off(enrollment, tier=tier, at=statement.validity.issued_at):  # 5
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


def _tier(statement: HumanApproval | PersonStatement) -> int:
    """Return how much is at stake: taking something back, or letting somebody else answer, is of no environment."""
    if isinstance(statement, HumanApproval):
        return statement.environment.tier
    return statement.body.environment.tier if isinstance(statement.body, BreakGlass) else 1


def signature_columns(*, payload: bytes, given: GivenAssertion, verified: VerifiedSignature) -> dict[str, Any]:
    """Return the columns of a verified signature, by the names they have wherever one is kept."""
    return {
        "credential_id": given.credential_id,
        "authenticator_data": given.authenticator_data,
        "client_data_json": given.client_data_json,
        "signature": given.signature,
        # None where OpenSSH has no form for the key or the client data; the portal's own verifier is then the only one.
        "sshsig": sshsig_armor(
            key=verified.key,
            rp_id=settings.RP_ID,
            origin=verified.origin,
            namespace=NAMESPACE,
            message=approval_signed_bytes(payload),
            authenticator_data=given.authenticator_data,
            client_data_json=given.client_data_json,
            signature=given.signature,
        ),
    }


def keep_sign_count(*, key_id: str, sign_count: int, payload_digest: str, by: Identity, now: datetime) -> None:
    """Keep the highest count the key has shown; a count that did not grow is a sign of a cloned key, and goes into the ledger."""
    key = SigningKey.objects.select_for_update(no_key=True).get(pk=key_id)
    if key.sign_count and sign_count and sign_count <= key.sign_count:
        # Not refused: some authenticators count badly. Whoever watches the ledger sees which answer it was.
        append_event(event="signer.count_went_back", ref_digest=payload_digest, actor=actor_of(by), now=now)
    key.sign_count = max(key.sign_count, sign_count)
    key.save(update_fields=["sign_count"])


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
