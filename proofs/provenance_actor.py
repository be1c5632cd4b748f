"""Who set off a build, as its provenance states: the number of an account at the platform that ran it.

For evidence that verified; nothing is verified here, and bytes that cannot be read name nobody.
"""

from __future__ import annotations

from typing import Any

from proofs.dsse import parse_envelope
from proofs.errors import Refusal
from proofs.evidence import read_evidence
from proofs.provenance import PROVENANCE_TYPES
from proofs.statement import parse_statement

# Where builders write it. A name beside it is not read: it can be given up, and taken by somebody else.
_PLACES = (
    ("buildDefinition", "internalParameters", "GITHUB_ACTOR_ID"),
    ("buildDefinition", "internalParameters", "github", "actor_id"),
    ("invocation", "environment", "GITHUB_ACTOR_ID"),
    ("invocation", "environment", "github_actor_id"),
)


def read_actor_ids(verified_bytes: bytes) -> tuple[str, ...]:
    """Return the account numbers that verified provenance states as those of whoever set off the build; none where it is no provenance."""
    try:
        value = read_evidence(verified_bytes, max_bytes=None)
        envelope = value if "payload" in value else value.get("dsseEnvelope")
        statement = parse_statement(parse_envelope(envelope).payload)
    except (Refusal, TypeError, AttributeError):
        return ()
    if statement.predicate_type not in PROVENANCE_TYPES:
        return ()
    found = {str(number) for number in (_at(statement.predicate, place) for place in _PLACES) if _is_number(number)}
    return tuple(sorted(found))


def _at(value: Any, place: tuple[str, ...]) -> Any:
    for name in place:
        value = value.get(name) if isinstance(value, dict) else None
    return value


def _is_number(value: Any) -> bool:
    text = str(value) if isinstance(value, str | int) and not isinstance(value, bool) else ""
    return text.isascii() and text.isdigit() and len(text) < 20 and not text.startswith("0")
