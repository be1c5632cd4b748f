"""The authorities of a trust root, made ready once: certificate authorities and timestamp authorities, and when each of them held.

Everything that does not depend on the bundle at hand is settled when the trust root is read: whether the certificates of a chain
vouch for each other, and in which time all of them were valid. What a bundle is asked afterwards is little, and no less strict.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime

from cryptography import x509
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from cryptography.x509.verification import Criticality, ExtensionPolicy, PolicyBuilder, Store, VerificationError

from proofs.sigstore.usual_form import is_usual_authority
from proofs.sigstore.usual_signer import UsualSigner
from proofs.sigstore.x509_reading import UNREADABLE


@dataclass(frozen=True, slots=True)
class Window:
    """The time something was trusted, both ends included; `end` is None while it still is."""

    start: datetime
    end: datetime | None

    def contains(self, at: datetime) -> bool:
        """Whether `at` lies in the window, both ends included."""
        return self.start <= at and (self.end is None or at <= self.end)

    def within(self, chain: Sequence[x509.Certificate]) -> Window:
        """Return the part of this window in which every certificate of `chain` is valid; it may be empty."""
        ends = [certificate.not_valid_after_utc for certificate in chain]
        return Window(
            max([self.start, *(certificate.not_valid_before_utc for certificate in chain)]),
            min(ends if self.end is None else [self.end, *ends]),
        )


@dataclass(frozen=True, slots=True)
class Authority:
    """A certificate authority: the issuing certificate first, the root last.

    `window` is the time the document trusts it, `held` the part of it in which its whole chain was valid. A path ends at the issuing
    certificate where all above it is settled; where it is not, it leads over those `between` to the root. `pinned` is the issuing key
    where it may sign certificates and is settled.
    """

    chain: tuple[x509.Certificate, ...]
    name: x509.Name
    encoded_name: bytes
    window: Window
    held: Window
    issuer_key_digest: bytes
    between: tuple[x509.Certificate, ...]
    path_policy: PolicyBuilder
    pinned: ec.EllipticCurvePublicKey | None

    def verify_path(self, certificate: x509.Certificate, *, at: datetime) -> None:
        """Return when this authority issued `certificate`, by path validation (RFC 5280) as of `at`; raises what the library raises.

        That covers signatures, validity, CA flags, path lengths, name constraints and unknown critical extensions.
        """
        if not self.held.contains(at):
            # Path validation may end below the certificate that was not valid, so it is told here.
            raise VerificationError("a certificate of the authority was not valid at that time")
        self.path_policy.time(at).build_client_verifier().verify(certificate, list(self.between))

    def has_issued(self, certificate: x509.Certificate, usual: UsualSigner, *, at: datetime) -> bool:
        """Return whether this authority issued `certificate`, whose parts are `usual`, as of `at`, with a key read once.

        In a certificate of that form path validation has nothing left to judge but the signature and the validity. False where the
        authority is no such one, and wherever `verify_path` may say more.
        """
        if self.pinned is None or usual.issuer != self.encoded_name or not self.held.contains(at):
            return False
        if not certificate.not_valid_before_utc <= at <= certificate.not_valid_after_utc:
            return False
        try:
            self.pinned.verify(usual.signature, usual.tbs, usual.signing)
        except InvalidSignature:
            return False
        return True


@dataclass(frozen=True, slots=True)
class TimestampAuthority:
    """An RFC 3161 authority: its own certificate first, the root last.

    `window` is the time the document trusts it, `held` the part of it in which its whole chain was valid. `issuer`, `serial` and `encoded` name its certificate, `encoded_chain` has the DER of all.
    """

    chain: tuple[x509.Certificate, ...]
    window: Window
    held: Window
    key: object
    issuer: bytes
    serial: int
    encoded: bytes
    encoded_chain: frozenset[bytes]
    # By these it is known again under another certificate.
    marks: frozenset[bytes]

    @property
    def certificate(self) -> x509.Certificate:
        """The certificate whose key makes the timestamps."""
        return self.chain[0]


def build_authority(chain: tuple[x509.Certificate, ...], window: Window) -> Authority:
    """Return the authority, its chain validated once. A chain that does not hold vouches for nothing, which its bundles are told."""
    is_settled = _is_settled(chain)
    anchor, between = (chain[0], ()) if is_settled else (chain[-1], chain[:-1])
    policy = PolicyBuilder().store(Store([anchor])).extension_policies(ca_policy=_authorities(), ee_policy=_signers())
    key = chain[0].public_key()
    pinned = key if is_settled and is_usual_authority(chain[0]) and isinstance(key, ec.EllipticCurvePublicKey) else None
    key_digest = hashlib.sha256(key.public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)).digest()
    name = chain[0].subject
    return Authority(chain, name, name.public_bytes(), window, window.within(chain), key_digest, between, policy, pinned)


def build_timestamp_authority(chain: tuple[x509.Certificate, ...], window: Window) -> TimestampAuthority:
    """Return the authority; whether its chain may stamp time was judged before (`may_stamp_time`)."""
    encoded = [certificate.public_bytes(Encoding.DER) for certificate in chain]
    own = chain[0]
    spki = own.public_key().public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
    return TimestampAuthority(
        chain=chain,
        window=window,
        held=window.within(chain),
        key=own.public_key(),
        issuer=own.issuer.public_bytes(),
        serial=own.serial_number,
        encoded=encoded[0],
        encoded_chain=frozenset(encoded),
        marks=frozenset((spki, own.subject.public_bytes())),
    )


def count_authorities(authorities: Iterable[TimestampAuthority]) -> int:
    """Return how many different ones there are: two certificates with one key, or for one name, are of one authority."""
    groups: list[frozenset[bytes]] = []
    for authority in authorities:
        same = [group for group in groups if group & authority.marks]
        groups = [group for group in groups if group not in same]
        groups.append(authority.marks.union(*same))
    return len(groups)


def _is_settled(chain: tuple[x509.Certificate, ...]) -> bool:
    """Return whether what stands above the issuing certificate is proven, and says nothing about what may stand below it.

    Then any path to the root is a path to the issuing certificate, which alone is the anchor from now on: one signature less for every
    bundle. Validity is the one thing left that depends on time, and `held` has it.
    """
    issuing, *above = chain
    if not above:
        return True
    valid = Window(issuing.not_valid_before_utc, None).within(chain)
    if not valid.contains(valid.start) or any(_constrains(certificate, below) for below, certificate in enumerate(above, start=1)):
        return False
    # An authority's certificate is put to the test in the signer's place, so what is demanded of signers is lifted.
    policy = PolicyBuilder().store(Store([above[-1]])).time(valid.start)
    policy = policy.extension_policies(ca_policy=_authorities(), ee_policy=ExtensionPolicy.permit_all())
    try:
        policy.build_client_verifier().verify(issuing, above[:-1])
    except (VerificationError, *UNREADABLE):
        return False
    return True


def _constrains(certificate: x509.Certificate, below: int) -> bool:
    """Return whether `certificate`, with `below` authorities under it, limits names or how many these may be."""
    for extension in certificate.extensions:
        if isinstance(extension.value, x509.NameConstraints):
            return True
        if isinstance(extension.value, x509.BasicConstraints) and extension.value.path_length is not None:
            return extension.value.path_length < below
    return False


# The library's defaults are for web servers; only their demand for another extended key usage is lifted, `certificate.py` makes our own.
def _authorities() -> ExtensionPolicy:
    return ExtensionPolicy.webpki_defaults_ca().may_be_present(x509.ExtendedKeyUsage, Criticality.AGNOSTIC, None)


def _signers() -> ExtensionPolicy:
    return ExtensionPolicy.webpki_defaults_ee().may_be_present(x509.ExtendedKeyUsage, Criticality.AGNOSTIC, None)
