"""A signed token in its compact form (RFC 7515 section 7.1), taken apart strictly, and the keys that may have signed it.

Pure: text in, parts or a refusal out. Only RS256 and ES256, and no key that the token itself brings. Not checked here: signature and claims.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from proofs.canonical import parse_json
from proofs.encoding import b64url_decode
from proofs.errors import Malformed, TooLarge, Unproven
from proofs.tokens.key_set import ALGORITHM_OF_TYPE, IssuerKey

MAX_TOKEN_BYTES = 16 * 1024
ALGORITHMS = tuple(sorted(ALGORITHM_OF_TYPE.values()))
MOST_KEYS_OF_ONE_NAME = 4
# `x5t` names a certificate, as GitHub writes it. It is not followed, and neither is anything else here.
HEADER_MEMBERS = frozenset({"alg", "kid", "typ", "x5t", "x5t#S256"})
# They bring a key along, or say where one is to be fetched.
KEY_MEMBERS = frozenset({"jwk", "jku", "x5u", "x5c"})


@dataclass(frozen=True, slots=True)
class UnverifiedToken:
    """A token taken apart. Nothing in it is proved yet."""

    compact: str
    kid: str
    algorithm: str
    payload: bytes
    claims: Mapping[str, Any]
    issuer: str


def read_token(unverified_text: str) -> UnverifiedToken:
    """Take a token apart. Steps 1 to 3.

    Refuses with `token.too_large`, `token.shape`, `token.encoding`, `token.crit`, `token.embedded_key`, `token.header`, `token.algorithm`,
    `token.claims`, or as `parse_json` does.
    """
    # 1. The compact form and no other: three parts, each in the one spelling of unpadded base64url, none empty.
    if len(unverified_text) > MAX_TOKEN_BYTES:
        raise TooLarge("token.too_large", f"got {len(unverified_text)} characters, expected a token of at most {MAX_TOKEN_BYTES}")
    parts = unverified_text.split(".")
    if len(parts) != 3:
        raise Malformed("token.shape", f"got {len(parts)} parts, expected the three of a signed token in its compact form")
    if not all(parts):
        raise Malformed("token.encoding", "got an empty part, expected a header, claims and a signature")
    raw_header, payload, _ = (
        b64url_decode(part, code="token.encoding", what=f"token's {name}")
        for part, name in zip(parts, ("header", "claims", "signature"), strict=True)
    )
    # 2. The header: nothing that must be understood and is not, no key of its own, an algorithm of the list, the name of a key.
    kid, algorithm = _read_header(parse_json(raw_header))
    # 3. The claims: one object without doubled names, whose issuer is one text.
    claims = parse_json(payload)
    if not isinstance(claims, dict):
        raise Malformed("token.claims", "got claims that are no JSON object")
    issuer = claims.get("iss")
    if not isinstance(issuer, str) or not issuer:
        raise Malformed("token.claims", f"got {type(issuer).__name__} for iss, expected the issuer as one text")
    return UnverifiedToken(unverified_text, kid, algorithm, payload, claims, issuer)


def candidates_for(token: UnverifiedToken, keys: Iterable[IssuerKey]) -> list[IssuerKey]:
    """Return the keys that carry the name in the token's header and verify its algorithm.

    Refuses with `token.key_unknown`, `token.algorithm` when such a key is of another type, or `token.key_ambiguous`.
    """
    named = [key for key in keys if key.kid == token.kid]
    if not named:
        raise Unproven("token.key_unknown", f"got a token signed by the key {token.kid[:80]!r}, which its issuer is not known to have")
    fitting = [key for key in named if key.algorithm == token.algorithm]
    if not fitting:
        raise Unproven("token.algorithm", f"got {token.algorithm} in the header, expected {named[0].algorithm}, which the key is for")
    if len(fitting) > MOST_KEYS_OF_ONE_NAME:
        raise Unproven("token.key_ambiguous", f"got {len(fitting)} keys of one name, expected at most {MOST_KEYS_OF_ONE_NAME}")
    return fitting


def _read_header(header: Any) -> tuple[str, str]:
    if not isinstance(header, dict):
        raise Malformed("token.header", "got a header that is no JSON object")
    if "crit" in header:
        raise Malformed("token.crit", "got a header with crit, expected one that asks for nothing beyond the standard")
    if found := sorted(KEY_MEMBERS & header.keys()):
        raise Malformed("token.embedded_key", f"got {', '.join(found)} in the header; a key is never taken from the token it verifies")
    if unknown := sorted(header.keys() - HEADER_MEMBERS):
        raise Malformed(
            "token.header", f"got {', '.join(unknown)[:100]} in the header, expected {', '.join(sorted(HEADER_MEMBERS))} at most"
        )
    if header.get("typ", "JWT") != "JWT":
        raise Malformed("token.header", f"got the type {str(header['typ'])[:40]!r}, expected JWT or none")
    algorithm, kid = header.get("alg"), header.get("kid")
    if algorithm not in ALGORITHMS:
        raise Unproven("token.algorithm", f"got {str(algorithm)[:40]!r}, expected {' or '.join(ALGORITHMS)}")
    if not isinstance(kid, str) or not kid:
        raise Malformed("token.header", "got no name of a key (kid), expected one")
    return kid, str(algorithm)
