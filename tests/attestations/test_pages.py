"""The pages of evidence: what is proved beside what is claimed, one sentence why not, and the exact bytes."""

from __future__ import annotations

import base64
import hashlib
import json
from io import StringIO
from pathlib import Path
from typing import Any

import pytest
from django.core.management import CommandError, call_command
from django.test import Client

from attestations.models import Attestation, TrustRoot
from portal.demo.instance import build_provenance
from tests import cast
from tests.make_attestations import (
    GENUINE,
    NOW,
    PRODUCTION_ROOT,
    WRONG_SIGNER,
    artifact_digest,
    make_attestation,
    make_signer,
    make_statement,
    register_key,
    runner_workload,
    trust_instance,
    trust_production,
    verify_now,
)
from tests.proofs.formats import as_pep740

pytestmark = pytest.mark.django_db


@pytest.fixture
def carol() -> Client:
    client = Client()
    client.force_login(cast.account_of(cast.carol()))
    return client


def show(client: Client, attestation: Attestation) -> Any:
    return client.get(f"/attestations/{attestation.pk}")


class TestAttestationPage:
    def test_says_that_it_is_being_verified_and_works_without_script(self, carol: Client) -> None:
        attestation = make_attestation(make_signer().sign(make_statement()))
        answer = show(carol, attestation)
        text = answer.content.decode()
        assert "Being verified" in text
        assert 'hx-trigger="every 2s"' in text
        assert f'href="/attestations/{attestation.pk}">' in text
        verify_now(attestation)
        finished = show(carol, attestation).content.decode()
        assert "hx-" not in finished
        assert "htmx" not in finished

    def test_names_everybody_who_signed_an_envelope_together(self, carol: Client) -> None:
        pair = [make_signer(), make_signer()]
        for number, signer in enumerate(pair):
            register_key(signer, name=f"service {number}")
        envelopes = [json.loads(signer.sign(make_statement())) for signer in pair]
        together = {**envelopes[0], "signatures": [envelope["signatures"][0] for envelope in envelopes]}
        attestation = make_attestation(json.dumps(together).encode())
        assert verify_now(attestation).result == "verified"
        text = show(carol, attestation).content.decode()
        assert "service 0" in text
        assert "service 1" in text
        assert "Signed as well with" in text
        assert "Signed as well by" in text

    def test_shows_both_sides_findings_and_what_was_not_checked(self, carol: Client) -> None:
        instance, workload = trust_instance(), runner_workload()
        statement = build_provenance(workload, [("payments-api.tar", artifact_digest("x"))])
        attestation = make_attestation(instance.sign_as(workload, statement, at=NOW))
        verify_now(attestation)
        text = show(carol, attestation).content.decode()
        assert "(proved)" in text
        assert "What the statement claims" in text
        assert "Contradicts the certificate" not in text
        assert workload.commit in text
        assert "a signature proves who said it, not that it is so" in text
        assert "payments-api release workflow" in text
        assert "Bob Ruiz" in text
        assert f"/artifacts/sha256:{artifact_digest('x')}" in text

    def test_says_in_one_sentence_why_the_wrong_signer_is_not_the_builder(self, vectors: Path, carol: Client) -> None:
        trust_production(vectors)
        attestation = make_attestation((vectors / WRONG_SIGNER).read_bytes())
        verdict = verify_now(attestation)
        text = show(carol, attestation).content.decode()
        assert verdict.reason in text
        assert "The statement says it was built by" in text
        assert "Contradicts the certificate" in text
        assert "Verified" not in text.partition('id="verdict-heading"')[2].partition("</section>")[0]

    def test_shows_the_genuine_bundle(self, vectors: Path, carol: Client) -> None:
        trust_production(vectors)
        attestation = make_attestation((vectors / GENUINE).read_bytes())
        verify_now(attestation)
        text = show(carol, attestation).content.decode()
        assert "Every signature holds" in text
        assert "Unknown: nobody registered it here." in text

    def test_escapes_what_evidence_says(self, carol: Client) -> None:
        signer = make_signer()
        register_key(signer)
        attestation = make_attestation(signer.sign(make_statement("<script>alert(1)</script>", predicate_type="<b>x</b>")))
        verify_now(attestation)
        text = show(carol, attestation).content.decode()
        assert "<script>alert" not in text
        assert "<b>x</b>" not in text
        assert "&lt;script&gt;alert" in text

    def test_says_what_a_test_result_says_and_by_whose_word_it_was_signed(self, carol: Client) -> None:
        said = {"result": "FAILED", "configuration": [], "failedTests": ["payment rounds up", "<b>bold</b>"]}
        payload = make_statement(predicate_type="https://in-toto.io/attestation/test-result/v0.1", predicate=said)
        instance = trust_instance()
        attestation = make_attestation(instance.sign_as(runner_workload(), json.loads(payload), at=NOW))
        verify_now(attestation)
        text = show(carol, attestation).content.decode()
        assert "A test result" in text
        assert "<dt>Result</dt><dd>FAILED</dd>" in text
        assert "payment rounds up, &lt;b&gt;bold&lt;/b&gt;" in text
        assert "by the word of the transparency log" in text

    def test_names_the_format_of_a_pep_740_attestation(self, carol: Client) -> None:
        bundle = trust_instance().sign_as(runner_workload(), json.loads(make_statement()), at=NOW)
        attestation = make_attestation(json.dumps(as_pep740(bundle)).encode())
        verify_now(attestation)
        assert "<dd>PEP 740 attestation</dd>" in show(carol, attestation).content.decode()

    def test_needs_a_role(self) -> None:
        attestation = make_attestation(make_signer().sign(make_statement()))
        client = Client()
        assert client.get(f"/attestations/{attestation.pk}").status_code == 302
        client.force_login(cast.account_of(cast.mallory()))
        for address in (f"/attestations/{attestation.pk}", f"/attestations/{attestation.pk}/raw"):
            assert client.get(address).status_code == 403

    def test_an_unknown_one_is_not_found(self, carol: Client) -> None:
        assert carol.get("/attestations/att_nothing").status_code == 404


