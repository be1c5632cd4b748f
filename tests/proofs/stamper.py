"""A timestamp authority (RFC 3161) with a real key, which can also lie, and the DER it writes."""

from __future__ import annotations

import copy
import hashlib
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

SHA256, ECDSA_SHA256 = "608648016503040201", "2a8648ce3d040302"
SIGNED_DATA, TST_INFO = "2a864886f70d010702", "2a864886f70d0109100104"
CONTENT_TYPE, MESSAGE_DIGEST, SIGNING_CERTIFICATE = "2a864886f70d010903", "2a864886f70d010904", "2a864886f70d010910022f"


def der(tag: int, *content: bytes) -> bytes:
    """Return one DER element around `content`."""
    body = b"".join(content)
    size = len(body)
    length = (
        bytes([size]) if size < 0x80 else bytes([0x80 | (size.bit_length() + 7) // 8]) + size.to_bytes((size.bit_length() + 7) // 8, "big")
    )
    return bytes([tag]) + length + body


def sequence(*content: bytes) -> bytes:
    return der(0x30, *content)


def oid(hexadecimal: str) -> bytes:
    return der(0x06, bytes.fromhex(hexadecimal))


def integer(number: int) -> bytes:
    return der(0x02, number.to_bytes(number.bit_length() // 8 + 1, "big"))


@dataclass
class Parts:
    """What goes into a token; a lie changes one of them before the authority signs (or after: see `Stamper.token`)."""

    status: int = 0
    version: int = 3
    info_version: int = 1
    time: str = ""
    imprint_algorithm: str = SHA256
    digest_algorithm: bytes = sequence(oid(SHA256))
    listed_digest_algorithm: bytes = sequence(oid(SHA256))
    content_type: str = TST_INFO
    signed_content_type: str = TST_INFO
    certificate_digest: bytes | None = None
    signature_algorithm: bytes = sequence(oid(ECDSA_SHA256))
    certificates: list[bytes] | None = None
    leave_out: set[str] = field(default_factory=set)
    signer_twice: bool = False


class Stamper:
    """One authority: its own certificate under a root of its own. No `purposes` means a certificate that names none."""

    def __init__(
        self,
        born_at: datetime,
        *,
        name: str = "stamper",
        days: int = 3650,
        purposes: tuple[Any, ...] | None = None,
        critical: bool = True,
        authority: bool = False,
        own_life: tuple[datetime, datetime] | None = None,
        root_life: tuple[datetime, datetime] | None = None,
    ) -> None:
        self._key, self._root_key = ec.generate_private_key(ec.SECP256R1()), ec.generate_private_key(ec.SECP256R1())
        root_name, own_name = _name(f"{name} root"), _name(name)
        ends_at = born_at + timedelta(days=days)
        above = _builder(root_name, root_name, self._root_key, *(root_life or (born_at, ends_at + timedelta(days=1))), authority=True)
        self.root = above.sign(self._root_key, hashes.SHA256())
        own = _builder(own_name, root_name, self._key, *(own_life or (born_at, ends_at)), authority=authority)
        wanted = (ExtendedKeyUsageOID.TIME_STAMPING,) if purposes is None else purposes
        if wanted:
            own = own.add_extension(x509.ExtendedKeyUsage(list(wanted)), critical=critical)
        self.certificate = own.sign(self._root_key, hashes.SHA256())

    def certified_again(self, *, name: str | None, new_key: bool) -> Stamper:
        """Return this authority under a further certificate of its root: for the name it has unless given, with its key or a new one."""
        again = copy.copy(self)
        again._key = ec.generate_private_key(ec.SECP256R1()) if new_key else self._key
        own_name = self.certificate.subject if name is None else _name(name)
        life = self.certificate.not_valid_before_utc, self.certificate.not_valid_after_utc
        own = _builder(own_name, self.certificate.issuer, again._key, *life, authority=False)
        own = own.add_extension(x509.ExtendedKeyUsage([ExtendedKeyUsageOID.TIME_STAMPING]), critical=True)
        again.certificate = own.sign(self._root_key, hashes.SHA256())
        return again

    def member(self, start: str, end: str | None = None) -> dict[str, Any]:
        """Return this authority as a member of a trusted root."""
        import base64

        chain = [
            {"rawBytes": base64.b64encode(certificate.public_bytes(Encoding.DER)).decode()} for certificate in (self.certificate, self.root)
        ]
        window = {"start": start} | ({"end": end} if end else {})
        subject = {"organization": "stamper.example", "commonName": "stamper"}
        return {"subject": subject, "uri": "https://stamper.example", "certChain": {"certificates": chain}, "validFor": window}

    def token(self, message: bytes, at: datetime, *, forged: bool = False, **changes: Any) -> bytes:
        """Return a TimeStampResp over `message`; `changes` set fields of `Parts`, and with `forged` another key signs."""
        parts = Parts(time=at.astimezone(UTC).strftime("%Y%m%d%H%M%SZ"), **changes) if "time" not in changes else Parts(**changes)
        info = sequence(
            integer(parts.info_version),
            oid("2b0601040183bf3002"),
            sequence(sequence(oid(parts.imprint_algorithm)), der(0x04, hashlib.sha256(message).digest())),
            integer(4711),
            der(0x18, parts.time.encode()),
        )
        own = self.certificate.public_bytes(Encoding.DER)
        named = parts.certificate_digest if parts.certificate_digest is not None else hashlib.sha256(own).digest()
        attributes = {
            CONTENT_TYPE: oid(parts.signed_content_type),
            MESSAGE_DIGEST: der(0x04, hashlib.sha256(info).digest()),
            SIGNING_CERTIFICATE: sequence(sequence(sequence(der(0x04, named)))),
        }
        signed = b"".join(sequence(oid(name), der(0x31, value)) for name, value in attributes.items() if name not in parts.leave_out)
        key = ec.generate_private_key(ec.SECP256R1()) if forged else self._key
        signature = key.sign(der(0x31, signed), ec.ECDSA(hashes.SHA256()))
        signer = sequence(
            integer(1),
            sequence(self.certificate.issuer.public_bytes(), integer(self.certificate.serial_number)),
            parts.digest_algorithm,
            der(0xA0, signed),
            parts.signature_algorithm,
            der(0x04, signature),
        )
        carried = [] if parts.certificates is None else [der(0xA0, *parts.certificates)]
        signed_data = sequence(
            integer(parts.version),
            der(0x31, parts.listed_digest_algorithm),
            sequence(oid(parts.content_type), der(0xA0, der(0x04, info))),
            *carried,
            der(0x31, *([signer] * (2 if parts.signer_twice else 1))),
        )
        return sequence(sequence(integer(parts.status)), sequence(oid(SIGNED_DATA), der(0xA0, signed_data)))


def _name(common_name: str) -> x509.Name:
    return x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, common_name)])


def _builder(
    subject: x509.Name, issuer: x509.Name, key: ec.EllipticCurvePrivateKey, start: datetime, end: datetime, *, authority: bool
) -> x509.CertificateBuilder:
    return (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(issuer)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(start)
        .not_valid_after(end)
        .add_extension(x509.BasicConstraints(ca=authority, path_length=None), critical=True)
    )
