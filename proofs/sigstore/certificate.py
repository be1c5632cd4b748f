"""The signer's certificate: issued by a trusted authority, for code signing, to one identity, and published.

Numbers as in `bundle.py`. A certificate of this kind lives for minutes, so every check is made at the signing time and none
against "now"; there is no revocation to look up. Whether the identity is one we want is for identities and policies.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from types import MappingProxyType

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.x509.oid import ExtendedKeyUsageOID, ExtensionOID
from cryptography.x509.verification import VerificationError

from proofs.errors import Malformed, Refusal, Unproven
from proofs.keys import PublicKey, bind_key
from proofs.sigstore.authority import Authority
from proofs.sigstore.known_certificates import KnownCertificate, SignerCertificate
from proofs.sigstore.log_body import armours_of
from proofs.sigstore.trust_root import TrustRoot, find_log
from proofs.sigstore.usual_form import CLAIMS, FULCIO, Extensions, extensions_of
from proofs.sigstore.usual_signer import ListedAt, UsualSigner, read_usual_signer
from proofs.sigstore.x509_reading import UNREADABLE, load_certificate
from proofs.statement import is_plain_text

MAX_SCTS = 8

_LAST_RAW_CLAIM = 6
_LEGACY_ISSUER, _ISSUER = 1, 8
_UTF8_STRING = 0x0C
# Fulcio's name for somebody who has neither URI nor e-mail address.
_USERNAME = x509.ObjectIdentifier(f"{FULCIO}7")
_EPOCH, _MILLISECOND = datetime(1970, 1, 1, tzinfo=UTC), timedelta(milliseconds=1)


@dataclass(frozen=True, slots=True)
class ReadCertificate:
    """A signer's certificate, read and unverified. `usual` has its parts where it is of the usual form and unknown.

    `known` is what a trust root knows about it, which counts for that one alone.
    """

    der: bytes
    certificate: x509.Certificate
    usual: UsualSigner | None
    known: KnownCertificate | None


def read_certificate(der: bytes, *, trust_root: TrustRoot) -> ReadCertificate:
    """Read the DER of a signer's certificate, or recognise one that `trust_root` knows; refuses with `certificate.malformed`."""
    known = trust_root.known.find(der)
    if known is not None:
        return ReadCertificate(der, known.certificate, None, known)
    usual = read_usual_signer(der)
    # Of any other issuer the library must read the name as well, to know whether it can be read at all.
    if usual is None or all(authority.encoded_name != usual.issuer for authority in trust_root.authorities):
        return ReadCertificate(der, load_certificate(der), None, None)
    return ReadCertificate(der, load_certificate(der, is_taken_apart=True), usual, None)


def verify_certificate(read: ReadCertificate, *, trust_root: TrustRoot, times: Sequence[datetime]) -> SignerCertificate:
    """Return who the certificate was issued to, judged at each of the signing `times`, of which there is at least one.

    `read` is from `read_certificate` for the same trust root. Refuses with `certificate.time`, `certificate.untrusted`,
    `certificate.authority_window`, `certificate.usage`, `certificate.identity`, `certificate.issuer`, `certificate.malformed` or an
    `sct.*` code.
    """
    certificate, known = read.certificate, read.known
    # 5. The certificate was valid when it signed.
    for signed_at in times:
        _refuse_other_time(certificate, signed_at)
    # A known certificate was through steps 6 to 8 under this trust root; all that is open is whether its authority counted at these times.
    if known is not None and all(known.held_at(signed_at) for signed_at in times):
        return known.signer
    # 6. It chains to an authority that was trusted at that time.
    issued_by: list[Authority] = []
    for signed_at in times:
        # One that issued it and was trusted at this time as well has nothing left to prove.
        if not any(authority.held.contains(signed_at) for authority in issued_by):
            issued_by.append(_verify_chain(read, trust_root, signed_at))
    # 7. It is a code-signing certificate for exactly one identity.
    usual = read.usual
    identity, raw_claims = _read_by_library(certificate) if usual is None else (usual.identity, usual.claims)
    if not identity or not is_plain_text(identity):
        raise Unproven("certificate.identity", "got an identity with control characters or none at all, expected plain text")
    claims = _read_claims(raw_claims)
    issuer = _issuer_of(claims)
    # 8. It was published: enough certificate logs promised to list it.
    _verify_scts(read, issued_by[0], trust_root)
    signer = SignerCertificate(
        der=read.der,
        key=_key_of(read),
        identity=identity,
        issuer=issuer,
        claims=MappingProxyType(claims),
        not_before=certificate.not_valid_before_utc,
        not_after=certificate.not_valid_after_utc,
        armoured=armours_of(read.der),
    )
    trust_root.known.keep(KnownCertificate(certificate, signer, tuple(issued_by)))
    return signer


