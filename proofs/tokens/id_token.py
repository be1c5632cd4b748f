"""An ID token held against what it must say (OpenID Connect Core 1.0, section 3.1.3.7). The steps, in this order:

1. It is a signed token in the one compact form, and asks for nothing beyond it.      token.shape, .encoding, .header, .crit, .embedded_key
2. A key of the issuer's set has its name and its algorithm.                          token.key_unknown, .algorithm, .key_ambiguous
3. That key signed it.                                                                token.signature
4. Its issuer is the expected one.                                                    id_token.issuer
5. It is for this client, and for no other party.                                     id_token.audience
6. Its nonce is the expected one, so it answers one question and no other.            id_token.nonce
7. It was valid at the moment it is judged for.                                       id_token.expired, id_token.not_yet
8. Where it matters: the person was asked again, after the question was put.          id_token.auth_time

Pure: token, key set and moment go in; what the issuer says of a person or a refusal comes out. Not checked here: that the keys are the
issuer's, that the token is used once, and whose account the subject is.
"""

from __future__ import annotations

import hmac
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.utils import encode_dss_signature

from proofs.encoding import b64url_decode
from proofs.errors import Malformed, Refusal, Unproven
from proofs.keys import bind_key
from proofs.tokens.compact import UnverifiedToken, candidates_for, read_token
from proofs.tokens.key_set import IssuerKey, read_keys

# How far the issuer's clock and ours may be apart.
SKEW = timedelta(seconds=60)
LATEST_NUMBER = 2**40
P256_BYTES = 32


@dataclass(frozen=True, slots=True)
class VerifiedIdToken:
    """What an issuer says of the person who signed in. `methods` is `amr`, `context` is `acr`; times are UTC, whole seconds."""

    issuer: str
    subject: str
    audience: str
    nonce: str
    issued_at: datetime
    expires_at: datetime
    authenticated_at: datetime | None
    methods: tuple[str, ...]
    context: str
    key_name: str
    claims: Mapping[str, Any]


def verify_id_token(
    unverified_text: str,
    *,
    issuer_keys: bytes,
    expected_issuer: str,
    expected_audience: str,
    expected_nonce: str,
    at: datetime,
    authenticated_after: datetime | None = None,
) -> VerifiedIdToken:
    """Return what a token says that passes steps 1 to 8; refuses with the codes above, or `token.claims`.

    `issuer_keys` is a document that `proofs.tokens.key_set.normalise_keys` made. Without `authenticated_after` step 8 is left out.
    """
    token = read_token(unverified_text)  # 1.
    _demand_signature(token, candidates_for(token, read_keys(issuer_keys)))  # 2. and 3.
    claims = token.claims
    if token.issuer != expected_issuer:  # 4.
        raise Unproven("id_token.issuer", f"got a token of {token.issuer[:200]!r}, expected one of {expected_issuer!r}, to the letter")
    audience = _demand_audience(claims, expected_audience)  # 5.
    nonce = claims.get("nonce")
    if not isinstance(nonce, str) or not hmac.compare_digest(nonce.encode(), expected_nonce.encode()):  # 6.
        raise Unproven("id_token.nonce", "got a token whose nonce is another, expected an answer to this very question")
    issued, expires = _demand_times(claims, at)  # 7.
    authenticated = _moment(claims, "auth_time") if "auth_time" in claims else None
    if authenticated_after is not None:
        _demand_asked_again(authenticated, authenticated_after, at)  # 8.
    subject = claims.get("sub")
    if not isinstance(subject, str) or not 0 < len(subject) <= 255:
        raise Malformed("token.claims", "got no sub of 1 to 255 characters, expected the person's name at the issuer")
    return VerifiedIdToken(
        issuer=token.issuer,
        subject=subject,
        audience=audience,
        nonce=nonce,
        issued_at=issued,
        expires_at=expires,
        authenticated_at=authenticated,
        methods=_texts(claims, "amr"),
        context=claims["acr"] if isinstance(claims.get("acr"), str) else "",
        key_name=token.kid,
        claims=claims,
    )


