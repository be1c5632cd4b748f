"""The pages of trust: what stands there for whom, what their forms do, and the command that proposes."""

from __future__ import annotations

from io import StringIO
from pathlib import Path
from typing import Any

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.core.management import CommandError, call_command
from django.test import Client
from django.utils import timezone

from attestations.models import TrustProposal, TrustRoot
from attestations.trust.roots import add_trust_root
from identities.models import Identity
from portal.demo.instance import build_provenance
from tests import cast
from tests.make_attestations import (
    NOW,
    artifact_digest,
    make_attestation,
    runner_workload,
    trust_instance,
    trust_production,
    verify_now,
)
from tests.make_trust import REASON, change_trust, propose, root_document

pytestmark = pytest.mark.django_db


def browser(identity: Identity, **options: Any) -> Client:
    client = Client(**options)
    cast.let_in(client, identity)
    return client


def text_of(answer: Any) -> str:
    return " ".join(answer.content.decode().split())


def send(client: Client, document: bytes, **changed: Any) -> Any:
    file = SimpleUploadedFile("trusted_root.json", document)
    fields = {"file": file, "name": "Ours", "tlog": "1", "tsa": "0", "sct": "1", "reason": REASON}
    return client.post("/trust/propose", fields | changed)


def give(client: Client, proposal: TrustProposal, word: str, **changed: str) -> Any:
    return client.post(f"/trust/proposals/{proposal.pk}/answer", {"answer": word, "root": proposal.root_digest} | changed)


class TestTrustPage:
    def test_says_that_nothing_is_trusted_yet(self) -> None:
        text = text_of(browser(cast.carol()).get("/trust"))
        assert "No trust root yet" in text and "Nobody has proposed a change." in text
        assert "There are not yet two officers" in text

    def test_names_every_authority_and_log_with_its_window(self, vectors: Path) -> None:
        row = trust_production(vectors)
        text = text_of(browser(cast.carol()).get("/trust"))
        assert row.name in text and f"sha256:{row.digest}" in text
        for words in (
            "sigstore-intermediate",
            "rekor.sigstore.dev",
            "ctfe.sigstore.dev",
            "14 Mar 2021 to 31 Oct 2022",
            "since 20 Oct 2022",
        ):
            assert words in text, words
        assert "at least 1 entry in a transparency log, no timestamp and 1 certificate log" in text

    def test_says_how_much_evidence_rests_on_a_root(self) -> None:
        instance = trust_instance()
        root = TrustRoot.objects.get()
        officer = browser(cast.olga())
        assert "no verified evidence today" in text_of(officer.get("/trust"))
        statement = build_provenance(runner_workload(), [("a", artifact_digest("a"))])
        verify_now(make_attestation(instance.sign_as(runner_workload(), statement, at=NOW)))
        assert "1 verified piece of evidence" in text_of(officer.get("/trust"))
        assert "1 piece of evidence rests on it today" in text_of(officer.get(f"/trust/roots/{root.digest}/remove"))

    def test_offers_changes_to_officers_alone(self) -> None:
        row = add_trust_root(name="Ours", document=root_document(), profile=None, by=None, now=NOW)
        for person, offered in ((cast.carol(), False), (cast.dave(), False), (cast.olga(), True)):
            text = text_of(browser(person).get("/trust"))
            assert ('href="/trust/propose"' in text, f'href="/trust/roots/{row.pk}/remove"' in text) == (offered, offered)

    @pytest.mark.parametrize("path", ["/trust/propose", "/trust/roots/{}/remove"])
    def test_the_forms_are_closed_to_others(self, path: str) -> None:
        row = add_trust_root(name="Ours", document=root_document(), profile=None, by=None, now=NOW)
        for person in (cast.carol(), cast.dave()):
            for method in ("get", "post"):
                assert getattr(browser(person), method)(path.format(row.pk)).status_code == 403
        assert browser(cast.mallory()).get("/trust").status_code == 403

    def test_a_credential_changes_nothing_here(self) -> None:
        answer = browser(cast.olga()).get("/trust/propose", headers={"Authorization": f"Bearer {cast.token_of(cast.runner())}"})
        assert answer.status_code == 403 and "approval.human_required" in text_of(answer)


class TestProposing:
    def test_a_file_becomes_a_proposal_and_the_page_says_what_would_come(self) -> None:
        document = root_document()
        client = browser(cast.olga())
        assert 'enctype="multipart/form-data"' in text_of(client.get("/trust/propose"))
        answer = send(client, document, tlog="0", tsa="1", sct="0")
        proposal = TrustProposal.objects.get()
        assert (answer.status_code, answer["Location"]) == (302, f"/trust/proposals/{proposal.pk}")
        assert (bytes(proposal.document.content), proposal.profile) == (document, {"tlog": 0, "tsa": 1, "sct": 0})
        text = text_of(client.get(answer["Location"]))
        assert "<h3>Comes: " in text and "Goes:" not in text and REASON in text
        assert "Withdraw it" in text and ">Confirm<" not in text
        assert TrustRoot.objects.count() == 0

    def test_says_on_the_page_why_not(self) -> None:
        answer = send(browser(cast.olga()), b"{}")
        assert answer.status_code == 400 and "trust_root.malformed" in text_of(answer)
        answer = send(browser(cast.olga()), root_document(), tlog="0", tsa="0")
        assert answer.status_code == 400 and "trust_root.profile" in text_of(answer)
        answer = browser(cast.olga()).post("/trust/propose", {})
        assert answer.status_code == 400 and "Choose a file first." in text_of(answer)
        assert TrustProposal.objects.count() == 0

    def test_needs_the_token_of_its_own_form(self) -> None:
        assert send(browser(cast.olga(), enforce_csrf_checks=True), root_document()).status_code == 403

    def test_removal_says_what_goes_and_what_stays(self) -> None:
        row = add_trust_root(name="Ours", document=root_document(), profile=None, by=None, now=NOW)
        client = browser(cast.olga())
        assert "<h3>Goes: " in text_of(client.get(f"/trust/roots/{row.pk}/remove"))
        assert client.post(f"/trust/roots/{row.pk}/remove", {"reason": ""}).status_code == 400
        answer = client.post(f"/trust/roots/{row.pk}/remove", {"reason": REASON})
        text = text_of(client.get(answer["Location"]))
        assert "Remove “Ours”" in text and "<h3>Goes: " in text and "Comes:" not in text
        add_trust_root(name="Again", document=bytes(row.document.content) + b"\n", profile=None, by=None, now=NOW)
        text = text_of(client.get(answer["Location"]))
        assert "another stored root holds all of them" in text and "Goes:" not in text

    def test_a_root_that_is_not_there(self) -> None:
        assert browser(cast.olga()).get("/trust/roots/x/remove").status_code == 404


