"""The statement in evidence that verified, whichever of the four formats it came in. Nothing is verified here."""

from __future__ import annotations

from proofs.dsse import parse_envelope
from proofs.errors import Refusal
from proofs.evidence import read_evidence
from proofs.sigstore.bundle_shape import parse_bundle
from proofs.sigstore.cosign_layer import claimed_statement, is_layer
from proofs.sigstore.pep740 import is_attestation, parse_attestation
from proofs.sigstore.signed_file import SignedFile
from proofs.statement import Statement, parse_statement


def read_statement(verified_bytes: bytes) -> Statement | None:
    """Return the statement in these bytes, or None where there is none to be read (a signature over a bare file has none)."""
    try:
        value = read_evidence(verified_bytes, max_bytes=None)
        if not isinstance(value, dict):
            return None
        if is_layer(value):
            return claimed_statement(value)
        if "payload" in value:
            return parse_statement(parse_envelope(value).payload)
        bundle = parse_attestation(value) if is_attestation(value) else parse_bundle(value)
        return None if isinstance(bundle.content, SignedFile) else parse_statement(bundle.content.payload)
    except Refusal:
        return None
