"""Judge the browser's answer to an offer: is it a new key, made just now, at our page, by an authenticator that verified the person?

The numbers are those of the list in `identities.keys.enrol`. Reads settings, writes nothing, knows no person.
"""

from __future__ import annotations

import hashlib
import hmac
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.conf import settings
from fido2 import cbor
from fido2.server import Fido2Server
from fido2.webauthn import (
    AttestationConveyancePreference,
    AuthenticatorData,
    PublicKeyCredentialParameters,
    PublicKeyCredentialRpEntity,
    PublicKeyCredentialType,
    RegistrationResponse,
    UserVerificationRequirement,
)

from identities.models import Identity
from proofs.approval.attestation import attestation_document
from proofs.approval.cose import ALGORITHMS, load_cose_key
from proofs.canonical import parse_json
from proofs.encoding import b64url_decode, b64url_encode
from proofs.errors import Conflict, Malformed, Refusal, Unproven
from proofs.keys import PublicKey

TRANSPORTS = frozenset({"usb", "nfc", "ble", "smart-card", "hybrid", "internal"})
MAX_CREDENTIAL_ID = 1023


@dataclass(frozen=True, slots=True)
class NewKey:
    """A key that a browser made and that passed checks 1 to 5, before it is enrolled. `attestation` is kept as it was sent."""

    label: str
    credential_id: bytes
    cose_key: bytes
    transports: tuple[str, ...]
    backup_eligible: bool
    sign_count: int
    attestation: bytes
    attestation_format: str
    aaguid: str

    @property
    def public_key(self) -> PublicKey:
        """The key itself."""
        return load_cose_key(self.cose_key)

    def to_session(self) -> dict[str, Any]:
        """Return it as JSON, for the session between two steps."""
        return {
            "label": self.label,
            "credential_id": b64url_encode(self.credential_id),
            "cose_key": b64url_encode(self.cose_key),
            "transports": list(self.transports),
            "backup_eligible": self.backup_eligible,
            "sign_count": self.sign_count,
            "attestation": b64url_encode(self.attestation),
            "attestation_format": self.attestation_format,
            "aaguid": self.aaguid,
        }

    @classmethod
    def from_session(cls, kept: Mapping[str, Any]) -> NewKey:
        """Return what `to_session` made JSON of. The session is the portal's own; nothing is judged again."""
        binary = {
            name: b64url_decode(kept[name], code="enrolment.not_offered", what=name)
            for name in ("credential_id", "cose_key", "attestation")
        }
        return cls(**{**kept, **binary, "transports": tuple(kept["transports"])})


def read_new_key(*, identity: Identity, state: Mapping[str, Any] | None, response: Mapping[str, Any], label: str, now: datetime) -> NewKey:
    """Return the key that `response` (RegistrationResponseJSON) brings for the offer whose `state` the session kept: checks 1 to 5."""
    if not label.strip() or len(label.strip()) > 80:
        raise Malformed("enrolment.label", "got a name of no or more than 80 characters, expected one to know the key by")
    challenge = _offered_challenge(identity, state, now)
    answer, data = _verify_response(challenge, response)
    credential = data.credential_data
    if credential is None or len(credential.credential_id) > MAX_CREDENTIAL_ID:
        raise Malformed("enrolment.malformed", "got an answer without a usable credential, expected a new one")
    transports = response.get("response", {}).get("transports", [])
    made = answer.response.attestation_object
    new = NewKey(
        label=label.strip(),
        credential_id=credential.credential_id,
        cose_key=cbor.encode(dict(credential.public_key)),
        transports=tuple(sorted({str(item) for item in transports if str(item) in TRANSPORTS})) if isinstance(transports, list) else (),
        backup_eligible=bool(data.flags & AuthenticatorData.FLAG.BE),
        sign_count=data.counter,
        attestation=attestation_document(attestation_object=bytes(made), client_data_json=bytes(answer.response.client_data)),
        attestation_format=str(made.fmt)[:32],
        aaguid=str(credential.aaguid),
    )
    # 5
    load_cose_key(new.cose_key)
    return new


