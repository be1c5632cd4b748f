"""What an authenticator attests of itself when it makes a key (WebAuthn level 3, sections 8.2 and 8.6), checked down to a trusted root.

An attestation says which model made the key and that the key never leaves it. The steps, first failure refuses:

1. The enrolment names an attestation, and the document is the one it names.             attestation.missing, .digest, .malformed
2. It was made at the creation of exactly this key, for this site, person verified.      attestation.other_key
3. It names the model and the format that the enrolment names.                           attestation.model
4. The format is one whose statement a certificate vouches for: packed or fido-u2f.      attestation.format
5. The certificate's key signed it, and the certificate is one for attestations of       webauthn.signature, webauthn.attestation
   this model; in fido-u2f no model is signed, so it names none (all zeros).
6. Its chain leads to one of the given roots, every certificate valid then.              attestation.untrusted
7. The key cannot be backed up.                                                          attestation.synced
8. The model is on the given list.                                                       attestation.unlisted

Not checked: whether the maker has withdrawn the model or the certificate; the list is the reader's to keep.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from cryptography import x509
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import load_der_public_key

from proofs.approval.attested_credential import AttestedCredential, read_attested_credential
from proofs.approval.cose import cose_algorithm, load_cose_key, parse_cbor
from proofs.approval.enrollment import Enrollment
from proofs.approval.passkey import BE, UP, UV
from proofs.canonical import canonical_bytes, parse_canonical, parse_json
from proofs.digest import sha256_hex
from proofs.encoding import b64url_encode
from proofs.errors import Malformed, Refusal, Unproven
from proofs.fields import Fields
from proofs.keys import PublicKey, bind_key

MAX_CHAIN = 6
MAX_DOCUMENT_BYTES = 64 * 1024

_MALFORMED, _FORM = "attestation.malformed", "webauthn.attestation"
_NO_MODEL = "00000000-0000-0000-0000-000000000000"
_P256 = "ecdsa-secp256r1-sha256"
_MODEL_EXTENSION = x509.ObjectIdentifier("1.3.6.1.4.1.45724.1.1.4")


@dataclass(frozen=True, slots=True)
class VerifiedAttestation:
    """A key's authenticator, verified; made only by `verify_attestation`. `root` is the SHA-256 (hex) of the trusted certificate."""

    model: str
    format: str
    root: str


@dataclass(frozen=True, slots=True)
class _Opened:
    """The parts of a kept attestation, unverified but for their form."""

    statement: dict[Any, Any]
    format: str
    authenticator_data: bytes
    client_data_json: bytes
    credential: AttestedCredential

    @property
    def client_data_hash(self) -> bytes:
        return hashlib.sha256(self.client_data_json).digest()


def attestation_document(*, attestation_object: bytes, client_data_json: bytes) -> bytes:
    """Return what is kept of an attestation, canonical JSON: both parts, because the statement covers the hash of the client data."""
    return canonical_bytes({"attestationObject": b64url_encode(attestation_object), "clientDataJSON": b64url_encode(client_data_json)})


def verify_attestation(
    *, enrollment: Enrollment, document: bytes, roots: Sequence[x509.Certificate], models: Collection[str], at: datetime
) -> VerifiedAttestation:
    """Return which authenticator made the key of `enrollment` when steps 1 to 8 hold at `at`; refuses with the codes above.

    `models` are AAGUIDs as 36 lowercase characters. A root may also be the attestation certificate itself, as makers publish some.
    """
    named = enrollment.attestation
    if named is None:  # 1.
        raise Unproven("attestation.missing", "the enrolment names no attestation: which authenticator made the key is not known")
    if sha256_hex(document) != named.digest:
        raise Unproven("attestation.digest", "got another attestation than the one the enrolment names")
    opened = _open(document)
    _demand_same_key(opened, enrollment)  # 2.
    if (opened.credential.model, opened.format) != (named.aaguid, named.format):  # 3.
        raise Unproven("attestation.model", f"the attestation is of {opened.credential.model}, the enrolment names {named.aaguid}")
    check = _FORMATS.get(opened.format)
    if check is None:  # 4.
        raise Unproven("attestation.format", f"got the format {opened.format}, expected {' or '.join(_FORMATS)} with a certificate")
    try:
        chain = _chain(opened.statement)
        check(opened, chain, enrollment.key)  # 5.
        root = _demand_root(chain, roots, at)  # 6.
    except Refusal:
        raise
    except Exception as error:
        # The library reads certificates that anyone may have written, and raises whatever comes of it.
        raise Malformed(_MALFORMED, f"got certificates that cannot be read ({type(error).__name__})") from error
    if enrollment.backup_eligible or opened.authenticator_data[32] & BE:  # 7.
        raise Unproven("attestation.synced", "the key can be backed up, so it may leave the authenticator that attests it")
    if named.aaguid not in models:  # 8.
        raise Unproven("attestation.unlisted", f"the authenticator is a {named.aaguid}, a model that is not on the list")
    return VerifiedAttestation(named.aaguid, opened.format, sha256_hex(root.public_bytes(serialization.Encoding.DER)))


