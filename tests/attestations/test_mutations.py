"""Damaged bundles before two verifiers, and every flipped bit of what was signed. `make mutate` runs more of the former."""

from __future__ import annotations

import base64
import json
from typing import Any

import pytest

from proofs.evidence import verify_bundle_under
from proofs.sigstore.bundle_shape import parse_bundle
from tests import mutation
from tests.mutation import Original, originals, other_accepts, own_refusal
from tests.proofs.published import NOW

ORIGINALS = originals()
pytestmark = pytest.mark.once
# Of one part of one bundle; published ones have parts of twenty thousand bytes.
MOST_FLIPS = 500


def test_both_verifiers_accept_the_originals() -> None:
    assert len(ORIGINALS) >= len(mutation.MADE)
    for original in ORIGINALS:
        assert own_refusal(original.bundle, original.trust) is None, original.name
        assert other_accepts(original.bundle, original.document), original.name


def test_no_mutant_is_accepted_by_ours_alone() -> None:
    tally = mutation.run(2_000, seed=1)
    assert tally.looser == []
    # The run says something: mutants reached every part of the argument, and some were harmless.
    assert tally.tried == 2_000
    assert tally.both_accept > 0
    for prefix in ("bundle.", "tlog.inclusion", "tlog.promise", "tlog.checkpoint", "tlog.entry_mismatch", "tsa.", "certificate.", "dsse."):
        assert any(code.startswith(prefix) for code in tally.codes), prefix


def test_a_looser_verifier_would_be_seen(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(mutation, "own_refusal", lambda mutant, trust: None)
    assert len(mutation.run(50, seed=1).looser) > 20


SIGNED = (
    ("dsseEnvelope", "payload"),
    ("dsseEnvelope", "signatures", 0, "sig"),
    ("messageSignature", "signature"),
    ("messageSignature", "messageDigest", "digest"),
    ("verificationMaterial", "certificate", "rawBytes"),
    ("verificationMaterial", "x509CertificateChain", "certificates", 0, "rawBytes"),
    ("verificationMaterial", "tlogEntries", 0, "canonicalizedBody"),
    ("verificationMaterial", "tlogEntries", 0, "inclusionPromise", "signedEntryTimestamp"),
    ("verificationMaterial", "tlogEntries", 0, "inclusionProof", "rootHash"),
    ("verificationMaterial", "tlogEntries", 0, "inclusionProof", "hashes", 0),
    ("verificationMaterial", "timestampVerificationData", "rfc3161Timestamps", 0, "signedTimestamp"),
)


@pytest.mark.parametrize("original", ORIGINALS, ids=lambda original: original.name)
def test_no_flipped_bit_of_signed_bytes_is_accepted(original: Original) -> None:
    """Every seventh bit of each signed part, in long ones fewer; the step is odd, so that each position within a byte is met."""
    flipped = 0
    for path in SIGNED:
        bundle = json.loads(json.dumps(original.bundle))
        holder = _holder(bundle, path)
        if holder is None:
            continue
        honest = base64.b64decode(holder[path[-1]])
        for bit in range(0, len(honest) * 8, max(7, len(honest) * 8 // MOST_FLIPS | 1)):
            changed = bytearray(honest)
            changed[bit // 8] ^= 1 << (bit % 8)
            holder[path[-1]] = base64.b64encode(bytes(changed)).decode()
            assert own_refusal(bundle, original.trust) is not None or _is_a_strangers_timestamp(bundle, original), (path, bit)
            flipped += 1
        holder[path[-1]] = base64.b64encode(honest).decode()
    assert flipped > 500


def _is_a_strangers_timestamp(bundle: dict[str, Any], original: Original) -> bool:
    """Whether the flip made a timestamp one of an authority nobody knows: beside the log's promise it counts for nothing, and is said to."""
    verified = verify_bundle_under(parse_bundle(bundle), original.trust, NOW).bundle
    return verified is not None and verified.strange_timestamps == 1 and [time.source for time in verified.times] == ["log"]


def _holder(bundle: dict[str, Any], path: tuple[str | int, ...]) -> Any:
    value: Any = bundle
    for name in path[:-1]:
        if isinstance(value, list):
            value = value[name] if isinstance(name, int) and name < len(value) else None
        else:
            value = value.get(name) if isinstance(value, dict) else None
    present = value is not None and (path[-1] in value if isinstance(value, dict) else len(value) > 0)
    return value if present else None
