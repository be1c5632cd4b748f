"""Google Cloud Build provenance, as its console writes it: signed envelopes within a wrapper that repeats in the open what they say.

1. The wrapper names one image by its digest, and holds one or several envelopes.
2. At least one envelope, and each that counts, was signed by a key that the caller knows under the id the signature names. Keys of the ring `builtByGCB` are from before
   DSSE: they signed the payload alone. No other key may, because such a signature does not say what kind of thing was signed.
3. What was signed is an in-toto statement about exactly that image, and so are the names that the wrapper gives it.
4. The readable copy beside an envelope says the same as the envelope. Nobody signed the copy, and people read it.

Who the keys belong to is the caller's to know; which builder and source are wanted is for expectations.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from proofs.canonical import parse_json
from proofs.digest import Digest, parse_digest
from proofs.dsse import IN_TOTO_PAYLOAD_TYPE, Envelope, parse_envelope
from proofs.errors import Malformed, TooLarge, Unproven
from proofs.keys import PublicKey
from proofs.statement import Statement, parse_statement

MAX_ENVELOPES = 32
LEGACY_RING = "/cryptoKeys/builtByGCB/"

_CODE = "gcb.malformed"
_COPIES = ("inTotoSlsaProvenanceV1", "intotoStatement", "intotoProvenance")


@dataclass(frozen=True, slots=True)
class SignedBuild:
    """One envelope that counts: its statement, the id of the key that signed, and the ids of all keys that it names."""

    statement: Statement
    key_id: str
    named_keys: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class VerifiedBuild:
    """What one wrapper proved: the image's digest, its name as the wrapper writes it, and each build record that counts."""

    image: Digest
    unverified_name: str
    builds: tuple[SignedBuild, ...]


def verify_build_provenance(unverified: object, keys: Mapping[str, PublicKey]) -> VerifiedBuild:
    """Return what the wrapper proves with `keys` by key id, or refuse with `gcb.*`, `dsse.*`, `statement.*` or `digest.malformed`."""
    # 1. The wrapper.
    summary, entries = _parse_wrapper(unverified)
    image = parse_digest(str(summary.get("digest")))
    _refuse_other_name(summary.get("fully_qualified_digest"), image)
    builds: list[SignedBuild] = []
    refusals: list[Unproven] = []
    for entry in entries:
        # 2. The signature. The console lists every build record of an image; one that nobody known signed vouches for nothing.
        envelope = parse_envelope(entry["envelope"])
        try:
            key_id = _signer_of(envelope, keys)
        except Unproven as refusal:
            refusals.append(refusal)
            continue
        if entry.get("kind", "BUILD") != "BUILD":
            raise Unproven("gcb.kind", f"got a note of kind {str(entry['kind'])[:40]!r}, expected BUILD")
        _refuse_other_name(entry.get("resourceUri"), image)
        if envelope.payload_type != IN_TOTO_PAYLOAD_TYPE:
            raise Unproven(
                "evidence.unsupported_payload", f"got payload type {envelope.payload_type[:80]!r}, expected {IN_TOTO_PAYLOAD_TYPE}"
            )
        # 3. The image.
        statement = parse_statement(envelope.payload)
        if not all(image in subject.digests for subject in statement.subjects):
            raise Unproven("gcb.image", f"the statement is about something else than the image {image}")
        # 4. The readable copy.
        _refuse_other_copy(entry.get("build"), parse_json(envelope.payload))
        builds.append(SignedBuild(statement, key_id, tuple(signature.key_hint for signature in envelope.signatures)))
    if not builds:
        raise refusals[0]
    return VerifiedBuild(image, str(summary.get("fully_qualified_digest", ""))[:500], tuple(builds))


def _parse_wrapper(unverified: object) -> tuple[dict[str, Any], list[dict[str, Any]]]:
    value = unverified if isinstance(unverified, dict) else {}
    summary, provenance = value.get("image_summary"), value.get("provenance_summary")
    entries = provenance.get("provenance") if isinstance(provenance, dict) else None
    if not isinstance(summary, dict) or not isinstance(entries, list) or not entries:
        raise Malformed(_CODE, "got another document, expected image_summary and provenance_summary with at least one provenance")
    if len(entries) > MAX_ENVELOPES:
        raise TooLarge("gcb.too_many", f"got {len(entries)} envelopes, expected at most {MAX_ENVELOPES}")
    if not all(isinstance(entry, dict) and isinstance(entry.get("envelope"), dict) for entry in entries):
        raise Malformed(_CODE, "got a provenance without an envelope")
    return summary, entries


def _signer_of(envelope: Envelope, keys: Mapping[str, PublicKey]) -> str:
    """Return the id of the key that signed. The id names the key to try: here, and only here, the caller knows keys by that id."""
    known = [signature for signature in envelope.signatures if signature.key_hint in keys]
    if not known:
        raise Unproven("dsse.key_unknown", "no signature of the envelope names a key that is known here")
    for signature in known:
        message = envelope.payload if LEGACY_RING in signature.key_hint else envelope.signed_bytes
        try:
            keys[signature.key_hint].verify(signature.signature, message, code="dsse.signature", what="the envelope")
        except Unproven:
            continue
        return signature.key_hint
    raise Unproven("dsse.signature", "no signature of the envelope verifies with the key that it names")


def _refuse_other_name(name: object, image: Digest) -> None:
    if name is not None and not str(name).endswith(f"@{image}"):
        raise Unproven("gcb.image", f"the wrapper calls it {str(name)[:200]!r}, and its image is {image}")


def _refuse_other_copy(build: object, signed: dict[str, Any]) -> None:
    for name, copy in build.items() if isinstance(build, dict) else ():
        if name not in _COPIES:
            raise Malformed(_CODE, f"got the readable copy {name[:40]!r}, expected {' or '.join(_COPIES)}")
        if not isinstance(copy, dict) or _essence(copy) != _essence(signed):
            raise Unproven("gcb.copy_differs", "the readable copy of the statement says something else than what was signed")


def _essence(statement: dict[str, Any]) -> list[Any]:
    """Return what copy and signed statement must have in common; the copy calls an old predicate `slsaProvenance`."""
    predicate = statement.get("predicate", statement.get("slsaProvenance"))
    return [statement.get("_type"), statement.get("predicateType"), statement.get("subject"), predicate]
