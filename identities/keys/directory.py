"""The directory of approval keys, drawn from the rows: who holds which key, for programs, for OpenSSH, and for whoever watches their own.

It names every person who ever enrolled a key, whatever their team: a signature is checked by people who know no teams.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from identities.actors import actor_of
from identities.models import Identity, SigningKey
from ledger.append import append_event
from ledger.models import Entry
from ledger.queries import PAGE_SIZE
from ledger.tree import current_size
from proofs.approval.signer_directory import Directory, DirectoryEntry, build_directory
from proofs.digest import sha256_hex
from proofs.keys import load_spki


@dataclass(frozen=True, slots=True)
class LoggedKey:
    """What happened to a key, when, and where that stands in the ledger; `index` is None where the entry cannot be found.

    `page` is the page of the log that shows it today.
    """

    key: SigningKey
    event: str
    at: datetime
    digest: str
    index: int | None
    page: int | None


def read_directory() -> Directory:
    """Return the directory as the rows stand now."""
    rows = SigningKey.objects.select_related("identity").defer("cose_key", "attestation", "introduction")
    return build_directory(
        DirectoryEntry(
            key=load_spki(bytes(row.spki)),
            kind=row.identity.kind,
            issuer=row.identity.issuer,
            subject=row.identity.subject,
            rp_id=row.rp_id,
            enrolled_at=row.enrolled_at,
            matures_at=row.matures_at,
            revoked_at=row.revoked_at,
            compromised_from=row.compromised_from,
            enrollment_digest=row.enrollment_digest,
        )
        for row in rows
    )


def log_directory(*, by: Identity | None, now: datetime) -> Entry:
    """Append the digest of the directory as it stands now; in the transaction of the act that changed it, after the act's own entry.

    That entry holds the ledger's lock, so what another act changed at the same moment is in here, or not there yet.
    """
    return append_event(event="signer.directory", ref_digest=sha256_hex(read_directory().payload), actor=actor_of(by), now=now)


def list_logged_keys(identity: Identity) -> list[LoggedKey]:
    """Return every enrolment and revocation of a person's keys with its entry in the ledger, the newest first."""
    happened = []
    for key in SigningKey.objects.filter(identity=identity):
        happened.append((key, "signer.enrolled", key.enrolled_at, sha256_hex(bytes(key.enrollment))))
        if key.revocation is not None and key.revoked_at is not None:
            happened.append((key, "signer.revoked", key.revoked_at, sha256_hex(bytes(key.revocation))))
    found = dict(Entry.objects.filter(ref_digest__in=[digest for *_, digest in happened]).values_list("ref_digest", "index"))
    size = current_size()
    logged = []
    for key, event, at, digest in happened:
        index = found.get(digest)
        page = (size - 1 - index) // PAGE_SIZE + 1 if index is not None else None
        logged.append(LoggedKey(key, event, at, digest, index, page))
    return sorted(logged, key=lambda item: item.at, reverse=True)
