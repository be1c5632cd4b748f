"""Take people, non-human identities and the ways they sign evidence into the register.

`by=None` is the operator at the server's own console (bootstrap, the demo); every page and API call has somebody.
Not checked here: that a certificate issuer exists or that a key is in good hands. The owner answers for that.
"""

from __future__ import annotations

from datetime import datetime

from django.conf import settings
from django.contrib.auth.password_validation import validate_password
from django.core.exceptions import ValidationError
from django.db import IntegrityError, transaction
from django.db.models import Q, QuerySet
from ulid import ULID

from identities.blocked import refuse_blocked
from identities.chronicle import append_identity_event
from identities.models import EvidenceSigner, Identity, Team, User
from identities.permissions import demand
from identities.plain_text import plain_text
from identities.signals import evidence_signer_changed
from ledger.append import hold_ledger
from proofs.errors import Conflict, Malformed, NotAllowed
from proofs.keys import load_pem
from proofs.moment import rfc3339
from proofs.workflow import split_workflow


def register_person(
    *,
    name: str,
    username: str,
    by: Identity | None,
    now: datetime,
    email: str = "",
    password: str | None = None,
    team: Team | None = None,
) -> Identity:
    """Register a person and their sign-in account; without a password they cannot sign in until they are given one.

    Refuses with `person.username`, `person.username_taken`, `person.password` or `permission.missing`. Gives no role.
    """
    if by is not None:
        demand(by, "identities.steward", team=team)
    if not name.strip() or not username.strip() or username != username.strip().lower():
        raise Malformed("person.username", f"got {username!r}, expected a name, and a username in lower case without spaces around it")
    user = User(username=username, email=email, first_name=name[:150])
    if password is not None:
        _refuse_weak(password, user)
    try:
        with transaction.atomic():
            identity = Identity.objects.create(
                kind=Identity.Kind.PERSON,
                issuer=settings.ORIGIN,
                subject=str(ULID()),
                name=name.strip(),
                team=team,
                registered_by=by,
                created_at=now,
            )
            user.identity = identity
            user.set_password(password)
            user.save()
            _append_registered(identity, by=by, now=now)
    except IntegrityError as error:
        raise Conflict("person.username_taken", f"got the username {username!r}, which another account has") from error
    return identity


def register_nonhuman(
    *,
    kind: str,
    name: str,
    issuer: str,
    subject: str,
    owner: Identity,
    team: Team,
    by: Identity | None,
    now: datetime,
    purpose: str = "",
) -> Identity:
    """Register a workflow, service, agent, key or bot with the person who answers for it.

    Spaces around its texts are no part of them. Refuses with `identity.kind`, `identity.name` (also for an issuer, subject or purpose that
    is missing, too long, or hides something), `identity.owner`, `identity.already_registered` or `permission.missing`.
    """
    if by is not None:
        demand(by, "identities.steward", team=team)
    if kind not in Identity.Kind.values or kind == Identity.Kind.PERSON:
        raise Malformed("identity.kind", f"got the kind {kind!r}, expected workflow, service, agent, key or bot")
    name, issuer, subject, purpose = _names(name, issuer, subject, purpose)
    if not owner.is_person or owner.status != Identity.Status.ACTIVE:
        raise Conflict("identity.owner", f"got {owner.name} as owner, expected an active person who answers for {name}")
    try:
        with transaction.atomic():
            identity = Identity.objects.create(
                kind=kind,
                issuer=issuer,
                subject=subject,
                name=name,
                purpose=purpose,
                owner=owner,
                team=team,
                registered_by=by,
                created_at=now,
            )
            _append_registered(identity, by=by, now=now)
    except IntegrityError as error:
        raise Conflict(
            "identity.already_registered", f"{subject} of {issuer} is registered already; one subject is one identity"
        ) from error
    return identity


def _names(name: str, issuer: str, subject: str, purpose: str) -> tuple[str, str, str, str]:
    code = "identity.name"
    return (
        plain_text(name, what="identity.name", code=code, limit=200),
        plain_text(issuer, what="identity.issuer", code=code, limit=300),
        plain_text(subject, what="identity.subject", code=code, limit=300),
        plain_text(purpose, what="identity.purpose", code=code, limit=300, empty=True),
    )


