"""Approval keys that a person's identity provider vouches for: the rows as an enrolment leaves them, with a real token."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

from django.conf import settings
from django.db import transaction

from identities.models import BoundSignIn, Identity, IdentityProvider, SigningKey, User
from identities.people.roles import grant_role
from ledger.append import append_dsse
from ledger.recorder import recorder_key
from proofs.approval.enrollment import parse_enrollment
from proofs.canonical import canonical_bytes
from proofs.digest import sha256_hex
from tests import cast
from tests.passkey import SoftPasskey
from tests.proofs.approval import make_attestations
from tests.proofs.approval.make_bindings import CLIENT, HANDLE, IDP, bound_payload, id_token, key_document, nonce_of


def corp(*, now: datetime = cast.NOW) -> IdentityProvider:
    """Where the company's people sign in."""
    found = IdentityProvider.objects.filter(issuer=IDP).first()
    return found or IdentityProvider.objects.create(
        slug="corp", name="Corp", protocol="oidc", issuer=IDP, client_id=CLIENT, added_at=now, changed_at=now
    )


def anna(*, now: datetime = cast.NOW) -> Identity:
    """Approves releases, and is who her company's identity provider says."""
    found = Identity.objects.filter(issuer=IDP, subject="00uanna").first()
    if found is not None:
        return found
    identity = Identity.objects.create(kind="person", issuer=IDP, subject="00uanna", name="Anna Roth", team=cast.payments(), created_at=now)
    User.objects.create(username="anna", identity=identity)
    grant_role(identity=identity, role="approver:release", team=cast.payments(), project=None, by=None, now=now)
    return identity


def enrol(
    person: Identity,
    *,
    now: datetime = cast.NOW,
    attested: bool = False,
    kept_token: str = "",
    kept_maturity: datetime | None = None,
    provider: IdentityProvider | None = None,
    **more: Any,
) -> tuple[SoftPasskey, SigningKey]:
    """Enrol a key bound to a sign-in of `person` at their provider; `attested` by a maker of security keys.

    `kept_token` and `kept_maturity` are what the rows say in place of the truth.
    """
    passkey = SoftPasskey(rp_id=settings.RP_ID, origin=settings.ORIGIN)
    asked = now - timedelta(minutes=1)
    token = id_token(nonce_of(passkey, handle=HANDLE, rp_id=settings.RP_ID), asked=asked, subject=person.subject)
    document = make_attestations.document(passkey) if attested else b""
    if attested:
        more["attestation"] = make_attestations.reference(document)
    payload = bound_payload(
        passkey,
        token=token,
        at=now,
        subject=person.subject,
        rp_id=settings.RP_ID,
        lie={"authenticated_at": asked},
        **more,
    )
    said = parse_enrollment(payload)
    assert said.binding is not None
    bound = BoundSignIn.objects.create(
        provider=provider or corp(now=now), identity=person, purpose="enrolment", audience=CLIENT, nonce=said.binding.nonce, state_sha256=sha256_hex(token.encode()),
        code_verifier="v", session_hash="s", begun_at=asked, expires_at=now, answered_at=now, id_token=kept_token or token, issuer_keys=key_document(),
        used_at=now,
    )  # fmt: skip
    envelope = recorder_key().sign(payload)
    with transaction.atomic():
        key = SigningKey.objects.create(
            identity=person,
            label="Security key",
            credential_id=passkey.credential_id,
            key_id=said.key_id,
            spki=passkey.spki,
            cose_key=passkey.cose_key,
            algorithm=passkey.algorithm,
            rp_id=settings.RP_ID,
            backup_eligible=False,
            enrollment=canonical_bytes(envelope),
            enrollment_digest=sha256_hex(payload),
            enrolled_at=now,
            bound_by=bound,
            attestation=document or None,
            matures_at=kept_maturity or said.matures_at,
        )
        append_dsse(event="signer.enrolled", envelope=envelope, now=now)
    return passkey, key
