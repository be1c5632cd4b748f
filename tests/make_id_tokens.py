"""An OpenID provider's ID tokens over statements: real keys, real signatures, and every claim can be told otherwise."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from proofs.pack.trust import TrustedProvider
from proofs.tokens.key_set import normalise_keys
from tests import make_tokens as tokens

ISSUER = "https://idp.corp.example"
CLIENT = "countersign"
SUBJECT = "00u1alice"
KEYS = normalise_keys(tokens.key_set())


def id_token(*, nonce: str, at: datetime, key: Any = None, header: dict[str, Any] | None = None, **changes: Any) -> str:
    """What the provider says after it asked a person with two factors at `at`; a change of None leaves the claim out."""
    second = int(at.timestamp())
    usual = {
        "iss": ISSUER,
        "aud": CLIENT,
        "sub": SUBJECT,
        "nonce": nonce,
        "iat": second,
        "exp": second + 300,
        "auth_time": second,
        "amr": ["pwd", "mfa"],
    }
    said = {name: value for name, value in {**usual, **changes}.items() if value is not None}
    return tokens.sign(said, header=header, key=key)


def rotated() -> bytes:
    """The key set after the provider changed all its keys."""
    return normalise_keys(tokens.key_set(tokens.jwk(tokens.rsa_key("next"), "next")))


def pinned(**changes: Any) -> TrustedProvider:
    """The provider as a reader pins it."""
    return TrustedProvider(**{"issuer": ISSUER, "audiences": (CLIENT,), "keys": KEYS, **changes})