def check_u2f_statement(
    *, key: PublicKey, certificate_key: PublicKey, rp_id_hash: bytes, client_data_hash: bytes, credential_id: bytes, signature: bytes
) -> None:
    """Return when a security key of the first kind signed for this new key (8.6), in a message of its own form.

    Refuses with `webauthn.attestation` for keys other than P-256 and with `webauthn.signature`.
    """
    loaded = load_der_public_key(key.spki)
    if certificate_key.algorithm != _P256 or key.algorithm != _P256 or not isinstance(loaded, ec.EllipticCurvePublicKey):
        raise Unproven(_FORM, "got a certificate or a passkey for another kind of key than P-256")
    point = loaded.public_bytes(serialization.Encoding.X962, serialization.PublicFormat.UncompressedPoint)
    message = b"\x00" + rp_id_hash + client_data_hash + credential_id + point
    certificate_key.verify(signature, message, code="webauthn.signature", what="the attestation")


def _open(document: bytes) -> _Opened:
    if len(document) > MAX_DOCUMENT_BYTES:
        raise Malformed(_MALFORMED, f"got {len(document)} bytes, expected an attestation of at most {MAX_DOCUMENT_BYTES}")
    try:
        item = Fields(parse_canonical(document), path="attestation", code=_MALFORMED).only("attestationObject", "clientDataJSON")
    except Refusal as error:
        raise Malformed(_MALFORMED, f"the attestation cannot be read: {error.reason}") from error
    made, client_data_json = parse_cbor(item.base64url("attestationObject"), code=_MALFORMED), item.base64url("clientDataJSON")
    if not isinstance(made, dict):
        raise Malformed(_MALFORMED, "got an attestation object that is no map")
    data, statement, form = made.get("authData"), made.get("attStmt"), made.get("fmt")
    if not isinstance(data, bytes) or not isinstance(statement, dict) or not isinstance(form, str):
        raise Malformed(_MALFORMED, "got an attestation object without authenticator data, statement and format")
    return _Opened(statement, form, data, client_data_json, read_attested_credential(data, code=_MALFORMED))


def _demand_same_key(opened: _Opened, enrollment: Enrollment) -> None:
    try:
        client_data = parse_json(opened.client_data_json)
    except Refusal as error:
        raise Malformed(_MALFORMED, f"the client data cannot be read: {error.reason}") from error
    flags, is_creation = opened.authenticator_data[32], isinstance(client_data, dict) and client_data.get("type") == "webauthn.create"
    is_this = (
        is_creation
        and opened.authenticator_data[:32] == hashlib.sha256(enrollment.rp_id.encode()).digest()
        and opened.credential.credential_id == enrollment.credential_id
        and load_cose_key(opened.credential.cose_key).spki == enrollment.key.spki
        and bool(flags & BE) == enrollment.backup_eligible
    )
    if not is_this or not flags & UP or not flags & UV:
        raise Unproven(
            "attestation.other_key", "the attestation is not of the creation of this key, at this site, with the person verified"
        )


def _chain(statement: dict[Any, Any]) -> list[x509.Certificate]:
    found = statement.get("x5c")
    if not isinstance(found, list) or not 1 <= len(found) <= MAX_CHAIN or not all(isinstance(item, bytes) for item in found):
        # An authenticator may sign with the new key itself; then nobody but the key vouches for the key.
        raise Unproven("attestation.format", f"got an attestation without certificates, expected 1 to {MAX_CHAIN}")
    return [x509.load_der_x509_certificate(item) for item in found]


