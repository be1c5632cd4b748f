"""Verify a WebAuthn assertion against a challenge the caller derived itself (WebAuthn level 3, section 7.2).

The numbered argument (first failure wins, each with its own code):

 1. the client data is one strict JSON object                       webauthn.malformed
 2. its type is webauthn.get                                        webauthn.type
 3. its challenge is exactly the expected one                       webauthn.challenge
 4. its origin is on the list                                       webauthn.origin
 5. it was not made inside somebody else's page                     webauthn.cross_origin
 6. the authenticator data has a length it can have                 webauthn.malformed
 7. it is for our relying party                                     webauthn.rp_id
 8. the person was present                                          webauthn.no_user_presence
 9. the authenticator verified the person                           webauthn.no_user_verification
10. it carries no attested credential data                          webauthn.unexpected_at
11. its extension flag agrees with the bytes that follow            webauthn.malformed
12. its backup flags agree with each other                          webauthn.malformed
13. the key's signature covers all of it                            webauthn.signature
14. the counter did not go back, where the policy asks for that     webauthn.sign_count

It does not look up whose key it is, and the algorithm comes from the key, never from the message.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from typing import Any

from proofs.approval.cose import cose_algorithm, parse_cbor
from proofs.canonical import parse_json
from proofs.encoding import b64url_encode
from proofs.errors import Malformed, Refusal, Unproven
from proofs.keys import PublicKey

UP, UV, BE, BS, AT, ED = 0x01, 0x04, 0x08, 0x10, 0x40, 0x80
MAX_CLIENT_DATA = 8192
MAX_AUTHENTICATOR_DATA = 4096


@dataclass(frozen=True, slots=True)
class AssertionPolicy:
    """What an assertion must satisfy. The defaults are the strict ones that approvals use, without exception."""

    rp_id: str
    origins: tuple[str, ...]
    require_user_verification: bool = True
    allow_cross_origin: bool = False
    # A synced passkey always reports zero and some keys restart: for approvals this is a signal to people, not a refusal.
    refuse_counter_regression: bool = False


@dataclass(frozen=True, slots=True)
class Assertion:
    """An unverified assertion, as the browser gave it. `key_id` names the key it claims, `algorithm` is its COSE number."""

    key_id: str
    credential_id: bytes
    authenticator_data: bytes
    client_data_json: bytes
    signature: bytes
    algorithm: int


@dataclass(frozen=True, slots=True)
class VerifiedAssertion:
    """What a verified assertion says; made only by `verify_assertion`."""

    origin: str
    user_verified: bool
    backup_eligible: bool
    backed_up: bool
    sign_count: int
    algorithm: int


def approval_policy(*, rp_id: str, origins: tuple[str, ...]) -> AssertionPolicy:
    """Return the one policy approvals are checked with: user verification required, never framed."""
    return AssertionPolicy(rp_id=rp_id, origins=origins)


def verify_assertion(
    *,
    challenge: bytes,
    authenticator_data: bytes,
    client_data_json: bytes,
    signature: bytes,
    key: PublicKey,
    policy: AssertionPolicy,
    stored_sign_count: int = 0,
) -> VerifiedAssertion:
    """Return what the assertion says when `key` made it over `challenge` under `policy`; refuses with the codes listed above."""
    origin = _check_client_data(client_data_json, challenge, policy)
    flags = _check_authenticator_data(authenticator_data, policy)
    # 13
    key.verify(signature, authenticator_data + hashlib.sha256(client_data_json).digest(), code="webauthn.signature", what="the passkey")
    # 14
    sign_count = int.from_bytes(authenticator_data[33:37], "big")
    if policy.refuse_counter_regression and (sign_count or stored_sign_count) and sign_count <= stored_sign_count:
        raise Unproven("webauthn.sign_count", f"got signature count {sign_count}, expected more than {stored_sign_count}")
    return VerifiedAssertion(origin, bool(flags & UV), bool(flags & BE), bool(flags & BS), sign_count, cose_algorithm(key))


def _check_client_data(client_data_json: bytes, challenge: bytes, policy: AssertionPolicy) -> str:
    # 1
    client_data = _parse_client_data(client_data_json)
    # 2
    if client_data.get("type") != "webauthn.get":
        raise Unproven("webauthn.type", f"got client data of type {str(client_data.get('type'))[:40]!r}, expected webauthn.get")
    # 3: compared as text, so that no second spelling of the same bytes passes
    if client_data.get("challenge") != b64url_encode(challenge):
        raise Unproven("webauthn.challenge", "the passkey signed another statement than this one: the challenge does not match")
    # 4
    origin = client_data.get("origin")
    if not isinstance(origin, str) or origin not in policy.origins:
        raise Unproven("webauthn.origin", f"got an assertion made at {str(origin)[:120]!r}, expected {' or '.join(policy.origins)}")
    # 5
    cross_origin = client_data.get("crossOrigin", False)
    if not isinstance(cross_origin, bool):
        raise Malformed("webauthn.malformed", "got a crossOrigin that is neither true nor false")
    if not policy.allow_cross_origin and (cross_origin or "topOrigin" in client_data):
        raise Unproven("webauthn.cross_origin", "the passkey was used inside a page of another site, expected the portal's own page")
    return origin


def _parse_client_data(client_data_json: bytes) -> dict[str, Any]:
    if len(client_data_json) > MAX_CLIENT_DATA:
        raise Malformed("webauthn.malformed", f"got {len(client_data_json)} bytes of client data, expected at most {MAX_CLIENT_DATA}")
    try:
        value = parse_json(client_data_json)
    except Refusal as error:
        raise Malformed("webauthn.malformed", f"the client data cannot be read: {error.reason}") from error
    if not isinstance(value, dict):
        raise Malformed("webauthn.malformed", "got client data that is not an object")
    return value


def _check_authenticator_data(data: bytes, policy: AssertionPolicy) -> int:
    # 6
    if not 37 <= len(data) <= MAX_AUTHENTICATOR_DATA:
        raise Malformed("webauthn.malformed", f"got {len(data)} bytes of authenticator data, expected 37 to {MAX_AUTHENTICATOR_DATA}")
    # 7
    if data[:32] != hashlib.sha256(policy.rp_id.encode()).digest():
        raise Unproven("webauthn.rp_id", f"the passkey belongs to another site, expected one for {policy.rp_id}")
    flags = data[32]
    # 8
    if not flags & UP:
        raise Unproven("webauthn.no_user_presence", "the authenticator did not ask for a touch, expected the person to be present")
    # 9
    if policy.require_user_verification and not flags & UV:
        raise Unproven(
            "webauthn.no_user_verification", "the authenticator did not verify the person by PIN or biometrics, expected that it did"
        )
    # 10: OpenSSH refuses this too
    if flags & AT:
        raise Unproven("webauthn.unexpected_at", "got attested credential data in an assertion, expected none")
    # 11
    extensions = data[37:]
    if bool(flags & ED) != bool(extensions):
        raise Malformed("webauthn.malformed", "the extension flag does not agree with the bytes that follow the authenticator data")
    if extensions and not isinstance(parse_cbor(extensions, code="webauthn.malformed"), dict):
        raise Malformed("webauthn.malformed", "got extension data that is not a map")
    # 12
    if flags & BS and not flags & BE:
        raise Malformed("webauthn.malformed", "the authenticator says it is backed up but cannot be, expected flags that agree")
    return flags
