"""Enrol the passkeys people approve with, rename and revoke them.

A key is enrolled in steps: the portal offers a challenge, the browser answers with a new credential, and unless it is the person's first
key ever, an older one of theirs signs for it, or two officers agreed to a recovery. Checked here, in order:

1. the offer was made to this very person and has not run out        enrolment.not_offered, enrolment.expired
2. the answer is readable                                            enrolment.malformed
3. it is a creation, over our challenge, at our origin, on its own   webauthn.type, .challenge, .origin, .cross_origin
4. it is for our relying party, person present and verified          webauthn.rp_id, .no_user_presence, .no_user_verification
5. the key is of a kind we verify                                    key.malformed, key.unsupported
6. nobody has enrolled it before                                     enrolment.already_enrolled
7. it is the person's first key ever, or introduced, or recovered    enrolment.not_introduced, introduction.*, signer.*
8. where the person signs in at a provider, that sign-in names it    enrolment.not_bound, bound.*, binding.*

Not checked: the make of the authenticator, which whoever verifies an approval judges. Where no provider can be asked (8), the portal alone
vouches that the key is this person's, and approvals with it reach level H2 and no higher.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from django.conf import settings
from django.db import IntegrityError, transaction
from fido2.webauthn import (
    PublicKeyCredentialDescriptor,
    PublicKeyCredentialType,
    PublicKeyCredentialUserEntity,
    ResidentKeyRequirement,
    UserVerificationRequirement,
)

from identities.chronicle import append_identity_event
from identities.keys.bind import BoundKey, SignInToUse, use_binding, verify_bound_key
from identities.keys.directory import log_directory
from identities.keys.end_keys import end_signing_key, named_in_statement
from identities.keys.introduce import Introduced, verify_introducer
from identities.keys.new_key import NewKey, read_new_key, relying_party, user_handle_of
from identities.keys.recoveries import GRANTED, RecoveryStanding, find_live_recovery
from identities.models import Identity, KeyRecovery, SigningKey
from identities.oidc.bound_sign_in import oidc_provider_of
from identities.permissions import demand
from ledger.append import append_dsse
from ledger.recorder import recorder_key
from proofs.approval.cose import cose_algorithm
from proofs.approval.enrollment import build_enrollment, parse_enrollment
from proofs.approval.enrollment_parts import AttestationReference
from proofs.approval.sshsig import principal_of
from proofs.canonical import canonical_bytes
from proofs.digest import sha256_hex
from proofs.errors import Conflict, Malformed, NotAllowed
from proofs.pack.weigh_enrollment import is_attestation_sound

MAX_KEYS = 10
FIRST, INTRODUCED, RECOVERED, CLOSED = "first", "introduced", "recovered", "closed"


@dataclass(frozen=True, slots=True)
class Offer:
    """What the browser is asked (`options`, JSON) and what the session must remember until it answers (`state`, JSON)."""

    options: dict[str, Any]
    state: dict[str, Any]


def way_to_enrol(identity: Identity, *, now: datetime) -> str:
    """Return how a person may get a new key: it is their first, an older one introduces it, a recovery was granted, or not at all."""
    keys = SigningKey.objects.filter(identity=identity)
    if not keys.exists():
        return FIRST
    if keys.filter(revoked_at__isnull=True).exists():
        return INTRODUCED
    recovery = find_live_recovery(identity, now=now)
    return RECOVERED if recovery and recovery.state == GRANTED else CLOSED


def begin_enrolment(*, identity: Identity, now: datetime) -> Offer:
    """Offer a challenge for a new approval key.

    Refuses with `enrolment.people_only`, `enrolment.name_taken`, `enrolment.too_many_keys`, `enrolment.not_introduced` for whom nothing could
    introduce the key, or `permission.missing`. Writes nothing.
    """
    _demand_person(identity)
    _refuse_double(identity)
    known = list(SigningKey.objects.filter(identity=identity, revoked_at__isnull=True))
    if len(known) >= MAX_KEYS:
        raise Conflict("enrolment.too_many_keys", f"you have {len(known)} approval keys; revoke one before you add another")
    if way_to_enrol(identity, now=now) == CLOSED:
        raise _nothing_introduces()
    options, state = relying_party().register_begin(
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


def take_new_key(
    *, identity: Identity, state: Mapping[str, Any] | None, response: Mapping[str, Any], label: str, by: Identity, now: datetime
) -> NewKey:
    """Return the key that the browser made for the offer, after checks 1 to 6. It is not enrolled yet; writes nothing.

    The caller drops the state before calling, so that an offer is good for one answer. Refuses as the module's list says, and with
    `enrolment.label`, `enrolment.people_only`, `enrolment.own_keys_only` or `permission.missing`.
    """
    _demand_person(identity)
    _demand_holder(identity, by)
    new = read_new_key(identity=identity, state=state, response=response, label=label, now=now)
    _refuse_known(new)
    return new


@transaction.atomic
def enrol_new_key(
    *,
    identity: Identity,
    new: NewKey,
    by: Identity,
    now: datetime,
    introduced: Introduced | None = None,
    sign_in: SignInToUse | None = None,
) -> SigningKey:
    """Enrol a key that `take_new_key` returned: checks 6 to 8, the portal's signed statement, and the entries in the ledger.

    Refuses as the module's list says, and with `enrolment.own_keys_only`, `enrolment.name_taken`, `enrolment.too_many_keys` or
    `permission.missing`.
    """
    # Two browsers at the same moment: the second waits here and then sees that there is a first key, or that the recovery is used.
    identity = Identity.objects.select_for_update(no_key=True, of=("self",)).get(pk=identity.pk)
    _demand_person(identity)
    _refuse_double(identity)
    _demand_holder(identity, by)
    _refuse_known(new)
    if SigningKey.objects.filter(identity=identity, revoked_at__isnull=True).count() >= MAX_KEYS:
        raise Conflict("enrolment.too_many_keys", f"you have {MAX_KEYS} approval keys; revoke one before you add another")
    way = way_to_enrol(identity, now=now)
    if way == CLOSED or (way == INTRODUCED and introduced is None):  # 7
        raise _nothing_introduces()
    if sign_in is None and oidc_provider_of(identity) is not None:  # 8
        raise Conflict("enrolment.not_bound", "your identity provider has to confirm this key; sign in there when the page asks for it")
    bound = use_binding(identity=identity, new=new, sign_in=sign_in, now=now) if sign_in else None
    recovery = find_live_recovery(identity, now=now) if way == RECOVERED else None
    row = _row(identity, new, now, introduced if way == INTRODUCED else None, recovery, bound)
    payload = _statement_of_new(row, new, recovery, bound, now)
    if row.introduced_by is not None and introduced is not None:
        verify_introducer(introduced, payload=payload)
    if bound is not None:
        verify_bound_key(bound, payload=payload, now=now)
    envelope = recorder_key().sign(payload)
    row.enrollment, row.enrollment_digest = canonical_bytes(envelope), sha256_hex(payload)
    try:
        with transaction.atomic():
            row.save(force_insert=True)
    except IntegrityError as error:
        raise Conflict("enrolment.already_enrolled", "got a key that is enrolled already") from error
    if recovery is not None:
        _use_recovery(recovery.recovery, row, by, now)
    append_dsse(event="signer.enrolled", envelope=envelope, now=now)
    log_directory(by=by, now=now)
    return row


@transaction.atomic
def rename_signing_key(*, key: SigningKey, label: str, by: Identity, now: datetime) -> SigningKey:
    """Give one's own approval key another name; the same name again changes nothing. Signed statements never held the name.

    Refuses with `signer.not_yours` or `enrolment.label`.
    """
    if by.pk != key.identity_id:
        raise NotAllowed("signer.not_yours", "only the person who holds a key renames it")
    if not label.strip() or len(label.strip()) > 80:
        raise Malformed("enrolment.label", "got a name of no or more than 80 characters, expected one to know the key by")
    key = SigningKey.objects.select_for_update(no_key=True, of=("self",)).select_related("identity").get(pk=key.pk)
    if key.label != label.strip():
        key.label = label.strip()
        key.save(update_fields=["label"])
        document = {"identity": key.identity_id, "key": key.pk, "label": key.label}
        append_identity_event(event="signer.renamed", document=document, by=by, now=now)
    return key


@transaction.atomic
def revoke_signing_key(
    *, key: SigningKey, by: Identity, reason: str, now: datetime, compromised_from: datetime | None = None
) -> SigningKey:
    """Revoke one's own approval key for ever. Approvals signed before keep the time they were signed at.

    With `compromised_from`, somebody else may have signed with it since then, and nothing signed from then on counts.
    Refuses with `signer.not_yours`, `signer.reason`, `signer.compromised_in_future`, `signer.compromised_too_early` or `signer.revoked`.
    """
    if by.pk != key.identity_id:
        raise NotAllowed("signer.not_yours", "only the person who holds a key revokes it")
    return end_signing_key(key=key, by=by, reason=reason, now=now, compromised_from=compromised_from)


def _row(
    identity: Identity,
    new: NewKey,
    now: datetime,
    introduced: Introduced | None,
    recovery: RecoveryStanding | None,
    bound: BoundKey | None,
) -> SigningKey:
    key = new.public_key
    cooling = settings.RECOVERED_KEY_COOLING_HOURS if recovery else settings.KEY_COOLING_HOURS
    return SigningKey(
        identity=identity,
        label=new.label,
        credential_id=new.credential_id,
        key_id=key.key_id,
        spki=key.spki,
        cose_key=new.cose_key,
        algorithm=cose_algorithm(key),
        rp_id=settings.RP_ID,
        transports=list(new.transports),
        backup_eligible=new.backup_eligible,
        sign_count=new.sign_count,
        enrolled_at=now,
        attestation=new.attestation,
        aaguid=new.aaguid,
        introduced_by=introduced.introducer if introduced else None,
        introduction=introduced.envelope if introduced else None,
        recovery=recovery.recovery if recovery else None,
        bound_by=bound.sign_in if bound else None,
        matures_at=now.replace(microsecond=0) + timedelta(hours=cooling),
    )


def _statement_of_new(row: SigningKey, new: NewKey, recovery: RecoveryStanding | None, bound: BoundKey | None, now: datetime) -> bytes:
    said: dict[str, Any] = {
        "event": "enrolled",
        "at": now,
        "binding": bound.binding if bound else None,
        "introduced_by": Introduced.reference_of(row),
        "recovery": recovery.reference() if recovery else None,
        "matures_at": row.matures_at,
        **named_in_statement(row),
    }
    if new.attestation_format == "none":
        return build_enrollment(**said)
    reference = AttestationReference(sha256_hex(new.attestation), new.aaguid, new.attestation_format)
    attested = build_enrollment(**said, attestation=reference)
    # What an enrolment names must hold, or every answer with the key is refused; one that never held is not named, and lifts nothing.
    return attested if is_attestation_sound(parse_enrollment(attested), new.attestation) else build_enrollment(**said)


def _use_recovery(recovery: KeyRecovery, key: SigningKey, by: Identity, now: datetime) -> None:
    recovery = KeyRecovery.objects.select_for_update(no_key=True, of=("self",)).get(pk=recovery.pk)
    if recovery.used_at is not None or recovery.ended_at is not None:
        raise _nothing_introduces()
    recovery.used_at = now
    recovery.save(update_fields=["used_at"])
    document = {"recovery": recovery.pk, "identity": recovery.identity_id, "key": key.pk}
    append_identity_event(event="recovery.used", document=document, by=by, now=now)


def _refuse_known(new: NewKey) -> None:
    """6. Nobody has enrolled it before."""
    known = SigningKey.objects.filter(credential_id=new.credential_id) | SigningKey.objects.filter(key_id=new.public_key.key_id)
    if known.exists():
        raise Conflict("enrolment.already_enrolled", "got a key that is enrolled already; once revoked, a key never comes back either")


def _refuse_double(identity: Identity) -> None:
    """Refuse whom OpenSSH could not tell from somebody else: its names have an issuer's host, and two issuers may share one."""
    principal = principal_of(identity.issuer, identity.subject)
    live = SigningKey.objects.filter(identity__subject=identity.subject, revoked_at__isnull=True).exclude(identity=identity)
    if any(principal_of(*other) == principal for other in live.values_list("identity__issuer", "identity__subject").distinct()):
        raise Conflict(
            "enrolment.name_taken", f"another identity holds a live key as {principal}; it is revoked first, or stays the only one"
        )


def _nothing_introduces() -> Conflict:
    return Conflict(
        "enrolment.not_introduced",
        "you had an approval key before: a new one is introduced by a live one of yours, or needs a recovery that two officers agreed to",
    )


def _demand_holder(identity: Identity, by: Identity) -> None:
    if by.pk != identity.pk:
        raise NotAllowed("enrolment.own_keys_only", "a key is enrolled by the person who holds it, by nobody else")


def _demand_person(identity: Identity) -> None:
    if not identity.is_person:
        raise NotAllowed("enrolment.people_only", f"{identity.name} is not a person; only people hold approval keys")
    demand(identity, "keys.own")


def _user_entity(identity: Identity) -> PublicKeyCredentialUserEntity:
    name = f"{identity.name} (approvals)"
    return PublicKeyCredentialUserEntity(id=user_handle_of(identity), name=name, display_name=name)
