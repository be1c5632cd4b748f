"""SSHSIG: the challenge a passkey signs, and its assertion written so that stock `ssh-keygen -Y verify` reads it.

The challenge is the SSHSIG signed-data blob over a message (PROTOCOL.sshsig), so an ES256 assertion becomes an OpenSSH
signature of type `webauthn-sk-ecdsa-sha2-nistp256@openssh.com` without any secret. OpenSSH checks neither user presence,
user verification nor origin; `proofs.approval.passkey` does.
"""

from __future__ import annotations

import base64
import hashlib
import struct
from datetime import UTC, datetime
from urllib.parse import quote, urlsplit

from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.utils import decode_dss_signature
from cryptography.hazmat.primitives.serialization import load_der_public_key

from proofs.encoding import b64url_encode
from proofs.errors import Malformed
from proofs.keys import PublicKey

NAMESPACE = "human-approval@countersign"

_HASH = "sha512"
_KEY_TYPE = b"sk-ecdsa-sha2-nistp256@openssh.com"
_SIGNATURE_TYPE = b"webauthn-sk-ecdsa-sha2-nistp256@openssh.com"
_BEGIN, _END = "-----BEGIN SSH SIGNATURE-----", "-----END SSH SIGNATURE-----"
_P256 = "ecdsa-secp256r1-sha256"


def sshsig_message(namespace: str, message: bytes) -> bytes:
    """Return the bytes an SSHSIG signature covers: preamble, namespace, reserved, hash name, SHA-512 of `message`."""
    digest = hashlib.sha512(message).digest()
    return b"SSHSIG" + _string(namespace.encode()) + _string(b"") + _string(_HASH.encode()) + _string(digest)


def sshsig_armor(
    *,
    key: PublicKey,
    rp_id: str,
    origin: str,
    namespace: str,
    message: bytes,
    authenticator_data: bytes,
    client_data_json: bytes,
    signature: bytes,
) -> str | None:
    """Return the armored OpenSSH signature made of a verified assertion, or None where OpenSSH has no form for it.

    None for keys other than P-256 and for client data whose first members are not in the order OpenSSH rebuilds. Give it
    only what `verify_assertion` has accepted; nothing is verified here.
    """
    beginning = f'{{"type":"webauthn.get","challenge":"{b64url_encode(sshsig_message(namespace, message))}","origin":"{origin}"'
    if key.algorithm != _P256 or '"' in origin or not client_data_json.startswith(beginning.encode()):
        return None
    r, s = decode_dss_signature(signature)
    flags, counter, extensions = authenticator_data[32], authenticator_data[33:37], authenticator_data[37:]
    inner = _string(_SIGNATURE_TYPE) + _string(_integer(r) + _integer(s)) + bytes([flags]) + counter
    inner += _string(origin.encode()) + _string(client_data_json) + _string(extensions)
    blob = b"SSHSIG" + struct.pack(">I", 1) + _string(public_blob(key, rp_id)) + _string(namespace.encode())
    blob += _string(b"") + _string(_HASH.encode()) + _string(inner)
    encoded = base64.b64encode(blob).decode()
    lines = [encoded[start : start + 70] for start in range(0, len(encoded), 70)]
    return "\n".join([_BEGIN, *lines, _END, ""])


def allowed_signers_line(
    *, principal: str, key: PublicKey, rp_id: str, valid_after: datetime, valid_before: datetime | None = None, namespace: str = NAMESPACE
) -> str | None:
    """Return the line of an OpenSSH allowed_signers file for a P-256 passkey, newline included; None for other keys."""
    if key.algorithm != _P256:
        return None
    options = [f'namespaces="{namespace}"', f'valid-after="{_ssh_time(valid_after)}"']
    if valid_before is not None:
        options.append(f'valid-before="{_ssh_time(valid_before)}"')
    public = base64.b64encode(public_blob(key, rp_id)).decode()
    return f"{principal} {','.join(options)} {_KEY_TYPE.decode()} {public}\n"


def principal_of(issuer: str, subject: str) -> str:
    """Return the name of a person in an allowed_signers file: `subject@host of the issuer`, anything unusual percent-encoded.

    Refuses with `signer.issuer_malformed` for an issuer that begins like an address and is none.
    """
    try:
        host = urlsplit(issuer).netloc or issuer
    except ValueError as error:
        raise Malformed("signer.issuer_malformed", f"got the issuer {issuer[:80]!r}, expected an address or a plain name") from error
    return f"{quote(subject, safe='._-+=:')}@{quote(host, safe='._-:')}"


def public_blob(key: PublicKey, rp_id: str) -> bytes:
    """Return a P-256 passkey as OpenSSH writes public keys; refuses with `key.unsupported` for any other."""
    loaded = load_der_public_key(key.spki)
    if not isinstance(loaded, ec.EllipticCurvePublicKey):
        raise Malformed("key.unsupported", f"got a key for {key.algorithm}, expected P-256, the only kind OpenSSH has a form for")
    numbers = loaded.public_numbers()
    point = b"\x04" + numbers.x.to_bytes(32, "big") + numbers.y.to_bytes(32, "big")
    return _string(_KEY_TYPE) + _string(b"nistp256") + _string(point) + _string(rp_id.encode())


def _string(data: bytes) -> bytes:
    return struct.pack(">I", len(data)) + data


def _integer(value: int) -> bytes:
    return _string(value.to_bytes(value.bit_length() // 8 + 1, "big"))


def _ssh_time(moment: datetime) -> str:
    return moment.astimezone(UTC).strftime("%Y%m%d%H%M%SZ")
