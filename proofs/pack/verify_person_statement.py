"""Verify what a person signed beside an answer to a request: is it theirs, made with this enrolled key, over exactly these bytes?

The portal asks this before it keeps one, and an auditor offline with the same code. Not checked here: whether the person held the right
to say so, whether the key was revoked since, and what vouches for its enrolment (`proofs.pack.weigh_enrollment`).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from proofs.approval.approval_parts import SignerReference
from proofs.approval.enrollment import HUMAN_APPROVAL_PURPOSE, Enrollment
from proofs.approval.human_approval import approval_challenge
from proofs.approval.passkey import Assertion, VerifiedAssertion, approval_policy, verify_assertion
from proofs.approval.person_statement import PersonStatement, parse_person_statement
from proofs.errors import Unproven
from proofs.pack.check_record import MAX_CEREMONY


@dataclass(frozen=True, slots=True)
class VerifiedPersonStatement:
    """A statement that its person signed, and what the passkey said."""

    statement: PersonStatement
    assertion: VerifiedAssertion


def verify_person_statement(
    *,
    payload: bytes,
    assertion: Assertion,
    enrollment: Enrollment,
    enrollment_digest: str,
    rp_id: str,
    origins: Sequence[str],
    checked_at: datetime,
) -> VerifiedPersonStatement:
    """Return the statement and the assertion when the enrolled key of the person it names signed exactly `payload` in time.

    `enrollment` is what the portal signed, `enrollment_digest` the SHA-256 of its payload. Refuses with `json.*`, `statement.malformed`,
    `signer.*`, `webauthn.*` and `time.*`.
    """
    statement = parse_person_statement(payload)
    named = statement.signer
    if not isinstance(named, SignerReference) or (named.key_id, named.enrollment) != (enrollment.key_id, enrollment_digest):
        raise Unproven("signer.key_mismatch", "the statement names another key or enrolment than the one that signed")
    if (assertion.key_id, assertion.credential_id) != (enrollment.key_id, enrollment.credential_id):
        raise Unproven("signer.key_mismatch", "the assertion is of another key than the one enrolled")
    if enrollment.kind != "person" or HUMAN_APPROVAL_PURPOSE not in enrollment.purposes:
        raise Unproven("signer.not_human", "the enrolment of this key does not name a person who approves with it")
    if (enrollment.issuer, enrollment.subject) != (statement.person.issuer, statement.person.subject):
        raise Unproven(
            "signer.identity_mismatch", f"the key belongs to {enrollment.subject}, the statement says {statement.person.subject}"
        )
    verified = verify_assertion(
        challenge=approval_challenge(payload),
        authenticator_data=assertion.authenticator_data,
        client_data_json=assertion.client_data_json,
        signature=assertion.signature,
        key=enrollment.key,
        policy=approval_policy(rp_id=rp_id, origins=tuple(origins)),
    )
    if verified.origin != statement.ceremony.origin or statement.ceremony.rp_id != rp_id:
        raise Unproven("webauthn.origin", f"the passkey was used at {verified.origin}, the statement says {statement.ceremony.origin}")
    _check_times(statement, enrollment, checked_at)
    return VerifiedPersonStatement(statement, verified)


def _check_times(statement: PersonStatement, enrollment: Enrollment, checked_at: datetime) -> None:
    issued_at, expires_at = statement.validity.issued_at, statement.ceremony.expires_at
    rests_on = [(f"the role {role.name} was looked up", role.as_of) for role in statement.person.roles]
    rests_on += [("the person signed in", statement.person.authenticated_at), ("the key was enrolled", enrollment.at)]
    for what, moment in rests_on:
        if moment > issued_at:
            raise Unproven("time.issued_too_early", f"the statement was issued at {issued_at}, but {what} at {moment}, after that")
    if not issued_at < expires_at <= issued_at + MAX_CEREMONY:
        raise Unproven(
            "time.ceremony_too_long", f"the signing page was open from {issued_at} to {expires_at}, expected {MAX_CEREMONY} at most"
        )
    if checked_at < issued_at:
        raise Unproven("time.checked_before_issued", f"the signature was checked at {checked_at}, before the statement was issued")
    if checked_at > expires_at:
        raise Unproven("time.ceremony_expired", f"the signature was checked at {checked_at}, after the signing page had expired")
