"""The form in which Fulcio writes certificates. For these, path validation has nothing left to judge but signature and validity.

Each extension is there and critical or not exactly as here, and there is no other: none that makes a signer an authority, limits
names, or is critical and unknown. A certificate of any other form is not refused here; the library's whole path validation judges it
(`authority.py`). So this list may be too short and must never be too long: all of it must pass there too, which a test tries.
"""

from __future__ import annotations

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import ExtensionOID, SignatureAlgorithmOID

FULCIO = "1.3.6.1.4.1.57264.1."
CLAIMS = {x509.ObjectIdentifier(f"{FULCIO}{number}"): number for number in range(1, 25)}
# How the library is told of a signature algorithm that may stand in such a certificate.
SIGNING = {
    SignatureAlgorithmOID.ECDSA_WITH_SHA256: ec.ECDSA(hashes.SHA256()),
    SignatureAlgorithmOID.ECDSA_WITH_SHA384: ec.ECDSA(hashes.SHA384()),
    SignatureAlgorithmOID.ECDSA_WITH_SHA512: ec.ECDSA(hashes.SHA512()),
}

# Each extension, and whether it is critical.
_OF_SIGNERS = {
    ExtensionOID.KEY_USAGE: True,
    ExtensionOID.EXTENDED_KEY_USAGE: False,
    ExtensionOID.SUBJECT_KEY_IDENTIFIER: False,
    ExtensionOID.AUTHORITY_KEY_IDENTIFIER: False,
    ExtensionOID.SUBJECT_ALTERNATIVE_NAME: True,
    ExtensionOID.PRECERT_SIGNED_CERTIFICATE_TIMESTAMPS: False,
}
_OF_AUTHORITIES = {ExtensionOID.BASIC_CONSTRAINTS: True, ExtensionOID.KEY_USAGE: True, ExtensionOID.SUBJECT_KEY_IDENTIFIER: False}
_ALSO_OF_AUTHORITIES = {ExtensionOID.AUTHORITY_KEY_IDENTIFIER: False, ExtensionOID.EXTENDED_KEY_USAGE: False}
_CURVES = (ec.SECP256R1, ec.SECP384R1)
_MOST_SERIAL = 2**159  # 20 bytes (RFC 5280 section 4.1.2.2)


def is_usual_signer(certificate: x509.Certificate) -> bool:
    """Return whether a signer's certificate is of the form above: no subject, one name that is critical, no authority of any kind."""
    missing = dict(_OF_SIGNERS)
    for extension in certificate.extensions:
        identifier = extension.oid
        if identifier in CLAIMS and not extension.critical:
            continue
        if missing.pop(identifier, None) is not extension.critical or not _is_plain(extension.value, certifies=False):
            return False
    return not missing and not certificate.subject.rdns and _is_of_known_kinds(certificate)


def is_usual_authority(certificate: x509.Certificate) -> bool:
    """Return whether an issuing certificate is of the form above: it may certify, and limits nothing."""
    found = {extension.oid: extension.critical for extension in certificate.extensions}
    needed = (
        _OF_AUTHORITIES if certificate.issuer == certificate.subject else _OF_AUTHORITIES | {ExtensionOID.AUTHORITY_KEY_IDENTIFIER: False}
    )
    return (
        needed.items() <= found.items() <= (_OF_AUTHORITIES | _ALSO_OF_AUTHORITIES).items()
        and all(_is_plain(extension.value, certifies=True) for extension in certificate.extensions)
        and bool(certificate.subject.rdns)
        and _is_of_known_kinds(certificate)
    )


def _is_plain(value: x509.ExtensionType, *, certifies: bool) -> bool:
    """Return whether what an extension says is what is usual for an authority (`certifies`) or a signer."""
    if isinstance(value, x509.KeyUsage):
        return value.key_cert_sign == certifies
    if isinstance(value, x509.BasicConstraints):
        return value.ca == certifies
    if isinstance(value, x509.AuthorityKeyIdentifier):
        return value.key_identifier is not None and value.authority_cert_issuer is None and value.authority_cert_serial_number is None
    return True


def _is_of_known_kinds(certificate: x509.Certificate) -> bool:
    key = certificate.public_key()
    return (
        certificate.version is x509.Version.v3
        and 0 < certificate.serial_number < _MOST_SERIAL
        and certificate.signature_algorithm_oid in SIGNING
        and isinstance(key, ec.EllipticCurvePublicKey)
        and isinstance(key.curve, _CURVES)
    )
