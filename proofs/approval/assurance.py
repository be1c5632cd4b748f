"""How sure we may be that this person approved this: computed from what was verified, never taken from a claim.

H3 is a passkey that verified the person. Without an identity provider's own proof of the enrolment, the portal's word stands
between the person and the key, and the level is capped at H2.
"""

from __future__ import annotations

from collections.abc import Sequence

from proofs.approval.enrollment import PORTAL_VOUCHED, Enrollment
from proofs.approval.passkey import VerifiedAssertion
from proofs.approval.record import LEVELS


def assurance_level(*, assertion: VerifiedAssertion, enrollment: Enrollment) -> str:
    """Return the level of a verified approval, H0 to H4."""
    level = "H3" if assertion.user_verified else "H1"
    # H4 needs an attested, device-bound authenticator; enrolments do not carry an attestation yet, so nothing reaches it.
    if enrollment.vouching == PORTAL_VOUCHED:
        level = lowest_level([level, "H2"])
    return level


def lowest_level(levels: Sequence[str]) -> str:
    """Return the lowest of the levels."""
    return min(levels, key=LEVELS.index)


def reaches_level(level: str, minimum: str) -> bool:
    """Return whether `level` is at least `minimum`."""
    return LEVELS.index(level) >= LEVELS.index(minimum)
