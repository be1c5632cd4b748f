"""What the confirmation page of a statement says: read from the payload's bytes alone, so that it cannot say anything else than is signed. Pure."""

from __future__ import annotations

import json
from dataclasses import dataclass
from datetime import datetime

from proofs.approval.person_statement import BREAK_GLASS_TYPE, DELEGATION_TYPE, REVOCATION_TYPE, parse_person_statement
from proofs.canonical import parse_canonical
from proofs.digest import sha256_hex

TITLES = {REVOCATION_TYPE: "Revoke an approval", BREAK_GLASS_TYPE: "Break the glass", DELEGATION_TYPE: "Let somebody answer for you"}


@dataclass(frozen=True)
class PersonStatementWords:
    """A statement in words. `digests` pairs each subject's name with its digest as the browser script compares it."""

    title: str
    summary: str
    digests: tuple[tuple[str, str], ...]
    justification: str
    expires_at: datetime
    log_head: int
    whole: str
    digest: str


def describe_person_statement(payload: bytes) -> PersonStatementWords:
    """Return the words for a statement's bytes. Refuses as `parse_person_statement` does."""
    statement = parse_person_statement(payload)
    return PersonStatementWords(
        title=TITLES[statement.type],
        summary=statement.summary,
        digests=tuple((subject.name, str(digest)) for subject in statement.subjects for digest in subject.digests),
        justification=statement.justification,
        expires_at=statement.ceremony.expires_at,
        log_head=statement.ceremony.log_head.size,
        whole=json.dumps(parse_canonical(payload), indent=2, ensure_ascii=False),
        digest=sha256_hex(payload),
    )
