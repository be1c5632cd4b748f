"""RFC 3161 timestamps, read by a strict reader of their DER. Step 3 of `bundle.py`, in parts:

 a. The response is granted and carries one CMS SignedData over one TSTInfo, of exactly the shape RFC 3161 and RFC 5652 give it.
 b. The one signer is a timestamp authority of the trust root, found by issuer and serial number.
 c. The signed attributes name the TSTInfo's type and digest, and the authority's certificate (RFC 5035).
 d. The authority's key signed those attributes.
 e. The imprint is the digest of the bytes we hold.
 f. The authority, its whole chain and the trust root's window held at the time it states.

A certificate within the token is never used: trust comes from the trust root alone. Not checked: the accuracy an authority claims,
its policy and nonce, and revocation.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, padding, rsa

from proofs.der import GENERALIZED_TIME, NULL, OCTET_STRING, OID, SEQUENCE, SET, Element, context, read_der
from proofs.errors import Unproven
from proofs.sigstore.authority import TimestampAuthority
from proofs.sigstore.trust_root import TrustRoot

_CODE = "tsa.malformed"
_SIGNED_DATA, _TST_INFO = bytes.fromhex("2a864886f70d010702"), bytes.fromhex("2a864886f70d0109100104")
_CONTENT_TYPE, _MESSAGE_DIGEST = bytes.fromhex("2a864886f70d010903"), bytes.fromhex("2a864886f70d010904")
_SIGNING_CERTIFICATE_V2 = bytes.fromhex("2a864886f70d010910022f")
_SHA256, _RSA_ENCRYPTION = bytes.fromhex("608648016503040201"), bytes.fromhex("2a864886f70d010101")
_ESSENTIAL = {_CONTENT_TYPE, _MESSAGE_DIGEST, _SIGNING_CERTIFICATE_V2}
_HASHES: dict[bytes, tuple[Callable[[bytes], Any], hashes.HashAlgorithm]] = {
    _SHA256: (hashlib.sha256, hashes.SHA256()),
    bytes.fromhex("608648016503040202"): (hashlib.sha384, hashes.SHA384()),
    bytes.fromhex("608648016503040203"): (hashlib.sha512, hashes.SHA512()),
}
_ECDSA = {
    bytes.fromhex("2a8648ce3d040302"): hashes.SHA256(),
    bytes.fromhex("2a8648ce3d040303"): hashes.SHA384(),
    bytes.fromhex("2a8648ce3d040304"): hashes.SHA512(),
}
_RSA = {
    bytes.fromhex("2a864886f70d01010b"): hashes.SHA256(),
    bytes.fromhex("2a864886f70d01010c"): hashes.SHA384(),
    bytes.fromhex("2a864886f70d01010d"): hashes.SHA512(),
}
_TIME = re.compile(r"(\d{4})(\d\d)(\d\d)(\d\d)(\d\d)(\d\d)(?:\.(\d{0,5}[1-9]))?Z")


@dataclass(frozen=True, slots=True)
class Timestamp:
    """A parsed, unverified token. `encoded` is the whole response, by which duplicates are told."""

    encoded: bytes
    at: datetime
    imprint_hash: Callable[[bytes], Any]
    imprint: bytes
    info_digest: bytes
    issuer: bytes
    serial: int
    signed_attributes: bytes
    attributes: dict[bytes, Element]
    digest_algorithm: bytes
    signature_algorithm: bytes
    signature: bytes
    certificates: tuple[bytes, ...]


def parse_timestamp(unverified: bytes) -> Timestamp:
    """Read a DER TimeStampResp; refuses with `tsa.malformed`. Verifies nothing."""
    # a. One granted response with one SignedData over one TSTInfo.
    response = _exactly(read_der(unverified, code=_CODE).demand(SEQUENCE, "the response"), 2, "the response")
    status = _exactly(response[0].demand(SEQUENCE, "the status"), 1, "the status")
    if status[0].integer("the status") != 0:
        raise status[0].refuse("got a response that was not granted")
    content = _exactly(response[1].demand(SEQUENCE, "the token"), 2, "the token")
    _demand_oid(content[0], _SIGNED_DATA, "the token's type")
    signed = _exactly(content[1].demand(context(0), "the token's content"), 1, "the token's content")[0].demand(SEQUENCE, "SignedData")
    parts = signed.children()
    if len(parts) not in (4, 5) or (len(parts) == 5 and parts[3].tag != context(0)):
        raise signed.refuse("got SignedData of another shape, expected version, digests, content, certificates and one signer")
    if parts[0].integer("the SignedData version") != 3:
        raise signed.refuse("got another version of SignedData, expected 3")
    encapsulated = _exactly(parts[2].demand(SEQUENCE, "the content"), 2, "the content")
    _demand_oid(encapsulated[0], _TST_INFO, "the content's type")
    octets = _exactly(encapsulated[1].demand(context(0), "the TSTInfo"), 1, "the TSTInfo")[0].demand(OCTET_STRING, "the TSTInfo")
    signer = _exactly(parts[-1].demand(SET, "the signers"), 1, "the signers")[0].demand(SEQUENCE, "the signer")
    certificates = tuple(item.demand(SEQUENCE, "a certificate").encoded for item in parts[3].children()) if len(parts) == 5 else ()
    digests = _exactly(parts[1].demand(SET, "the digest algorithms"), 1, "the digest algorithms")
    # Two spellings of one algorithm, with NULL and without, would be bytes that no one vouches for: they must be the same.
    signed_by = _exactly(signer, 6, "the signer")
    if digests[0].encoded != signed_by[2].encoded:
        raise signer.refuse("got two different digest algorithms, expected one")
    return _parse_signer(unverified, octets.content, signed_by, certificates)


def verify_timestamp(token: Timestamp, message: bytes, *, trust_root: TrustRoot) -> TimestampAuthority | None:
    """Return the authority that vouches that `message` existed at `token.at`, or None when the trust root knows no such authority.

    Refuses with `tsa.signature`, `tsa.imprint`, `tsa.malformed` or `tsa.time` when an authority it knows did not sign exactly this.
    """
    # b. The authority is one of the trust root's.
    known = [
        authority for authority in trust_root.timestamp_authorities if authority.serial == token.serial and authority.issuer == token.issuer
    ]
    if not known:
        return None
    # c. What the authority signed names this TSTInfo and this certificate.
    _refuse_other_attributes(token, known[0].encoded)
    _refuse_strange_certificates(token, known)
    # d. The signature.
    _verify_signature(token, known[0].key)
    # e. The imprint.
    if token.imprint != token.imprint_hash(message).digest():
        raise Unproven("tsa.imprint", "the timestamp is for another signature than the bundle carries")
    # f. The time it states.
    for authority in known:
        if authority.held.contains(token.at):
            return authority
    raise Unproven(
        "tsa.time", f"the timestamp authority was not trusted, or its certificates were not valid, at {token.at:%Y-%m-%dT%H:%M:%SZ}"
    )


def _parse_signer(encoded: bytes, info: bytes, parts: list[Element], certificates: tuple[bytes, ...]) -> Timestamp:
    if parts[0].integer("the signer's version") != 1:
        raise parts[0].refuse("got another version of SignerInfo, expected 1")
    sid = _exactly(parts[1].demand(SEQUENCE, "the signer's name"), 2, "the signer's name")
    digest_algorithm = _algorithm(parts[2], "the digest algorithm")
    attributes = parts[3].demand(context(0), "the signed attributes")
    at, imprint_hash, imprint = _parse_info(info)
    return Timestamp(
        encoded=encoded,
        at=at,
        imprint_hash=imprint_hash,
        imprint=imprint,
        info_digest=_hash_of(digest_algorithm, parts[2])(info).digest(),
        issuer=sid[0].demand(SEQUENCE, "the issuer").encoded,
        serial=sid[1].integer("the serial number"),
        # RFC 5652 section 5.4: the signature covers the attributes as a SET, whatever tag they travel under.
        signed_attributes=bytes([SET]) + attributes.encoded[1:],
        attributes=_parse_attributes(attributes),
        digest_algorithm=digest_algorithm,
        signature_algorithm=_algorithm(parts[4], "the signature algorithm"),
        signature=parts[5].demand(OCTET_STRING, "the signature").content,
        certificates=certificates,
    )


def _parse_info(info: bytes) -> tuple[datetime, Callable[[bytes], Any], bytes]:
    """Return time, imprint hash and imprint of a TSTInfo (RFC 3161 section 2.4.2); its later, optional fields are signed and not read."""
    body = read_der(info, code=_CODE).demand(SEQUENCE, "the TSTInfo")
    parts = body.children()
    if len(parts) < 5 or parts[0].integer("the TSTInfo's version") != 1:
        raise body.refuse("got a TSTInfo of another version or cut short, expected version 1")
    parts[1].demand(OID, "the policy")
    imprint = _exactly(parts[2].demand(SEQUENCE, "the imprint"), 2, "the imprint")
    hash_function = _hash_of(_algorithm(imprint[0], "the imprint's algorithm"), body)
    parts[3].integer("the serial number of the timestamp")
    written = parts[4].demand(GENERALIZED_TIME, "the time").content.decode("ascii", "replace")
    return _parse_time(written, body), hash_function, imprint[1].demand(OCTET_STRING, "the imprint").content


def _parse_time(written: str, where: Element) -> datetime:
    match = _TIME.fullmatch(written)
    if match is None:
        raise where.refuse(f"got the time {written[:40]!r}, expected YYYYMMDDHHMMSS[.f]Z")
    try:
        year, month, day, hour, minute, second = (int(part) for part in match.groups()[:6])
        whole = datetime(year, month, day, hour, minute, second, tzinfo=UTC)
    except ValueError as error:
        raise where.refuse(f"got the time {written[:40]!r}, expected one that exists") from error
    return whole + timedelta(microseconds=int((match[7] or "0").ljust(6, "0")))


def _parse_attributes(attributes: Element) -> dict[bytes, Element]:
    found: dict[bytes, Element] = {}
    for item in attributes.children():
        name, values = _exactly(item.demand(SEQUENCE, "a signed attribute"), 2, "a signed attribute")
        if name.demand(OID, "an attribute's name").content in found:
            raise attributes.refuse("got a signed attribute twice")
        found[name.content] = _exactly(values.demand(SET, "an attribute's values"), 1, "an attribute's values")[0]
    return found


def _refuse_other_attributes(token: Timestamp, certificate: bytes) -> None:
    if not token.attributes.keys() >= _ESSENTIAL:
        raise Unproven("tsa.signature", "got signed attributes without content type, message digest and RFC 5035 signing certificate")
    _demand_oid(token.attributes[_CONTENT_TYPE], _TST_INFO, "the signed content type")
    if token.attributes[_MESSAGE_DIGEST].demand(OCTET_STRING, "the message digest").content != token.info_digest:
        raise Unproven("tsa.signature", "the authority signed another TSTInfo than the token carries")
    # RFC 5035 section 4: the first of the certificates named is the signer's; SHA-256 unless another algorithm is named.
    named = token.attributes[_SIGNING_CERTIFICATE_V2].demand(SEQUENCE, "the signing certificate").children()
    listed = named[0].demand(SEQUENCE, "the signing certificates").children() if named else []
    first = listed[0].demand(SEQUENCE, "a signing certificate").children() if listed else []
    algorithm = _algorithm(first.pop(0), "the certificate digest's algorithm") if first and first[0].tag == SEQUENCE else _SHA256
    digest = _hash_of(algorithm, token.attributes[_SIGNING_CERTIFICATE_V2])(certificate).digest()
    if not first or first[0].demand(OCTET_STRING, "the certificate digest").content != digest:
        raise Unproven("tsa.signature", "the token names another certificate than the authority's")


def _refuse_strange_certificates(token: Timestamp, known: list[TimestampAuthority]) -> None:
    """A certificate in the token is never used; one that is not the authority's would be bytes that nobody has vouched for."""
    if not set(token.certificates) <= frozenset().union(*(authority.encoded_chain for authority in known)):
        raise Unproven("tsa.signature", "the token carries a certificate that is not of the authority's chain in the trust root")


