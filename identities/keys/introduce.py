"""An older key of the same person signs for a new one: what it is asked to sign, and whether it did."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from django.conf import settings

from identities.keys.new_key import NewKey
from identities.models import Identity, SigningKey
from proofs.approval.enrollment import Enrollment, parse_enrollment
from proofs.approval.enrollment_parts import Introducer
from proofs.approval.introduction import build_introduction, introduction_challenge, introduction_envelope, verify_introduction
from proofs.approval.passkey import Assertion
from proofs.digest import sha256_hex
from proofs.dsse import parse_envelope
from proofs.encoding import b64url_decode, b64url_encode
from proofs.errors import Conflict, Malformed, NotFound

_MALFORMED = "enrolment.malformed"


@dataclass(frozen=True, slots=True)
class Introduced:
    """An older key, and the envelope of what it signed for a new one. Not verified yet."""

    introducer: SigningKey
    envelope: bytes

    @staticmethod
    def reference_of(key: SigningKey) -> Introducer | None:
        """Return who introduced a key, as it stands in its enrolment; None where nobody did."""
        if key.introduced_by is None:
            return None
        return Introducer(key.introduced_by.key_id, key.introduced_by.enrollment_digest, sha256_hex(bytes(key.introduction or b"")))


@dataclass(frozen=True, slots=True)
class Question:
    """What the older key's browser is asked (`options`, JSON) and what the session remembers until it answers (`state`, JSON)."""

    options: dict[str, Any]
    state: dict[str, Any]


def list_introducers(identity: Identity) -> list[SigningKey]:
    """Return the keys of a person that can introduce another: live and enrolled for this portal's host, the newest first."""
    rows = SigningKey.objects.filter(identity=identity, revoked_at__isnull=True, rp_id=settings.RP_ID)
    return list(rows.order_by("-enrolled_at", "-pk"))


def begin_introduction(*, identity: Identity, introducer_id: str, new: NewKey, now: datetime) -> Question:
    """Return the question for the older key `introducer_id`. Refuses with `signer.unknown`. Writes nothing."""
    introducer = get_introducer(identity, introducer_id)
    payload = build_introduction(
        at=now,
        issuer=identity.issuer,
        subject=identity.subject,
        key=new.public_key,
        credential_id=new.credential_id,
        rp_id=settings.RP_ID,
        introducer=introducer.key_id,
        introducer_enrollment=introducer.enrollment_digest,
    )
    credential = {"type": "public-key", "id": b64url_encode(bytes(introducer.credential_id)), "transports": introducer.transports}
    options = {
        "challenge": b64url_encode(introduction_challenge(payload)),
        "rpId": settings.RP_ID,
        "allowCredentials": [credential],
        "userVerification": "required",
        "timeout": settings.CEREMONY_SECONDS * 1000,
    }
    expires = now + timedelta(seconds=settings.CEREMONY_SECONDS)
    state = {"introducer": introducer.pk, "payload": b64url_encode(payload), "expires": int(expires.timestamp())}
    return Question(options={"publicKey": options}, state=state)


def read_introduction(*, identity: Identity, state: Mapping[str, Any] | None, response: Mapping[str, Any], now: datetime) -> Introduced:
    """Return what the browser brings (AuthenticationResponseJSON) for the question whose `state` the session kept; verified when enrolled.

    Refuses with `enrolment.not_offered`, `enrolment.expired`, `enrolment.malformed` or `signer.unknown`.
    """
    if not state:
        raise Conflict("enrolment.not_offered", "this answer belongs to no open question; touch the older key again")
    if now.timestamp() >= int(state["expires"]):
        raise Conflict("enrolment.expired", "the question ran out before the older key answered; touch it again")
    introducer = get_introducer(identity, state["introducer"])
    answer = response.get("response")
    if not isinstance(answer, Mapping):
        raise Malformed(_MALFORMED, "got an answer that is no assertion, expected the browser's own")
    assertion = Assertion(
        key_id=introducer.key_id,
        credential_id=b64url_decode(response.get("rawId"), code=_MALFORMED, what="the credential id"),
        authenticator_data=b64url_decode(answer.get("authenticatorData"), code=_MALFORMED, what="the authenticator data"),
        client_data_json=b64url_decode(answer.get("clientDataJSON"), code=_MALFORMED, what="the client data"),
        signature=b64url_decode(answer.get("signature"), code=_MALFORMED, what="the signature"),
        algorithm=introducer.algorithm,
    )
    payload = b64url_decode(state["payload"], code=_MALFORMED, what="the question")
    return Introduced(introducer, introduction_envelope(payload, assertion))


def verify_introducer(introduced: Introduced, *, payload: bytes) -> None:
    """Return when the older key signed for the key of the enrolment statement `payload`; refuses with `introduction.*`, `webauthn.*` or `signer.revoked`.

    Must run inside the caller's transaction: the older key's row is held, so that it cannot be revoked before the act is done.
    """
    older = SigningKey.objects.select_for_update(no_key=True, of=("self",)).get(pk=introduced.introducer.pk)
    if older.revoked_at is not None:
        raise Conflict("signer.revoked", f"{older.label} is revoked, and introduces nothing")
    verify_introduction(
        enrollment=parse_enrollment(payload),
        introduction=introduced.envelope,
        introducer=enrollment_of(older),
        introducer_digest=older.enrollment_digest,
        rp_id=settings.RP_ID,
        origins=(settings.ORIGIN,),
    )


def enrollment_of(key: SigningKey) -> Enrollment:
    """Return what the stored enrolment of a key says."""
    return parse_enrollment(parse_envelope(bytes(key.enrollment)).payload)


def get_introducer(identity: Identity, introducer_id: str) -> SigningKey:
    """Return the key of a person that can introduce another; refuses with `signer.unknown`."""
    found = next((key for key in list_introducers(identity) if key.pk == introducer_id), None)
    if found is None:
        raise NotFound("signer.unknown", "There is no such key, or it is not yours.")
    return found
