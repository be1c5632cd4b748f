"""Block a way of signing that nobody registered, and lift the block. Each is a ledger entry with its reason.

While it is blocked, what it signs fulfils no policy, also none that asks for no registered signer, and nobody can register it.
Not checked here: whether it ever signed anything; a name or key may be blocked before it is seen.
"""

from __future__ import annotations

from datetime import datetime

from django.db import transaction

from identities.chronicle import append_identity_event
from identities.lifecycle.change_status import reason_of
from identities.models import BlockedSigner, Identity, Team
from identities.permissions import demand
from identities.queries import fitting_registrations
from identities.signals import signer_block_changed
from ledger.append import hold_ledger
from proofs.errors import Conflict, Malformed

MAX_ISSUER, MAX_NAME = 300, 499


@transaction.atomic
def block_signer(*, issuer: str, name: str, team: Team, reason: str, by: Identity | None, now: datetime) -> BlockedSigner:
    """Block the whole name `name` in certificates of `issuer`, or, with an empty issuer, the key of the id `name`.

    What this team blocks already stays as it is and is returned. Refuses with `signer.incomplete`, `signer.registered`,
    `signer.blocked` where another team did, `identity.reason` or `permission.missing`. `by` is None at the server's own console.
    """
    if by is not None:
        demand(by, "identities.steward", team=team)
    said = reason_of(reason)
    _refuse_incomplete(issuer, name)
    # Held, so that nobody registers it in the same moment.
    hold_ledger()
    facts = {"kind": "certificate", "issuer": issuer, "identity": name} if issuer else {"kind": "key", "keyId": name}
    registered = fitting_registrations(facts).first()
    if registered is not None:
        words = f"{name} is registered for {registered.identity}; suspend that identity or revoke its signer instead"
        raise Conflict("signer.registered", words)
    held = BlockedSigner.objects.filter(issuer=issuer, name=name, lifted_at__isnull=True).select_related("team").first()
    if held is not None and held.team_id != team.pk:
        raise Conflict("signer.blocked", f"{name} is blocked already, by {held.team}")
    if held is not None:
        return held
    block = BlockedSigner.objects.create(issuer=issuer, name=name, team=team, reason=said, blocked_by=by, blocked_at=now)
    append_identity_event(event="signer.blocked", document=_document(block, said), by=by, now=now)
    signer_block_changed.send(BlockedSigner, block=block, now=now)
    return block


@transaction.atomic
def lift_block(*, block: BlockedSigner, reason: str, by: Identity | None, now: datetime) -> BlockedSigner:
    """Lift a block: what it signed is unknown again and may be registered. One that was lifted stays as it is.

    Only stewards of the team that blocked it may, or the operator. Refuses with `identity.reason` or `permission.missing`.
    """
    if by is not None:
        demand(by, "identities.steward", team=block.team)
    said = reason_of(reason)
    row = BlockedSigner.objects.select_for_update(no_key=True, of=("self",)).select_related("team").get(pk=block.pk)
    if row.lifted_at is not None:
        return row
    row.lifted_at = now
    row.save(update_fields=["lifted_at"])
    append_identity_event(event="signer.block_lifted", document=_document(row, said), by=by, now=now)
    signer_block_changed.send(BlockedSigner, block=row, now=now)
    return row


def _refuse_incomplete(issuer: str, name: str) -> None:
    is_readable = all(text.isprintable() and text == text.strip() for text in (issuer, name))
    if not name or not is_readable or len(name) > MAX_NAME or len(issuer) > MAX_ISSUER:
        raise Malformed(
            "signer.incomplete", f"got {name[:60]!r} of {issuer[:60]!r}, expected a certificate's issuer and whole name, or a key's id"
        )
    if not issuer and not name.startswith("SHA256:"):
        raise Malformed("signer.incomplete", f"got {name[:60]!r} without an issuer, expected the id of a key (SHA256:…)")


def _document(block: BlockedSigner, reason: str) -> dict[str, object]:
    return {"block": block.pk, "issuer": block.issuer, "name": block.name, "team": block.team_id, "reason": reason}
