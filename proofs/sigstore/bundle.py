"""Sigstore bundles (v0.1 to v0.3), verified offline. The argument, in order; each step rests on those before:

 1. The bytes are a bundle of one shape that its version allows: one signer, one signature, at most one log entry (`bundle_shape.py`).
 2. The log entry is from a log the trust root knows, with a key trusted at the signing time.
 3. The signing time is proven: by the log's signed promise, by timestamp authorities (`timestamp.py`), or both. It is not after receipt.
 4. The entry's body is included in a tree whose head (checkpoint) the log signed. Version 0.1 may lack this; then the promise stands alone.
 5. The certificate was valid at each signing time.
 6. It chains to an authority that was trusted at the signing time.
 7. It is a code-signing certificate for exactly one identity, vouched for by exactly one issuer.
 8. A trusted certificate log listed it.
 9. The log entry is about this content, this signature and this signer (`log_body.py`).
10. The signer's key signed the content: payload type and payload, or the digest of a file.
11. The payload is an in-toto statement about something with a digest.

Where a key signed, steps 5 to 8 are one: the key is registered, and was at the signing time. How many entries, timestamps and
certificate logs it takes is the trust root's profile; none of all is never enough.
Not checked: who may sign what, whether the statement is true, other copies of the log. The further certificates in the chain of an
old bundle are hints and never trusted. Other versions, kinds of content and kinds of log entry are refused with an
`evidence.unsupported_*` code, never half-verified.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from proofs.digest import sha256_hex
from proofs.dsse import IN_TOTO_PAYLOAD_TYPE
from proofs.errors import Unproven
from proofs.keys import PublicKey, RegisteredKey, demand_registration, in_order_of_hints, tries_for
from proofs.sigstore.authority import count_authorities
from proofs.sigstore.bundle_shape import Bundle
from proofs.sigstore.certificate import read_certificate, verify_certificate
from proofs.sigstore.known_certificates import SignerCertificate
from proofs.sigstore.log_body import verify_body_binding
from proofs.sigstore.log_entry import CLOCK_SKEW, verify_inclusion_in_log, verify_log_key, verify_promise
from proofs.sigstore.signed_file import SignedFile
from proofs.sigstore.timestamp import verify_timestamp
from proofs.sigstore.trust_root import TrustRoot
from proofs.statement import Statement, parse_statement, statement_about_file

LOG, TIMESTAMP = "log", "rfc3161"


@dataclass(frozen=True, slots=True)
class SigningTime:
    """A proven signing time and who proved it: `log` or `rfc3161`."""

    source: str
    at: datetime


@dataclass(frozen=True, slots=True)
class VerifiedBundle:
    """What a bundle proved. `certificate` is None where a registered key signed.

    `log_id` and `log_index` are None for an instance without a log, `log_index` also where nothing proves it. `has_inclusion_proof` is False where the log only promised to
    include the entry, as a bundle of version 0.1 may. `strange_timestamps` counts those of authorities the trust root does not know.
    """

    statement: Statement
    key: PublicKey
    certificate: SignerCertificate | None
    times: tuple[SigningTime, ...]
    log_id: bytes | None
    log_index: int | None
    entry_kind: tuple[str, str] | None
    has_inclusion_proof: bool
    strange_timestamps: int
    trust_root_digest: str
    # SHA-256 of what the signature is over: the envelope's type and payload, or the name of the file's digest.
    signed_sha256: str


def verify_bundle(bundle: Bundle, *, trust_root: TrustRoot, keys: tuple[RegisteredKey, ...] = (), received_at: datetime) -> VerifiedBundle:
    """Return what the bundle proves under `trust_root` (and, where a key signed, `keys`), by steps 2 to 11 of the argument above
    and the last of step 1, that the certificate can be read.

    Refuses with a code of the step that failed: `bundle.*`, `tlog.*`, `tsa.*`, `certificate.*`, `sct.*`, `key.*`, `dsse.signature`,
    `evidence.unsupported_payload`, `statement.*`. `received_at` bounds the signing time from above.
    """
    entry = bundle.entry
    # 1. All but the signer's certificate was read with the bundle.
    read = None if bundle.certificate is None else read_certificate(bundle.certificate, trust_root=trust_root)
    # 2. to 4. The log entry, the timestamps, and with them the signing time.
    times, strange = _signing_times(bundle, trust_root, received_at)
    if entry is not None:
        verify_inclusion_in_log(entry, verify_log_key(entry, trust_root=trust_root, times=[time.at for time in times]))
    # 5. to 8. The signer, at that time.
    certificate = None
    if read is not None:
        certificate = verify_certificate(read, trust_root=trust_root, times=[time.at for time in times])
        key = certificate.key
    else:
        key = _registered_signer(bundle, keys, times)
    # 9. The entry is about this bundle.
    if entry is not None:
        armoured = () if certificate is None else certificate.armoured
        verify_body_binding(entry.kind, entry.body, content=bundle.content, certificate=bundle.certificate, key=key, armoured=armoured)
    # 10. and 11. The signature, and what was signed.
    return VerifiedBundle(
        statement=_verify_content(bundle, key),
        key=key,
        certificate=certificate,
        times=times,
        log_id=entry.log_id if entry else None,
        # Rekor v1 numbers entries across its trees, and only its promise covers that number.
        log_index=entry.index if entry and (entry.promise is not None or entry.is_v2) else None,
        entry_kind=entry.kind if entry else None,
        has_inclusion_proof=entry is not None and entry.proof is not None,
        strange_timestamps=strange,
        trust_root_digest=trust_root.digest,
        signed_sha256=sha256_hex(_signed_content(bundle)),
    )


def _signed_content(bundle: Bundle) -> bytes:
    content = bundle.content
    return str(content.digest).encode() if isinstance(content, SignedFile) else content.signed_bytes


def _signing_times(bundle: Bundle, trust_root: TrustRoot, received_at: datetime) -> tuple[tuple[SigningTime, ...], int]:
    if bundle.entry is None and trust_root.min_entries:
        raise Unproven("bundle.missing_material", "got a bundle without a log entry, expected one under this trust root")
    times = []
    if bundle.entry is not None and bundle.entry.promise is not None:
        times.append(SigningTime(LOG, verify_promise(bundle.entry, trust_root=trust_root)))
    message = bundle.signature if bundle.stamped is None else bundle.stamped
    stamped = [(token, verify_timestamp(token, message, trust_root=trust_root)) for token in bundle.timestamps]
    times += [SigningTime(TIMESTAMP, token.at) for token, authority in stamped if authority is not None]
    strange = sum(authority is None for _, authority in stamped)
    authorities = count_authorities([authority for _, authority in stamped if authority is not None])
    if strange and (not times or authorities < trust_root.min_timestamps):
        raise Unproven("tsa.unknown_authority", f"got {strange} timestamps by authorities that the trust root does not know")
    if not times or authorities < trust_root.min_timestamps:
        wanted = f"{trust_root.min_timestamps} timestamps" if trust_root.min_timestamps else "a promise of the log or a timestamp"
        raise Unproven("bundle.missing_material", f"got timestamps by {authorities} trusted authorities, expected {wanted}")
    for time in times:
        # The difference always exists; the sum does not, in the last minutes of the year 9999.
        if time.at - received_at > CLOCK_SKEW:
            code = "tlog.time_in_future" if time.source == LOG else "tsa.time_in_future"
            raise Unproven(code, f"signed at {time.at:%Y-%m-%dT%H:%M:%SZ}, which is after it was received")
    return tuple(times), strange


def _registered_signer(bundle: Bundle, keys: tuple[RegisteredKey, ...], times: tuple[SigningTime, ...]) -> PublicKey:
    """Return the registered key that made the signature. The bundle's hint says which to try first, and chooses nothing."""
    candidates = in_order_of_hints((registered.key for registered in keys), [bundle.key_hint])
    most = tries_for(0 if isinstance(bundle.content, SignedFile) else len(bundle.content.payload))
    for key in candidates[:most]:
        try:
            _verify_signature(bundle, key)
        except Unproven:
            continue
        for time in times:
            demand_registration(keys, key, at=time.at)
        return key
    content = bundle.content
    if isinstance(content, SignedFile) and candidates and not any(key.can_judge(content.digest) for key in candidates[:most]):
        # Whether one of them made it, only the file itself could tell.
        words = (
            f"got a {content.digest.algorithm} digest of a file, expected one that the registered keys sign; theirs cannot be judged by it"
        )
        raise Unproven("evidence.unsupported_file_signature", words)
    if len(candidates) > most:
        words = f"got a bundle that names none of {len(candidates)} keys, which are too many to try; expected the id of the key as its hint"
        raise Unproven("key.too_many", words)
    raise Unproven("key.unknown", "the bundle was signed with a key, and no registered key made a signature over exactly this")


def _verify_content(bundle: Bundle, key: PublicKey) -> Statement:
    # 10. The signature.
    _verify_signature(bundle, key)
    # 11. What was signed. The type is judged only now, as part of what the signature covers.
    content = bundle.content
    if isinstance(content, SignedFile):
        return statement_about_file(content.digest)
    if content.payload_type != IN_TOTO_PAYLOAD_TYPE:
        raise Unproven("evidence.unsupported_payload", f"got payload type {content.payload_type[:80]!r}, expected {IN_TOTO_PAYLOAD_TYPE}")
    return parse_statement(content.payload)


def _verify_signature(bundle: Bundle, key: PublicKey) -> None:
    content = bundle.content
    if isinstance(content, SignedFile):
        key.verify_digest(content.signature, content.digest, code="bundle.signature", what="the file")
    else:
        key.verify(content.signatures[0].signature, content.signed_bytes, code="dsse.signature", what="the envelope")
