"""X.509 certificates read to the end: whatever the library cannot read later is found here, where a "no" has a code.

Of trust it judges one thing: whether a chain of the trust root may stamp time. When, is judged where a timestamp is.
"""

from __future__ import annotations

from itertools import pairwise

from cryptography import x509
from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm
from cryptography.x509.oid import ExtendedKeyUsageOID

from proofs.errors import Malformed

# The library warns about some oddities (a negative serial number); where warnings are errors, they are refusals like the rest.
UNREADABLE = (
    ValueError,
    TypeError,
    UnsupportedAlgorithm,
    x509.InvalidVersion,
    x509.DuplicateExtension,
    x509.UnsupportedGeneralNameType,
    UserWarning,
)


def load_certificate(der: bytes, *, code: str = "certificate.malformed", is_taken_apart: bool = False) -> x509.Certificate:
    """Read a DER certificate and all its extensions; refuses with `code`.

    Of one that `is_taken_apart` (`usual_signer.py`) names and extensions are in hand, and what is left is read.
    """
    try:
        certificate = x509.load_der_x509_certificate(der)
        # The library reads parts only when asked for; all that is used later is asked for here.
        _ = (certificate.not_valid_before_utc, certificate.not_valid_after_utc, certificate.public_key())
        if not is_taken_apart:
            _ = (certificate.issuer, certificate.subject, certificate.extensions)
    except UNREADABLE as error:
        raise Malformed(code, f"got bytes that are not a certificate we can read ({error}), expected DER") from error
    return certificate


def may_stamp_time(chain: tuple[x509.Certificate, ...]) -> bool:
    """Return whether each certificate issued the one before, and the first is for timestamping and nothing else (RFC 3161 section 2.3)."""
    leaf, *above = chain
    purpose = next((extension for extension in leaf.extensions if isinstance(extension.value, x509.ExtendedKeyUsage)), None)
    if purpose is None or not purpose.critical or list(purpose.value) != [ExtendedKeyUsageOID.TIME_STAMPING]:
        return False
    if _is_authority(leaf) or not all(_is_authority(certificate) for certificate in above):
        return False
    try:
        for child, parent in pairwise(chain):
            child.verify_directly_issued_by(parent)
    except (ValueError, TypeError, InvalidSignature):
        return False
    return True


def _is_authority(certificate: x509.Certificate) -> bool:
    return any(isinstance(extension.value, x509.BasicConstraints) and extension.value.ca for extension in certificate.extensions)
