"""Enrol the passkeys people approve with, and revoke them.

A key is enrolled in two steps: the portal offers a challenge, the browser answers with a new credential. Checked here, in order:

1. the offer was made to this very person and has not run out        enrolment.not_offered, enrolment.expired
2. the answer is readable                                            enrolment.malformed
3. it is a creation, over our challenge, at our origin, on its own   webauthn.type, .challenge, .origin, .cross_origin
4. it is for our relying party, person present and verified          webauthn.rp_id, .no_user_presence, .no_user_verification
5. the key is of a kind we verify                                    key.malformed, key.unsupported
6. nobody has enrolled it before                                     enrolment.already_enrolled

Not checked: the make of the authenticator (attestation "none"). The portal alone vouches that the key is this person's, so
approvals with it reach level H2 and no higher.
"""

from __future__ import annotations

import hashlib
import hmac
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from django.conf import settings
from django.db import IntegrityError, transaction
from fido2 import cbor
from fido2.server import Fido2Server
from fido2.webauthn import (
    AttestationConveyancePreference,
    AuthenticatorData,
    PublicKeyCredentialDescriptor,
    PublicKeyCredentialParameters,
    PublicKeyCredentialRpEntity,
    PublicKeyCredentialType,
    PublicKeyCredentialUserEntity,
    RegistrationResponse,
    ResidentKeyRequirement,
    UserVerificationRequirement,
)

from identities.models import Identity, SigningKey
from identities.permissions import demand
from ledger.append import append_dsse
from ledger.recorder import recorder_key
from proofs.approval.cose import ALGORITHMS, cose_algorithm, load_cose_key
from proofs.approval.enrollment import build_enrollment
from proofs.canonical import canonical_bytes, parse_json
from proofs.digest import sha256_hex
from proofs.encoding import b64url_decode
from proofs.errors import Conflict, Malformed, NotAllowed, Refusal, Unproven

TRANSPORTS = frozenset({"usb", "nfc", "ble", "smart-card", "hybrid", "internal"})
MAX_KEYS = 10
MAX_CREDENTIAL_ID = 1023


@dataclass(frozen=True, slots=True)
class Offer:
    """What the browser is asked (`options`, JSON) and what the session must remember until it answers (`state`, JSON)."""

    options: dict[str, Any]
    state: dict[str, Any]


def begin_enrolment(*, identity: Identity, now: datetime) -> Offer:
    """Offer a challenge for a new approval key.

    Refuses with `enrolment.people_only`, `enrolment.too_many_keys` or `permission.missing`. Writes nothing.
    """
    _demand_person(identity)
    known = list(SigningKey.objects.filter(identity=identity, revoked_at__isnull=True))
    if len(known) >= MAX_KEYS:
        raise Conflict("enrolment.too_many_keys", f"you have {len(known)} approval keys; revoke one before you add another")
    options, state = _server().register_begin(
        user=_user_entity(identity),
        credentials=[PublicKeyCredentialDescriptor(type=PublicKeyCredentialType.PUBLIC_KEY, id=bytes(key.credential_id)) for key in known],
        resident_key_requirement=ResidentKeyRequirement.PREFERRED,
        user_verification=UserVerificationRequirement.REQUIRED,
    )
    expires_at = now + timedelta(seconds=settings.CEREMONY_SECONDS)
    return Offer(
        options=dict(options),
        state={"challenge": state["challenge"], "identity": identity.pk, "expires": int(expires_at.timestamp())},
    )


def complete_enrolment(
    *, identity: Identity, state: Mapping[str, Any] | None, response: Mapping[str, Any], label: str, by: Identity, now: datetime
) -> SigningKey:
    """Enrol the key that `response` (RegistrationResponseJSON) brings for the offer whose `state` the session kept.

    The caller drops the state before calling, so that an offer is good for one answer. Refuses as the module's list says,
    and with `enrolment.label`, `enrolment.people_only` or `permission.missing`.
    """
    _demand_person(identity)
    if by.pk != identity.pk:
        raise NotAllowed("enrolment.own_keys_only", "a key is enrolled by the person who holds it, by nobody else")
    if not label.strip() or len(label.strip()) > 80:
        raise Malformed("enrolment.label", "got a name of no or more than 80 characters, expected one to know the key by")
    challenge = _offered_challenge(identity, state, now)
    data = _verify_response(challenge, response)
    credential = data.credential_data
    if credential is None or len(credential.credential_id) > MAX_CREDENTIAL_ID:
        raise Malformed("enrolment.malformed", "got an answer without a usable credential, expected a new one")
    cose_key = cbor.encode(dict(credential.public_key))
    key = load_cose_key(cose_key)
    if SigningKey.objects.filter(credential_id=credential.credential_id).exists() or SigningKey.objects.filter(key_id=key.key_id).exists():
        raise Conflict("enrolment.already_enrolled", "got a key that is enrolled already; once revoked, a key never comes back either")
    transports = response.get("response", {}).get("transports", [])
    row = SigningKey(
        identity=identity,
        label=label.strip(),
        credential_id=credential.credential_id,
        key_id=key.key_id,
        spki=key.spki,
        cose_key=cose_key,
        algorithm=cose_algorithm(key),
        rp_id=settings.RP_ID,
        transports=sorted({str(item) for item in transports if str(item) in TRANSPORTS}) if isinstance(transports, list) else [],
        backup_eligible=bool(data.flags & AuthenticatorData.FLAG.BE),
        sign_count=data.counter,
        enrolled_at=now,
    )
    payload = _statement(row, event="enrolled", now=now)
    envelope = recorder_key().sign(payload)
    row.enrollment, row.enrollment_digest = canonical_bytes(envelope), sha256_hex(payload)
    try:
        with transaction.atomic():
            row.save(force_insert=True)
            append_dsse(event="signer.enrolled", envelope=envelope, now=now)
    except IntegrityError as error:
        raise Conflict("enrolment.already_enrolled", "got a key that is enrolled already") from error
    return row


