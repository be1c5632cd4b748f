"""Steps 7 to 9 of the argument: whose key it is, that it signed exactly this statement, and how sure that makes us.

Who vouches for the link between person and key, the portal or the person's identity provider, is weighed in step 9; the level says it.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from proofs.approval.approval_parts import HumanApproval, SignerReference
from proofs.approval.assurance import assurance_level, claimable_levels
from proofs.approval.enrollment import HUMAN_APPROVAL_PURPOSE, Enrollment, parse_enrollment
from proofs.approval.human_approval import approval_challenge
from proofs.approval.introduction import verify_introduction
from proofs.approval.passkey import VerifiedAssertion, approval_policy, verify_assertion
from proofs.approval.record import Record
from proofs.canonical import canonical_bytes, parse_canonical
from proofs.digest import sha256_hex
from proofs.dsse import IN_TOTO_PAYLOAD_TYPE, parse_envelope
from proofs.errors import Malformed, Refusal, Unproven
from proofs.pack import layout
from proofs.pack.build import build_allowed_signers, recorder_of
from proofs.pack.trust import Trust, recorder_keys_at
from proofs.pack.weigh_enrollment import WeighedEnrollment, weigh_enrollment

# A new key waits before it counts here.
HIGHEST_TIER = 3

_SIGNATURE = "signer.enrollment_signature"


@dataclass(frozen=True, slots=True)
class Signer:
    """The enrolment of the key that signed, and its revocation where the pack holds one (it came later than the signature)."""

    enrollment: Enrollment
    revocation: Enrollment | None
    is_introduced: bool = False

    @property
    def revoked_at(self) -> datetime | None:
        """When the key was revoked, as far as the pack says."""
        return self.revocation.at if self.revocation else None


def check_signer(files: Mapping[str, bytes], record: Record, approval: HumanApproval, trust: Trust) -> Signer:
    """7. Return who signed when the portal enrolled exactly this key for exactly this person, before, and did not revoke it before."""
    key_id, named = record.assertion.key_id, approval.signer
    if not isinstance(named, SignerReference):
        raise Unproven("signer.key_mismatch", f"the statement says the person signed in, the record that {key_id} signed")
    if named.key_id != key_id:
        raise Unproven("signer.key_mismatch", f"the statement says it is signed with {named.key_id}, the record with {key_id}")
    path = layout.signer_path(key_id)
    if path not in files:
        raise Unproven("signer.unknown", f"the key {key_id} was never enrolled: the pack holds no enrolment of it")
    enrollment, digest = open_enrollment(files[path], trust)
    if digest != named.enrollment or enrollment.event != "enrolled":
        raise Unproven("signer.enrollment_mismatch", "the enrolment in the pack is not the one the person signed for")
    if enrollment.key_id != key_id or enrollment.credential_id != record.assertion.credential_id:
        raise Unproven("signer.key_mismatch", f"the enrolment is of another key than {key_id}, which signed")
    if enrollment.kind != "person":
        raise Unproven("signer.not_human", f"the key belongs to a {enrollment.kind}; only a person can approve")
    if HUMAN_APPROVAL_PURPOSE not in enrollment.purposes:
        raise Unproven("signer.purpose", f"the key was enrolled for {', '.join(enrollment.purposes) or 'nothing'}, expected approvals")
    if (enrollment.issuer, enrollment.subject) != (approval.approver.issuer, approval.approver.subject):
        raise Unproven(
            "signer.identity_mismatch", f"the key belongs to {enrollment.subject}, the statement says {approval.approver.subject}"
        )
    if enrollment.rp_id != trust.rp_id:
        raise Unproven("signer.relying_party", f"the key was enrolled at {enrollment.rp_id}, expected {trust.rp_id}")
    if approval.validity.issued_at < enrollment.at:
        raise Unproven("signer.not_yet_enrolled", f"the key was enrolled at {enrollment.at}, after the statement that names it was issued")
    if is_cooling_off(enrollment, tier=approval.environment.tier, at=approval.validity.issued_at):
        raise Unproven(
            "signer.cooling_off",
            f"the key is new and counts for {approval.environment.name} from {enrollment.matures_at} on, the statement is of {approval.validity.issued_at}",
        )
    return Signer(enrollment, _find_revocation(files, enrollment, record, trust), _is_introduced(files, enrollment, trust))


def is_cooling_off(enrollment: Enrollment, *, tier: int, at: datetime) -> bool:
    """Return whether a key is too new at `at` for an environment of this tier."""
    return tier >= HIGHEST_TIER and enrollment.matures_at is not None and at < enrollment.matures_at


def check_assertion(record: Record, approval: HumanApproval, signer: Signer, trust: Trust) -> VerifiedAssertion:
    """8. Return what the passkey says when it signed this very statement, on the portal's own page, with the person verified."""
    assertion = record.assertion
    verified = verify_assertion(
        challenge=approval_challenge(record.payload),
        authenticator_data=assertion.authenticator_data,
        client_data_json=assertion.client_data_json,
        signature=assertion.signature,
        key=signer.enrollment.key,
        policy=approval_policy(rp_id=trust.rp_id, origins=trust.origins),
    )
    if verified.origin != approval.ceremony.origin:
        raise Unproven("webauthn.origin", f"the passkey was used at {verified.origin}, the statement says {approval.ceremony.origin}")
    if approval.ceremony.rp_id != trust.rp_id:
        raise Unproven("webauthn.rp_id", f"the statement names the site {approval.ceremony.rp_id}, expected {trust.rp_id}")
    signed_for = approval.signer.algorithm if isinstance(approval.signer, SignerReference) else None
    if not verified.algorithm == assertion.algorithm == signed_for:
        raise Unproven("webauthn.algorithm", f"the key signs with COSE algorithm {verified.algorithm}; statement or record say another")
    if verified.backup_eligible != signer.enrollment.backup_eligible:
        raise Unproven(
            "webauthn.backup_eligibility", "the authenticator's word on whether it can be backed up changed since it was enrolled"
        )
    return verified