def register_signer(
    *,
    identity: Identity,
    by: Identity | None,
    now: datetime,
    certificate_issuer: str = "",
    certificate_identity: str = "",
    any_ref: bool = False,
    public_key_pem: bytes | None = None,
    valid_from: datetime | None = None,
    valid_until: datetime | None = None,
    replaces: EvidenceSigner | None = None,
) -> EvidenceSigner:
    """Register one way a non-human identity signs evidence: a certificate identity of an issuer, or a public key (PEM).

    `valid_from` may lie in the past, for a key that signed before it was registered here; without it, it is now. `replaces` is for
    `rotate_signer` alone, which looks at the signer that this one takes over from.
    Refuses with `signer.not_for_people`, `signer.incomplete`, `signer.expired`, `signer.in_future`, `signer.already_registered`,
    `signer.blocked`, `signer.revoked_elsewhere` (never at the console), `signer.revoked_before` for a past time and a name of which something was revoked, `identity.not_active`, `permission.missing` or a `key.*`
    code. Possession of the private key is not proved here; each signature does that.
    """
    if by is not None:
        demand(by, "identities.steward", team=identity.team)
    if identity.is_person:
        raise NotAllowed("signer.not_for_people", f"{identity.name} is a person; people sign approvals with a passkey, never evidence")
    if identity.status != Identity.Status.ACTIVE:
        raise Conflict("identity.not_active", f"{identity.name} is {identity.status}, expected active")
    if valid_until is not None and valid_until <= now:
        raise Malformed("signer.expired", "got a validity that is over already, expected one that ends later")
    if valid_from is not None and valid_from > now:
        raise Malformed("signer.in_future", "got a validity that begins in the future, expected one that began already")
    # Whole seconds, as all times in verdicts are: a signer is valid for evidence judged in the second it was registered in.
    begins = (valid_from or now).replace(microsecond=0)
    signer = EvidenceSigner(identity=identity, registered_at=now, valid_from=begins, valid_until=valid_until, replaces=replaces)
    if public_key_pem is not None and not (certificate_issuer or certificate_identity):
        key = load_pem(public_key_pem)
        signer.method, signer.key_id, signer.spki = EvidenceSigner.Method.PUBLIC_KEY, key.key_id, key.spki
    elif public_key_pem is None and certificate_issuer and certificate_identity:
        if any_ref and "@" in certificate_identity:
            raise Malformed("signer.incomplete", f"got {certificate_identity!r} for any ref, expected the part before its @")
        signer.method, signer.any_ref = EvidenceSigner.Method.CERTIFICATE, any_ref
        signer.certificate_issuer, signer.certificate_identity = certificate_issuer, certificate_identity
    else:
        raise Malformed("signer.incomplete", "expected either a certificate issuer with a certificate identity, or a public key")
    try:
        with transaction.atomic():
            # Held, so that of two registrations at once the second sees the first.
            hold_ledger()
            _refuse_overlap(signer)
            _refuse_to_answer_for_what_was_revoked(signer, now)
            if by is not None:
                _refuse_what_others_revoked(signer)
            refuse_blocked(signer)
            signer.save()
            _append_signer_registered(signer, by=by, now=now)
            evidence_signer_changed.send(EvidenceSigner, signer=signer, now=now)
    except IntegrityError as error:
        raise Conflict("signer.already_registered", f"{signer} is registered already; one signer is one identity") from error
    return signer


def _refuse_overlap(signer: EvidenceSigner) -> None:
    """Refuse a name that another team's identity signs under already, on any ref or on this one: neither may answer for the other.

    Within a team an exact name may be split off from a workflow that is registered on any ref; the exact one counts.
    """
    others = _overlapping(signer).exclude(certificate_identity=signer.certificate_identity).filter(revoked_at__isnull=True)
    other = others.exclude(identity__team=signer.identity.team).first()
    if other is not None:
        words = f"got {signer}, which an identity of another team covers by {other}; one signer is one identity"
        raise Conflict("signer.already_registered", words)


def _refuse_to_answer_for_what_was_revoked(signer: EvidenceSigner, now: datetime) -> None:
    """Refuse a time in the past for a name of which a registration was revoked, whoever's: what that took away stays away."""
    if signer.valid_from >= now.replace(microsecond=0):
        return
    revoked = _overlapping(signer).filter(revoked_at__isnull=False).first()
    if revoked is not None:
        words = f"got {rfc3339(signer.valid_from)}, expected now: {revoked} was revoked, and {signer} counts only for what is signed from now on"
        raise Conflict("signer.revoked_before", words)


def _refuse_what_others_revoked(signer: EvidenceSigner) -> None:
    """Refuse a name of which another team revoked a registration: it may be a stolen workflow, and only that team knows whether it is mended."""
    others = _overlapping(signer).filter(revoked_at__isnull=False).exclude(identity__team=signer.identity.team)
    other = others.select_related("identity__team").first()
    if other is not None:
        words = f"got {signer}, of which {other.identity.team} revoked {other}; expected that team to register it again, or the operator"
        raise Conflict("signer.revoked_elsewhere", words)


def _overlapping(signer: EvidenceSigner) -> QuerySet[EvidenceSigner]:
    """Return every registration, of whatever state, under which a certificate may fall that also falls under this one."""
    same = Q(certificate_identity=signer.certificate_identity)
    workflow, _ = split_workflow(signer.certificate_identity)
    if signer.any_ref:
        same |= Q(any_ref=False, certificate_identity__startswith=f"{signer.certificate_identity}@")
    elif workflow:
        same |= Q(any_ref=True, certificate_identity=workflow)
    method = EvidenceSigner.Method.CERTIFICATE
    rows = EvidenceSigner.objects.filter(same, method=method, certificate_issuer=signer.certificate_issuer)
    return rows if signer.method == method else rows.none()


def _append_registered(identity: Identity, *, by: Identity | None, now: datetime) -> None:
    document = {
        "identity": identity.pk,
        "kind": str(identity.kind),
        "owner": identity.owner_id,
        "team": identity.team_id,
        "issuer": identity.issuer,
        "subject": identity.subject,
    }
    append_identity_event(event="identity.registered", document=document, by=by, now=now)


def _append_signer_registered(signer: EvidenceSigner, *, by: Identity | None, now: datetime) -> None:
    document = {
        "identity": signer.identity_id,
        "method": str(signer.method),
        "certificateIssuer": signer.certificate_issuer,
        "certificateIdentity": signer.certificate_identity,
        "anyRef": signer.any_ref,
        "keyId": signer.key_id,
        "validFrom": rfc3339(signer.valid_from),
        "validUntil": rfc3339(signer.valid_until) if signer.valid_until else None,
    }
    append_identity_event(event="evidence_signer.registered", document=document, by=by, now=now)


def _refuse_weak(password: str, user: User) -> None:
    try:
        validate_password(password, user)
    except ValidationError as error:
        raise Malformed("person.password", "got a password that is too easy: " + " ".join(error.messages)) from error
