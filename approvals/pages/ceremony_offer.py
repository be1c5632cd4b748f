"""What a signing page hands to its script, and the sign-in session that a ceremony belongs to. Reads only."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from csp.constants import NONE
from django.conf import settings
from django.http import HttpRequest
from django.utils import timezone

from approvals.models import Ceremony, StatementCeremony
from approvals.signing.approval_statement import SigningSession
from identities.models import SigningKey
from proofs.approval.human_approval import approval_challenge
from proofs.digest import sha256_hex
from proofs.encoding import b64_encode, b64url_encode

# Added to the policy of every page: on this one, text never becomes markup or script, whoever wrote it.
SIGNING_PAGE = {"require-trusted-types-for": ["'script'"], "trusted-types": [NONE]}


def offer_to_key(row: Ceremony | StatementCeremony, key: SigningKey) -> dict[str, Any]:
    """Return what the page's script derives the challenge from and asks the passkey with."""
    payload = bytes(row.payload)
    return {
        "payload": b64_encode(payload),
        "challenge": b64url_encode(approval_challenge(payload)),
        "rpId": settings.RP_ID,
        "credentialIds": [b64url_encode(bytes(key.credential_id))],
        "timeout": settings.CEREMONY_SECONDS * 1000,
        "expiresAt": row.expires_at.isoformat(),
    }


def session_of(request: HttpRequest) -> SigningSession:
    """Name the session a ceremony belongs to, and how the person last proved who they are in it."""
    proofs: list[dict[str, Any]] = request.session.get("account_authentication_methods") or []
    last_login = getattr(request.user, "last_login", None) or timezone.now()
    at = datetime.fromtimestamp(int(proofs[-1]["at"]), tz=UTC) if proofs else last_login
    methods = dict.fromkeys(str(proof.get("type") or proof.get("method")) for proof in proofs)
    return SigningSession(
        session_hash=sha256_hex((request.session.session_key or "").encode()),
        authenticated_by=" and ".join(methods)[:80] or "session",
        authenticated_at=at,
    )
