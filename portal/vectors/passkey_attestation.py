"""What an authenticator attests of a new passkey, by each registered format (WebAuthn level 3, section 8).

The statement must hold for this credential and this client data, and a chain of certificates must hold together. Whether its last
certificate is one that anybody trusts is not checked: no row names such roots.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from cryptography import x509
from fido2.attestation.android import AndroidSafetynetAttestation
from fido2.attestation.apple import AppleAttestation
from fido2.attestation.base import Attestation, InvalidAttestation, InvalidSignature, verify_x509_chain
from fido2.attestation.packed import PackedAttestation
from fido2.attestation.tpm import TpmAttestation
from fido2.webauthn import AuthenticatorData

from portal.vectors.android_key import check_android_key
from portal.vectors.passkey_keys import KNOWN, Passkey
from proofs.approval.attestation import check_u2f_statement
from proofs.errors import Malformed, Refusal, Unproven
from proofs.keys import PublicKey, bind_key

_CODE = "webauthn.attestation"


@dataclass(frozen=True, slots=True)
class Attested:
    """One attestation statement, unverified, with all that it is about."""

    statement: Mapping[Any, Any]
    authenticator_data: bytes
    client_data_hash: bytes
    credential_id: bytes
    passkey: Passkey

    @property
    def signed(self) -> bytes:
        """What most formats sign: authenticator data and the hash of the client data."""
        return self.authenticator_data + self.client_data_hash


def verify_attestation(form: object, attested: Attested) -> None:
    """Return when the statement holds by its format.

    Refuses with `webauthn.attestation_format` for a format that is not known, `webauthn.attestation` for a statement of another form
    or about another passkey, and `webauthn.signature`.
    """
    check = _FORMATS.get(form) if isinstance(form, str) else None
    if check is None:
        raise Unproven(
            "webauthn.attestation_format", f"got an attestation of the format {str(form)[:40]!r}, expected {', '.join(_FORMATS)}"
        )
    try:
        check(attested)
        chain = _chain(attested.statement)
        if len(chain) > 1:
            verify_x509_chain(chain)
    except Refusal:
        raise
    except InvalidSignature as error:
        raise Unproven("webauthn.signature", f"the {form} attestation does not verify") from error
    except InvalidAttestation as error:
        raise Unproven(_CODE, f"the {form} attestation does not hold ({str(error)[:200]})") from error
    except Exception as error:
        # The libraries read certificates and statements that anyone may have written, and raise whatever comes of it.
        raise Malformed(_CODE, f"got a {form} attestation that cannot be read ({type(error).__name__})") from error


def _check_none(attested: Attested) -> None:
    if attested.statement:
        raise Malformed(_CODE, "got a statement of the format none, expected an empty one")


def _check_u2f(attested: Attested) -> None:
    """The format of the first security keys (8.6): they signed a message of their own, with the key of exactly one certificate."""
    _demand(attested, "sig", "x5c")
    chain = _chain(attested.statement)
    if len(chain) != 1:
        raise Malformed(_CODE, f"got {len(chain)} certificates, expected exactly one")
    check_u2f_statement(
        key=attested.passkey.key,
        certificate_key=_leaf_key(attested),
        rp_id_hash=attested.authenticator_data[:32],
        client_data_hash=attested.client_data_hash,
        credential_id=attested.credential_id,
        signature=attested.statement["sig"],
    )


def _check_packed(attested: Attested) -> None:
    """8.2: signed by an attestation key under certificates, or by the new passkey itself."""
    _demand(attested, "sig")
    if "x5c" in attested.statement:
        _demand(attested, "x5c")
    _by_library(PackedAttestation, attested)


def _check_tpm(attested: Attested) -> None:
    """8.3."""
    _demand(attested, "sig", "x5c", "certInfo", "pubArea")
    if attested.statement.get("ver") != "2.0":
        raise Malformed(_CODE, f"got the version {str(attested.statement.get('ver'))[:20]!r} of TPM, expected 2.0")
    _by_library(TpmAttestation, attested)


def _check_safetynet(attested: Attested) -> None:
    """8.5: a signed answer of a service that no longer runs."""
    _by_library(AndroidSafetynetAttestation, attested)


def _check_apple(attested: Attested) -> None:
    """8.8: a certificate for the passkey's own key that holds the hash of what would be signed."""
    _demand(attested, "x5c")
    _by_library(AppleAttestation, attested, has_algorithm=False)
    _demand_own_key(attested)


def _check_android(attested: Attested) -> None:
    """8.4: signed with the passkey itself, under a certificate whose extension says how the key was made."""
    _demand(attested, "sig", "x5c")
    _demand_algorithm(attested)
    _demand_own_key(attested)
    attested.passkey.key.verify(attested.statement["sig"], attested.signed, code="webauthn.signature", what="the attestation")
    check_android_key(_leaf(attested), challenge=attested.client_data_hash)


_FORMATS: dict[str, Callable[[Attested], None]] = {
    "none": _check_none,
    "packed": _check_packed,
    "fido-u2f": _check_u2f,
    "tpm": _check_tpm,
    "android-key": _check_android,
    "android-safetynet": _check_safetynet,
    "apple": _check_apple,
}


def _by_library(kind: type[Attestation], attested: Attested, *, has_algorithm: bool = True) -> None:
    if has_algorithm and kind is not AndroidSafetynetAttestation:
        _demand_algorithm(attested)
    kind().verify(attested.statement, AuthenticatorData(attested.authenticator_data), attested.client_data_hash)


def _demand_algorithm(attested: Attested) -> None:
    number = attested.statement.get("alg")
    if type(number) is not int or number not in KNOWN:
        raise Unproven(
            _CODE, f"got an attestation by the COSE algorithm {str(number)[:20]}, expected one of {', '.join(map(str, sorted(KNOWN)))}"
        )


def _demand(attested: Attested, *names: str) -> None:
    for name in names:
        value = attested.statement.get(name)
        is_right = (
            isinstance(value, list) and value and all(isinstance(item, bytes) for item in value)
            if name == "x5c"
            else isinstance(value, bytes)
        )
        if not is_right:
            raise Malformed(_CODE, f"got an attestation without {name}, or with one of another type")


def _demand_own_key(attested: Attested) -> None:
    if _leaf_key(attested).spki != attested.passkey.key.spki:
        raise Unproven(_CODE, "the certificate of the attestation is for another key than the new passkey's")


def _chain(statement: Mapping[Any, Any]) -> list[bytes]:
    found = statement.get("x5c", [])
    return found if isinstance(found, list) else []


def _leaf(attested: Attested) -> x509.Certificate:
    return x509.load_der_x509_certificate(_chain(attested.statement)[0])


def _leaf_key(attested: Attested) -> PublicKey:
    return bind_key(_leaf(attested).public_key())
