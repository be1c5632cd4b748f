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

from proofs.errors import Conflict, Malformed, NotAllowed, Unproven
from proofs.tokens.compact import UnverifiedToken, candidates_for
from proofs.tokens.key_set import IssuerKey

# How far the issuer's clock and ours may be apart.
SKEW = timedelta(seconds=60)
# An hour, and the few seconds by which platforms round up: Kubernetes writes 3607.
LONGEST_LIFE = timedelta(seconds=3660)
LATEST_NUMBER = 2**40


@dataclass(frozen=True, slots=True)
class ProvedToken:
    """What a token proves: the claims of its issuer, until when, and the digest under which it is used up."""

    claims: Mapping[str, Any]
    subject: str
    expires_at: int
    use_sha256: str


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
