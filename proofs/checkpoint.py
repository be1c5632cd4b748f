"""Signed tree heads: C2SP signed notes and checkpoints (signed-note 1.0, tlog-checkpoint 1.0), with an Ed25519 key.

The key of a log is written as a verifier key, `<origin>+<hash>+<base64(0x01 || key)>`. Cosignatures by others are carried
along and not judged here.
"""

from __future__ import annotations

import base64
import hashlib
from dataclasses import dataclass

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric import ed25519

from proofs.encoding import b64_decode, b64_encode
from proofs.errors import Malformed, TooLarge, Unproven

ED25519_NOTE = 1
MAX_SIGNATURE_LINES = 64
MAX_NOTE_LINES = 128
_DASH = "\N{EM DASH} "


@dataclass(frozen=True, slots=True)
class NoteKey:
    """The public half of a log's key: `origin` names the log, `hint` is the first four bytes of its C2SP key id."""

    origin: str
    public_key: bytes

    @property
    def key_id(self) -> bytes:
        """The 32-byte key id of C2SP signed-note: SHA-256 over name, type and key."""
        return hashlib.sha256(self.origin.encode() + b"\n" + bytes([ED25519_NOTE]) + self.public_key).digest()

    @property
    def hint(self) -> bytes:
        """The four bytes that stand before a signature. They choose a candidate and prove nothing."""
        return self.key_id[:4]

    def __str__(self) -> str:
        return f"{self.origin}+{self.hint.hex()}+{b64_encode(bytes([ED25519_NOTE]) + self.public_key)}"


@dataclass(frozen=True, slots=True)
class Checkpoint:
    """A tree head: the log's origin, the number of leaves and the 32-byte root."""

    origin: str
    size: int
    root: bytes

    @property
    def note(self) -> str:
        """The text that is signed (C2SP tlog-checkpoint), without signatures."""
        return f"{self.origin}\n{self.size}\n{b64_encode(self.root)}\n"


def parse_note_key(unverified_text: str) -> NoteKey:
    """Parse a verifier key. Refuses with `log.key_malformed` when the text, its hash or its type is wrong."""
    parts = unverified_text.strip().split("+", 2)
    if len(parts) != 3:
        raise Malformed("log.key_malformed", "got a verifier key without three parts, expected origin+hash+key")
    raw = b64_decode(parts[2], code="log.key_malformed", what="the verifier key")
    if len(raw) != 33 or raw[0] != ED25519_NOTE:
        raise Malformed("log.key_malformed", "got a verifier key of another type, expected Ed25519")
    key = NoteKey(parts[0], raw[1:])
    if key.hint.hex() != parts[1]:
        raise Malformed("log.key_malformed", f"got key hash {parts[1][:20]!r}, expected {key.hint.hex()}")
    return key


def sign_checkpoint(checkpoint: Checkpoint, private_key: ed25519.Ed25519PrivateKey) -> str:
    """Return the signed note of `checkpoint`, signed as its origin."""
    key = NoteKey(checkpoint.origin, private_key.public_key().public_bytes_raw())
    blob = base64.b64encode(key.hint + private_key.sign(checkpoint.note.encode())).decode()
    return f"{checkpoint.note}\n{_DASH}{checkpoint.origin} {blob}\n"


def parse_checkpoint(unverified_text: str) -> tuple[Checkpoint, list[tuple[str, bytes]]]:
    """Split a signed note into its tree head and its signature lines (name, bytes after base64).

    Refuses with `log.checkpoint_malformed` or `log.checkpoint_too_large`. Verifies no signature.
    """
    if unverified_text.count("\n") > MAX_NOTE_LINES:
        raise TooLarge("log.checkpoint_too_large", f"got {unverified_text.count(chr(10))} lines, expected at most {MAX_NOTE_LINES}")
    body, separator, tail = unverified_text.partition("\n\n")
    lines = body.split("\n")
    if not separator or not tail.endswith("\n") or "\n\n" in tail or len(lines) < 3 or not lines[0]:
        raise Malformed("log.checkpoint_malformed", "got text that is not a signed note, expected origin, size, root and signature lines")
    size_text = lines[1]
    if not (size_text.isascii() and size_text.isdigit()) or (size_text != "0" and size_text[0] == "0") or len(size_text) > 19:
        raise Malformed("log.checkpoint_malformed", f"got tree size {size_text[:30]!r}, expected a decimal number")
    root = b64_decode(lines[2], code="log.checkpoint_malformed", what="the root hash")
    if len(root) != 32:
        raise Malformed("log.checkpoint_malformed", f"got a root of {len(root)} bytes, expected 32")
    signature_lines = tail[:-1].split("\n")
    if len(signature_lines) > MAX_SIGNATURE_LINES:
        raise TooLarge("log.checkpoint_too_large", f"got {len(signature_lines)} signature lines, expected at most {MAX_SIGNATURE_LINES}")
    return Checkpoint(lines[0], int(size_text), root), [_parse_signature_line(line) for line in signature_lines]


def verify_checkpoint(unverified_text: str, key: NoteKey) -> Checkpoint:
    """Return the tree head when `key` signed it under its own origin.

    Refuses with `log.origin`, `log.unsigned`, `log.bad_signature` or as `parse_checkpoint` does. Ignores other signers.
    """
    checkpoint, signatures = parse_checkpoint(unverified_text)
    if checkpoint.origin != key.origin:
        raise Unproven("log.origin", f"got a checkpoint of {checkpoint.origin[:80]!r}, expected {key.origin!r}")
    body = unverified_text.partition("\n\n")[0] + "\n"
    for name, blob in signatures:
        if name != key.origin or blob[:4] != key.hint:
            continue
        try:
            ed25519.Ed25519PublicKey.from_public_bytes(key.public_key).verify(blob[4:], body.encode())
        except InvalidSignature as error:
            raise Unproven("log.bad_signature", "the checkpoint's signature does not verify with the log's key") from error
        return checkpoint
    raise Unproven("log.unsigned", f"the checkpoint carries no signature by {key.origin!r}")


def _parse_signature_line(line: str) -> tuple[str, bytes]:
    name, _, encoded = line.removeprefix(_DASH).partition(" ")
    blob = b64_decode(encoded, code="log.checkpoint_malformed", what="a signature line")
    if not line.startswith(_DASH) or not name or len(blob) <= 4:
        raise Malformed("log.checkpoint_malformed", "got a signature line of another form, expected dash, name and base64")
    return name, blob
