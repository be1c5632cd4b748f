"""What a right to attest is likely to be about: the predicate types we read, and those of evidence that came in. Suggestions only."""

from __future__ import annotations

from identities.models import Grant
from identities.signals import seen_types_asked
from proofs.predicates.read import READERS
from proofs.provenance import PROVENANCE_TYPES


def list_known_types() -> list[str]:
    """Return predicate types to choose from, each once. Any other may be granted as well."""
    answers = seen_types_asked.send(Grant)
    seen = {name for _, names in answers for name in names or ()}
    return sorted({*READERS, *PROVENANCE_TYPES, *seen})
