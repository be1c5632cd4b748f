"""X.509 certificates read to the end: whatever the library cannot read later is found here, where a "no" has a code.

Verifies nothing.
"""

from __future__ import annotations

from cryptography import x509
from cryptography.exceptions import UnsupportedAlgorithm

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


def load_certificate(der: bytes, *, code: str = "certificate.malformed") -> x509.Certificate:
    """Read a DER certificate and all its extensions; refuses with `code`."""
    try:
        certificate = x509.load_der_x509_certificate(der)
        # The library reads parts only when asked for; all that is used later is asked for here.
        _ = (certificate.issuer, certificate.subject, certificate.not_valid_before_utc, certificate.not_valid_after_utc)
        _ = (certificate.public_key(), [extension.value for extension in certificate.extensions])
    except UNREADABLE as error:
        raise Malformed(code, f"got bytes that are not a certificate we can read ({error}), expected DER") from error
    return certificate
