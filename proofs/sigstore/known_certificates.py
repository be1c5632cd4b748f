"""Certificates that one trust root has vouched for before, so that re-verification does not prove the same thing again.

What is remembered depends on the certificate's bytes and on the trust root and on nothing else: who issued it, to whom, and that it was
published. Whether all of that held at a signing time does depend on the bundle, and is asked for every bundle. A memory belongs to one
trust root and is bounded; only what was proven gets in, so forged certificates can neither fill it nor be found in it.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from threading import Lock

from cryptography import x509

from proofs.keys import PublicKey
from proofs.sigstore.authority import Authority

MOST_KNOWN = 1024


@dataclass(frozen=True, slots=True)
class SignerCertificate:
    """A verified signer certificate: who it was issued to and what its authority wrote into it.

    `claims` maps the last number of each Fulcio extension (1.3.6.1.4.1.57264.1.N) to its text. `armoured` is how log entries name it.
    """

    der: bytes
    key: PublicKey
    identity: str
    issuer: str
    claims: Mapping[int, str]
    not_before: datetime
    not_after: datetime
    armoured: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class KnownCertificate:
    """A certificate as read, what it proved, and the authorities that issued it."""

    certificate: x509.Certificate
    signer: SignerCertificate
    issued_by: tuple[Authority, ...]

    def held_at(self, at: datetime) -> bool:
        """Return whether one of the authorities, its whole chain included, was trusted at `at`."""
        return any(authority.held.contains(at) for authority in self.issued_by)


class KnownCertificates:
    """The certificates used last, at most `MOST_KNOWN` of them, by all of their DER."""

    __slots__ = ("_by_der", "_lock")

    def __init__(self) -> None:
        self._by_der: dict[bytes, KnownCertificate] = {}
        self._lock = Lock()

    def __len__(self) -> int:
        return len(self._by_der)

    def find(self, der: bytes) -> KnownCertificate | None:
        """Return what is known about the certificate with exactly these bytes."""
        with self._lock:
            known = self._by_der.pop(der, None)
            if known is not None:
                # Put in again at the end: it is the one used last.
                self._by_der[known.signer.der] = known
            return known

    def keep(self, known: KnownCertificate) -> None:
        """Remember a certificate that was verified, and forget the one not used for longest where there are too many."""
        with self._lock:
            self._by_der[known.signer.der] = known
            if len(self._by_der) > MOST_KNOWN:
                del self._by_der[next(iter(self._by_der))]

    def forget(self) -> None:
        """Forget all of them."""
        with self._lock:
            self._by_der.clear()
