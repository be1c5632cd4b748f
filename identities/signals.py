"""What rooms above are told of, inside the transaction of the act, or asked for, because this room may not import them."""

from __future__ import annotations

from django.dispatch import Signal

# Sent with `sender=EvidenceSigner`, `signer` (the row) and `now`, after the ledger entry: how an identity signs evidence was registered or revoked.
evidence_signer_changed = Signal()

# Sent with `sender=BlockedSigner`, `block` (the row) and `now`, after the ledger entry: a way of signing was blocked, or its block lifted.
signer_block_changed = Signal()

# Sent with `sender=Grant` where a page offers predicate types to choose from; who hears it returns those it has seen.
seen_types_asked = Signal()

# Sent with `sender=Identity`, `identity` (the row), `by` (None is an identity provider or the operator) and `now`, while a person is being
# deactivated: suspended already, roles and keys not ended yet, so that who hears it still sees what the person held.
person_deactivated = Signal()
