"""How sure we may be that this person approved this: computed from what was verified, never taken from a claim.

| level | what was verified |
|---|---|
| H4 | a passkey that verified the person, bound to a device whose maker attests it, enrolled on the word of the identity provider |
| H3 | a passkey that verified the person, enrolled on the word of the identity provider |
| H2 | a passkey that verified the person, enrolled on the portal's word; or a sign-in with two factors for exactly this statement |
| H1 | the portal's word that the person signed in again, or a sign-in without a second factor |
| H0 | another system's word; never enough for a gate |
"""

from __future__ import annotations

from proofs.approval.attestation import VerifiedAttestation
from proofs.approval.enrollment import OIDC_NONCE, Enrollment
from proofs.approval.key_binding import VerifiedBinding
from proofs.approval.passkey import VerifiedAssertion
from proofs.approval.record import LEVELS

# What no signature of the person stands behind: the portal's word is H1, another system's H0.
PORTAL, OBSERVATION = "portal", "observation"


def assurance_level(
    *,
    assertion: VerifiedAssertion,
    enrollment: Enrollment,
    binding: VerifiedBinding | None = None,
    attestation: VerifiedAttestation | None = None,
) -> str:
    """Return the level of a verified approval with a passkey, H1 to H4.

    `binding` and `attestation` are what `verify_key_binding` and `verify_attestation` made of this enrolment, None where they were not
    verified: without the one the portal's word stands between person and key, without the other nobody knows where the key lives.
    """
    if not assertion.user_verified:
        return "H1"
    if binding is None:
        return "H2"
    stays = not assertion.backup_eligible and not enrollment.backup_eligible
    return "H4" if attestation is not None and stays else "H3"


def claimable_levels(*, assertion: VerifiedAssertion, enrollment: Enrollment) -> tuple[str, ...]:
    """Return the levels a record may claim for such an approval: what its enrolment comes to when all that it names is proven.

    Which authenticators are trusted is each reader's own choice, so an attested key may be recorded at H3 or at H4.
    """
    if not assertion.user_verified:
        return ("H1",)
    if enrollment.vouching != OIDC_NONCE:
        return ("H2",)
    if enrollment.attestation is not None and not enrollment.backup_eligible and not assertion.backup_eligible:
        return ("H3", "H4")
    return ("H3",)


def reaches_level(level: str, minimum: str) -> bool:
    """Return whether `level` is at least `minimum`."""
    return LEVELS.index(level) >= LEVELS.index(minimum)
