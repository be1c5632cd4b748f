"""May this person answer without a key, by signing in at their identity provider once more? Reads only, for acts and pages alike."""

from __future__ import annotations

from dataclasses import dataclass

from approvals.models import Approval
from identities.models import Identity, IdentityProvider, SigningKey
from identities.oidc.bound_sign_in import oidc_provider_of
from proofs.approval.assurance import reaches_level
from proofs.errors import Conflict, Unproven
from proofs.policy.evaluate import Policy

# What such an answer comes to at most. One with a passkey that the provider vouches for comes to more.
LEVEL = "H2"


@dataclass(frozen=True)
class SignInOffer:
    """Where a person may confirm by signing in. `is_downgrade` where they have a key, whose answer would be surer."""

    provider: IdentityProvider
    is_downgrade: bool


def sign_in_offer(policy: Policy, by: Identity) -> SignInOffer | None:
    """Return the way without a key, where the person's own provider can give it and the policy takes its level; None elsewhere."""
    provider = oidc_provider_of(by)
    if provider is None or not reaches_level(LEVEL, policy.minimum_assurance):
        return None
    return SignInOffer(provider, has_live_key(by))


def refuse_if_not_offered(policy: Policy, decision: str, by: Identity) -> SignInOffer:
    """Return the offer. Refuses with `sign_in.no_provider`, or `assurance.too_low` where approving takes more than a sign-in."""
    provider = oidc_provider_of(by)
    if provider is None:
        raise Conflict("sign_in.no_provider", "no identity provider of this portal knows you by its own name; enrol a passkey to sign with")
    if decision == Approval.Decision.APPROVE and not reaches_level(LEVEL, policy.minimum_assurance):
        raise Unproven(
            "assurance.too_low",
            f"a sign-in reaches level {LEVEL} at most, the policy wants {policy.minimum_assurance}; sign with a passkey",
        )
    return SignInOffer(provider, has_live_key(by))


def has_live_key(by: Identity) -> bool:
    """Say whether the person has an approval key that was not revoked."""
    return SigningKey.objects.filter(identity=by, revoked_at=None).exists()
