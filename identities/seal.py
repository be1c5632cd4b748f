"""Seal a secret that the portal has to show to somebody else again, such as the one an OpenID provider knows it by.

AES-256-GCM (NIST SP 800-38D) under a key made from `SECRET_KEY` by HKDF-SHA-256 (RFC 5869), bound to what the secret belongs to. Whoever has the
database alone reads nothing; whoever changes `SECRET_KEY` has to enter the secrets again.
"""

from __future__ import annotations

import secrets

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF
from django.conf import settings

from identities.models import IdentityProvider
from proofs.errors import Unavailable

_FORM = b"\x01"
_NONCE_BYTES = 12


def seal(secret: str, *, owner: str) -> bytes:
    """Return `secret` sealed for `owner`, the id of the row it is kept in; each time other bytes."""
    nonce = secrets.token_bytes(_NONCE_BYTES)
    return _FORM + nonce + AESGCM(_key()).encrypt(nonce, secret.encode(), owner.encode())


def unseal(sealed: bytes, *, owner: str) -> str:
    """Return what was sealed for `owner`. Refuses with `sso.secret_unreadable` under another `SECRET_KEY`, or for another row's bytes."""
    nonce, ciphertext = sealed[1 : 1 + _NONCE_BYTES], sealed[1 + _NONCE_BYTES :]
    try:
        if sealed[:1] != _FORM:
            raise InvalidTag
        return AESGCM(_key()).decrypt(nonce, ciphertext, owner.encode()).decode()
    except (InvalidTag, ValueError) as error:
        words = "got a secret that was sealed under another SECRET_KEY, expected this one; enter the provider's client secret again"
        raise Unavailable("sso.secret_unreadable", words) from error


def client_secret_of(provider: IdentityProvider) -> str:
    """Return the secret this portal shows to an OpenID provider; empty for a public client and for SAML. Refuses as `unseal` does."""
    return unseal(bytes(provider.sealed_secret), owner=provider.pk) if provider.sealed_secret else ""


def _key() -> bytes:
    return HKDF(algorithm=SHA256(), length=32, salt=None, info=b"countersign/provider-secret/v1").derive(settings.SECRET_KEY.encode())