def _offered_challenge(identity: Identity, state: Mapping[str, Any] | None, now: datetime) -> bytes:
    """1. The offer was made to this very person and has not run out."""
    if not state or state.get("identity") != identity.pk:
        raise Conflict("enrolment.not_offered", "this answer belongs to no open offer; start again, each offer is good for one answer")
    if now.timestamp() >= int(state["expires"]):
        raise Conflict("enrolment.expired", "the offer ran out before the key answered; start again")
    return b64url_decode(state["challenge"], code="enrolment.not_offered", what="the challenge")


def _verify_response(challenge: bytes, response: Mapping[str, Any]) -> tuple[RegistrationResponse, AuthenticatorData]:
    """Return the answer and the authenticator data of a response that passes checks 2 to 4; the library repeats them at the end."""
    # 2
    try:
        answer = RegistrationResponse.from_dict(response)
        client = parse_json(bytes(answer.response.client_data), allow_floats=False)
        data = answer.response.attestation_object.auth_data
    except Refusal as refusal:
        raise Malformed("enrolment.malformed", f"the client data cannot be read: {refusal.reason}") from refusal
    except Exception as error:
        # The library raises whatever its parsers meet (TypeError, KeyError, struct.error …): unreadable is unreadable.
        raise Malformed("enrolment.malformed", "got an answer that is no registration response, expected the browser's own") from error
    if not isinstance(client, dict):
        raise Malformed("enrolment.malformed", "got client data that is not an object, expected the browser's own")
    # 3
    if client.get("type") != "webauthn.create":
        raise Unproven("webauthn.type", f"got an answer of type {str(client.get('type'))[:40]!r}, expected webauthn.create")
    answered = b64url_decode(client.get("challenge"), code="webauthn.challenge", what="the challenge of the answer")
    if not hmac.compare_digest(answered, challenge):
        raise Unproven("webauthn.challenge", "got an answer to another challenge, expected the one just offered")
    if client.get("origin") != settings.ORIGIN:
        raise Unproven("webauthn.origin", f"got an answer from {str(client.get('origin'))[:100]!r}, expected {settings.ORIGIN}")
    if client.get("crossOrigin", False) is not False or "topOrigin" in client:
        raise Unproven("webauthn.cross_origin", "got an answer made inside another site's page, expected the portal's own")
    # 4
    if not hmac.compare_digest(data.rp_id_hash, hashlib.sha256(settings.RP_ID.encode()).digest()):
        raise Unproven("webauthn.rp_id", f"got a key for another relying party, expected {settings.RP_ID}")
    if not data.is_user_present():
        raise Unproven("webauthn.no_user_presence", "the authenticator does not say that a person was there")
    if not data.is_user_verified():
        raise Unproven("webauthn.no_user_verification", "the authenticator did not verify the person by PIN, finger or face")
    state = {"challenge": client["challenge"], "user_verification": UserVerificationRequirement.REQUIRED}
    try:
        relying_party().register_complete(state, answer)
    except ValueError as error:
        raise Unproven("enrolment.refused", f"the answer does not verify: {error}") from error
    return answer, data


def relying_party() -> Fido2Server:
    """Return the library's relying party with exactly our name, origin and algorithms. An attestation is asked for where roots for it are named."""
    server = Fido2Server(
        PublicKeyCredentialRpEntity(id=settings.RP_ID, name="Countersign"),
        attestation=AttestationConveyancePreference.DIRECT if settings.ATTESTATION_ROOTS else AttestationConveyancePreference.NONE,
        # Exactly our origin: the library's own rule would let any subdomain and port of the relying party in.
        verify_origin=lambda origin: origin == settings.ORIGIN,
    )
    # ES256 first: it is the kind that stock ssh-keygen verifies.
    server.allowed_algorithms = [
        PublicKeyCredentialParameters(type=PublicKeyCredentialType.PUBLIC_KEY, alg=number) for number in ALGORITHMS
    ]
    server.timeout = settings.CEREMONY_SECONDS * 1000  # type: ignore[assignment]  # typed None by the library
    return server


def user_handle_of(identity: Identity) -> bytes:
    """Return the account on the authenticator. It differs from the sign-in passkey's: the same one would overwrite it."""
    return hashlib.sha256(b"approval key\0" + identity.pk.encode()).digest()