def _check_packed(opened: _Opened, chain: Sequence[x509.Certificate], _: PublicKey) -> None:
    key, signature = bind_key(chain[0].public_key()), opened.statement.get("sig")
    if opened.statement.get("alg") != cose_algorithm(key) or not isinstance(signature, bytes):
        raise Unproven(_FORM, "got a statement without a signature by the algorithm of its certificate's key")
    key.verify(signature, opened.authenticator_data + opened.client_data_hash, code="webauthn.signature", what="the attestation")
    _demand_attestation_certificate(chain[0], opened.credential)


def _demand_attestation_certificate(certificate: x509.Certificate, credential: AttestedCredential) -> None:
    """8.2.1: version 3, no authority, the unit that names it, and the model, where it is stated, not marked critical."""
    units = [item.value for item in certificate.subject.get_attributes_for_oid(x509.NameOID.ORGANIZATIONAL_UNIT_NAME)]
    if certificate.version is not x509.Version.v3 or units != ["Authenticator Attestation"]:
        raise Unproven(_FORM, "got a certificate of another kind, expected one of version 3 for the unit Authenticator Attestation")
    try:
        extensions = certificate.extensions
        if extensions.get_extension_for_class(x509.BasicConstraints).value.ca:
            raise Unproven(_FORM, "got the certificate of an authority, expected one for attestations")
        stated = extensions.get_extension_for_oid(_MODEL_EXTENSION)
    except x509.ExtensionNotFound as error:
        if error.oid != _MODEL_EXTENSION:
            raise Unproven(_FORM, "got a certificate that does not say whether it is an authority's") from error
        return
    if stated.critical or stated.value.public_bytes() != b"\x04\x10" + credential.aaguid:
        raise Unproven(_FORM, "the certificate is for another model of authenticator than the one that made the key")


def _check_u2f(opened: _Opened, chain: Sequence[x509.Certificate], key: PublicKey) -> None:
    signature = opened.statement.get("sig")
    if len(chain) != 1 or not isinstance(signature, bytes):
        raise Unproven(_FORM, f"got {len(chain)} certificates and a signature of {type(signature).__name__}, expected one of each")
    if any(opened.credential.aaguid):
        # What is signed in this format leaves the model out, so any other than the one that names none could be written beside it.
        raise Unproven(_FORM, f"got the model {opened.credential.model} in fido-u2f, which signs none, expected {_NO_MODEL}")
    check_u2f_statement(
        key=key,
        certificate_key=bind_key(chain[0].public_key()),
        rp_id_hash=opened.authenticator_data[:32],
        client_data_hash=opened.client_data_hash,
        credential_id=opened.credential.credential_id,
        signature=signature,
    )


_FORMATS: dict[str, Callable[[_Opened, Sequence[x509.Certificate], PublicKey], None]] = {"packed": _check_packed, "fido-u2f": _check_u2f}


def _demand_root(chain: Sequence[x509.Certificate], roots: Sequence[x509.Certificate], at: datetime) -> x509.Certificate:
    """Return the trusted root that the chain leads to. Every certificate must be valid at `at` and issued by the next, authorities all of them."""
    for position, certificate in enumerate(chain):
        if not certificate.not_valid_before_utc <= at <= certificate.not_valid_after_utc:
            raise Unproven("attestation.untrusted", "a certificate of the attestation was not valid when the key was enrolled")
        for root in roots:
            if certificate == root or (
                root.not_valid_before_utc <= at <= root.not_valid_after_utc and _issued(certificate, root, position)
            ):
                return root
        if position + 1 == len(chain) or not _issued(certificate, chain[position + 1], position):
            break
    raise Unproven("attestation.untrusted", "the certificate of the attestation leads to none of the roots that are trusted for it")


def _issued(certificate: x509.Certificate, issuer: x509.Certificate, below: int) -> bool:
    """Return whether `issuer`, an authority that may have `below` others under it, issued `certificate`."""
    try:
        constraints = issuer.extensions.get_extension_for_class(x509.BasicConstraints).value
        if not constraints.ca or (constraints.path_length is not None and constraints.path_length < below):
            return False
        usage = [item.value for item in issuer.extensions if isinstance(item.value, x509.KeyUsage)]
        if any(not item.key_cert_sign for item in usage):
            return False
        certificate.verify_directly_issued_by(issuer)
    except (ValueError, TypeError, InvalidSignature, x509.ExtensionNotFound):
        return False
    return True