def weigh_signer(files: Mapping[str, bytes], signer: Signer, trust: Trust) -> WeighedEnrollment:
    """9. Return what the enrolment proves beyond the portal's word, from the private files where the pack holds them."""
    enrollment, binding = signer.enrollment, signer.enrollment.binding
    return weigh_enrollment(
        enrollment,
        id_token=files.get(layout.token_path(binding.token_digest)) if binding else None,
        issuer_keys=files.get(layout.token_keys_path(binding.token_digest)) if binding else None,
        attestation=files.get(layout.attestation_path(enrollment.key_id)),
        trust=trust,
    )


def check_level(record: Record, verified: VerifiedAssertion, signer: Signer, weighed: WeighedEnrollment) -> str:
    """9. Return the assurance level, computed; the record must not claim one that its enrolment could not come to with every proof at hand."""
    claimable = claimable_levels(assertion=verified, enrollment=signer.enrollment)
    if record.assurance not in claimable:
        raise Unproven("record.mismatch", f"the record claims level {record.assurance}, what was signed comes to {' or '.join(claimable)}")
    return assurance_level(assertion=verified, enrollment=signer.enrollment, binding=weighed.binding, attestation=weighed.attestation)


def check_signer_files(files: Mapping[str, bytes], signers: Sequence[Signer]) -> None:
    """10. Return when `signers/` and `allowed_signers` hold the keys that signed and nobody else's."""
    expected = {layout.signer_path(item.enrollment.key_id) for item in signers}
    expected |= {layout.signer_path(item.enrollment.key_id, revoked=True) for item in signers if item.revocation}
    for item in signers:
        if item.enrollment.attestation:
            expected.add(layout.attestation_path(item.enrollment.key_id))
        if item.is_introduced:
            expected |= {layout.introduction_path(item.enrollment.key_id), layout.introducer_path(item.enrollment.key_id)}
    for path in files:
        if path.startswith("signers/") and path not in expected:
            raise Unproven("signer.unlisted", f"the pack holds {path}, a key that signed nothing in it")
    enrollments = {item.enrollment.key_id: item.enrollment for item in signers}
    revocations = [item.revocation for item in signers if item.revocation]
    if files[layout.ALLOWED_SIGNERS] != build_allowed_signers(list(enrollments.values()), revocations):
        raise Unproven("pack.inconsistent", f"{layout.ALLOWED_SIGNERS} does not list exactly the keys that signed")