def _refuse_other_time(certificate: x509.Certificate, signed_at: datetime) -> None:
    if not certificate.not_valid_before_utc <= signed_at <= certificate.not_valid_after_utc:
        raise Unproven(
            "certificate.time",
            f"signed at {signed_at:%Y-%m-%dT%H:%M:%SZ}, but the certificate was valid from "
            f"{certificate.not_valid_before_utc:%Y-%m-%dT%H:%M:%SZ} to {certificate.not_valid_after_utc:%Y-%m-%dT%H:%M:%SZ}",
        )


def _verify_chain(read: ReadCertificate, trust_root: TrustRoot, signed_at: datetime) -> Authority:
    if read.usual is not None:
        for authority in trust_root.authorities:
            if authority.window.contains(signed_at) and authority.has_issued(read.certificate, read.usual, at=signed_at):
                return authority
    # Only a "yes" is given without the library's path validation: it judges everything else, and says why not.
    certificate = read.certificate
    issuer = certificate.issuer
    candidates = [authority for authority in trust_root.authorities if authority.name == issuer]
    in_time = [authority for authority in candidates if authority.window.contains(signed_at)]
    if candidates and not in_time:
        raise Unproven("certificate.authority_window", f"the issuing authority was not trusted at {signed_at:%Y-%m-%dT%H:%M:%SZ}")
    reason = "no authority of the trust root has the name of its issuer"
    for authority in in_time:
        try:
            authority.verify_path(certificate, at=signed_at)
        except (VerificationError, *UNREADABLE) as error:
            reason = str(error).partition(" (encountered")[0][:200] or "its authority did not sign it"
        else:
            return authority
    raise Unproven("certificate.untrusted", f"the certificate does not chain to a trusted authority: {reason}")


def _read_by_library(certificate: x509.Certificate) -> tuple[str, Mapping[int, bytes]]:
    """Return the identity and the claims as bytes, of a certificate whose usage is code signing."""
    extensions = extensions_of(certificate)
    _refuse_other_usage(extensions)
    raw_claims = {}
    for identifier, extension in extensions.items():
        number = CLAIMS.get(identifier)
        if number is not None and isinstance(extension.value, x509.UnrecognizedExtension):
            raw_claims[number] = extension.value.value
    return _identity_of(extensions), raw_claims


def _value(extensions: Extensions, identifier: x509.ObjectIdentifier) -> x509.ExtensionType | None:
    extension = extensions.get(identifier)
    return None if extension is None else extension.value


def _refuse_other_usage(extensions: Extensions) -> None:
    usage, purposes = _value(extensions, ExtensionOID.KEY_USAGE), _value(extensions, ExtensionOID.EXTENDED_KEY_USAGE)
    if not isinstance(usage, x509.KeyUsage) or not isinstance(purposes, x509.ExtendedKeyUsage):
        raise Unproven("certificate.usage", "got a certificate that names no usage, expected code signing")
    if not usage.digital_signature or usage.key_cert_sign or ExtendedKeyUsageOID.CODE_SIGNING not in purposes:
        raise Unproven("certificate.usage", "got a certificate for another usage, expected code signing")


def _identity_of(extensions: Extensions) -> str:
    value = _value(extensions, ExtensionOID.SUBJECT_ALTERNATIVE_NAME)
    names = list(value) if isinstance(value, x509.SubjectAlternativeName) else []
    # Two names would let one reader show the one and another reader match the other.
    name = names[0] if len(names) == 1 else None
    if isinstance(name, x509.OtherName) and name.type_id == _USERNAME:
        try:
            return _utf8_string(name.value).decode("utf-8")
        except UnicodeDecodeError as error:
            raise Malformed("certificate.malformed", "got a username that is not UTF-8 text") from error
    if not isinstance(name, x509.UniformResourceIdentifier | x509.RFC822Name):
        raise Unproven("certificate.identity", f"got {len(names)} identities of any kind, expected one URI, e-mail address or username")
    return name.value


def _read_claims(raw_claims: Mapping[int, bytes]) -> dict[int, str]:
    claims = {}
    for number, raw in raw_claims.items():
        try:
            claims[number] = (raw if number <= _LAST_RAW_CLAIM else _utf8_string(raw)).decode("utf-8")
        except UnicodeDecodeError as error:
            raise Malformed("certificate.malformed", f"got extension {FULCIO}{number} that is not UTF-8 text") from error
    # One question for all of them where all together are no longer than one may be; each alone only where that is a "no".
    if not is_plain_text("".join(claims.values())):
        for number, text in claims.items():
            if not is_plain_text(text):
                raise Malformed("certificate.malformed", f"got extension {FULCIO}{number} with control characters, expected plain text")
    return claims


