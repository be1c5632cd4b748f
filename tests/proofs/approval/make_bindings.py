"""An enrolment that a person's identity provider vouches for: a real token of a real key, and ways to lie about each part."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

from proofs.approval.enrollment import Enrollment, build_enrollment, parse_enrollment
from proofs.approval.enrollment_parts import Binding
from proofs.approval.key_binding import key_nonce
from proofs.digest import sha256_hex
from proofs.tokens.key_set import normalise_keys
from tests import make_tokens
from tests.passkey import SoftPasskey
from tests.proofs.pack.world import NOON

IDP = "https://idp.corp.example"
CLIENT = "countersign"
SALT, HANDLE = b"s" * 32, b"h" * 32
ASKED = NOON - timedelta(minutes=2)


def nonce_of(passkey: SoftPasskey, *, salt: bytes = SALT, handle: bytes = HANDLE, rp_id: str = "localhost") -> str:
    return key_nonce(rp_id=rp_id, credential_id=passkey.credential_id, spki=passkey.spki, user_handle=handle, salt=salt)


def id_token(nonce: str, *, asked: datetime = ASKED, subject: str = "01ALICE", key: Any = None, header: Any = None, **changes: Any) -> str:
    """What the provider says: this person, asked at this time, with this nonce. A change of None leaves the claim out."""
    second = int(asked.timestamp())
    said = {
        "iss": IDP,
        "aud": CLIENT,
        "sub": subject,
        "nonce": nonce,
        "iat": second + 1,
        "exp": second + 600,
        "auth_time": second,
        "amr": ["pwd", "otp"],
        **changes,
    }
    return make_tokens.sign({name: value for name, value in said.items() if value is not None}, key=key, header=header)


def key_document(*keys: dict[str, Any]) -> bytes:
    return normalise_keys(make_tokens.key_set(*keys))


def bound_payload(
    passkey: SoftPasskey,
    *,
    token: str | None = None,
    keys: bytes | None = None,
    at: datetime = NOON,
    issuer: str = IDP,
    subject: str = "01ALICE",
    rp_id: str = "localhost",
    lie: dict[str, Any] | None = None,
    **more: Any,
) -> bytes:
    """The payload of an enrolment of `passkey` that names `token`; `lie` changes its binding."""
    token = id_token(nonce_of(passkey)) if token is None else token
    binding = Binding(
        issuer=IDP,
        audience=CLIENT,
        subject=subject,
        salt=SALT,
        user_handle=HANDLE,
        nonce=nonce_of(passkey),
        authenticated_at=ASKED,
        token_digest=sha256_hex(token.encode()),
        keys_digest=sha256_hex(key_document() if keys is None else keys),
    )
    return build_enrollment(
        event="enrolled",
        at=at,
        kind="person",
        issuer=issuer,
        subject=subject,
        spki=passkey.spki,
        credential_id=passkey.credential_id,
        rp_id=rp_id,
        backup_eligible=passkey.synced,
        binding=replace(binding, **(lie or {})),
        **more,
    )


def bound_enrollment(passkey: SoftPasskey, **more: Any) -> Enrollment:
    return parse_enrollment(bound_payload(passkey, **more))