def _find_revocation(files: Mapping[str, bytes], enrollment: Enrollment, record: Record, trust: Trust) -> Enrollment | None:
    path = layout.signer_path(enrollment.key_id, revoked=True)
    if path not in files:
        return None
    revocation, _ = open_enrollment(files[path], trust)
    if revocation.event != "revoked" or _named_by(revocation) != _named_by(enrollment):
        raise Unproven("signer.enrollment_mismatch", f"{path} is not the revocation of this key")
    if revocation.compromised_from is not None and record.checked_at >= revocation.compromised_from:
        raise Unproven("signer.compromised", f"from {revocation.compromised_from} on somebody else may have signed with this key")
    if record.checked_at >= revocation.at:
        raise Unproven("signer.revoked", f"the key was revoked at {revocation.at}, before the signature was checked")
    return revocation


def _is_introduced(files: Mapping[str, bytes], enrollment: Enrollment, trust: Trust) -> bool:
    """Return whether the pack shows that an older key of the same person signed for this one; what it shows must hold."""
    introduction = files.get(layout.introduction_path(enrollment.key_id))
    introducer = files.get(layout.introducer_path(enrollment.key_id))
    if introduction is None and introducer is None:
        return False
    if introduction is None or introducer is None:
        raise Unproven("introduction.missing", "the pack holds an introduction or an older key alone, expected both or neither")
    older, digest = open_enrollment(introducer, trust)
    verify_introduction(
        enrollment=enrollment,
        introduction=introduction,
        introducer=older,
        introducer_digest=digest,
        rp_id=trust.rp_id,
        origins=trust.origins,
    )
    return True


def _named_by(enrollment: Enrollment) -> tuple[object, ...]:
    """Return what an enrolment and its revocation must agree on: the key, whose it is, and what for."""
    who = (enrollment.kind, enrollment.issuer, enrollment.subject)
    return (enrollment.key_id, enrollment.credential_id, enrollment.rp_id, enrollment.backup_eligible, enrollment.purposes, *who)


def open_enrollment(content: bytes, trust: Trust) -> tuple[Enrollment, str]:
    """Return an enrolment that the portal signed, and the SHA-256 of its payload. Refuses with `enrollment.*`."""
    value = parse_canonical(content)
    envelope = parse_envelope(value)
    if len(envelope.signatures) != 1 or envelope.payload_type != IN_TOTO_PAYLOAD_TYPE or canonical_bytes(value) != content:
        raise Malformed("enrollment.malformed", "got an enrolment of another form, expected one envelope with one signature")
    try:
        recorder = recorder_of(envelope.signatures[0].key_hint, trust)
    except Refusal as error:
        raise Unproven(_SIGNATURE, f"the enrolment is not signed by the portal: {error.reason}") from error
    recorder.verify(envelope.signatures[0].signature, envelope.signed_bytes, code=_SIGNATURE, what="the enrolment")
    enrollment = parse_enrollment(envelope.payload)
    if recorder.key_id not in {item.key.key_id for item in recorder_keys_at(trust, enrollment.at)}:
        raise Unproven(_SIGNATURE, f"the enrolment says {enrollment.at}, when the key it is signed with did not count")
    return enrollment, sha256_hex(envelope.payload)
