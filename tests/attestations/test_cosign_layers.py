"""Layers of older cosign come in like other evidence, alone or as lines of one file, and their page says what they are."""

from __future__ import annotations

import json
from datetime import timedelta

import pytest
from django.test import Client

from attestations.models import Attestation
from attestations.trust.roots import add_trust_root
from portal.demo.instance import build_provenance
from tests import cast
from tests.attestations.test_receive import send
from tests.make_attestations import NOW, artifact_digest, make_attestation, runner_workload, trust_instance, verify_now
from tests.proofs.cosign import SIGNATURE, descriptor, image_payload, layer_of
from tests.proofs.cosign import SIGNATURE_TYPE as SIMPLE_SIGNING
from tests.proofs.formats import KINDS, Formats

pytestmark = pytest.mark.django_db


def make_layer(name: str = "x") -> bytes:
    instance, workload = trust_instance(), runner_workload()
    statement = build_provenance(workload, [("payments-api.tar", artifact_digest(name))])
    return json.dumps(layer_of(instance.sign_as(workload, statement, at=NOW))).encode()


def page_of(attestation: Attestation) -> str:
    client = Client()
    client.force_login(cast.account_of(cast.carol()))
    return client.get(f"/attestations/{attestation.pk}").content.decode()


def test_an_attestation_layer_is_received_verified_and_shown() -> None:
    content, runner = make_layer(), cast.runner()
    answer = send(content)
    assert answer.status_code == 202, answer.content
    attestation = Attestation.objects.get(pk=answer.json()["id"])
    verdict = verify_now(attestation)
    assert (attestation.format, verdict.result, verdict.signer) == ("cosign-layer", "verified", runner)
    text = page_of(attestation)
    assert "layer of cosign" in text
    assert "kept its promise" in text


def test_lines_of_a_file_are_layers_each() -> None:
    content = make_layer()
    token = cast.token_of(cast.runner())
    second = json.dumps(descriptor(SIMPLE_SIGNING, image_payload(), {SIGNATURE: "AAAA"})).encode()
    answer = Client().post(
        "/api/v1/collections",
        data=content + b"\n" + second + b"\n",
        content_type="application/octet-stream",
        headers={"Authorization": f"Bearer {token}"},
    )
    assert answer.status_code == 202, answer.content
    assert [item["answer"] for item in answer.json()["items"]] == ["new", "new"]
    assert [verify_now(attestation).code for attestation in Attestation.objects.order_by("pk")].count("evidence.verified") == 1


def test_one_that_proves_nothing_is_filed_under_the_image_it_claims_to_be_about() -> None:
    content = json.dumps(descriptor(SIMPLE_SIGNING, image_payload(), {SIGNATURE: "AAAA"})).encode()
    attestation = Attestation.objects.get(pk=send(content).json()["id"])
    verdict = verify_now(attestation)
    assert (verdict.result, verdict.code) == ("rejected", "bundle.missing_material")
    assert [(subject.artifact_id, subject.claimed) for subject in verdict.subjects.all()] == [("sha256:" + "ab" * 32, True)]


@pytest.mark.parametrize("first", ["layer", "bare file"])
def test_an_image_signature_is_no_copy_of_the_same_signature_sent_as_one_over_a_bare_file(first: str) -> None:
    formats, blob = Formats(NOW - timedelta(days=1)), image_payload()
    add_trust_root(name="formats", document=formats.document(), profile=None, by=None, now=NOW)
    cast.runner()
    bare = formats.make(KINDS["file-v1"], {}, runner_workload(), NOW, file=blob)
    contents = [json.dumps(layer_of(bare, blob=blob)).encode(), bare]
    verdicts = [verify_now(make_attestation(content)) for content in (contents if first == "layer" else reversed(contents))]
    assert {verdict.code for verdict in verdicts} == {"evidence.verified"}
    assert len({verdict.signers.get().copy_key for verdict in verdicts}) == 2
