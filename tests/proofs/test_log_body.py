"""Step 9 from the inside: each thing a log entry's body may name otherwise, in bodies that the log really took in."""

from __future__ import annotations

import base64
import json
from collections.abc import Callable
from typing import Any

import pytest
from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding

from proofs.canonical import canonical_bytes
from proofs.dsse import Envelope
from proofs.errors import Unproven
from proofs.keys import load_spki
from proofs.sigstore.bundle_shape import parse_bundle
from proofs.sigstore.log_body import armours_of, verify_body_binding
from tests.proofs.factory import NOON, STATEMENT, WORKLOAD
from tests.proofs.formats import KINDS, Formats, b64

FORMATS = Formats(NOON)
KEY = load_spki(FORMATS.spki())


def refusal(name: str, change: Callable[[dict[str, Any]], object]) -> str:
    """Return the reason of the refusal when the body of an honest bundle of this kind is changed."""
    parsed = parse_bundle(json.loads(FORMATS.make(KINDS[name], STATEMENT, WORKLOAD, NOON)))
    assert parsed.entry is not None
    armoured = () if parsed.certificate is None else armours_of(parsed.certificate)
    reasons = set()
    for at_hand in ((), armoured):
        body = json.loads(parsed.entry.body)
        signed_by = {"content": parsed.content, "certificate": parsed.certificate, "key": KEY, "armoured": at_hand}
        verify_body_binding(parsed.entry.kind, canonical_bytes(body), **signed_by)
        change(body)
        with pytest.raises(Unproven) as refused:
            verify_body_binding(parsed.entry.kind, canonical_bytes(body), **signed_by)
        assert refused.value.code == "tlog.entry_mismatch"
        reasons.add(refused.value.reason)
    (reason,) = reasons
    return reason


def intoto(body: dict[str, Any]) -> dict[str, Any]:
    found: dict[str, Any] = body["spec"]["content"]["envelope"]
    return found


def v2(body: dict[str, Any]) -> dict[str, Any]:
    found: dict[str, Any] = body["spec"]["hashedRekordV002"]
    return found


class TestIntoto:
    @pytest.mark.parametrize(
        ("change", "says"),
        [
            (lambda body: intoto(body).update(payloadType="application/json"), "another payload type"),
            (lambda body: intoto(body).update(payloadType=1), "not a text"),
            (lambda body: intoto(body).update(payload=b64(b64(b"another payload").encode())), "carries another payload"),
            (lambda body: intoto(body).update(payload=b64(b"not base64 within")), "not an entry of kind"),
            (lambda body: intoto(body).update(signatures=[]), "exactly one signature"),
            (lambda body: intoto(body).update(signatures=intoto(body)["signatures"] * 2), "exactly one signature"),
            (lambda body: body["spec"]["content"].update(payloadHash="a"), "another payload or file"),
            (lambda body: body.update(kind="dsse"), "another kind"),
            (lambda body: body.update(extra=1), "unknown field"),
        ],
    )
    def test_names_something_else(self, change: Callable[[dict[str, Any]], object], says: str) -> None:
        assert says in refusal("envelope-intoto", change)

    def test_may_carry_the_very_payload(self) -> None:
        parsed = parse_bundle(json.loads(FORMATS.make(KINDS["envelope-intoto"], STATEMENT, WORKLOAD, NOON)))
        assert parsed.entry is not None
        assert isinstance(parsed.content, Envelope)
        body = json.loads(parsed.entry.body)
        intoto(body)["payload"] = b64(b64(parsed.content.payload).encode())
        verify_body_binding(parsed.entry.kind, canonical_bytes(body), content=parsed.content, certificate=parsed.certificate, key=KEY)


class TestPem:
    @pytest.mark.parametrize(
        "change",
        [
            lambda pem: pem.replace("CERTIFICATE", "PUBLIC KEY"),
            lambda pem: pem.replace("-----BEGIN CERTIFICATE-----", "-----BEGIN CERTIFICATE----"),
            lambda pem: pem.replace("\n", "\r\n"),
            lambda pem: pem + pem,
            lambda pem: "note: x\n" + pem,
            lambda pem: pem.replace("M", "N", 1),
            lambda pem: "",
        ],
    )
    def test_anything_but_the_one_certificate_is_refused(self, change: Callable[[str], str]) -> None:
        def spoil(body: dict[str, Any]) -> None:
            signer = body["spec"]["signatures"][0]
            signer["verifier"] = b64(change(base64.b64decode(signer["verifier"]).decode()).encode())

        assert "another certificate or key" in refusal("envelope-dsse-stamped", spoil)

    def test_a_certificate_where_a_key_signed(self) -> None:
        def spoil(body: dict[str, Any]) -> None:
            shown = body["spec"]["signature"]["publicKey"]
            shown["content"] = b64(base64.b64decode(shown["content"]).replace(b"PUBLIC KEY", b"CERTIFICATE"))

        assert "another certificate or key" in refusal("key-file-v1", spoil)


class TestHashedrekord:
    @pytest.mark.parametrize(
        ("change", "says"),
        [
            (lambda body: v2(body)["data"].update(algorithm="SHA2_512"), "another payload or file"),
            (lambda body: v2(body)["data"].update(algorithm=[]), "another payload or file"),
            (lambda body: v2(body)["data"].update(digest=b64(bytes(32))), "another payload or file"),
            (lambda body: v2(body)["signature"].update(content=b64(b"other")), "another signature"),
            (lambda body: v2(body)["signature"]["verifier"].pop("x509Certificate"), "not an entry of kind"),
            (lambda body: v2(body)["signature"]["verifier"]["x509Certificate"].update(rawBytes="AAAA"), "another certificate or key"),
        ],
    )
    def test_v2_names_something_else(self, change: Callable[[dict[str, Any]], object], says: str) -> None:
        assert says in refusal("envelope-v2", change)

    @pytest.mark.parametrize("name", ["envelope-dsse-stamped", "file-v1"])
    def test_a_kind_is_for_envelopes_or_for_files(self, name: str) -> None:
        parsed = parse_bundle(json.loads(FORMATS.make(KINDS[name], STATEMENT, WORKLOAD, NOON)))
        other = parse_bundle(
            json.loads(FORMATS.make(KINDS["file-v1" if name != "file-v1" else "envelope-dsse-stamped"], STATEMENT, WORKLOAD, NOON))
        )
        assert parsed.entry is not None
        with pytest.raises(Unproven) as refused:
            verify_body_binding(parsed.entry.kind, parsed.entry.body, content=other.content, certificate=parsed.certificate, key=KEY)
        assert refused.value.code == "tlog.entry_mismatch"


def test_the_armour_is_the_pem_that_the_library_writes() -> None:
    parsed = parse_bundle(json.loads(FORMATS.make(KINDS["file-v1"], STATEMENT, WORKLOAD, NOON)))
    assert parsed.certificate is not None
    pem = x509.load_der_x509_certificate(parsed.certificate).public_bytes(Encoding.PEM)
    assert [base64.b64decode(text) for text in armours_of(parsed.certificate)] == [pem, pem.removesuffix(b"\n")]