def _demand_signature(token: UnverifiedToken, candidates: Iterable[IssuerKey]) -> None:
    signed, _, last = token.compact.rpartition(".")
    signature = b64url_decode(last, code="token.encoding", what="token's signature")
    if token.algorithm == "ES256":
        # RFC 7518 section 3.4: r and s side by side, 32 bytes each, and no other form.
        if len(signature) != 2 * P256_BYTES:
            raise Unproven("token.signature", f"got an ES256 signature of {len(signature)} bytes, expected 64")
        r, s = (int.from_bytes(half, "big") for half in (signature[:P256_BYTES], signature[P256_BYTES:]))
        signature = encode_dss_signature(r, s)
    for candidate in candidates:
        try:
            bind_key(candidate.key).verify(signature, signed.encode(), code="token.signature", what="the token")
        except (Refusal, InvalidSignature):
            continue
        return
    raise Unproven("token.signature", "got a signature that does not verify under the issuer's key of that name")


def _demand_audience(claims: Mapping[str, Any], expected: str) -> str:
    said = claims.get("aud")
    # A token that is meant for others as well could have been passed on by any of them.
    if said != expected and said != [expected]:
        raise Unproven("id_token.audience", f"got a token for {str(said)[:200]!r}, expected one for {expected!r} alone")
    if claims.get("azp", expected) != expected:
        raise Unproven("id_token.audience", f"got a token that {str(claims['azp'])[:200]!r} asked for, expected {expected!r}")
    return expected


def _demand_times(claims: Mapping[str, Any], at: datetime) -> tuple[datetime, datetime]:
    issued, expires = _moment(claims, "iat"), _moment(claims, "exp")
    begins = _moment(claims, "nbf") if "nbf" in claims else issued
    if at >= expires + SKEW:
        raise Unproven(
            "id_token.expired", f"got a token that was good until {expires:%Y-%m-%d %H:%M:%S} UTC, expected one valid at {at:%H:%M:%S}"
        )
    if max(issued, begins) - SKEW > at:
        raise Unproven("id_token.not_yet", f"got a token of {issued:%Y-%m-%d %H:%M:%S} UTC, later than {at:%H:%M:%S}, when it was used")
    return issued, expires


def _demand_asked_again(authenticated: datetime | None, after: datetime, at: datetime) -> None:
    # A provider may answer from an old session although it was told to ask: only its own word on when it asked counts.
    if authenticated is None:
        raise Unproven("id_token.auth_time", "got a token that does not say when the person was asked, expected auth_time")
    if authenticated < after.replace(microsecond=0) - SKEW:
        raise Unproven(
            "id_token.auth_time",
            f"the person signed in at {authenticated:%Y-%m-%d %H:%M:%S} UTC, expected after {after:%H:%M:%S}: the provider did not ask again",
        )
    if authenticated > at + SKEW:
        raise Unproven("id_token.auth_time", f"got a sign-in at {authenticated:%Y-%m-%d %H:%M:%S} UTC, after the token was used")


def _moment(claims: Mapping[str, Any], name: str) -> datetime:
    value = claims.get(name)
    # True is an integer to Python.
    if not isinstance(value, int) or isinstance(value, bool) or not 0 <= value < LATEST_NUMBER:
        raise Malformed("token.claims", f"got {str(value)[:40]!r} for {name}, expected whole seconds since 1970")
    return datetime.fromtimestamp(min(value, 2**37), UTC)


def _texts(claims: Mapping[str, Any], name: str) -> tuple[str, ...]:
    value = claims.get(name, [])
    if not isinstance(value, list) or not all(isinstance(item, str) for item in value):
        raise Malformed("token.claims", f"got {name} of another form, expected a list of texts")
    return tuple(value)
