"""Sign a webhook's message as Standard Webhooks says: HMAC-SHA-256 over id, time and body, in three headers. Pure.

The secret is written `whsec_` and base64. During a rotation two signatures stand in one header, so that the receiver may change over at
any moment. Not checked: that the message is fresh, which is the receiver's to do from the time in the header.
"""

from __future__ import annotations

import hmac
import secrets
from base64 import b64decode, b64encode
from collections.abc import Sequence
from datetime import datetime

PREFIX = "whsec_"
SECRET_BYTES = 32


def new_secret() -> str:
    """Return a new secret as receivers are given it."""
    return PREFIX + b64encode(secrets.token_bytes(SECRET_BYTES)).decode()


def sign_message(*, message_id: str, body: str, secrets_of: Sequence[str], at: datetime) -> dict[str, str]:
    """Return the three headers of a message; `secrets_of` are one or two secrets, the one in force first."""
    moment = str(int(at.timestamp()))
    signed = f"{message_id}.{moment}.{body}".encode()
    signatures = [b64encode(hmac.digest(_key(secret), signed, "sha256")).decode() for secret in secrets_of]
    return {
        "webhook-id": message_id,
        "webhook-timestamp": moment,
        "webhook-signature": " ".join(f"v1,{signature}" for signature in signatures),
    }


def _key(secret: str) -> bytes:
    return b64decode(secret.removeprefix(PREFIX), validate=True)
