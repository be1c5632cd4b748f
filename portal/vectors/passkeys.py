"""Rows about passkeys: a registration and an assertion, each under the policy its row names (WebAuthn level 3, sections 7.1 and 7.2).

Whose passkey it is nobody asks here. Frames are left to the row: approvals refuse them always.
"""

from __future__ import annotations

import hashlib
from datetime import datetime
from typing import Any

from portal.vectors.check_row import demand_inputs, read_input
from portal.vectors.manifest import VERIFIED, Outcome, Row
from portal.vectors.passkey_attestation import Attested, verify_attestation
from portal.vectors.passkey_keys import load_passkey
from proofs.approval.attested_credential import read_attested_credential
from proofs.approval.cose import parse_cbor
from proofs.approval.passkey import BE, BS, UP, UV, AssertionPolicy, verify_assertion
from proofs.canonical import parse_json
from proofs.encoding import b64url_decode, b64url_encode
from proofs.errors import Malformed, Unproven

_CODE = "webauthn.malformed"


def judge_assertion(row: Row, now: datetime) -> Outcome:
    """A passkey's assertion."""
    demand_inputs(row, "challenge", "origin", "rp_id", "credential_public_key")
    inputs = row.inputs
    challenge = read_input(lambda: _bytes(inputs["challenge"]), "the challenge")
    passkey = read_input(lambda: load_passkey(_bytes(inputs["credential_public_key"])), "the passkey's public key")
    read = _read_file(row)
    credential = _credential(read, _ceremony(row, "authentication"))
    response = credential["response"]
    _refuse_other_credential(read, credential)
    authenticator_data, raw = _bytes(response.get("authenticatorData")), _bytes(response.get("clientDataJSON"))
    if response.get("userHandle") is not None:
        _bytes(response["userHandle"])
    verified = verify_assertion(
        challenge=challenge,
        authenticator_data=authenticator_data,
        client_data_json=raw,
        signature=_bytes(response.get("signature")),
        key=passkey.for_assertions,
        policy=AssertionPolicy(
            rp_id=inputs["rp_id"],
            origins=(inputs["origin"],),
            require_user_verification=inputs.get("require_user_verification", False),
            allow_cross_origin=inputs.get("allow_cross_origin", True),
            refuse_counter_regression=True,
        ),
        stored_sign_count=inputs.get("sign_count", 0),
    )
    client_data = parse_json(raw)
    _check_frame(client_data, inputs)
    facts = {
        "credential_id": credential["id"],
        "cose_algorithm": passkey.algorithm,
        "client_data": client_data,
        **_flags(authenticator_data),
        "sign_count": verified.sign_count,
    }
    return Outcome(VERIFIED, "evidence.verified", "The passkey signed the challenge.", facts)


def judge_registration(row: Row, now: datetime) -> Outcome:
    """A passkey's registration: challenge, origin, relying party, a key we can use, and an attestation that holds."""
    demand_inputs(row, "challenge", "origin", "rp_id")
    inputs = row.inputs
    challenge = read_input(lambda: _bytes(inputs["challenge"]), "the challenge")
    credential = _credential(_read_file(row), _ceremony(row, "registration"))
    raw = _bytes(credential["response"].get("clientDataJSON"))
    client_data = _check_client_data(raw, challenge, inputs)
    attested = parse_cbor(_bytes(credential["response"].get("attestationObject")), code=_CODE)
    data = attested.get("authData") if isinstance(attested, dict) else None
    if not isinstance(attested, dict) or not isinstance(data, bytes):
        raise Malformed(_CODE, "got an attestation object without authenticator data")
    made = read_attested_credential(data, code=_CODE)
    _check_flags(data, inputs)
    if made.credential_id != _bytes(credential["id"]):
        raise Malformed(_CODE, "got a registration of another credential than the one it names")
    passkey, statement = load_passkey(made.cose_key), attested.get("attStmt")
    if not isinstance(statement, dict):
        raise Malformed(_CODE, "got an attestation object without a statement")
    verify_attestation(attested.get("fmt"), Attested(statement, data, hashlib.sha256(raw).digest(), made.credential_id, passkey))
    facts = {
        "credential_id": credential["id"],
        "cose_algorithm": passkey.algorithm,
        "client_data": client_data,
        **_flags(data),
        "sign_count": int.from_bytes(data[33:37], "big"),
        "attestation_format": attested["fmt"],
        "aaguid": made.aaguid.hex(),
    }
    return Outcome(VERIFIED, "evidence.verified", "The registration is for this challenge and place.", facts)


