"""The stored trust root: which authorities and logs a bundle may rest on, and when each of them was trusted.

Read from the exact bytes of a `trusted_root.json`, which its digest names. A key is bound to the one algorithm the document
gives it; a key of a kind we cannot use is left out, so whatever rests on it is refused. Whether the document is the current
one, or was obtained safely, is not checked here: the caller pins it by digest.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any
from urllib.parse import urlsplit

from cryptography import x509

from proofs.canonical import parse_json
from proofs.digest import sha256_hex
from proofs.encoding import b64_decode
from proofs.errors import Malformed, Refusal
from proofs.keys import PublicKey, load_spki
from proofs.sigstore.authority import Authority, TimestampAuthority, Window, build_authority, build_timestamp_authority
from proofs.sigstore.known_certificates import KnownCertificates
from proofs.sigstore.x509_reading import load_certificate, may_stamp_time

MEDIA_TYPE = "application/vnd.dev.sigstore.trustedroot+json;version=0.1"
DEFAULT_PROFILE: Mapping[str, int] = {"tlog": 1, "tsa": 0, "sct": 1}
MAX_MEMBERS = 64

_ALGORITHMS = {
    "PKIX_ECDSA_P256_SHA_256": "ecdsa-secp256r1-sha256",
    "PKIX_ECDSA_P384_SHA_384": "ecdsa-secp384r1-sha384",
    "PKIX_ECDSA_P521_SHA_512": "ecdsa-secp521r1-sha512",
    "PKIX_ED25519": "ed25519",
    "PKIX_RSA_PKCS1V15_2048_SHA256": "rsa-pkcs1v15-sha256",
    "PKIX_RSA_PKCS1V15_3072_SHA256": "rsa-pkcs1v15-sha256",
    "PKIX_RSA_PKCS1V15_4096_SHA256": "rsa-pkcs1v15-sha256",
}
_RFC3339_UTC = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d{1,9})?Z")


@dataclass(frozen=True, slots=True)
class LogKey:
    """The key of a transparency log or certificate log, under the id its entries name it by.

    `is_named_by_key_hash` says that the id is SHA-256 of the key (RFC 6962, Rekor v1); `is_named_by_note_key` that it is the id of an
    Ed25519 key that signs notes under the log's host (C2SP signed-note, Rekor v2).
    """

    log_id: bytes
    key: PublicKey
    window: Window
    host: str
    is_named_by_key_hash: bool
    is_named_by_note_key: bool


@dataclass(frozen=True, slots=True)
class TrustRoot:
    """A parsed trust root. `digest` is the SHA-256 (hex) of the document it was read from.

    `min_entries`, `min_timestamps` and `min_scts` are the thresholds of its profile: what a bundle must bring at least.
    `known` remembers certificates that this very trust root vouched for.
    """

    digest: str
    min_entries: int
    min_timestamps: int
    min_scts: int
    logs: tuple[LogKey, ...]
    certificate_logs: tuple[LogKey, ...]
    authorities: tuple[Authority, ...]
    timestamp_authorities: tuple[TimestampAuthority, ...]
    # Never carried over to a changed copy, which may vouch for others.
    known: KnownCertificates = field(default_factory=KnownCertificates, init=False, compare=False, repr=False)


def parse_trust_root(document: bytes, *, profile: Mapping[str, int] | None = None) -> TrustRoot:
    """Parse the bytes of a `trusted_root.json`.

    `profile` says how much evidence a bundle needs: `{"tlog": 1, "tsa": 0, "sct": 1}` unless given. An instance without a log
    (GitHub's private one) is `{"tlog": 0, "tsa": 1, "sct": 0}`: something must prove when a bundle was signed.
    Refuses with `trust_root.malformed`, `trust_root.profile` or a `json.*` code.
    """
    wanted = _check_profile(DEFAULT_PROFILE if profile is None else profile)
    value = parse_json(document)
    if not isinstance(value, dict) or value.get("mediaType") != MEDIA_TYPE:
        raise Malformed("trust_root.malformed", f"got another kind of document, expected mediaType {MEDIA_TYPE}")
    return TrustRoot(
        digest=sha256_hex(document),
        min_entries=wanted["tlog"],
        min_timestamps=wanted["tsa"],
        min_scts=wanted["sct"],
        logs=tuple(_usable_logs(_members(value, "tlogs"))),
        certificate_logs=tuple(_usable_logs(_members(value, "ctlogs"))),
        authorities=tuple(_parse_authority(item) for item in _members(value, "certificateAuthorities")),
        timestamp_authorities=tuple(_usable_timestampers(_members(value, "timestampAuthorities"))),
    )


def find_log(logs: Iterable[LogKey], log_id: bytes) -> tuple[LogKey, ...]:
    """Return the keys listed under `log_id`; a log listed twice, with two windows, gives both."""
    return tuple(log for log in logs if log.log_id == log_id)


def _check_profile(profile: Mapping[str, int]) -> Mapping[str, int]:
    right = set(profile) == set(DEFAULT_PROFILE) and all(type(count) is int for count in profile.values())
    expected = "tlog 0 or 1, tsa 0 to 8, sct 0 to 8, and not both tlog and tsa 0"
    if not right or not (0 <= profile["tlog"] <= 1 and 0 <= profile["tsa"] <= 8 and 0 <= profile["sct"] <= 8):
        raise Malformed("trust_root.profile", f"got profile {dict(profile)}, expected {expected}")
    if not profile["tlog"] and not profile["tsa"]:
        raise Malformed("trust_root.profile", f"got profile {dict(profile)}, expected {expected}: nothing would prove a time")
    return profile


def _members(value: dict[str, Any], name: str) -> list[dict[str, Any]]:
    members = value.get(name, [])
    if not isinstance(members, list) or len(members) > MAX_MEMBERS or not all(isinstance(item, dict) for item in members):
        raise Malformed("trust_root.malformed", f"expected {name} to be a list of at most {MAX_MEMBERS} objects")
    return members


def _usable_logs(members: list[dict[str, Any]]) -> Iterable[LogKey]:
    for member in members:
        public_key, log_id = member.get("publicKey"), member.get("logId")
        if not isinstance(public_key, dict) or not isinstance(log_id, dict) or not isinstance(member.get("baseUrl"), str):
            raise Malformed("trust_root.malformed", "expected every log to have a baseUrl, a logId and a publicKey")
        window = parse_window(public_key.get("validFor"))
        algorithm = _ALGORITHMS.get(str(public_key.get("keyDetails")))
        if algorithm is None:
            continue
        key = _parse_key(public_key.get("rawBytes"), algorithm)
        identifier = b64_decode(log_id.get("keyId"), code="trust_root.malformed", what="a log id")
        host = _host_of(member["baseUrl"])
        by_key = identifier == hashlib.sha256(key.spki).digest()
        note_key = hashlib.sha256(host.encode() + b"\n\x01" + key.spki[-32:]).digest()
        yield LogKey(identifier, key, window, host, by_key, key.algorithm == "ed25519" and identifier == note_key)


def _host_of(unverified_url: str) -> str:
    try:
        address = urlsplit(unverified_url)
        # A log on a port of its own has the port in its name; the port of the scheme is in nobody's.
        default = {"https": 443, "http": 80}.get(address.scheme)
        port = "" if address.port in (None, default) else f":{address.port}"
        host = f"[{address.hostname}]" if ":" in (address.hostname or "") else address.hostname or ""
        return host + port
    except ValueError as error:
        raise Malformed("trust_root.malformed", f"got the baseUrl {unverified_url[:80]!r}, expected the address of a log") from error


def _parse_key(unverified_text: object, algorithm: str) -> PublicKey:
    try:
        key = load_spki(b64_decode(unverified_text, code="trust_root.malformed", what="a log key"))
    except Refusal as error:
        raise Malformed("trust_root.malformed", f"a log key cannot be read: {error.reason}") from error
    if key.algorithm != algorithm:
        raise Malformed("trust_root.malformed", f"got a key of kind {key.algorithm}, expected {algorithm} as its keyDetails say")
    return key


def _parse_authority(member: dict[str, Any]) -> Authority:
    return build_authority(_parse_chain(member), parse_window(member.get("validFor")))


def _usable_timestampers(members: list[dict[str, Any]]) -> Iterable[TimestampAuthority]:
    for member in members:
        chain, window = _parse_chain(member), parse_window(member.get("validFor"))
        if may_stamp_time(chain):
            yield build_timestamp_authority(chain, window)


def _parse_chain(member: dict[str, Any]) -> tuple[x509.Certificate, ...]:
    holder = member.get("certChain")
    listed = holder.get("certificates") if isinstance(holder, dict) else None
    if not isinstance(listed, list) or not 1 <= len(listed) <= 8:
        raise Malformed("trust_root.malformed", "expected every authority to have a chain of 1 to 8 certificates")
    chain = []
    for item in listed:
        raw = item.get("rawBytes") if isinstance(item, dict) else None
        chain.append(load_certificate(b64_decode(raw, code="trust_root.malformed", what="a CA certificate"), code="trust_root.malformed"))
    return tuple(chain)


def parse_window(value: object) -> Window:
    """Read `validFor`; without a start it is refused with `trust_root.malformed`."""
    # Without a start everything would have been trusted since for ever.
    if not isinstance(value, dict) or value.get("start") is None:
        raise Malformed("trust_root.malformed", "expected every member to have validFor with a start")
    end = value.get("end")
    return Window(_parse_time(value["start"]), None if end is None else _parse_time(end))


def _parse_time(text: object) -> datetime:
    if not isinstance(text, str) or not _RFC3339_UTC.fullmatch(text):
        raise Malformed("trust_root.malformed", f"got {str(text)[:40]!r}, expected a UTC time like 2022-04-13T20:06:15Z")
    try:
        return datetime.fromisoformat(text.replace("Z", "+00:00"))
    except ValueError as error:
        raise Malformed("trust_root.malformed", f"got {text[:40]!r}, expected a time that exists") from error