def _utf8_string(der: bytes) -> bytes:
    """Return the content of a DER UTF8String: tag 12, minimal length, nothing behind it."""
    if len(der) > 1 and der[0] == _UTF8_STRING and der[1] < 0x80 and len(der) == 2 + der[1]:
        return der[2:]
    size_bytes = der[1] & 0x7F if len(der) > 1 and der[1] & 0x80 else 0
    start = 2 + size_bytes
    length = int.from_bytes(der[2:start], "big") if size_bytes else der[1] if len(der) > 1 else -1
    minimal = not size_bytes or (size_bytes <= 2 and length >= 0x80 and der[2] != 0)
    if der[:1] != b"\x0c" or not minimal or len(der) != start + length:
        raise Malformed("certificate.malformed", "got a claim or username that is not a DER UTF8String")
    return der[start:]


def _issuer_of(claims: dict[int, str]) -> str:
    stated = {claims[number] for number in (_LEGACY_ISSUER, _ISSUER) if number in claims}
    if len(stated) != 1:
        raise Unproven("certificate.issuer", f"the certificate names {len(stated)} identity issuers, expected exactly one")
    return stated.pop()


def _key_of(read: ReadCertificate) -> PublicKey:
    try:
        return bind_key(read.certificate.public_key(), spki=None if read.usual is None else read.usual.spki)
    except Refusal as error:
        raise Malformed("certificate.malformed", f"the certificate's key cannot be used: {error.reason}") from error


def _verify_scts(read: ReadCertificate, issuing: Authority, trust_root: TrustRoot) -> None:
    if trust_root.min_scts == 0:
        return
    # Read after step 6, so only what a trusted authority signed is ever taken apart here.
    if read.usual is None:
        promises, precertificate = _promises_by_library(read.certificate), read.certificate.tbs_precertificate_bytes
    else:
        promises, precertificate = [read.usual.promise], read.usual.precertificate
    # Counted by log, so that one log signing twice is still one log.
    proven = {promise.log_id for promise in promises if _verify_sct(promise, precertificate, issuing.issuer_key_digest, trust_root)}
    if len(proven) < trust_root.min_scts:
        raise Unproven("sct.unknown_log", f"{len(proven)} trusted certificate logs listed the certificate, expected {trust_root.min_scts}")


def _promises_by_library(certificate: x509.Certificate) -> list[ListedAt]:
    value = _value(extensions_of(certificate), ExtensionOID.PRECERT_SIGNED_CERTIFICATE_TIMESTAMPS)
    scts = list(value) if isinstance(value, x509.PrecertificateSignedCertificateTimestamps) else []
    if not scts or len(scts) > MAX_SCTS:
        raise Unproven("sct.missing", f"got {len(scts)} promises by certificate logs, expected 1 to {MAX_SCTS}")
    try:
        return [
            ListedAt(
                sct.log_id,
                (sct.timestamp.replace(tzinfo=UTC) - _EPOCH) // _MILLISECOND,
                sct.signature,
                isinstance(sct.signature_hash_algorithm, hashes.SHA256),
                sct.extension_bytes,
            )
            for sct in scts
        ]
    except (OverflowError, *UNREADABLE) as error:
        # The library turns the time into a date when it is asked for, and there may be none: years end at 9999.
        raise Malformed("certificate.malformed", f"got a promise by a certificate log that we cannot read ({error})") from error


def _verify_sct(promise: ListedAt, precertificate: bytes, issuer_key_digest: bytes, trust_root: TrustRoot) -> bool:
    """Return False for a log we do not know; refuse when a log we know did not sign this certificate (RFC 6962 section 3.2)."""
    logs = find_log(trust_root.certificate_logs, promise.log_id)
    if not logs:
        return False
    listed_at = _EPOCH + promise.milliseconds * _MILLISECOND
    usable = [log for log in logs if log.window.contains(listed_at)]
    if not usable:
        raise Unproven("sct.key_window", f"the certificate log's key was not trusted at {listed_at:%Y-%m-%dT%H:%M:%SZ}")
    if not promise.is_sha256:
        raise Unproven("sct.signature", "got a certificate log promise over another hash, expected SHA-256")
    signed = b"".join(
        (
            b"\x00\x00",  # version 1, certificate timestamp
            promise.milliseconds.to_bytes(8, "big"),
            b"\x00\x01",  # a precertificate entry
            issuer_key_digest,
            len(precertificate).to_bytes(3, "big"),
            precertificate,
            len(promise.extensions).to_bytes(2, "big"),
            promise.extensions,
        )
    )
    usable[0].key.verify(promise.signature, signed, code="sct.signature", what="the certificate log")
    return True