def _check_client_data(raw: bytes, challenge: bytes, inputs: dict[str, Any]) -> dict[str, Any]:
    client_data = parse_json(raw)
    if not isinstance(client_data, dict):
        raise Malformed(_CODE, "got client data that is no object")
    for name, wanted, code in (
        ("type", "webauthn.create", "webauthn.type"),
        ("challenge", b64url_encode(challenge), "webauthn.challenge"),
        ("origin", inputs["origin"], "webauthn.origin"),
    ):
        if client_data.get(name) != wanted:
            raise Unproven(code, f"got {name} {str(client_data.get(name))[:120]!r}, expected {wanted!r}")
    if not isinstance(client_data.get("crossOrigin", False), bool):
        raise Malformed(_CODE, "got a crossOrigin that is neither true nor false")
    if not inputs.get("allow_cross_origin", True) and (client_data.get("crossOrigin") or "topOrigin" in client_data):
        raise Unproven("webauthn.cross_origin", "the passkey was made inside somebody else's page")
    _check_frame(client_data, inputs)
    return client_data


def _check_frame(client_data: Any, inputs: dict[str, Any]) -> None:
    """Hold the page around the page against the row, where it names one."""
    top = client_data.get("topOrigin")
    if "topOrigin" in client_data and not isinstance(top, str):
        raise Malformed(_CODE, "got a topOrigin that is no text")
    if "top_origin" in inputs and top != inputs["top_origin"]:
        raise Unproven("webauthn.cross_origin", f"got the top origin {str(top)[:120]!r}, expected {inputs['top_origin']!r}")


def _check_flags(data: bytes, inputs: dict[str, Any]) -> None:
    flags = data[32]
    if data[:32] != hashlib.sha256(inputs["rp_id"].encode()).digest():
        raise Unproven("webauthn.rp_id", "the passkey was made for another relying party")
    if not flags & UP:
        raise Unproven("webauthn.no_user_presence", "the authenticator did not ask for a touch, expected the person to be present")
    if inputs.get("require_user_verification") and not flags & UV:
        raise Unproven("webauthn.no_user_verification", "the authenticator did not verify the person, expected that it did")
    if flags & BS and not flags & BE:
        raise Malformed(_CODE, "got a passkey that is backed up and cannot be")


def _flags(data: bytes) -> dict[str, bool]:
    names = {"user_present": UP, "user_verified": UV, "backup_eligible": BE, "backed_up": BS}
    return {name: bool(data[32] & flag) for name, flag in names.items()}


def _read_file(row: Row) -> dict[str, Any]:
    value = parse_json(row.read("evidence"))
    if not isinstance(value, dict):
        raise Malformed(_CODE, f"got a file that is {type(value).__name__}, expected an object with the ceremonies")
    return value


def _ceremony(row: Row, name: str) -> str:
    # The format of a row says which it is; a row may say it again.
    if row.inputs.get("ceremony", name) != name:
        raise Malformed("vectors.input", f"got the ceremony {row.inputs['ceremony']!r}, expected {name} in a row of this format")
    return name


def _credential(read: dict[str, Any], name: str) -> dict[str, Any]:
    """Return the credential of a ceremony as a browser writes it in JSON: its id twice, its type, a response; else `webauthn.malformed`."""
    ceremony = read.get(name)
    credential = ceremony.get("credential") if isinstance(ceremony, dict) else None
    if not isinstance(credential, dict) or not isinstance(credential.get("response"), dict):
        raise Malformed(_CODE, f"got no {name} with a credential and its response in the file")
    if credential.get("type") != "public-key":
        raise Malformed(_CODE, f"got a credential of type {str(credential.get('type'))[:40]!r}, expected public-key")
    if not _bytes(credential.get("id")) or credential.get("rawId") != credential["id"]:
        raise Malformed(_CODE, f"got the raw id {str(credential.get('rawId'))[:40]!r} beside the id {str(credential['id'])[:40]!r}")
    if not isinstance(credential.get("clientExtensionResults", {}), dict):
        raise Malformed(_CODE, "got results of extensions that are no object")
    return credential


def _refuse_other_credential(read: dict[str, Any], credential: dict[str, Any]) -> None:
    """A file that holds the registration as well says whose key the row gives; an assertion by another credential is none of that key."""
    if "registration" in read and _credential(read, "registration")["id"] != credential["id"]:
        raise Unproven(
            "webauthn.credential", f"got an assertion by {credential['id'][:40]!r}, which is not the credential that was registered"
        )


def _bytes(text: object) -> bytes:
    return b64url_decode(text, code=_CODE, what="a field of the ceremony")