class TestAnswering:
    def test_another_officer_confirms_and_it_is_trusted(self) -> None:
        proposal, client = propose(cast.olga(), now=timezone.now()), browser(cast.omar())
        text = text_of(client.get(f"/trust/proposals/{proposal.pk}"))
        assert ">Confirm<" in text and f'name="root" value="{proposal.root_digest}"' in text
        answer = client.post(f"/trust/proposals/{proposal.pk}/answer", {"answer": "confirm", "root": proposal.root_digest}, follow=True)
        assert "You confirmed it. It took effect." in text_of(answer)
        assert TrustRoot.objects.get().digest == proposal.root_digest
        assert "What would change" not in text_of(answer) and "All that this root holds" in text_of(answer)

    def test_an_answer_about_another_root_is_refused_on_the_page(self) -> None:
        proposal = propose(cast.olga(), now=timezone.now())
        answer = give(browser(cast.omar()), proposal, "confirm", root="0" * 64)
        assert answer.status_code == 409 and "trust.other_digest" in text_of(answer)
        assert give(browser(cast.omar()), proposal, "confirm", root="").status_code == 400
        assert TrustRoot.objects.count() == 0

    def test_the_proposer_is_told_that_another_must(self) -> None:
        proposal = propose(cast.olga(), now=timezone.now())
        answer = give(browser(cast.olga()), proposal, "confirm")
        assert answer.status_code == 409 and "trust.same_person" in text_of(answer)

    def test_others_read_it_and_are_told_why_they_have_no_say(self) -> None:
        proposal = propose(cast.olga(), now=timezone.now())
        text = text_of(browser(cast.dave()).get(f"/trust/proposals/{proposal.pk}"))
        assert "needs the role officer" in text and ">Confirm<" not in text
        assert give(browser(cast.dave()), proposal, "confirm").status_code == 403

    def test_what_the_portal_proposed_says_how_many_more(self) -> None:
        proposal = propose(None, now=timezone.now())
        assert "Two officers must confirm." in text_of(browser(cast.olga()).get(f"/trust/proposals/{proposal.pk}"))
        give(browser(cast.olga()), proposal, "confirm")
        assert "1 more officer must confirm." in text_of(browser(cast.olga()).get(f"/trust/proposals/{proposal.pk}"))

    def test_one_that_lapsed_takes_no_answer(self) -> None:
        proposal = propose(cast.olga(), now=NOW)
        text = text_of(browser(cast.omar()).get(f"/trust/proposals/{proposal.pk}"))
        assert "Lapsed" in text and "Your answer" not in text
        assert "trust.proposal_lapsed" in text_of(give(browser(cast.omar()), proposal, "confirm"))

    def test_the_list_shows_how_each_stands(self) -> None:
        change_trust(cast.olga(), cast.omar())
        text = text_of(browser(cast.carol()).get("/trust"))
        assert "Add Ours" in text and "Took effect" in text


class TestCommands:
    def propose(self, tmp_path: Path, *words: str) -> str:
        (tmp_path / "root.json").write_bytes(root_document())
        out = StringIO()
        call_command("propose_trust_root", str(tmp_path / "root.json"), "--name", "Ours", "--reason", REASON, *words, stdout=out)
        return out.getvalue()

    def test_proposes_for_an_officer(self, tmp_path: Path) -> None:
        cast.olga()
        said = self.propose(tmp_path, "--by", "olga", "--profile", '{"sct": 0}')
        proposal = TrustProposal.objects.get()
        assert said.startswith(f"{proposal.pk}: Ours, sha256:{proposal.root_digest}\n")
        assert (proposal.profile["sct"], proposal.proposed_by) == (0, cast.olga())

    def test_refuses_everybody_else(self, tmp_path: Path) -> None:
        cast.dave()
        for words, said in (((), "--by is needed"), (("--by", "dave"), "permission.missing"), (("--by", "nobody"), "person.unknown")):
            with pytest.raises(CommandError, match=said):
                self.propose(tmp_path, *words)
        with pytest.raises(CommandError, match="not JSON"):
            self.propose(tmp_path, "--by", "dave", "--profile", "{")

    def test_adding_alone_ends_with_two_officers(self) -> None:
        cast.olga(), cast.omar()
        with pytest.raises(CommandError, match="trust.two_officers"):
            call_command("add_trust_root", "--public-good", "--name", "Sigstore public good", stdout=StringIO())
