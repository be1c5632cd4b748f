"""A code for tokens at an OpenID provider (OpenID Connect Core 1.0, section 3.1), and the question that leads to one.

PKCE with S256 always (RFC 7636); the client's secret goes as `client_secret_basic` or `client_secret_post`. Nothing here is verified: what
the ID token says is for `proofs.tokens.id_token`.
"""

from __future__ import annotations

import hashlib
from base64 import b64encode, urlsafe_b64encode
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import quote_plus, urlencode

from identities.models import IdentityProvider
from identities.oidc.discovery import endpoints_of, may_be_private
from identities.seal import client_secret_of
from identities.workload.fetch_keys import speak_to
from proofs.canonical import parse_json
from proofs.errors import Refusal, Unavailable, Unproven

DEFAULT_SCOPE = ("openid", "profile", "email")
MOST_CODE_CHARACTERS = 4096


@dataclass(frozen=True, slots=True)
class Tokens:
    """What a provider gave for a code. Nothing in it is verified."""

    id_token: str
    access_token: str


def sign_in_url(
    provider: IdentityProvider, *, redirect_uri: str, state: str, nonce: str, code_verifier: str, asked: Mapping[str, str] | None = None
) -> str:
    """Return where a browser is sent to sign in; `asked` holds more of what is asked for, as `prompt`. Refuses as `endpoints_of` does."""
    wanted = provider.config.get("scope")
    scope = [str(item) for item in wanted] if isinstance(wanted, list) and wanted else list(DEFAULT_SCOPE)
    challenge = urlsafe_b64encode(hashlib.sha256(code_verifier.encode()).digest()).rstrip(b"=").decode()
    question = {
        "response_type": "code",
        "client_id": provider.client_id,
        "redirect_uri": redirect_uri,
        "scope": " ".join(scope if "openid" in scope else ["openid", *scope]),
        "state": state,
        "nonce": nonce,
        "code_challenge": challenge,
        "code_challenge_method": "S256",
        **(asked or {}),
    }
    address = endpoints_of(provider).authorization
    return f"{address}{'&' if '?' in address else '?'}{urlencode(question)}"


def exchange_code(provider: IdentityProvider, *, code: str, code_verifier: str, redirect_uri: str) -> Tokens:
    """Return the tokens a provider gives for a code.

    Refuses with `oidc.code` when it takes the code for used, expired or another's, `oidc.client` when it does not know the portal's secret,
    `oidc.answer` for an answer of another form, and as `speak_to` does.
    """
    if not 0 < len(code) <= MOST_CODE_CHARACTERS:
        raise Unproven("oidc.code", "got no code, or one beyond all measure, expected what the provider sent; sign in again")
    endpoints, secret = endpoints_of(provider), client_secret_of(provider)
    form = {"grant_type": "authorization_code", "code": code, "redirect_uri": redirect_uri, "code_verifier": code_verifier}
    headers: dict[str, str] = {}
    if secret and endpoints.basic:
        # Both halves are form-encoded first (RFC 6749 section 2.3.1).
        pair = f"{quote_plus(provider.client_id)}:{quote_plus(secret)}"
        headers["Authorization"] = f"Basic {b64encode(pair.encode()).decode()}"
    else:
        form["client_id"] = provider.client_id
        if secret:
            form["client_secret"] = secret
    status, content = speak_to(endpoints.token, may_be_private=may_be_private(provider), form=urlencode(form).encode(), headers=headers)
    document = _document(content, status)
    if status != 200:
        _refuse(document, status)
    id_token, access_token = document.get("id_token"), document.get("access_token", "")
    if not isinstance(id_token, str) or not isinstance(access_token, str):
        raise Unproven("oidc.answer", "got an answer without an ID token; the provider must know this client for OpenID Connect")
    return Tokens(id_token=id_token, access_token=access_token)


def ask_userinfo(provider: IdentityProvider, *, access_token: str, subject: str) -> dict[str, Any]:
    """Return what a provider's userinfo says of `subject` (OpenID Connect Core 1.0, section 5.3); empty where it has none.

    Refuses with `oidc.userinfo` when it does not answer with JSON or speaks of somebody else, and as `speak_to` does.
    """
    address = endpoints_of(provider).userinfo
    if not address or not access_token:
        return {}
    if not access_token.isascii() or not access_token.isprintable():
        raise Unproven("oidc.userinfo", "got an access token that cannot be sent, expected printable characters")
    headers = {"Authorization": f"Bearer {access_token}"}
    status, content = speak_to(address, may_be_private=may_be_private(provider), headers=headers)
    try:
        document = parse_json(content) if status == 200 else None
    except Refusal as error:
        raise Unproven("oidc.userinfo", "got an answer that is not JSON, expected claims; signed userinfo is not read") from error
    # 5.3.2: without the same sub, nothing in it may be used.
    if not isinstance(document, dict) or document.get("sub") != subject:
        raise Unproven("oidc.userinfo", f"got {status} or claims of somebody else, expected those of the person who signed in")
    return document


def _document(content: bytes, status: int) -> dict[str, Any]:
    try:
        document = parse_json(content)
    except Refusal:
        document = None
    if not isinstance(document, dict):
        raise Unavailable("oidc.answer", f"the provider answered {status} without JSON, expected tokens or a reason")
    return document


def _refuse(document: Mapping[str, Any], status: int) -> None:
    reason = str(document.get("error", ""))[:80]
    if reason == "invalid_grant":
        raise Unproven(
            "oidc.code", "the provider does not take this code (used, expired, or another's), expected a fresh one; sign in again"
        )
    if reason in ("invalid_client", "unauthorized_client"):
        raise Unavailable("oidc.client", "the provider does not know this portal by its client id and secret; the operator sets them again")
    raise Unavailable("oidc.answer", f"the provider answered {status} {reason!r}, expected tokens")