@transaction.atomic
def revoke_signing_key(*, key: SigningKey, by: Identity, reason: str, now: datetime) -> SigningKey:
    """Revoke one's own approval key for ever. Approvals signed before keep the time they were signed at.

    Refuses with `signer.not_yours`, `signer.reason` or `signer.revoked`.
    """
    if by.pk != key.identity_id:
        raise NotAllowed("signer.not_yours", "only the person who holds a key revokes it")
    if not reason.strip() or len(reason.strip()) > 200:
        raise Malformed("signer.reason", "got a reason of no or more than 200 characters, expected a short one for the record")
    key = SigningKey.objects.select_for_update(no_key=True, of=("self",)).select_related("identity").get(pk=key.pk)
    if key.revoked_at is not None:
        raise Conflict("signer.revoked", f"{key.label} is revoked already")
    key.revoked_at, key.revoked_reason = now, reason.strip()
    envelope = recorder_key().sign(_statement(key, event="revoked", now=now))
    key.revocation = canonical_bytes(envelope)
    key.save(update_fields=["revoked_at", "revoked_reason", "revocation"])
    append_dsse(event="signer.revoked", envelope=envelope, now=now)
    return key


def _demand_person(identity: Identity) -> None:
    if not identity.is_person:
        raise NotAllowed("enrolment.people_only", f"{identity.name} is not a person; only people hold approval keys")
    demand(identity, "keys.own")


def _offered_challenge(identity: Identity, state: Mapping[str, Any] | None, now: datetime) -> bytes:
    """1. The offer was made to this very person and has not run out."""
    if not state or state.get("identity") != identity.pk:
        raise Conflict("enrolment.not_offered", "this answer belongs to no open offer; start again, each offer is good for one answer")
    if now.timestamp() >= int(state["expires"]):
        raise Conflict("enrolment.expired", "the offer ran out before the key answered; start again")
    return b64url_decode(state["challenge"], code="enrolment.not_offered", what="the challenge")


def _verify_response(challenge: bytes, response: Mapping[str, Any]) -> AuthenticatorData:
    """Return the authenticator data of a response that passes checks 2 to 4; the library repeats them at the end."""
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
        _server().register_complete(state, answer)
    except ValueError as error:
        raise Unproven("enrolment.refused", f"the answer does not verify: {error}") from error
    return data


def _statement(key: SigningKey, *, event: str, now: datetime) -> bytes:
    return build_enrollment(
        event=event,
        at=now,
        kind=key.identity.kind,
        issuer=key.identity.issuer,
        subject=key.identity.subject,
        spki=bytes(key.spki),
        credential_id=bytes(key.credential_id),
        rp_id=key.rp_id,
        backup_eligible=key.backup_eligible,
        reason=key.revoked_reason,
    )


def _server() -> Fido2Server:
    server = Fido2Server(
        PublicKeyCredentialRpEntity(id=settings.RP_ID, name="Countersign"),
        attestation=AttestationConveyancePreference.NONE,
        # Exactly our origin: the library's own rule would let any subdomain and port of the relying party in.
        verify_origin=lambda origin: origin == settings.ORIGIN,
    )
    # ES256 first: it is the kind that stock ssh-keygen verifies.
    server.allowed_algorithms = [
        PublicKeyCredentialParameters(type=PublicKeyCredentialType.PUBLIC_KEY, alg=number) for number in ALGORITHMS
    ]
    server.timeout = settings.CEREMONY_SECONDS * 1000  # type: ignore[assignment]  # typed None by the library
    return server


def _user_entity(identity: Identity) -> PublicKeyCredentialUserEntity:
    """Name the account on the authenticator. The handle differs from the sign-in passkey's: the same one would overwrite it."""
    handle = hashlib.sha256(b"approval key\0" + identity.pk.encode()).digest()
    name = f"{identity.name} (approvals)"
    return PublicKeyCredentialUserEntity(id=handle, name=name, display_name=name)
