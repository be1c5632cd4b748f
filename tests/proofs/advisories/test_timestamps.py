"""Timestamps in bundles: the authority's own key signed, its certificate is for stamping, and what the token brings along is not used."""

from __future__ import annotations

import base64
import hashlib
import json
from typing import Any

import pytest
from cryptography.hazmat.primitives.serialization import Encoding
from cryptography.x509.oid import ExtendedKeyUsageOID

from proofs.evidence import TrustMaterial
from proofs.sigstore.trust_root import parse_trust_root
from tests.proofs.advisories.asked import FORMATS, KINDS, VERIFIED, code, make, signature_of, tokens
from tests.proofs.factory import NOON, changed
from tests.proofs.formats import Formats
from tests.proofs.stamper import Stamper

STAMPED = [name for name, kind in KINDS.items() if kind.stamps]
# A kind that rests on its timestamp alone, so that one which counts for nothing leaves nothing.
ALONE = "private-envelope"


def stamped(raw: bytes, token: bytes) -> bytes:
    def replace(value: dict[str, Any]) -> None:
        tokens(value)[0]["signedTimestamp"] = base64.b64encode(token).decode()

    return changed(raw, replace)


class TestSignatureOfTheTokenNotChecked:
    """CVE-2025-52556 (rfc3161-client before 1.0.3): a true chain in a token whose signature is anybody's gave any time one liked."""

    @pytest.mark.parametrize("name", STAMPED)
    def test_a_forged_token_with_the_authoritys_true_chain(self, name: str) -> None:
        raw, stamper = make(name), FORMATS.stamper
        chain = [certificate.public_bytes(Encoding.DER) for certificate in (stamper.certificate, stamper.root)]
        honest = stamper.token(signature_of(raw), NOON, certificates=chain)
        forged = stamper.token(signature_of(raw), NOON, certificates=chain, forged=True)
        assert code(stamped(raw, honest), name) == VERIFIED
        assert code(stamped(raw, forged), name) == "tsa.signature"

    @pytest.mark.parametrize("name", STAMPED)
    def test_a_true_token_of_another_signature(self, name: str) -> None:
        raw = make(name)
        assert code(stamped(raw, FORMATS.stamper.token(signature_of(raw), NOON)), name) == VERIFIED
        assert code(stamped(raw, FORMATS.stamper.token(b"another", NOON)), name) == "tsa.imprint"


class TestWrongCertificateOfTheBag:
    """CVE-2026-39984 (timestamp-authority): the signature was checked with one certificate of the token and the chain with another."""

    @pytest.mark.parametrize("name", STAMPED)
    def test_another_leaf_beside_the_authoritys_own(self, name: str) -> None:
        raw, stamper, stranger = make(name), FORMATS.stamper, Stamper(FORMATS.born_at, name="stranger")
        own, injected = (each.certificate.public_bytes(Encoding.DER) for each in (stamper, stranger))
        assert code(stamped(raw, stamper.token(signature_of(raw), NOON, certificates=[own])), name) == VERIFIED
        for carried in ([own, injected], [injected, own], [injected]):
            for forged in (False, True):
                token = stamper.token(signature_of(raw), NOON, certificates=carried, forged=forged)
                assert code(stamped(raw, token), name) == "tsa.signature"

    def test_a_token_that_names_the_strangers_certificate_as_its_signers(self) -> None:
        raw, stranger = make(ALONE), Stamper(FORMATS.born_at, name="stranger").certificate.public_bytes(Encoding.DER)
        token = FORMATS.stamper.token(signature_of(raw), NOON, certificate_digest=hashlib.sha256(stranger).digest())
        assert code(raw, ALONE) == VERIFIED
        assert code(stamped(raw, token), ALONE) == "tsa.signature"

    def test_a_stranger_of_the_authoritys_very_name_is_unknown(self) -> None:
        raw, impostor = make(ALONE), Stamper(FORMATS.born_at)
        assert impostor.certificate.issuer == FORMATS.stamper.certificate.issuer
        assert code(raw, ALONE) == VERIFIED
        assert code(stamped(raw, impostor.token(signature_of(raw), NOON)), ALONE) == "tsa.unknown_authority"


class TestWhoMayStamp:
    """A certificate for another purpose, or of an authority that issues certificates, must not tell the time (RFC 3161 section 2.3)."""

    @pytest.mark.parametrize(
        "odd",
        [
            pytest.param({"purposes": ()}, id="no extended key usage"),
            pytest.param({"purposes": (ExtendedKeyUsageOID.CODE_SIGNING,)}, id="code signing"),
            pytest.param({"purposes": (ExtendedKeyUsageOID.TIME_STAMPING, ExtendedKeyUsageOID.CODE_SIGNING)}, id="stamping and more"),
            pytest.param({"purposes": (ExtendedKeyUsageOID.ANY_EXTENDED_KEY_USAGE,)}, id="anything"),
            pytest.param({"critical": False}, id="not critical"),
            pytest.param({"authority": True}, id="an authority of certificates"),
        ],
    )
    def test_a_certificate_that_is_not_for_stamping_alone(self, odd: dict[str, Any]) -> None:
        honest, lying = Formats(NOON), Formats(NOON)
        lying.stamper = Stamper(lying.born_at, **odd)
        assert code(make(ALONE, by=honest), ALONE, trust=honest.trust("private")) == VERIFIED
        assert code(make(ALONE, by=lying), ALONE, trust=lying.trust("private")) == "tsa.unknown_authority"

    def test_the_authoritys_own_root_may_not_stamp_either(self) -> None:
        document = json.loads(FORMATS.document())
        chain = document["timestampAuthorities"][0]["certChain"]
        assert code(make(ALONE), ALONE) == VERIFIED
        chain["certificates"] = chain["certificates"][1:]

        root = parse_trust_root(json.dumps(document).encode(), profile={"tlog": 0, "tsa": 1, "sct": 0})
        assert root.timestamp_authorities == ()
        assert code(make(ALONE), ALONE, trust=TrustMaterial((root,))) == "tsa.unknown_authority"
