"""What the portal's recorder key signed, read by whoever trusts that key: the payload of the envelope, once the signature holds."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from proofs.dsse import IN_TOTO_PAYLOAD_TYPE, parse_envelope
from proofs.errors import Unproven
from proofs.keys import PublicKey


def read_recorder_word(unverified: bytes | dict[str, Any], *, keys: Iterable[PublicKey], code: str, what: str) -> bytes:
    """Return the in-toto payload of a DSSE envelope that bears one signature, by one of `keys`.

    Refuses with `code` where it does not, and as `parse_envelope` does. `what` names it in the sentence. Does not look at the payload.
    """
    envelope = parse_envelope(unverified)
    if len(envelope.signatures) != 1 or envelope.payload_type != IN_TOTO_PAYLOAD_TYPE:
        raise Unproven(code, f"expected one signature of the portal's recorder key over an in-toto statement in {what}")
    known = {key.key_id: key for key in keys}
    key = known.get(envelope.signatures[0].key_hint)
    if key is None:
        raise Unproven(code, f"{what} is signed by no recorder key of the portal that you trust")
    key.verify(envelope.signatures[0].signature, envelope.signed_bytes, code=code, what=what)
    return envelope.payload