class TestRaw:
    def test_hands_out_the_exact_bytes_as_a_download(self, carol: Client) -> None:
        content = b"\n " + make_signer().sign(make_statement())
        attestation = make_attestation(content)
        answer = carol.get(f"/attestations/{attestation.pk}/raw")
        assert answer.content == content
        assert answer["Content-Disposition"] == f'attachment; filename="{attestation.pk}.json"'
        assert answer["Content-Type"] == "application/octet-stream"
        assert answer["X-Content-Type-Options"] == "nosniff"
        assert answer["Repr-Digest"] == f"sha-256=:{base64.b64encode(hashlib.sha256(content).digest()).decode()}:"


class TestAddTrustRootCommand:
    def test_stores_it(self, vectors: Path) -> None:
        out = StringIO()
        call_command("add_trust_root", str(vectors / PRODUCTION_ROOT), name="Sigstore public good", stdout=out)
        root = TrustRoot.objects.get()
        assert f"sha256:{root.digest}" in out.getvalue()
        assert root.profile == {"tlog": 1, "tsa": 0, "sct": 1}

    def test_refuses_what_it_cannot_use(self, tmp_path: Path) -> None:
        wrong = tmp_path / "root.json"
        wrong.write_text("{}")
        with pytest.raises(CommandError, match="trust_root.malformed"):
            call_command("add_trust_root", str(wrong), name="x")
        with pytest.raises(CommandError, match="cannot be read"):
            call_command("add_trust_root", str(tmp_path / "absent.json"), name="x")
        with pytest.raises(CommandError, match="not JSON"):
            call_command("add_trust_root", str(wrong), name="x", profile="{")
