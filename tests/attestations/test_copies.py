"""What is a copy: the same content signed by the same signer, however it is spelled, signed again, stamped or logged."""

from __future__ import annotations

import base64
import json
from datetime import timedelta

import pytest
from cryptography.hazmat.primitives.asymmetric.utils import decode_dss_signature, encode_dss_signature

from attestations.drain import drain
from attestations.models import Attestation, Verdict
from attestations.queries import latest_verdict
from portal.demo.instance import Workload, build_provenance
from tests import cast
from tests.make_attestations import (
    Signer,
    make_attestation,
    make_signer,
    make_statement,
    register_key,
    runner_workload,
    trust_instance,
)

pytestmark = pytest.mark.django_db

# The order of the curve P-256.
ORDER = 0xFFFFFFFF00000000FFFFFFFFFFFFFFFFBCE6FAADA7179E84F3B9CAC2FC632551


def key_of(content: bytes) -> str | None:
    """Return the copy key of the first signer in the verdict about evidence received just now."""
    keys = keys_of(content)
    return keys[0] if keys else None


def keys_of(content: bytes) -> list[str]:
    """Return the copy keys of all signers in the verdict about evidence received just now, the first signer first."""
    verdict = verdict_of(make_attestation(content))
    keys = list(verdict.signers.order_by("pk").values_list("copy_key", flat=True))
    assert verdict.copy_key == (keys[0] if keys else None)
    return keys


def verdict_of(attestation: Attestation) -> Verdict:
    while drain(clock=lambda: attestation.received_at + timedelta(seconds=1), limit=20):
        pass
    verdict = latest_verdict(attestation)
    assert verdict is not None
    return verdict


def turned(envelope: bytes) -> bytes:
    """Return the envelope with its ECDSA signature turned into the other one that holds as well, which takes no key."""
    value = json.loads(envelope)
    r, s = decode_dss_signature(base64.b64decode(value["signatures"][0]["sig"]))
    value["signatures"][0]["sig"] = base64.b64encode(encode_dss_signature(r, ORDER - s)).decode()
    return json.dumps(value).encode()


def together(*signers: Signer) -> bytes:
    envelopes = [json.loads(signer.sign(make_statement("one"))) for signer in signers]
    return json.dumps({**envelopes[0], "signatures": [envelope["signatures"][0] for envelope in envelopes]}).encode()


class TestAKeysEnvelope:
    def test_is_a_copy_however_it_is_spelled_signed_again_or_its_signature_turned(self) -> None:
        signer = make_signer()
        register_key(signer)
        envelope = signer.sign(make_statement("one"))
        spelled = json.dumps(json.loads(envelope), indent=3).encode() + b"  "
        keys = {key_of(content) for content in (envelope, spelled, turned(envelope), signer.sign(make_statement("one")))}
        assert len(keys) == 1
        assert None not in keys

    def test_is_another_one_with_other_content_or_another_signer(self) -> None:
        first, second = make_signer(), make_signer()
        for number, signer in enumerate((first, second)):
            register_key(signer, name=f"service {number}")
        contents = [first.sign(make_statement("one")), first.sign(make_statement("two")), second.sign(make_statement("one"))]
        assert len({key_of(content) for content in contents}) == 3

    def test_is_a_copy_for_each_signer_whoever_signed_it_as_well(self) -> None:
        first, second = make_signer(), make_signer()
        for number, signer in enumerate((first, second)):
            register_key(signer, name=f"service {number}")
        alone = {key_of(signer.sign(make_statement("one"))) for signer in (first, second)}
        assert set(keys_of(together(first, second))) == alone

    def test_has_no_key_where_no_signature_held(self) -> None:
        attestation = make_attestation(make_signer().sign(make_statement("one")))
        assert (verdict_of(attestation).result, verdict_of(attestation).copy_key) == ("rejected", None)


class TestABundle:
    def test_is_a_copy_however_it_is_spelled_and_not_with_another_certificate(self) -> None:
        instance = trust_instance(now=cast.NOW)
        at = cast.NOW + timedelta(minutes=1)
        workload: Workload = runner_workload()
        statement = build_provenance(workload, (("payments-api.tar", "ab" * 32),))
        bundle, again = (instance.sign_as(workload, statement, at=at) for _ in range(2))
        assert key_of(bundle) == key_of(bundle + b" ") is not None
        assert key_of(bundle) != key_of(again)
