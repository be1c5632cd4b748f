"""The signed tree head of a Rekor log: a signed note whose key is named by the first bytes of the log's id.

The same note format as `proofs.checkpoint`, another signature: ECDSA or Ed25519 by the key the trust root lists. Signatures
by others (witnesses) are carried along and not judged. Whether two tree heads of the log agree is not checked here.
"""

from __future__ import annotations

from proofs.checkpoint import Checkpoint, parse_checkpoint
from proofs.errors import Refusal, Unproven
from proofs.sigstore.trust_root import LogKey


def verify_rekor_checkpoint(unverified_text: str, *, log: LogKey) -> Checkpoint:
    """Return the tree head when `log` signed exactly this note under its own name.

    Refuses with `tlog.checkpoint_malformed`, `tlog.checkpoint_too_large`, `tlog.checkpoint_unsigned` or
    `tlog.checkpoint_signature`.
    """
    try:
        checkpoint, signatures = parse_checkpoint(unverified_text)
    except Refusal as refusal:
        raise type(refusal)(refusal.code.replace("log.", "tlog.", 1), refusal.reason) from refusal
    # Rekor v1 writes "<host> - <tree id>" as origin and signs as "<host>"; the name is checked because a key may serve two logs.
    name = checkpoint.origin.partition(" - ")[0]
    body = unverified_text.partition("\n\n")[0] + "\n"
    for signer, blob in signatures:
        if signer == name == log.host and blob[:4] == log.log_id[:4]:
            log.key.verify(blob[4:], body.encode(), code="tlog.checkpoint_signature", what="the log's checkpoint")
            return checkpoint
    raise Unproven("tlog.checkpoint_unsigned", f"the checkpoint of {checkpoint.origin[:80]!r} carries no signature by {log.host!r}")
