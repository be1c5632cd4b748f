"""The directory of approval keys: whose each key is, since when, until when, and by which enrolment. One statement, and two files for OpenSSH.

The statement's subjects are the two files, so that its signature covers them too. Pure and without a clock: the same keys give the same
bytes. A verifier needs no directory, the pack has the enrolments; this is for people and monitors who watch which keys there are.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime

from proofs.approval.enrollment import HUMAN_APPROVAL_PURPOSE
from proofs.approval.key_revocation_list import build_krl
from proofs.approval.sshsig import allowed_signers_line, principal_of
from proofs.canonical import canonical_bytes
from proofs.digest import sha256_hex
from proofs.encoding import b64_encode
from proofs.keys import PublicKey
from proofs.moment import rfc3339
from proofs.statement import STATEMENT_V1

DIRECTORY_TYPE = "urn:countersign:signer-directory:v1"
ALLOWED_SIGNERS, REVOKED = "allowed_signers", "revoked.krl"


@dataclass(frozen=True, slots=True)
class DirectoryEntry:
    """One key of one person. `valid_until` is when it was revoked or, before that, since when somebody else may have had it."""

    key: PublicKey
    kind: str
    issuer: str
    subject: str
    rp_id: str
    enrolled_at: datetime
    matures_at: datetime | None
    revoked_at: datetime | None
    compromised_from: datetime | None
    enrollment_digest: str

    @property
    def valid_until(self) -> datetime | None:
        """Until when what it signs counts; None while it is live."""
        return self.compromised_from or self.revoked_at


@dataclass(frozen=True, slots=True)
class Directory:
    """The canonical statement, and the two files it names."""

    payload: bytes
    allowed_signers: bytes
    revoked: bytes


def build_directory(entries: Iterable[DirectoryEntry]) -> Directory:
    """Return the directory of these keys, in the order of their ids. Refuses with `signer.issuer_malformed`; verifies nothing."""
    ordered = sorted(entries, key=lambda entry: entry.key.key_id)
    revoked = [entry for entry in ordered if entry.revoked_at is not None]
    allowed = "".join(filter(None, map(_line, ordered))).encode()
    newest = max((entry.revoked_at for entry in revoked if entry.revoked_at is not None), default=None)
    krl = build_krl([(entry.key, entry.rp_id) for entry in revoked], version=len(revoked), at=newest)
    payload = canonical_bytes(
        {
            "_type": STATEMENT_V1,
            "subject": [
                {"name": ALLOWED_SIGNERS, "digest": {"sha256": sha256_hex(allowed)}},
                {"name": REVOKED, "digest": {"sha256": sha256_hex(krl)}},
            ],
            "predicateType": DIRECTORY_TYPE,
            "predicate": {"signers": [_signer(entry) for entry in ordered]},
        }
    )
    return Directory(payload, allowed, krl)


def _signer(entry: DirectoryEntry) -> dict[str, object]:
    times = {
        "validFrom": entry.enrolled_at,
        "maturesAt": entry.matures_at,
        "validUntil": entry.valid_until,
        "revokedAt": entry.revoked_at,
        "compromisedFrom": entry.compromised_from,
    }
    return {
        "keyId": entry.key.key_id,
        "identity": {"kind": entry.kind, "issuer": entry.issuer, "subject": entry.subject},
        "purposes": [HUMAN_APPROVAL_PURPOSE],
        "rpId": entry.rp_id,
        "spki": b64_encode(entry.key.spki),
        "enrollment": {"sha256": entry.enrollment_digest},
        **{name: rfc3339(at) for name, at in times.items() if at is not None},
    }


def _line(entry: DirectoryEntry) -> str | None:
    if entry.valid_until is not None and rfc3339(entry.valid_until) <= rfc3339(entry.enrolled_at):
        # It never counted, and OpenSSH calls a line that ends when it begins a bad one.
        return None
    return allowed_signers_line(
        principal=principal_of(entry.issuer, entry.subject),
        key=entry.key,
        rp_id=entry.rp_id,
        valid_after=entry.enrolled_at,
        valid_before=entry.valid_until,
    )
