"""A sign-in at an OpenID provider that answers one question: its nonce is the hash of a new key, or of a statement to approve.

Begun, completed, used; each once. What a completed one proves: the provider asked this very person again after it was begun, and signed the
nonce. Checked, in order:

1. it was begun in this session, is open and has not run out         bound.unknown, bound.used, bound.expired
   and the provider still counts                                     sso.provider_removed
2. the provider takes the code                                       oidc.code, oidc.client, oidc.answer
3. the ID token, by `proofs.tokens.id_token`, steps 1 to 8           token.*, id_token.*
4. it speaks of this person                                          bound.other_person

An attempt that fails is used up, and why stays with it. Not checked: what the nonce stands for; who uses it says that.
"""

from __future__ import annotations

import hmac
import secrets
from datetime import datetime, timedelta

from django.conf import settings
from django.db import IntegrityError, transaction

from identities.models import BoundSignIn, Identity, IdentityProvider
from identities.oidc.discovery import keys_of_provider
from identities.oidc.exchange_code import exchange_code, sign_in_url
from proofs.digest import sha256_hex
from proofs.errors import Conflict, NotFound, Refusal, Unproven
from proofs.tokens.id_token import verify_id_token

# From begun to used: time to find the second factor, and no more.
LIFE = timedelta(minutes=10)
CALLBACK = "/sign-in/bound"


def oidc_provider_of(identity: Identity) -> IdentityProvider | None:
    """Return the active OpenID provider whose issuer is the person's own; None where a token could not speak of them."""
    if identity.issuer == settings.ORIGIN:
        # Named by this portal itself, which is no provider of its own.
        return None
    return IdentityProvider.objects.filter(issuer=identity.issuer, protocol=IdentityProvider.Protocol.OIDC, removed_at__isnull=True).first()


def begin_bound_sign_in(
    *, identity: Identity, provider: IdentityProvider, purpose: str, nonce: str, session_hash: str, now: datetime
) -> tuple[BoundSignIn, str]:
    """Return a new bound sign-in and where to send the browser: to sign in again, with exactly this nonce.

    Refuses with `bound.no_provider` when the person's issuer is not this active OpenID provider, `bound.nonce_taken` when the nonce was used
    before, and as `endpoints_of` does.
    """
    own = oidc_provider_of(identity)
    if own is None or own.pk != provider.pk:
        raise Conflict("bound.no_provider", f"{identity.name} is not known by {provider.name}, expected the person's own OpenID provider")
    state, code_verifier = secrets.token_urlsafe(32), secrets.token_urlsafe(64)
    url = sign_in_url(
        provider,
        redirect_uri=_redirect_uri(),
        state=state,
        nonce=nonce,
        code_verifier=code_verifier,
        asked={"prompt": "login", "max_age": "0"},
    )
    try:
        with transaction.atomic():
            bound = BoundSignIn.objects.create(
                provider=provider,
                identity=identity,
                purpose=purpose,
                audience=provider.client_id,
                nonce=nonce,
                state_sha256=sha256_hex(state.encode()),
                code_verifier=code_verifier,
                session_hash=session_hash,
                begun_at=now,
                expires_at=now + LIFE,
            )
    except IntegrityError as error:
        raise Conflict("bound.nonce_taken", "got a value that a sign-in was bound to before, expected a fresh one; start again") from error
    return bound, url


def complete_bound_sign_in(*, state: str, code: str, session_hash: str, now: datetime) -> BoundSignIn:
    """Exchange the code, verify the ID token and keep it with the provider's keys as they are now. Steps 1 to 4.

    Refuses with the codes above or as `keys_of_provider` does; whatever is refused after step 1 is used up.
    """
    bound = _claim(state, session_hash, now)
    try:
        tokens = exchange_code(bound.provider, code=code, code_verifier=bound.code_verifier, redirect_uri=_redirect_uri())  # 2
        keys = keys_of_provider(bound.provider, fresh=True)
        verified = verify_id_token(  # 3
            tokens.id_token,
            issuer_keys=keys,
            expected_issuer=bound.provider.issuer,
            expected_audience=bound.audience or "",
            expected_nonce=bound.nonce,
            at=now,
            authenticated_after=bound.begun_at,
        )
        own = bound.identity.issuer == verified.issuer and bound.identity.subject == verified.subject
        if not own:  # 4
            raise Unproven("bound.other_person", f"somebody else signed in at {bound.provider.name}, expected {bound.identity.name}")
    except Refusal as refusal:
        BoundSignIn.objects.filter(pk=bound.pk).update(refused_code=refusal.code)
        raise
    bound.id_token, bound.issuer_keys = tokens.id_token, keys
    bound.save(update_fields=["id_token", "issuer_keys"])
    return bound


