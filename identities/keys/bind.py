"""A sign-in at the person's own identity provider whose nonce is the hash of a new key, so that the portal's word is not all there is.

Where the person has such a provider, no key is enrolled without it. Without one there is nothing to ask, and the portal alone vouches.
"""

from __future__ import annotations

import secrets
from dataclasses import dataclass
from datetime import datetime

from django.conf import settings

from identities.keys.new_key import NewKey, user_handle_of
from identities.models import BoundSignIn, Identity
from identities.oidc.bound_sign_in import begin_bound_sign_in, oidc_provider_of, use_bound_sign_in
from proofs.approval.enrollment import parse_enrollment
from proofs.approval.enrollment_parts import Binding
from proofs.approval.key_binding import key_nonce, verify_key_binding
from proofs.digest import sha256_hex
from proofs.errors import Conflict, NotFound, Unproven
from proofs.tokens.id_token import verify_id_token

SALT_BYTES = 32


@dataclass(frozen=True, slots=True)
class BoundKey:
    """A used sign-in and what the enrolment says of it."""

    sign_in: BoundSignIn
    binding: Binding


@dataclass(frozen=True, slots=True)
class SignInToUse:
    """A completed sign-in by its id, with what the session kept of it: the salt of the nonce, and the session's own name."""

    bound_id: str
    salt: bytes
    session_hash: str


def begin_binding(*, identity: Identity, new: NewKey, session_hash: str, now: datetime) -> tuple[BoundSignIn, str, bytes]:
    """Return the sign-in to make, where to send the browser, and the salt to keep until it comes back.

    Refuses with `bound.no_provider` where the person has none, and as `begin_bound_sign_in` does.
    """
    provider = oidc_provider_of(identity)
    if provider is None:
        raise Conflict("bound.no_provider", "you sign in with an account of this portal; there is no provider to confirm the key at")
    salt = secrets.token_bytes(SALT_BYTES)
    row, url = begin_bound_sign_in(
        identity=identity,
        provider=provider,
        purpose=BoundSignIn.Purpose.ENROLMENT,
        nonce=_nonce(identity, new, salt),
        session_hash=session_hash,
        now=now,
    )
    return row, url, salt


def use_binding(*, identity: Identity, new: NewKey, sign_in: SignInToUse, now: datetime) -> BoundKey:
    """Use the completed sign-in for this very key. Must run inside the transaction that enrols it.

    Refuses with `bound.unknown` and as `use_bound_sign_in` and `proofs.tokens.id_token` do.
    """
    row = BoundSignIn.objects.select_related("provider").filter(pk=sign_in.bound_id).first()
    if row is None:
        raise NotFound("bound.unknown", "got a sign-in of another session, expected one that was begun here; start again")
    nonce = _nonce(identity, new, sign_in.salt)
    used = use_bound_sign_in(
        bound=row,
        identity=identity,
        purpose=BoundSignIn.Purpose.ENROLMENT,
        nonce=nonce,
        session_hash=sign_in.session_hash,
        now=now,
    )
    keys = bytes(used.issuer_keys or b"")
    token = verify_id_token(
        used.id_token,
        issuer_keys=keys,
        expected_issuer=row.provider.issuer,
        expected_audience=row.audience or "",
        expected_nonce=nonce,
        at=now,
        authenticated_after=row.begun_at,
    )
    if token.authenticated_at is None:
        raise Unproven("id_token.auth_time", "got a token that does not say when the person was asked, expected auth_time")
    return BoundKey(
        used,
        Binding(
            issuer=token.issuer,
            audience=token.audience,
            subject=token.subject,
            salt=sign_in.salt,
            user_handle=user_handle_of(identity),
            nonce=nonce,
            authenticated_at=token.authenticated_at,
            token_digest=sha256_hex(used.id_token.encode()),
            keys_digest=sha256_hex(keys),
        ),
    )


def verify_bound_key(bound: BoundKey, *, payload: bytes, now: datetime) -> None:
    """Return when anybody could check the binding of the enrolment statement `payload`; refuses with `binding.*` as proofs do."""
    keys = bytes(bound.sign_in.issuer_keys or b"")
    verify_key_binding(enrollment=parse_enrollment(payload), id_token=bound.sign_in.id_token, issuer_keys=keys, at=now)


def _nonce(identity: Identity, new: NewKey, salt: bytes) -> str:
    return key_nonce(
        rp_id=settings.RP_ID,
        credential_id=new.credential_id,
        spki=new.public_key.spki,
        user_handle=user_handle_of(identity),
        salt=salt,
    )
