"""An instance in which one validity window is another: of a certificate, or of a member of the trust root."""

from __future__ import annotations

from collections.abc import Collection
from datetime import datetime, timedelta
from typing import Any

from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec

from portal.demo.instance import Lie, Workload
from proofs.evidence import TrustMaterial
from proofs.keys import RegisteredKey, load_spki
from proofs.moment import rfc3339
from proofs.sigstore.trust_root import parse_trust_root
from tests.proofs.factory import NOON, changed
from tests.proofs.formats import PROFILES, Formats
from tests.proofs.stamper import Stamper

SECOND, LEAF_LIFE = timedelta(seconds=1), timedelta(minutes=10)
LONG = timedelta(days=300)

Life = tuple[datetime, datetime]

# Where each window of the trust root stands in its document.
MEMBERS: dict[str, tuple[Any, ...]] = {
    "CA validFor": ("certificateAuthorities", 0, "validFor"),
    "TSA validFor": ("timestampAuthorities", 0, "validFor"),
    "Rekor v1 validFor": ("tlogs", 0, "publicKey", "validFor"),
    "Rekor v2 validFor": ("tlogs", 1, "publicKey", "validFor"),
    "CT validFor": ("ctlogs", 0, "publicKey", "validFor"),
}
WINDOWS = ("leaf", "intermediate", "root", "TSA leaf", "TSA root", "managed key", *MEMBERS)


class Moved(Formats):
    """The instance in which the window called `name` is `life`, and every other holds long before and after noon."""

    def __init__(self, name: str, life: Life) -> None:
        super().__init__(NOON)
        self._name, self._life = name, life
        if name in ("intermediate", "root"):
            self._reissue(name, life)
        if name.startswith("TSA "):
            own, root = (life if name == f"TSA {part}" else None for part in ("leaf", "root"))
            self.stamper = Stamper(self.born_at, own_life=own, root_life=root)

    def trusted(self, profile: str) -> TrustMaterial:
        """Return what somebody trusts who trusts this instance."""
        start, end = self._life

        def move(value: dict[str, Any]) -> None:
            where: Any = value
            for step in MEMBERS[self._name]:
                where = where[step]
            where.update(start=rfc3339(start), end=rfc3339(end))

        document = changed(self.document(), move) if self._name in MEMBERS else self.document()
        key = load_spki(self.spki())
        registered = RegisteredKey(key, start, end) if self._name == "managed key" else RegisteredKey(key, self.born_at)
        return TrustMaterial((parse_trust_root(document, profile=PROFILES[profile]),), (registered,))

    def _reissue(self, name: str, life: Life) -> None:
        honest = self.born_at, self._ends_at
        self.born_at, self._ends_at = life
        if name == "root":
            self._root = self._issue_authority(self._root.subject, self._root_key, self._root.subject, self._root_key, path_length=1)
        else:
            self._ca = self._issue_authority(self._ca.subject, self._ca_key, self._root.subject, self._root_key, path_length=0)
        self.born_at, self._ends_at = honest

    def _issue_certificate(
        self, public_key: ec.EllipticCurvePublicKey, workload: Workload, issued_at: datetime, lies: Collection[Lie]
    ) -> x509.Certificate:
        # A leaf lives ten minutes from when it is issued, so its window is moved by issuing it at another time.
        return super()._issue_certificate(public_key, workload, self._life[0] if self._name == "leaf" else issued_at, lies)


__all__ = ["LEAF_LIFE", "LONG", "MEMBERS", "SECOND", "WINDOWS", "Life", "Moved"]
