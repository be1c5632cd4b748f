"""What a trust root holds, and what a proposal would change, in words for the page. Nothing here decides.

Members are compared by key, kind and window: a window that moves shows as one that comes and one that goes.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from hashlib import sha256

from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding
from cryptography.x509.oid import NameOID

from proofs.sigstore.authority import Window
from proofs.sigstore.trust_root import LogKey, TrustRoot

AUTHORITY, LOG, CERTIFICATE_LOG, TIMESTAMPS = "Certificate authority", "Transparency log", "Certificate log", "Timestamp authority"


@dataclass(frozen=True, slots=True)
class Member:
    """One authority or log. `key_digest` is the SHA-256 of its certificate, or of a log's public key."""

    kind: str
    name: str
    key_digest: str
    window: str


@dataclass(frozen=True, slots=True)
class Change:
    """What a proposal would change, beside everything that is trusted now."""

    added: tuple[Member, ...]
    removed: tuple[Member, ...]
    unchanged: int


def list_members(root: TrustRoot) -> tuple[Member, ...]:
    """Return the authorities and logs of a root, in the order of its document."""
    return (
        *(Member(AUTHORITY, _name_of(item.chain[0]), _digest_of(item.chain[0]), describe_window(item.window)) for item in root.authorities),
        *(_log_member(LOG, item) for item in root.logs),
        *(_log_member(CERTIFICATE_LOG, item) for item in root.certificate_logs),
        *(
            Member(TIMESTAMPS, _name_of(item.certificate), _digest_of(item.certificate), describe_window(item.window))
            for item in root.timestamp_authorities
        ),
    )


def compare_addition(root: TrustRoot, *, present: Iterable[TrustRoot]) -> Change:
    """Return what comes when `root` is trusted beside the present ones."""
    known = {member for other in present if other.digest != root.digest for member in list_members(other)}
    mine = list_members(root)
    added = tuple(member for member in mine if member not in known)
    return Change(added, (), len(mine) - len(added))


def compare_removal(root: TrustRoot, *, present: Iterable[TrustRoot]) -> Change:
    """Return what goes when `root` is trusted no longer; what another root holds too stays."""
    change = compare_addition(root, present=present)
    return Change((), change.added, change.unchanged)


def describe_profile(root: TrustRoot) -> str:
    """Return the thresholds as a sentence."""
    wanted = [
        _count(root.min_entries, "entry in a transparency log", "entries in transparency logs"),
        _count(root.min_timestamps, "timestamp", "timestamps by different authorities"),
        _count(root.min_scts, "certificate log", "certificate logs"),
    ]
    return f"Evidence must bring at least {wanted[0]}, {wanted[1]} and {wanted[2]}."


def describe_window(window: Window) -> str:
    """Return the time something was trusted, in words."""
    return f"{_day(window.start)} to {_day(window.end)}" if window.end else f"since {_day(window.start)}"


def _log_member(kind: str, log: LogKey) -> Member:
    return Member(kind, log.host, sha256(log.key.spki).hexdigest(), describe_window(log.window))


def _digest_of(certificate: x509.Certificate) -> str:
    return sha256(certificate.public_bytes(Encoding.DER)).hexdigest()


def _name_of(certificate: x509.Certificate) -> str:
    parts = []
    for oid in (NameOID.COMMON_NAME, NameOID.ORGANIZATION_NAME):
        parts += [str(attribute.value) for attribute in certificate.subject.get_attributes_for_oid(oid)]
    return ", ".join(dict.fromkeys(parts)) or certificate.subject.rfc4514_string() or "without a name"


def _count(number: int, one: str, many: str) -> str:
    return f"{number or 'no'} {one if number < 2 else many}"


def _day(moment: datetime) -> str:
    return f"{moment.day} {moment:%b %Y}"
