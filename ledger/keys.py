"""The portal's two private keys, as files of their own: P-256 for records, Ed25519 for the log's tree heads.

An existing file is never overwritten. Keys are not encrypted at rest here: who reads the file holds the key.
"""

from __future__ import annotations

import os
import secrets
from pathlib import Path

from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec, ed25519
from django.conf import settings

from ledger.log_state import EMPTY_STATE, write_log_state
from proofs.checkpoint import NoteKey, parse_note_key
from proofs.errors import Conflict, Unavailable


def create_portal_keys() -> list[Path]:
    """Create what is missing of the recorder's key, the log's key, its verifier key and the log's state; return what was created.

    Refuses with `log.renamed` as `refuse_renamed_log` does. Safe to run twice and safe to kill: a file appears whole or not at all.
    """
    created = []
    if _create(Path(settings.RECORDER_KEY_FILE), _pem(ec.generate_private_key(ec.SECP256R1()))):
        created.append(Path(settings.RECORDER_KEY_FILE))
    # The state goes first: a log key without a state would later read as a state that was taken away.
    if not Path(settings.LOG_KEY_FILE).exists() and not Path(settings.LOG_STATE_FILE).exists():
        write_log_state(Path(settings.LOG_STATE_FILE), EMPTY_STATE)
        created.append(Path(settings.LOG_STATE_FILE))
    if _create(Path(settings.LOG_KEY_FILE), _pem(ed25519.Ed25519PrivateKey.generate())):
        created.append(Path(settings.LOG_KEY_FILE))
    if _create(
        Path(settings.LOG_VKEY_FILE),
        f"{_note_key(load_log_key())}\n".encode(),
        mode=0o644,
    ):
        created.append(Path(settings.LOG_VKEY_FILE))
    refuse_renamed_log()
    return created


def load_recorder_key() -> ec.EllipticCurvePrivateKey:
    """Return the key that signs records. Refuses with `ledger.key_missing` when the file is absent or of another kind."""
    key = _load(Path(settings.RECORDER_KEY_FILE))
    if not isinstance(key, ec.EllipticCurvePrivateKey) or key.curve.name != "secp256r1":
        raise Unavailable("ledger.key_missing", f"{settings.RECORDER_KEY_FILE} holds no P-256 key")
    return key


def load_log_key() -> ed25519.Ed25519PrivateKey:
    """Return the key that signs tree heads. Refuses with `ledger.key_missing` when the file is absent or of another kind."""
    key = _load(Path(settings.LOG_KEY_FILE))
    if not isinstance(key, ed25519.Ed25519PrivateKey):
        raise Unavailable("ledger.key_missing", f"{settings.LOG_KEY_FILE} holds no Ed25519 key")
    return key


def log_verifier_key() -> str:
    """Return the log's verifier key text, `<origin>+<hash>+<base64>`. Refuses with `ledger.key_missing`."""
    try:
        return Path(settings.LOG_VKEY_FILE).read_text("utf-8").strip()
    except OSError as error:
        raise Unavailable(
            "ledger.key_missing",
            f"the log's verifier key {settings.LOG_VKEY_FILE} cannot be read: {error.strerror}",
        ) from error


def refuse_renamed_log() -> None:
    """Refuse with `log.renamed` when the settings give the log another name than its verifier key has; with `ledger.key_missing` without one.

    Whoever pinned the verifier key would take a checkpoint under another name for a stranger's.
    """
    name = parse_note_key(log_verifier_key()).origin
    if name != settings.LOG_ORIGIN:
        raise Conflict(
            "log.renamed",
            f"got the log's name {settings.LOG_ORIGIN!r}, expected {name!r}, as in {settings.LOG_VKEY_FILE}: a log keeps its name; "
            f"set COUNTERSIGN_LOG_ORIGIN={name}, or start at the address this portal had before",
        )


def _note_key(key: ed25519.Ed25519PrivateKey) -> NoteKey:
    return NoteKey(settings.LOG_ORIGIN, key.public_key().public_bytes_raw())


def _pem(key: ec.EllipticCurvePrivateKey | ed25519.Ed25519PrivateKey) -> bytes:
    return key.private_bytes(
        serialization.Encoding.PEM,
        serialization.PrivateFormat.PKCS8,
        serialization.NoEncryption(),
    )


def _load(path: Path) -> object:
    try:
        return serialization.load_pem_private_key(path.read_bytes(), password=None)
    except OSError as error:
        raise Unavailable(
            "ledger.key_missing",
            f"the key file {path} cannot be read: {error.strerror}; run bootstrap to create it",
        ) from error
    except (ValueError, TypeError) as error:
        raise Unavailable("ledger.key_missing", f"the key file {path} holds no private key in PEM") from error


def _create(path: Path, content: bytes, *, mode: int = 0o600) -> bool:
    if path.exists():
        return False
    path.parent.mkdir(parents=True, exist_ok=True)
    draft = path.with_name(f".{path.name}.{secrets.token_hex(8)}")
    descriptor = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, mode)
    try:
        with os.fdopen(descriptor, "wb") as stream:
            os.fchmod(descriptor, mode)  # The verifier key is for everybody, whatever the mask of who makes it.
            stream.write(content)
            stream.flush()
            os.fsync(stream.fileno())
        # A link, not a rename: of two processes that start together one wins, and neither replaces the other's key.
        os.link(draft, path)
    except FileExistsError:
        return False
    finally:
        draft.unlink(missing_ok=True)
    return True
