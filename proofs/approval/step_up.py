"""Judge a sign-in at an identity provider that stands for a person's signature over one statement (OpenID Connect Core 1.0).

The nonce of the sign-in is the hash of what a passkey would have signed, so the provider's token is about this statement and no other.
The numbered argument (first failure wins, each with its own code):

1. token and keys are the ones that the record names                         sign_in.token, sign_in.keys
2. the statement says that it is confirmed so: there, for this client        sign_in.provider
3. the person it says confirms it is its approver                            signer.identity_mismatch
4. a key of the provider signed the token, it is for this client alone, its
   nonce is the statement's, and it was valid when the portal checked it     token.*, id_token.*
5. the provider asked the person after the statement was issued              id_token.auth_time
6. its subject is the approver                                               sign_in.subject
7. the level: H2 where the provider says it asked for a second factor, which is `mfa` in `amr` or an `acr` the reader takes for one; H1 else

Pure: bytes and texts in, a level or a refusal out. Not checked: that the keys are the provider's (whoever verifies has pinned them), that the
token was used once, and what the person saw: a provider does not show what is confirmed, so a lying portal could ask for more than it shows.
"""

from __future__ import annotations

import hashlib
from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime

from proofs.approval.approval_parts import SignInReference
from proofs.approval.human_approval import approval_challenge, parse_human_approval
from proofs.approval.record import TokenReference
from proofs.digest import sha256_hex
from proofs.encoding import b64url_encode
from proofs.errors import Unproven
from proofs.tokens.id_token import VerifiedIdToken, verify_id_token

SECOND_FACTOR = "mfa"


@dataclass(frozen=True, slots=True)
class VerifiedStepUp:
    """What a verified sign-in comes to: the level, and the token's own words. Made only by `verify_step_up`."""

    level: str
    token: VerifiedIdToken


def step_up_nonce(payload: bytes) -> str:
    """Return the nonce of the sign-in that confirms a statement: base64url of the SHA-256 of the challenge a passkey would sign."""
    return b64url_encode(hashlib.sha256(approval_challenge(payload)).digest())


def verify_step_up(
    *,
    payload: bytes,
    reference: TokenReference,
    id_token: str,
    issuer_keys: bytes,
    second_factor_contexts: Collection[str],
    at: datetime,
) -> VerifiedStepUp:
    """Return what a sign-in proves about a statement when steps 1 to 6 hold; refuses with the codes above.

    `issuer_keys` is a document that `proofs.tokens.key_set.normalise_keys` made, `second_factor_contexts` the values of `acr` that the
    reader knows this provider to give for two factors only, `at` when the portal checked the token.
    """
    statement = parse_human_approval(payload)
    # 1.
    if sha256_hex(id_token.encode()) != reference.token:
        raise Unproven("sign_in.token", "the token is another one than the record names")
    if sha256_hex(issuer_keys) != reference.keys:
        raise Unproven("sign_in.keys", "the provider's keys are others than the record names")
    # 2.
    demand_provider(statement.signer, reference)
    # 3.
    demand_approver(statement.signer, (statement.approver.issuer, statement.approver.subject))
    # 4. and 5.
    token = verify_id_token(
        id_token,
        issuer_keys=issuer_keys,
        expected_issuer=reference.issuer,
        expected_audience=reference.audience,
        expected_nonce=step_up_nonce(payload),
        at=at,
        authenticated_after=statement.validity.issued_at,
    )
    # 6.
    if token.subject != statement.approver.subject:
        raise Unproven("sign_in.subject", f"{token.subject[:80]!r} signed in, expected {statement.approver.subject[:80]!r}, who approves")
    # 7.
    return VerifiedStepUp(sign_in_level(token, second_factor_contexts), token)


def demand_provider(signer: object, reference: TokenReference) -> SignInReference:
    """Return the statement's signer when it is a sign-in at the provider, and for the client, that the record names."""
    if not isinstance(signer, SignInReference):
        raise Unproven("sign_in.provider", "the statement says it is signed with a key, the record that the person signed in")
    if (signer.issuer, signer.audience) != (reference.issuer, reference.audience):
        named = f"{reference.issuer} for {reference.audience}"
        raise Unproven("sign_in.provider", f"the statement names {signer.issuer} for {signer.audience}, the record {named}")
    return signer


def demand_approver(signer: object, approver: tuple[str, str]) -> None:
    """Return when the sign-in that a statement names is its approver's own, by issuer and subject."""
    if not isinstance(signer, SignInReference) or (signer.issuer, signer.subject) != approver:
        raise Unproven("signer.identity_mismatch", "the statement is confirmed by somebody else than the person who approves in it")


def claimable_levels(token: VerifiedIdToken) -> tuple[str, ...]:
    """Return the levels a record may claim for such a sign-in: which `acr` means two factors is each reader's own knowledge, `mfa` is not."""
    if SECOND_FACTOR in token.methods:
        return ("H2",)
    return ("H1", "H2") if token.context else ("H1",)


def sign_in_level(token: VerifiedIdToken, second_factor_contexts: Collection[str]) -> str:
    """Return H2 where the provider says that it asked for a second factor, H1 where it does not say so."""
    return "H2" if SECOND_FACTOR in token.methods or (token.context and token.context in second_factor_contexts) else "H1"
