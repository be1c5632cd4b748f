"""The form in which Fulcio's issuing certificates are written, which limits nothing about what may stand below.

Each extension is there and critical or not exactly as here, and there is no other: none that limits names or is critical and unknown.
Of a signer of the usual form (`usual_signer.py`) under such an authority, path validation has nothing left to judge but signature and
validity. An authority of any other form is not refused here; the library validates whole paths under it (`authority.py`). So this
list may be too short and must never be too long.
"""

from __future__ import annotations

from collections.abc import Mapping

from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import ExtensionOID, SignatureAlgorithmOID

# The extensions of a certificate by their object identifier.
Extensions = Mapping[x509.ObjectIdentifier, x509.Extension[x509.ExtensionType]]

FULCIO = "1.3.6.1.4.1.57264.1."
CLAIMS = {x509.ObjectIdentifier(f"{FULCIO}{number}"): number for number in range(1, 25)}
_SIGNING = (SignatureAlgorithmOID.ECDSA_WITH_SHA256, SignatureAlgorithmOID.ECDSA_WITH_SHA384, SignatureAlgorithmOID.ECDSA_WITH_SHA512)

# Each extension, and whether it is critical.
_OF_AUTHORITIES = {ExtensionOID.BASIC_CONSTRAINTS: True, ExtensionOID.KEY_USAGE: True, ExtensionOID.SUBJECT_KEY_IDENTIFIER: False}
_ALL_OF_AUTHORITIES = _OF_AUTHORITIES | {ExtensionOID.AUTHORITY_KEY_IDENTIFIER: False, ExtensionOID.EXTENDED_KEY_USAGE: False}
_CURVES = (ec.SECP256R1, ec.SECP384R1)
_MOST_SERIAL = 2**159  # 20 bytes (RFC 5280 section 4.1.2.2)


def extensions_of(certificate: x509.Certificate) -> Extensions:
    """Return the extensions of a certificate by their object identifier."""
    return {extension.oid: extension for extension in certificate.extensions}


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
        and certificate.signature_algorithm_oid in _SIGNING
        and isinstance(key, ec.EllipticCurvePublicKey)
        and isinstance(key.curve, _CURVES)
    )
