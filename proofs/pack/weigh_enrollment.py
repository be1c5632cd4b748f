"""What an enrolment proves to a reader who trusts these identity providers and these authenticators.

An enrolment may name proof beyond the portal's word: a sign-in at the person's identity provider, an authenticator's attestation. Where
the proof is there it must hold, or this refuses. Where it is not there, or rests on somebody the reader has not pinned, it lifts nothing,
and the remark says what is missing and what can be done about it.
"""

from __future__ import annotations

from dataclasses import dataclass

from cryptography import x509

from proofs.approval.attestation import VerifiedAttestation, verify_attestation
from proofs.approval.enrollment import Enrollment
from proofs.approval.enrollment_parts import Binding
from proofs.approval.key_binding import VerifiedBinding, verify_key_binding
from proofs.canonical import canonical_bytes, parse_json
from proofs.errors import Refusal, Unproven
from proofs.pack.trust import Trust

# The reader's own choice of roots and models: an attestation that does not meet it lifts nothing and is no lie.
_OWN_CHOICE = frozenset({"attestation.untrusted", "attestation.unlisted", "attestation.format", "attestation.synced"})


@dataclass(frozen=True, slots=True)
class WeighedEnrollment:
    """What of an enrolment was verified, and the remark on what was not (empty where nothing is missing)."""

    binding: VerifiedBinding | None
    attestation: VerifiedAttestation | None
    remark: str


def weigh_enrollment(
    enrollment: Enrollment, *, id_token: bytes | None, issuer_keys: bytes | None, attestation: bytes | None, trust: Trust
) -> WeighedEnrollment:
    """Return what the enrolment proves under `trust`; the three are its private files, None where the reader does not have them.

    Refuses as `verify_key_binding` and `verify_attestation` do for a proof that is there and does not hold.
    """
    binding, remark = _weigh_binding(enrollment, id_token, issuer_keys, trust)
    if binding is None or enrollment.attestation is None:
        return WeighedEnrollment(binding, None, remark)
    attested, remark = _weigh_attestation(enrollment, attestation, trust)
    return WeighedEnrollment(binding, attested, remark)


def is_attestation_sound(enrollment: Enrollment, document: bytes) -> bool:
    """Say whether the attestation that an enrolment names holds but for what each reader chooses: whose roots and which models."""
    try:
        verify_attestation(enrollment=enrollment, document=document, roots=(), models=(), at=enrollment.at)
    except Refusal as refusal:
        return refusal.code in _OWN_CHOICE
    return True


def _weigh_binding(
    enrollment: Enrollment, id_token: bytes | None, issuer_keys: bytes | None, trust: Trust
) -> tuple[VerifiedBinding | None, str]:
    named = enrollment.binding
    if named is None:
        return None, ""
    if id_token is None or issuer_keys is None:
        return None, "the proof is not in this pack; a pack that an auditor of the project downloads holds it"
    text = id_token.decode("ascii", "replace")
    binding = verify_key_binding(enrollment=enrollment, id_token=text, issuer_keys=issuer_keys, at=enrollment.at)
    if not _is_pinned(named, binding, trust):
        return None, f"your trust document does not name {named.issuer} with the key that signed; fetch a newer one, or add the provider"
    return binding, ""


def _is_pinned(named: Binding, binding: VerifiedBinding, trust: Trust) -> bool:
    """Say whether the reader trusts the provider, for this client, with every key of the name that the token carries."""
    for provider in trust.identity_providers:
        if provider.issuer == named.issuer and named.audience in provider.audiences:
            pinned = {canonical_bytes(entry) for entry in parse_json(provider.keys)["keys"]}
            return bool(binding.signing_keys) and pinned.issuperset(binding.signing_keys)
    return False


def _weigh_attestation(enrollment: Enrollment, attestation: bytes | None, trust: Trust) -> tuple[VerifiedAttestation | None, str]:
    trusted = trust.authenticators
    if trusted is None:
        return None, ""
    if attestation is None:
        return None, "the authenticator's attestation is not in this pack; a pack that an auditor of the project downloads holds it"
    roots = [x509.load_der_x509_certificate(root) for root in trusted.roots]
    try:
        verified = verify_attestation(
            enrollment=enrollment, document=attestation, roots=roots, models=frozenset(trusted.models), at=enrollment.at
        )
    except Unproven as refusal:
        if refusal.code not in _OWN_CHOICE:
            raise
        return None, refusal.reason
    return verified, ""
