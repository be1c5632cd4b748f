"""Evidence that is rejected because nobody registered the key that signed it: which there is, who sent it, and whether a given key is the one.

Reads only. How evidence names its key is a hint that nobody signed, shown and never believed.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from django.db.models import Prefetch, QuerySet, prefetch_related_objects

from attestations.blobs import bytes_of
from attestations.models import Attestation, Blob, Submission, Verdict
from attestations.queries import get_attestation, latest_verdict, newest_verdicts
from attestations.trust.roots import current_trust_material
from identities.models import BlockedSigner, Identity
from proofs.errors import Conflict
from proofs.evidence import VerifiedEvidence
from proofs.keys import load_pem
from proofs.unknown_key import UNKNOWN_KEY_CODES, claimed_key_hints, prove_key

# Of longer evidence the hint is not read for a list.
MAX_READ = 256 * 1024


@dataclass(frozen=True, slots=True)
class KeySeen:
    """One piece of evidence whose key is unknown. `hints` is what it says of its key, where it `is_read`; `block` a block that one of
    them names, if any."""

    attestation: Attestation
    is_read: bool
    hints: tuple[str, ...]
    senders: tuple[Identity, ...]
    block: BlockedSigner | None


@dataclass(frozen=True, slots=True)
class ProvenKey:
    """A key that was proved to have signed evidence, what it stated there, and since when it signs, where a time is proven."""

    key_id: str
    evidence: VerifiedEvidence
    signed_since: datetime | None

    @property
    def predicate_type(self) -> str:
        """The predicate type that the key attested; empty for a bare file."""
        return self.evidence.statement.predicate_type


def list_unknown_keys(*, since: datetime | None = None) -> QuerySet[Verdict]:
    """Return the newest verdicts that reject evidence because its key is unknown, of what came in since then; the latest first."""
    rows = newest_verdicts().select_related(None).filter(result=Verdict.Result.REJECTED, code__in=UNKNOWN_KEY_CODES)
    rows = rows if since is None else rows.filter(attestation__received_at__gte=since)
    return rows.select_related("attestation").order_by("-attestation__received_at", "-attestation")


def describe_unknown_keys(verdicts: Sequence[Verdict]) -> list[KeySeen]:
    """Return who sent the evidence of these verdicts and what it says of its key, in that order; as many queries for many as for one."""
    attestations = [verdict.attestation for verdict in verdicts]
    sent = Submission.objects.select_related("identity__owner").order_by("submitted_at", "pk")
    prefetch_related_objects(attestations, Prefetch("submissions", sent))
    blobs = Blob.objects.filter(pk__in=[each.blob_id for each in attestations], size__lte=MAX_READ)
    hints = {blob.digest: claimed_key_hints(bytes(blob.content)) for blob in blobs}
    named = {hint for found in hints.values() for hint in found}
    blocks = {
        row.name: row for row in BlockedSigner.objects.filter(issuer="", name__in=named, lifted_at__isnull=True).select_related("team")
    }
    return [_describe(each, hints.get(each.blob_id), blocks) for each in attestations]


def find_unknown_key(attestation_id: str) -> KeySeen:
    """Return one such piece of evidence. Refuses with `attestation.unknown`, or `signer.settled` where its key is not, or no more, unknown."""
    verdict = latest_verdict(get_attestation(attestation_id))
    if verdict is None or not verdict.is_key_unknown:
        raise Conflict("signer.settled", "The newest verdict about this evidence does not say that the key which signed it is unknown.")
    return describe_unknown_keys([verdict])[0]


def prove_given_key(*, attestation: Attestation, public_key_pem: bytes, now: datetime) -> ProvenKey:
    """Return the key (PEM), proved to have signed this very evidence under what is trusted today.

    Refuses with `key.malformed`, `key.unsupported`, `blob.altered`, or as `prove_key` does: `signer.other_key` for another key.
    """
    key = load_pem(public_key_pem)
    content, roots = bytes_of(attestation.blob), current_trust_material().trust_roots
    received = min(attestation.received_at, now).replace(microsecond=0)
    verified = prove_key(content, key=key, trust_roots=roots, received_at=received)
    times = [time.at for time in verified.bundle.times] if verified.bundle else []
    # A log's clock may be some minutes ahead, and nothing can be registered for a time to come.
    return ProvenKey(key.key_id, verified, min([*times, now]) if times else None)


def _describe(attestation: Attestation, read: tuple[str, ...] | None, blocks: dict[str, BlockedSigner]) -> KeySeen:
    hints = read or ()
    senders = tuple({sent.identity_id: sent.identity for sent in attestation.submissions.all()}.values())
    return KeySeen(attestation, read is not None, hints, senders, next((blocks[hint] for hint in hints if hint in blocks), None))
