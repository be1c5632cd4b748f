"""Whether a workload token is what it says it is: the numbered steps 1 to 8 of "Workload tokens" in docs/verification.md.

Pure: the token, the issuer's keys, the audience and the moment go in; claims or a refusal come out. No database, network or clock. That a
token is used once, and that its issuer is registered, is for the caller (`identities.workload.exchange`).
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

import jwt

from identities.workload.keys_document import ALGORITHM_OF_TYPE, IssuerKey
from proofs.canonical import parse_json
from proofs.encoding import b64url_decode
from proofs.errors import Conflict, Malformed, NotAllowed, TooLarge, Unproven

MAX_TOKEN_BYTES = 16 * 1024
ALGORITHMS = tuple(sorted(ALGORITHM_OF_TYPE.values()))
# How far the issuer's clock and ours may be apart.
SKEW = timedelta(seconds=60)
# An hour, and the few seconds by which platforms round up: Kubernetes writes 3607.
LONGEST_LIFE = timedelta(seconds=3660)
MOST_KEYS_OF_ONE_NAME = 4
# `x5t` names a certificate, as GitHub writes it. It is not followed, and neither is anything else here.
HEADER_MEMBERS = frozenset({"alg", "kid", "typ", "x5t", "x5t#S256"})
# They bring a key along, or say where one is to be fetched.
KEY_MEMBERS = frozenset({"jwk", "jku", "x5u", "x5c"})
LATEST_NUMBER = 2**40


@dataclass(frozen=True, slots=True)
class UnverifiedToken:
    """A token taken apart. Nothing in it is proved yet."""

    compact: str
    kid: str
    algorithm: str
    payload: bytes
    claims: Mapping[str, Any]
    issuer: str


@dataclass(frozen=True, slots=True)
class ProvedToken:
    """What a token proves: the claims of its issuer, until when, and the digest under which it is used up."""

    claims: Mapping[str, Any]
    subject: str
    expires_at: int
    use_sha256: str


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


def judge_token(
    token: UnverifiedToken, *, issuer: str, algorithms: Sequence[str], keys: Sequence[IssuerKey], audience: str, now: datetime
) -> ProvedToken:
    """Return what the token proves, under the keys of `issuer` and at the moment `now`. Steps 4 to 7.

    Refuses with `token.issuer`, `token.algorithm`, `token.key_unknown`, `token.key_ambiguous`, `token.signature`, `token.audience`,
    `token.claims`, `token.expired`, `token.not_yet` or `token.life`.
    """
    # 4. The issuer is exactly the one whose keys are asked.
    if token.issuer != issuer:
        raise Unproven("token.issuer", f"got a token of {token.issuer[:200]!r}, expected one of {issuer!r}, to the letter")
    if token.algorithm not in algorithms:
        raise Unproven("token.algorithm", f"got {token.algorithm}, expected {' or '.join(algorithms)}, as registered for {issuer}")
    # 5. The signature, under a key object that the name in the header selects and whose type fits the algorithm.
    _demand_signature(token, candidates_for(token, keys))
    # 6. The audience is this portal and nobody else.
    _demand_audience(token.claims.get("aud"), audience)
    # 7. Issued, valid and not expired, and for a short life.
    expires_at = _demand_times(token.claims, now)
    subject = token.claims.get("sub", "")
    if not isinstance(subject, str) or len(subject) > 300:
        raise Malformed("token.claims", "got a sub that is no text of at most 300 characters")
    return ProvedToken(token.claims, subject, expires_at, _use_of(token))


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


def choose_binding(claims: Mapping[str, Any], pins: Mapping[str, Mapping[str, str]]) -> str:
    """Return the id of the one binding whose pinned claims all stand in the token, to the letter. Step 8.

    `pins` has the pinned claims of each binding by its id. Refuses with `token.no_binding` or `token.ambiguous`.
    """
    # 8. Exactly one binding fits.
    fitting = [name for name, pinned in pins.items() if pinned and all(_is_pinned(claims, *pin) for pin in pinned.items())]
    if not fitting:
        raise NotAllowed("token.no_binding", "got a good token whose claims fit no identity here; an identity steward binds one to them")
    if len(fitting) > 1:
        raise Conflict("token.ambiguous", f"got a good token that fits {len(fitting)} bindings, expected exactly one")
    return fitting[0]


def _is_pinned(claims: Mapping[str, Any], name: str, value: str) -> bool:
    said = claims.get(name)
    return isinstance(said, str) and said == value


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


def _demand_signature(token: UnverifiedToken, candidates: Iterable[IssuerKey]) -> None:
    for candidate in candidates:
        try:
            # One algorithm, which the key's own type says, and an object: no text that could be taken for a shared secret.
            verified = jwt.PyJWS().decode_complete(token.compact, candidate.key, algorithms=[candidate.algorithm])
        except jwt.PyJWTError:
            continue
        if verified["payload"] == token.payload:
            return
    raise Unproven("token.signature", "got a signature that does not verify under the issuer's key of that name")


def _demand_audience(said: object, audience: str) -> None:
    # Kubernetes writes a list; a token that is good elsewhere too could be used here by whoever it was meant for.
    if said != audience and said != [audience]:
        raise Unproven("token.audience", f"got the audience {str(said)[:200]!r}, expected {audience!r} alone")


def _demand_times(claims: Mapping[str, Any], now: datetime) -> int:
    issued, expires, begins = (_second(claims, name, required=name != "nbf") for name in ("iat", "exp", "nbf"))
    moment, skew = now.timestamp(), SKEW.total_seconds()
    if moment >= expires + skew:
        raise Unproven("token.expired", f"got a token that expired {int(moment - expires)} s ago, expected one that is valid now")
    if max(issued, begins) - skew > moment:
        raise Unproven("token.not_yet", f"got a token that begins in {int(max(issued, begins) - moment)} s, expected one that is valid now")
    if not 0 < expires - issued <= LONGEST_LIFE.total_seconds():
        longest = int(LONGEST_LIFE.total_seconds())
        raise Unproven("token.life", f"got a token for {expires - issued} s, expected at most {longest}")
    return expires


def _second(claims: Mapping[str, Any], name: str, *, required: bool) -> int:
    value = claims.get(name)
    if value is None and not required and name not in claims:
        return 0
    # True is an integer to Python.
    if not isinstance(value, int) or isinstance(value, bool) or not 0 <= value < LATEST_NUMBER:
        raise Malformed("token.claims", f"got {str(value)[:40]!r} for {name}, expected whole seconds since 1970")
    return value


def _use_of(token: UnverifiedToken) -> str:
    """The digest under which a token is used up: of its issuer and `jti`, or, without one, of the part that is signed."""
    jti = token.claims.get("jti")
    if "jti" in token.claims and (not isinstance(jti, str) or not jti):
        raise Malformed("token.claims", "got a jti that is no text")
    what = f"jti\0{jti}" if jti else "signed\0" + token.compact.rpartition(".")[0]
    return hashlib.sha256(f"{token.issuer}\0{what}".encode()).hexdigest()
