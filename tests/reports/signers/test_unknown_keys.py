"""Evidence whose key nobody registered is listed, and its key is adopted or blocked by whoever brings the public key that signed it."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from attestations.adopt_key import adopt_key, block_key
from attestations.models import Attestation, Verdict
from attestations.reverify import spread_reverifications
from attestations.trust.roots import add_trust_root
from identities.models import BlockedSigner, EvidenceSigner, Grant, Identity, Project, Team
from identities.signers.adopt_signer import NewProgram
from ledger.models import Entry
from proofs.errors import Refusal
from proofs.keys import key_id_of
from tests import cast
from tests.make_attestations import NOW, Signer, artifact_digest, make_attestation, make_signer, make_statement, register_key, verify_now
from tests.proofs.factory import STATEMENT, WORKLOAD
from tests.proofs.formats import KINDS, PROFILES, Formats

pytestmark = pytest.mark.django_db
TYPE = "https://example.test/check/v1"


def seen(signer: Signer, *, artifact: str = "tool", now: datetime | None = None, **more: Any) -> Attestation:
    """Evidence that a key signed which nobody registered, sent by the runner and rejected."""
    sent = make_attestation(signer.sign(make_statement(artifact), **more), now=now or timezone.now())
    assert verify_now(sent).code == "dsse.key_unknown"
    return sent


def signed_in(identity: Identity) -> Client:
    client = Client()
    cast.let_in(client, identity)
    return client


def address(page: str, sent: Attestation) -> str:
    return f"/signers/{page}?attestation={sent.pk}"


def answers(signer: Signer, **more: Any) -> dict[str, Any]:
    fields = {
        "public_key": signer.pem.decode(),
        "kind": "key",
        "name": "tool key",
        "issuer": "https://ci.example",
        "subject": "tool-key",
        "owner": cast.bob().pk,
        "team": cast.payments().pk,
        "purpose": "Signs the tool",
        "predicate_types": [TYPE],
        "reason": "Ours",
    }
    return {**fields, **more}


def settle(sent: Attestation) -> Verdict:
    while spread_reverifications(now=timezone.now()):
        pass
    return verify_now(sent)


class TestList:
    def test_names_the_evidence_who_sent_it_and_what_it_says_of_its_key(self) -> None:
        signer = make_signer()
        sent = seen(signer)
        page = signed_in(cast.carol()).get("/signers/unknown").content.decode()
        for expected in (sent.pk, "payments-api release workflow", f"<bdi>{key_id_of(signer.spki)}</bdi>", "a hint nobody signed"):
            assert expected in page
        assert "/signers/adopt" not in page and "An identity steward adopts or blocks it." in page
        page = signed_in(cast.dave()).get("/signers/unknown").content.decode()
        assert address("adopt", sent) in page and address("block", sent) in page

    def test_counts_it_beside_the_signers_of_the_week(self) -> None:
        seen(make_signer())
        client = signed_in(cast.dave())
        assert 'Seen this week <span class="small">1</span>' in client.get("/signers/unknown").content.decode()
        assert 'Unknown, seen this week <span class="small">1</span>' in client.get("/identities").content.decode()

    def test_leaves_out_what_is_older_than_a_week_and_what_was_settled(self) -> None:
        signer = make_signer()
        sent = seen(signer, now=timezone.now() - timedelta(days=8))
        client = signed_in(cast.dave())
        assert "No stranger was seen this week" in client.get("/signers/unknown").content.decode()
        assert sent.pk in client.get("/signers/unknown?show=ever").content.decode()
        register_key(signer)
        settle(sent)
        assert sent.pk not in client.get("/signers/unknown?show=ever").content.decode()

    def test_leaves_out_what_is_rejected_for_another_reason(self) -> None:
        signer = make_signer()
        register_key(signer)
        sent = make_attestation(signer.sign(make_statement("tool"), payload_type="text/plain"), now=timezone.now())
        assert verify_now(sent).code == "evidence.unsupported_payload"
        assert sent.pk not in signed_in(cast.dave()).get("/signers/unknown?show=ever").content.decode()
        assert signed_in(cast.dave()).get(address("adopt", sent)).status_code == 409

    def test_takes_as_many_queries_for_many_as_for_one_and_comes_in_pages(self) -> None:
        client = signed_in(cast.dave())
        seen(make_signer())

        def queries(path: str) -> int:
            with CaptureQueriesContext(connection) as captured:
                assert client.get(path).status_code == 200
            return len(captured)

        queries("/signers/unknown")
        few = queries("/signers/unknown")
        for at in range(26):
            make_attestation(make_signer().sign(make_statement(f"a{at}")), now=timezone.now())
        settle(Attestation.objects.latest("received_at"))
        assert queries("/signers/unknown") == few
        assert "Page 1 of 2" in client.get("/signers/unknown").content.decode()
        assert client.get("/signers/unknown?keys=2").content.decode().count(" the key of att_") == 4

    def test_says_where_evidence_names_no_key_and_where_nobody_looked(self, monkeypatch: pytest.MonkeyPatch) -> None:
        signer = make_signer()
        content = signer.sign(make_statement("tool")).replace(key_id_of(signer.spki).encode(), b"")
        verify_now(make_attestation(content, now=timezone.now()))
        client = signed_in(cast.dave())
        assert "it names no key" in client.get("/signers/unknown").content.decode()
        monkeypatch.setattr("attestations.unknown_keys.MAX_READ", 10)
        assert "it is too long to look" in client.get("/signers/unknown").content.decode()

    def test_shows_a_hint_as_words(self) -> None:
        signer = make_signer()
        content = signer.sign(make_statement("tool")).replace(key_id_of(signer.spki).encode(), b"<script>alert(1)</script>")
        verify_now(make_attestation(content, now=timezone.now()))
        page = signed_in(cast.dave()).get("/signers/unknown").content.decode()
        assert "<script>alert" not in page and "<bdi>&lt;script&gt;alert(1)" in page

    def test_links_lead_here_from_the_evidence_and_the_artifact_for_stewards_alone(self) -> None:
        sent = seen(make_signer())
        for path in (f"/attestations/{sent.pk}", f"/artifacts/sha256:{artifact_digest('tool')}"):
            assert "/signers/adopt" not in signed_in(cast.carol()).get(path).content.decode()
            page = signed_in(cast.dave()).get(path).content.decode()
            assert address("adopt", sent) in page and address("block", sent) in page


class TestAdopt:
    def test_asks_for_the_key_first_and_says_that_nothing_was_proven(self) -> None:
        sent = seen(make_signer())
        page = signed_in(cast.dave()).get(address("adopt", sent)).content.decode()
        assert 'name="public_key"' in page and "Nothing about it was proven" in page
        assert 'name="owner"' not in page and TYPE not in page

    def test_offers_what_the_proved_key_stated(self) -> None:
        signer = make_signer()
        sent = seen(signer)
        page = signed_in(cast.dave()).post(address("adopt", sent), {"public_key": signer.pem.decode(), "check": "1"})
        assert page.status_code == 200
        words = page.content.decode()
        assert f'value="{TYPE}"' in words and "The key verifies a signature of it." in words and key_id_of(signer.spki) in words
        assert "-----BEGIN PUBLIC KEY-----" in words and not Identity.objects.filter(subject="tool-key").exists()

    def test_registers_program_key_and_rights_and_the_evidence_counts(self) -> None:
        signer = make_signer()
        sent = seen(signer)
        answer = signed_in(cast.dave()).post(address("adopt", sent), answers(signer))
        identity = Identity.objects.get(subject="tool-key")
        assert answer["Location"] == f"/identities/{identity.pk}"
        assert identity.evidence_signers.get().key_id == key_id_of(signer.spki)
        assert Grant.objects.get(identity=identity).object == TYPE
        verdict = settle(sent)
        assert (verdict.result, verdict.signer) == ("verified", identity)
        assert verdict.findings.get(check_name="signer").code == "signer.registered"
        assert set(Entry.objects.values_list("event", flat=True)) >= {"identity.registered", "evidence_signer.registered", "grant.given"}
        assert signed_in(cast.dave()).get(address("adopt", sent)).status_code == 409

    @pytest.mark.parametrize("check", [{}, {"check": "1"}])
    def test_another_key_is_not_taken_whatever_the_hint_says(self, check: dict[str, str]) -> None:
        signer, other = make_signer(), make_signer()
        content = signer.sign(make_statement("tool")).replace(key_id_of(signer.spki).encode(), key_id_of(other.spki).encode())
        sent = make_attestation(content, now=timezone.now())
        verify_now(sent)
        answer = signed_in(cast.dave()).post(address("adopt", sent), answers(other, **check))
        assert answer.status_code == 422 and "signer.other_key" in answer.content.decode()
        assert not EvidenceSigner.objects.filter(key_id=key_id_of(other.spki)).exists()

    @pytest.mark.parametrize("key", ["", "not a key", "-----BEGIN PUBLIC KEY-----\nAAAA\n-----END PUBLIC KEY-----"])
    def test_what_is_no_key_is_not_taken(self, key: str) -> None:
        signer = make_signer()
        answer = signed_in(cast.dave()).post(address("adopt", seen(signer)), answers(signer, public_key=key))
        assert answer.status_code == 422 and not Identity.objects.filter(subject="tool-key").exists()

    def test_nothing_is_granted_that_it_did_not_sign(self) -> None:
        signer = make_signer()
        answer = signed_in(cast.dave()).post(address("adopt", seen(signer)), answers(signer, predicate_types=["*"]))
        assert answer.status_code == 422 and not Identity.objects.filter(subject="tool-key").exists()

    @pytest.mark.parametrize("page", ["adopt", "block"])
    def test_only_stewards_come_in_and_only_for_their_own_teams(self, page: str) -> None:
        signer = make_signer()
        sent = seen(signer)
        assert signed_in(cast.alice()).post(address(page, sent), answers(signer)).status_code == 403
        steward = cast.person("stella", "Stella Berg", "identity-steward", team=Team.objects.create(slug="other", name="Other"))
        assert signed_in(steward).post(address(page, sent), answers(signer)).status_code == 422
        narrow = cast.person("nora", "Nora Lind", "identity-steward", project=cast.payments_api())
        assert signed_in(narrow).get(address(page, sent)).status_code == 403
        assert not Identity.objects.filter(subject="tool-key").exists() and not BlockedSigner.objects.exists()

    @pytest.mark.parametrize("page", ["adopt", "block"])
    def test_evidence_that_is_not_there_is_not_found(self, page: str) -> None:
        assert signed_in(cast.dave()).get(f"/signers/{page}?attestation=att_none").status_code == 404

    @pytest.mark.parametrize("kind", ["key-envelope-v2", "key-envelope-dsse", "key-file-v1"])
    def test_the_key_of_a_bundle_counts_from_the_time_it_signed(self, kind: str) -> None:
        at = timezone.now().replace(microsecond=0) - timedelta(hours=1)
        formats = Formats(at)
        add_trust_root(name="Formats", document=formats.document(), profile=PROFILES["default"], by=None, now=cast.NOW)
        sent = make_attestation(formats.make(KINDS[kind], STATEMENT, WORKLOAD, at), now=timezone.now())
        assert verify_now(sent).code == "key.unknown"
        client, signer = signed_in(cast.dave()), Signer(formats.key)
        page = client.post(address("adopt", sent), {"public_key": signer.pem.decode(), "check": "1"}).content.decode()
        offered = "*" if "file" in kind else STATEMENT["predicateType"]
        assert f'value="{offered}"' in page and "the key counts from then on" in page
        assert client.post(address("adopt", sent), answers(signer, predicate_types=[offered])).status_code == 302
        verdict = settle(sent)
        assert (verdict.result, verdict.signer) == ("verified", Identity.objects.get(subject="tool-key"))


class TestBlock:
    def test_blocks_the_proved_key_so_that_nobody_registers_it(self) -> None:
        signer = make_signer()
        sent = seen(signer)
        client = signed_in(cast.dave())
        assert "Block the key that signed it?" in client.get(address("block", sent)).content.decode()
        answer = client.post(address("block", sent), answers(signer, reason="Nobody's"))
        assert answer["Location"] == "/signers/unknown"
        assert BlockedSigner.objects.get().name == key_id_of(signer.spki)
        refused = client.post(address("adopt", sent), answers(signer))
        assert refused.status_code == 422 and "signer.blocked" in refused.content.decode()
        assert settle(sent).result == "rejected"
        assert "Payments blocked the key of this id: Nobody&#x27;s" in client.get("/signers/unknown").content.decode()

    def test_another_key_is_not_blocked(self) -> None:
        sent, other = seen(make_signer()), make_signer()
        answer = signed_in(cast.dave()).post(address("block", sent), answers(other))
        assert answer.status_code == 422 and "signer.other_key" in answer.content.decode()
        assert not BlockedSigner.objects.exists()


class TestActs:
    def code_of(self, sent: Attestation, **more: Any) -> str:
        program = NewProgram("key", "key", "https://ci.example", "tool-key", cast.bob(), cast.payments())
        fields = {
            "program": program,
            "predicate_types": (TYPE,),
            "project": None,
            "reason": "Ours",
            "by": cast.dave(),
            "now": timezone.now(),
        }
        with pytest.raises(Refusal) as caught:
            adopt_key(attestation_id=sent.pk, **{**fields, **more})
        assert not Identity.objects.filter(subject="tool-key").exists()
        return caught.value.code

    def test_refuse_before_the_key_is_looked_at_whoever_may_not(self) -> None:
        signer = make_signer()
        sent = seen(signer)
        assert self.code_of(sent, by=cast.alice(), public_key_pem=b"") == "permission.missing"
        with pytest.raises(Refusal, match=r"permission\.missing"):
            block_key(attestation_id=sent.pk, public_key_pem=b"", team=cast.payments(), reason="x", by=cast.alice(), now=NOW)

    def test_one_refused_part_takes_back_all_of_it(self) -> None:
        signer = make_signer()
        sent = seen(signer)
        assert self.code_of(sent, public_key_pem=signer.pem, reason=" ") == "identity.reason"
        assert self.code_of(sent, public_key_pem=make_signer().pem) == "signer.other_key"
        other = Project.objects.create(slug="theirs", name="Theirs", team=Team.objects.create(slug="other", name="Other"))
        assert self.code_of(sent, public_key_pem=signer.pem, project=other, by=None) == "grant.other_team"
        assert self.code_of(sent, public_key_pem=signer.pem, predicate_types=(TYPE, "*")) == "signer.not_stated"

    def test_refuse_what_is_being_verified_still(self) -> None:
        signer = make_signer()
        sent = make_attestation(signer.sign(make_statement("tool")), now=timezone.now())
        assert self.code_of(sent, public_key_pem=signer.pem) == "signer.settled"
