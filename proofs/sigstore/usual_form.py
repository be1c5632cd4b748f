"""The form in which Fulcio writes certificates. For these, path validation has nothing left to judge but signature and validity.

Each extension is there and critical or not exactly as here, and there is no other: none that makes a signer an authority, limits
names, or is critical and unknown. A certificate of any other form is not refused here; the library's whole path validation judges it
(`authority.py`). So this list may be too short and must never be too long: all of it must pass there too, which a test tries.
"""

from __future__ import annotations

from collections.abc import Mapping

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import ExtensionOID, SignatureAlgorithmOID

# The extensions of a certificate by their object identifier.
Extensions = Mapping[x509.ObjectIdentifier, x509.Extension[x509.ExtensionType]]

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
_ALL_OF_SIGNERS = _OF_SIGNERS | dict.fromkeys(CLAIMS, False)
_OF_AUTHORITIES = {ExtensionOID.BASIC_CONSTRAINTS: True, ExtensionOID.KEY_USAGE: True, ExtensionOID.SUBJECT_KEY_IDENTIFIER: False}
_ALL_OF_AUTHORITIES = _OF_AUTHORITIES | {ExtensionOID.AUTHORITY_KEY_IDENTIFIER: False, ExtensionOID.EXTENDED_KEY_USAGE: False}
_CURVES = (ec.SECP256R1, ec.SECP384R1)
_MOST_SERIAL = 2**159  # 20 bytes (RFC 5280 section 4.1.2.2)


def extensions_of(certificate: x509.Certificate) -> Extensions:
    """Return the extensions of a certificate by their object identifier."""
    return {extension.oid: extension for extension in certificate.extensions}


def is_usual_signer(certificate: x509.Certificate, extensions: Extensions) -> bool:
    """Return whether a signer's certificate is of the form above: no subject, one name that is critical, no authority of any kind."""
    found = {identifier: extension.critical for identifier, extension in extensions.items()}
    return (
        _OF_SIGNERS.items() <= found.items() <= _ALL_OF_SIGNERS.items()
        and _may_certify(extensions[ExtensionOID.KEY_USAGE].value) is False
        and _names_key(extensions[ExtensionOID.AUTHORITY_KEY_IDENTIFIER].value)
        and not certificate.subject.rdns
        and _is_of_known_kinds(certificate)
    )


def is_usual_authority(certificate: x509.Certificate) -> bool:
    """Return whether an issuing certificate is of the form above: it may certify, and limits nothing."""
    extensions = extensions_of(certificate)
    found = {identifier: extension.critical for identifier, extension in extensions.items()}
    above = extensions.get(ExtensionOID.AUTHORITY_KEY_IDENTIFIER)
    return (
        _OF_AUTHORITIES.items() <= found.items() <= _ALL_OF_AUTHORITIES.items()
        and _may_certify(extensions[ExtensionOID.KEY_USAGE].value) is True
        and _may_certify(extensions[ExtensionOID.BASIC_CONSTRAINTS].value) is True
        and (_names_key(above.value) if above is not None else certificate.issuer == certificate.subject)
        and bool(certificate.subject.rdns)
        and _is_of_known_kinds(certificate)
    )


def _may_certify(value: x509.ExtensionType) -> bool | None:
    if isinstance(value, x509.KeyUsage):
        return value.key_cert_sign
    return value.ca if isinstance(value, x509.BasicConstraints) else None


def _names_key(value: x509.ExtensionType) -> bool:
    return isinstance(value, x509.AuthorityKeyIdentifier) and value.key_identifier is not None and value.authority_cert_issuer is None


def _is_of_known_kinds(certificate: x509.Certificate) -> bool:
    key = certificate.public_key()
    return (
        certificate.version is x509.Version.v3
        and 0 < certificate.serial_number < _MOST_SERIAL
        and certificate.signature_algorithm_oid in SIGNING
        and isinstance(key, ec.EllipticCurvePublicKey)
        and isinstance(key.curve, _CURVES)
    )
