"""Verify the sign-in that stands for one person's signature, with the code an auditor uses offline (`proofs.approval.step_up`).

1. It was begun for exactly this statement, in this session, by this person, and is used once.   bound.*
2. Its token proves that, to somebody who does not ask the portal.                              sign_in.*, token.*, id_token.*
3. The statement, the sign-in and the account name the same person.                             signer.identity_mismatch

Not checked here: what the policy makes of the level.
"""

from __future__ import annotations

from datetime import datetime

from approvals.models import Ceremony
from identities.models import BoundSignIn, Identity, IdentityProvider
from identities.oidc.bound_sign_in import use_bound_sign_in
from proofs.approval.record import TokenReference
from proofs.approval.step_up import VerifiedStepUp, step_up_nonce, verify_step_up
from proofs.digest import sha256_hex
from proofs.errors import Unproven


def verify_sign_in(*, ceremony: Ceremony, bound: BoundSignIn, by: Identity, now: datetime) -> tuple[TokenReference, VerifiedStepUp]:
    """Use `bound` up for the ceremony's statement; return what the record names and what the sign-in proves. Refuses with the codes above."""
    payload, provider = bytes(ceremony.payload), bound.provider
    used = use_bound_sign_in(  # 1
        bound=bound,
        identity=by,
        purpose=BoundSignIn.Purpose.APPROVAL,
        nonce=step_up_nonce(payload),
        session_hash=ceremony.session_hash,
        now=now,
    )
    keys = bytes(used.issuer_keys or b"")
    reference = TokenReference(sha256_hex(used.id_token.encode()), sha256_hex(keys), provider.issuer, ceremony.audience)
    verified = verify_step_up(  # 2
        payload=payload,
        reference=reference,
        id_token=used.id_token,
        issuer_keys=keys,
        second_factor_contexts=second_factor_contexts(provider),
        at=now,
    )
    if (provider.issuer, verified.token.subject) != (by.issuer, by.subject):  # 3
        raise Unproven("signer.identity_mismatch", "the statement, the sign-in and the account do not name the same person")
    return reference, verified


def second_factor_contexts(provider: IdentityProvider) -> tuple[str, ...]:
    """Return the values of `acr` that the operator says this provider gives for two factors only (`second_factor` in its settings)."""
    configured = provider.config.get("second_factor")
    return tuple(sorted({item for item in configured if isinstance(item, str) and item})) if isinstance(configured, list) else ()