def refuse_bound_sign_in(*, state: str, session_hash: str, reason: str, now: datetime) -> BoundSignIn:
    """Use up a sign-in that the provider answered with an error (OpenID Connect Core 1.0, section 3.1.2.6); returns its row.

    Refuses with `bound.unknown`, `bound.used` or `bound.expired`. `reason` is the provider's own code; anything else is kept as "other".
    """
    bound = _claim(state, session_hash, now)
    known = reason if reason.isascii() and reason.replace("_", "").isalnum() and len(reason) <= 40 else "other"
    bound.refused_code = f"oidc.refused.{known}"
    bound.save(update_fields=["refused_code"])
    return bound


@transaction.atomic
def use_bound_sign_in(*, bound: BoundSignIn, identity: Identity, purpose: str, nonce: str, session_hash: str, now: datetime) -> BoundSignIn:
    """Use a completed sign-in, once, for the value it was bound to; returns its row, locked for the rest of the transaction.

    Refuses with `bound.unknown` (another person's or session's), `bound.other_question`, `bound.incomplete`, `bound.used`, `bound.expired`
    or `sso.provider_removed`.
    """
    found = BoundSignIn.objects.select_for_update(no_key=True, of=("self",)).filter(pk=bound.pk).first()
    if found is None or found.identity_id != identity.pk or not hmac.compare_digest(found.session_hash, session_hash):
        raise NotFound("bound.unknown", "got a sign-in of another session, expected one that was begun here; start again")
    if found.purpose != purpose or not hmac.compare_digest(found.nonce.encode(), nonce.encode()):
        raise Unproven("bound.other_question", "got a sign-in that was bound to another value, expected one for exactly this; start again")
    if found.used_at is not None or found.refused_code:
        raise Conflict("bound.used", "got a sign-in that was used up, expected a fresh one; start again")
    if now >= found.expires_at:
        raise Conflict("bound.expired", f"got a sign-in that ran out at {found.expires_at:%H:%M:%S} UTC, expected a fresh one; start again")
    _demand_provider(found)
    if not found.id_token:
        raise Conflict("bound.incomplete", "got a sign-in that the provider has not answered, expected a completed one")
    found.used_at = now
    found.save(update_fields=["used_at"])
    return found


@transaction.atomic
def _claim(state: str, session_hash: str, now: datetime) -> BoundSignIn:  # 1
    """Take the one answer a sign-in may have. In a transaction of its own: the provider is asked afterwards, and no row waits for it."""
    rows = BoundSignIn.objects.select_for_update(no_key=True, of=("self",)).select_related("provider", "identity")
    bound = rows.filter(state_sha256=sha256_hex(state.encode())).first()
    if bound is None or not hmac.compare_digest(bound.session_hash, session_hash):
        raise NotFound("bound.unknown", "got an answer to a question that was not asked in this session; start again")
    if bound.answered_at is not None:
        raise Conflict("bound.used", "got a second answer to one question, expected one; start again")
    if now >= bound.expires_at:
        raise Conflict("bound.expired", f"got an answer after {bound.expires_at:%H:%M:%S} UTC, when the sign-in ran out; start again")
    _demand_provider(bound)
    bound.answered_at = now
    bound.save(update_fields=["answered_at"])
    return bound


def _demand_provider(bound: BoundSignIn) -> None:
    if bound.provider.removed_at is not None:
        raise Conflict("sso.provider_removed", f"{bound.provider} was removed meanwhile; expected a provider people sign in at")


def _redirect_uri() -> str:
    return f"{settings.ORIGIN}{CALLBACK}"
