"""Bind a non-human identity to the tokens of an issuer that carry certain claims, and end that.

Not checked here: that the claims name the right job. Whoever binds answers for that.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime

from django.db import IntegrityError, transaction

from identities.chronicle import append_identity_event
from identities.issue import refuse_scopes
from identities.models import Identity, TokenIssuer, WorkloadBinding
from identities.permissions import demand
from proofs.canonical import canonical_bytes
from proofs.digest import sha256_hex
from proofs.errors import Conflict, Malformed, NotAllowed

# One of these sets must be pinned: fewer would let in every job of the platform that shares a branch or a runner.
NAMES_A_WORKLOAD = (
    frozenset({"sub"}),
    frozenset({"repository_id", "workflow_ref"}),
    frozenset({"repository_id", "job_workflow_ref"}),
    frozenset({"project_id", "ci_config_ref_uri"}),
)
# Judged for every token; a pin would say it twice or make it useless.
NOT_PINNED = frozenset({"iss", "aud", "exp", "iat", "nbf", "jti"})
MOST_CLAIMS = 16


def bind_workload(
    *, identity: Identity, issuer: TokenIssuer, claims: Mapping[str, str], scopes: Sequence[str], by: Identity | None, now: datetime
) -> WorkloadBinding:
    """Let tokens of `issuer` with exactly these claims act as `identity`, with these scopes, from now on.

    Refuses with `binding.people`, `binding.claims`, `binding.other_team`, `binding.already_bound`, `binding.overlaps`, `issuer.removed`,
    `credential.scope`, `identity.not_active` or `permission.missing`.
    """
    if by is not None:
        demand(by, "identities.steward", team=identity.team)
    if identity.is_person:
        raise NotAllowed("binding.people", f"{identity.name} is a person; people sign in, and no token stands for them")
    if identity.status != Identity.Status.ACTIVE:
        raise Conflict("identity.not_active", f"{identity.name} is {identity.status}, expected active")
    if issuer.team_id is not None and issuer.team_id != identity.team_id:
        raise NotAllowed("binding.other_team", f"{issuer.url} is an issuer of another team than {identity.name} is of")
    refuse_scopes(scopes)
    pinned = _pinned(claims)
    try:
        with transaction.atomic():
            if TokenIssuer.objects.select_for_update(no_key=True).get(pk=issuer.pk).removed_at is not None:
                raise Conflict("issuer.removed", f"{issuer.url} was removed already")
            _refuse_overlap(issuer, identity, pinned)
            binding = WorkloadBinding.objects.create(
                identity=identity,
                issuer=issuer,
                claims=pinned,
                claims_sha256=sha256_hex(canonical_bytes(pinned)),
                scopes=sorted({str(scope) for scope in scopes}),
                valid_from=now,
            )
            append_identity_event(event="workload.bound", document=_document(binding), by=by, now=now)
    except IntegrityError as error:
        raise Conflict("binding.already_bound", f"tokens of {issuer.url} with these claims are bound already") from error
    return binding


@transaction.atomic
def revoke_workload(*, binding: WorkloadBinding, by: Identity | None, now: datetime) -> WorkloadBinding:
    """End a binding from now on; what was had for its tokens ends too. Refuses with `binding.revoked` or `permission.missing`."""
    binding = (
        WorkloadBinding.objects.select_for_update(no_key=True, of=("self",)).select_related("identity__team", "issuer").get(pk=binding.pk)
    )
    if by is not None and by.pk != binding.identity.owner_id:
        demand(by, "identities.steward", team=binding.identity.team)
    if binding.revoked_at is not None:
        raise Conflict("binding.revoked", f"{binding.pk} is revoked already")
    binding.revoked_at = now
    binding.save(update_fields=["revoked_at"])
    append_identity_event(event="workload.revoked", document=_document(binding), by=by, now=now)
    return binding


def _refuse_overlap(issuer: TokenIssuer, identity: Identity, pinned: Mapping[str, str]) -> None:
    """Refuse when one token could fit this and what is bound to another identity: whoever binds later would lock the other's jobs out."""
    bound = WorkloadBinding.objects.filter(issuer=issuer, revoked_at=None).exclude(identity=identity)
    for other in bound.select_related("identity").order_by("valid_from", "pk"):
        # The very same claims are refused as bound already.
        if other.claims == pinned or any(pinned.get(name, value) != value for name, value in other.claims.items()):
            continue
        is_ours = identity.team_id is not None and other.identity.team_id == identity.team_id
        whose = other.identity.name if is_ours else "an identity of another team"
        told = f": {', '.join(sorted(other.claims))}" if is_ours else ""
        raise Conflict(
            "binding.overlaps",
            f"got claims that one token could carry together with those bound to {whose}{told}; expected at least one claim that is pinned by "
            "both, with different values: pin more claims, sub among them, or let the operator revoke the other binding",
        )


def _pinned(claims: Mapping[str, str]) -> dict[str, str]:
    if not 0 < len(claims) <= MOST_CLAIMS:
        raise Malformed("binding.claims", f"got {len(claims)} claims, expected 1 to {MOST_CLAIMS}")
    if not all(name and value and len(name) <= 100 and len(value) <= 500 for name, value in claims.items()):
        raise Malformed("binding.claims", "got a claim without a name or a value, or a very long one, expected NAME=VALUE")
    if judged := sorted(NOT_PINNED & claims.keys()):
        raise Malformed("binding.claims", f"got {', '.join(judged)}, expected claims beside it: it is judged for every token")
    if not any(needed <= claims.keys() for needed in NAMES_A_WORKLOAD):
        choices = "; or ".join(" with ".join(sorted(needed)) for needed in NAMES_A_WORKLOAD)
        raise Malformed("binding.claims", f"got {', '.join(sorted(claims))}, which names no single workload; expected {choices}")
    return dict(sorted(claims.items()))


def _document(binding: WorkloadBinding) -> dict[str, object]:
    return {
        "binding": binding.pk,
        "identity": binding.identity_id,
        "tokenIssuer": binding.issuer_id,
        "claims": dict(binding.claims),
        "scopes": list(binding.scopes),
    }
