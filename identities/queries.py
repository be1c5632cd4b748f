"""Reads across the tables of identities: who a signer is, and what the register says of an identity."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from django.db.models import Prefetch, Q, QuerySet

from identities.models import ApiCredential, EvidenceSigner, Identity, RoleAssignment, SigningKey, TokenExchange, WorkloadBinding
from identities.permissions import with_article
from identities.standing import why_not_answering
from proofs.errors import NotFound
from proofs.workflow import split_workflow

LATEST_EXCHANGES = 10


def find_registration(facts_signer: Mapping[str, Any], *, signed_at: datetime, at: datetime) -> EvidenceSigner | None:
    """Return the one registration that answers for a signature, whatever state its identity is in; None when there is none, or two.

    `facts_signer` is what certificate or key say, never what a predicate claims. `signed_at` is when the signature was made, as far as
    it is proven, else when it was there. A registration answers for what was signed in its time. What was signed before anybody
    registered the signer is answered for by the one registered until `at`. But one that was made after a fitting one was revoked, or after
    another identity had been registered for the same, answers only for what is signed from the moment it was made: what a revocation, a
    suspension or a compromise took away stays away, whatever is registered later.
    """
    fitting = list(fitting_registrations(facts_signer))
    answering = [
        signer for signer in fitting if not (_came_too_late(signer, fitting, signed_at) or _came_second(signer, fitting, signed_at))
    ]
    counting = [signer for signer in answering if _is_in_force(signer, signed_at)]
    if not counting:
        # That its time ran out since changes nothing about what it answered for; that it was revoked does.
        later = [signer for signer in answering if signed_at < signer.valid_from <= at]
        counting = [signer for signer in later if signer.revoked_at is None or at < signer.revoked_at]
    exactly = [signer for signer in counting if not signer.any_ref]
    # Only of the same team: what somebody else once registered and revoked, to spoil the name, is nothing against it.
    teams = {signer.identity.team_id for signer in counting}
    revoked = [signer for signer in fitting if signer.revoked_at is not None and signer.revoked_at <= signed_at]
    if not exactly and any(not signer.any_ref and signer.identity.team_id in teams for signer in revoked):
        # This very name was revoked; that another registration covers all names of its workflow makes nothing good.
        return None
    exactly = exactly or counting
    return exactly[0] if len({signer.identity_id for signer in exactly}) == 1 else None


def resolve_signer(facts_signer: Mapping[str, Any], *, signed_at: datetime, at: datetime) -> Identity | None:
    """Return the identity that answers for a signature, as `find_registration` tells it; None when unknown or unclear, suspended, an orphan,
    or retired when it was signed."""
    registration = find_registration(facts_signer, signed_at=signed_at, at=at)
    if registration is None or why_not_answering(registration.identity, signed_at=signed_at):
        return None
    return registration.identity


def fitting_registrations(facts_signer: Mapping[str, Any]) -> QuerySet[EvidenceSigner]:
    """Return every registration of a way of signing that the facts fit, of whatever time and state, the newest first."""
    rows = EvidenceSigner.objects.select_related("identity__owner", "identity__team").order_by("-valid_from", "-pk")
    if facts_signer.get("kind") == "key":
        return rows.filter(method=EvidenceSigner.Method.PUBLIC_KEY, key_id=str(facts_signer.get("keyId", "")))
    if facts_signer.get("kind") != "certificate":
        return rows.none()
    whole = str(facts_signer.get("identity", ""))
    names = Q(any_ref=False, certificate_identity=whole)
    workflow, _ = split_workflow(whole)
    if workflow:
        names |= Q(any_ref=True, certificate_identity=workflow)
    return rows.filter(names, method=EvidenceSigner.Method.CERTIFICATE, certificate_issuer=str(facts_signer.get("issuer", "")))


def _is_in_force(signer: EvidenceSigner, at: datetime) -> bool:
    ends = [end for end in (signer.valid_until, signer.revoked_at) if end is not None]
    return signer.valid_from <= at and all(at < end for end in ends)


def _came_too_late(signer: EvidenceSigner, fitting: Sequence[EvidenceSigner], signed_at: datetime) -> bool:
    """Say whether a registration was made after another of the same name was revoked, and after this was signed.

    A time of revocation is when it holds from. All times are taken as whole seconds, and of one second the revocation comes first.
    """
    made = signer.registered_at or signer.valid_from
    revoked = [(other.pk, other.revoked_at) for other in fitting if other.revoked_at is not None and other.pk != signer.pk]
    if signer.registered_at is None and any(pk < signer.pk and made < since for pk, since in revoked):
        # When it was made is not known: perhaps after the revocation, and dated back.
        return True
    made = made.replace(microsecond=0)
    return signed_at < made and any(since.replace(microsecond=0) <= made for _, since in revoked)


def _came_second(signer: EvidenceSigner, fitting: Sequence[EvidenceSigner], signed_at: datetime) -> bool:
    """Say whether a registration was made after this was signed, and after another identity had been registered for it."""
    made = (_made_at(signer), signer.pk)
    return signed_at < made[0] and any(other.identity_id != signer.identity_id and (_made_at(other), other.pk) < made for other in fitting)


def _made_at(signer: EvidenceSigner) -> datetime:
    return (signer.registered_at or signer.valid_from).replace(microsecond=0)


def get_identity(identity_id: str) -> Identity:
    """Return one identity with all that its page shows. Refuses with `identity.unknown`."""
    found = with_details(Identity.objects.filter(pk=identity_id)).first()
    if found is None:
        raise NotFound("identity.unknown", "There is no such identity in the register.")
    return found


def describe_identity(identity: Identity) -> str:
    """Say in one sentence what an identity is; `identity` comes from `get_identity` or `with_details`."""
    kind = identity.get_kind_display()
    team = f" of {identity.team.name}" if identity.team else ""
    if identity.is_person:
        held = sorted({with_article(assignment.get_role_display()) for assignment in identity.roles.all()})
        return f"A person{team} who is {_joined(held)}." if held else f"A person{team} who holds no role."
    what = kind if kind[:2].isupper() else kind.lower()
    article = "An" if what[0] in "aeiA" else "A"
    purpose = f" {identity.purpose.rstrip('.')}." if identity.purpose else ""
    return f"{article} {what}{team}, answered for by {identity.owner}.{purpose}"


def _joined(words: list[str]) -> str:
    return words[0] if len(words) == 1 else f"{', '.join(words[:-1])} and {words[-1]}"


def with_details(identities: QuerySet[Identity]) -> QuerySet[Identity]:
    """Return the same identities, each with all that its row and its page show, in a constant number of queries."""
    return identities.select_related("owner", "team", "user", "registered_by").prefetch_related(
        Prefetch("signing_keys", SigningKey.objects.order_by("-enrolled_at")),
        Prefetch("evidence_signers", EvidenceSigner.objects.order_by("revoked_at", "pk")),
        # What was had for a workload token ends within minutes and is listed apart, the latest few (`list_exchanges`).
        Prefetch("api_credentials", ApiCredential.objects.filter(exchange__isnull=True).order_by("revoked_at", "expires_at")),
        Prefetch("workload_bindings", WorkloadBinding.objects.select_related("issuer").order_by("revoked_at", "valid_from")),
        Prefetch("owned", Identity.objects.order_by("name")),
        Prefetch(
            "roles",
            RoleAssignment.objects.held().select_related("team", "project").order_by("team__slug", "role"),
        ),
    )


def list_signing_keys(identity: Identity) -> QuerySet[SigningKey]:
    """Return every approval key a person ever enrolled, the newest first."""
    return SigningKey.objects.filter(identity=identity).order_by("-enrolled_at")


def list_exchanges(identity: Identity) -> list[TokenExchange]:
    """Return the latest workload tokens a program exchanged, each with its credential and the issuer it came from."""
    rows = TokenExchange.objects.filter(binding__identity=identity).select_related("credential", "binding__issuer")
    return list(rows.order_by("-pk")[:LATEST_EXCHANGES])