def _verify_signature(token: Timestamp, key: object) -> None:
    try:
        if isinstance(key, ec.EllipticCurvePublicKey) and token.signature_algorithm in _ECDSA:
            key.verify(token.signature, token.signed_attributes, ec.ECDSA(_ECDSA[token.signature_algorithm]))
        elif isinstance(key, rsa.RSAPublicKey) and token.signature_algorithm in _RSA:
            key.verify(token.signature, token.signed_attributes, padding.PKCS1v15(), _RSA[token.signature_algorithm])
        elif isinstance(key, rsa.RSAPublicKey) and token.signature_algorithm == _RSA_ENCRYPTION:
            # Authorities older than RFC 5754 name the bare key algorithm here; the hash is then the digest algorithm's.
            key.verify(token.signature, token.signed_attributes, padding.PKCS1v15(), _HASHES[token.digest_algorithm][1])
        else:
            raise Unproven("tsa.signature", "got a signature of another algorithm than the authority's key has")
    except InvalidSignature as error:
        raise Unproven("tsa.signature", "the timestamp's signature does not verify with the authority's key") from error


def _exactly(element: Element, count: int, what: str) -> list[Element]:
    found = element.children()
    if len(found) != count:
        raise element.refuse(f"got {len(found)} parts in {what}, expected {count}")
    return found


def _demand_oid(element: Element, wanted: bytes, what: str) -> None:
    if element.demand(OID, what).content != wanted:
        raise element.refuse(f"got another object identifier for {what}")


def _algorithm(element: Element, what: str) -> bytes:
    """Return the OID of an AlgorithmIdentifier without parameters, or with NULL for them."""
    parts = element.demand(SEQUENCE, what).children()
    if len(parts) not in (1, 2) or (len(parts) == 2 and (parts[1].tag != NULL or parts[1].content)):
        raise element.refuse(f"got parameters for {what}, expected none")
    return parts[0].demand(OID, what).content


def _hash_of(algorithm: bytes, where: Element) -> Callable[[bytes], Any]:
    if algorithm not in _HASHES:
        raise where.refuse("got another hash algorithm, expected SHA-256, SHA-384 or SHA-512")
    return _HASHES[algorithm][0]
