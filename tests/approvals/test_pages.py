"""The pages: what is shown is the snapshot, whose turn it is is said in words, and signing goes through its own two pages."""

from __future__ import annotations

import html
import json
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest
from django.test import Client
from django.urls import reverse

from approvals.models import Approval, Ceremony, Request
from approvals.packs.build import build_pack
from approvals.policies.versions import activate_policy, store_policy
from approvals.trust import current_trust
from attestations.blobs import bytes_of
from attestations.drain import drain
from attestations.receive import receive_attestation
from identities.models import Environment, Identity, Project
from ledger.publish import publish_checkpoint
from proofs.approval.human_approval import approval_challenge
from proofs.encoding import b64_decode, b64url_decode
from proofs.keys import key_id_of
from proofs.pack.trust import build_trust
from proofs.statement import STATEMENT_V1
from reports.archive import zip_pack
from tests import cast
from tests import make_approvals as make
from tests.make_attestations import make_signer, register_key
from tests.passkey import SoftPasskey

pytestmark = pytest.mark.django_db
LIVE = re.compile(r'<section class="card live".*?</section>', re.DOTALL)
HEX = re.compile(r"\b[0-9a-f]{64}\b")


def client_of(person: Identity) -> Client:
    client = Client()
    client.force_login(cast.account_of(person))
    return client


def read(client: Client, name: str, *arguments: str, status: int = 200, **query: str) -> str:
    response = client.get(reverse(f"approvals:{name}", args=arguments), query)
    assert response.status_code == status, response.content.decode()[:2000]
    return html.unescape(response.content.decode())


def ready(**changes: object) -> tuple[make.Stage, Request]:
    stage = make.set_stage()
    make.send_provenance(stage)
    return stage, make.ask(**changes)  # type: ignore[arg-type]


def check_as_printed(page: str, request: Request, folder: Path) -> str:
    """Run the command a record's page prints, as it stands there, and return the last line it says."""
    (command,) = re.findall(r"python -m countersign verify [^<]+", html.unescape(page))
    (folder / f"{request.pk}.pack.zip").write_bytes(zip_pack(build_pack(request=request, now=make.NOW)))
    (folder / "trust.json").write_bytes(build_trust(current_trust()))
    python = f"{Path(sys.executable).parent}:{os.environ['PATH']}"
    places = {"PATH": python, "PYTHONPATH": str(Path(__file__).resolve().parents[2])}
    done = subprocess.run(["sh", "-c", command], cwd=folder, env=places, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout.splitlines()[-1]


class TestQueue:
    def test_says_whose_turn_it_is_and_why(self) -> None:
        cast.alice()
        _, request = ready()
        page = read(client_of(cast.alice()), "queue")
        assert request.title in page
        assert "You are release approver" in page
        assert "Enrol an approval key" in page
        for person, words in ((cast.bob(), "You asked for it. Waits for release approver"), (cast.carol(), "Waits for release approver")):
            assert "Nothing waits for you" in read(client_of(person), "queue")
            assert words in read(client_of(person), "queue", show="others")

    def test_an_answer_moves_it_on(self) -> None:
        _, request = ready()
        make.approve(request, cast.alice())
        page = read(client_of(cast.alice()), "queue")
        assert request.title not in page
        assert "Before you can approve" not in page
        assert request.title in read(client_of(cast.alice()), "queue", show="done")

    def test_a_wish_for_changes_is_the_requesters_turn(self) -> None:
        _, request = ready()
        passkey, key = make.enrol(cast.alice())
        make.complete(make.begin(request, cast.alice(), key, decision="request_changes", reason="Test the job."), passkey)
        assert "You asked for it; changes are requested" in read(client_of(cast.bob()), "queue")

    def test_what_lacks_evidence_is_nobodys_turn(self) -> None:
        make.set_stage()
        make.ask()
        page = read(client_of(cast.alice()), "queue", show="stuck")
        assert "Evidence has not arrived" in page
        assert "Collecting evidence" in page

    def test_shows_nothing_of_other_teams(self) -> None:
        ready()
        other = cast.Team.objects.create(slug="other", name="Other")
        stranger = cast.person("zoe", "Zoe Park", "approver:release", team=other)
        page = "".join(read(client_of(stranger), "queue", show=tab) for tab in ("mine", "others", "stuck", "done"))
        assert "payments/api" not in page

    def test_takes_the_same_number_of_queries_for_one_request_and_for_many(self, django_assert_max_num_queries: object) -> None:
        ready()
        client = client_of(cast.alice())
        read(client, "queue")
        for number in range(8):
            make.ask(tag=f"2.0.{number}")
            make.ask(note=str(number))
        with django_assert_max_num_queries(30):  # type: ignore[operator]
            read(client, "queue")

    def test_needs_a_sign_in_and_a_role(self) -> None:
        assert Client().get(reverse("approvals:queue")).status_code == 302
        assert client_of(cast.mallory()).get(reverse("approvals:queue")).status_code == 403


class TestReviewPage:
    def test_every_digest_on_the_frozen_part_is_in_the_snapshot(self) -> None:
        stage, request = ready()
        make.send_lie(stage)
        make.refresh()
        revision = request.revisions.latest("number")
        snapshot = bytes_of(revision.snapshot).decode()
        frozen = LIVE.sub("", read(client_of(cast.alice()), "request", request.pk))
        shown = set(HEX.findall(frozen)) - {revision.snapshot_id}
        assert len(shown) >= 4
        assert all(digest in snapshot for digest in shown)
        evidence = {item["digest"]["sha256"] for item in json.loads(snapshot)["evidence"]}
        assert len(evidence) == 2
        assert evidence <= shown

    def test_shows_the_frozen_words_whatever_the_tables_say_now(self) -> None:
        _, request = ready()
        frozen = read(client_of(cast.carol()), "request", request.pk)
        assert "payments-api release workflow" in frozen
        Identity.objects.filter(pk=cast.runner().pk).update(name="Renamed afterwards")
        assert "Renamed afterwards" not in LIVE.sub("", read(client_of(cast.carol()), "request", request.pk))

    def test_quotes_the_note_as_not_checked_and_escapes_it(self) -> None:
        _, request = ready(note="<script>alert(1)</script> trust me")
        response = client_of(cast.alice()).get(reverse("approvals:request", args=[request.pk])).content.decode()
        assert "not checked" in response
        assert "<script>alert(1)" not in response

    def test_says_what_is_wrong_first(self) -> None:
        stage = make.set_stage()
        make.send_lie(stage)
        page = read(client_of(cast.alice()), "request", make.ask().pk)
        assert "Look at this first" in page
        assert "the certificate was issued to https://github.com/intern/fork" in page
        assert "Approving is not possible while a requirement is not met" in page or "no approval key" in page

    @pytest.mark.parametrize(
        ("who", "words"),
        [
            (cast.bob, "You asked for this, so somebody else has to decide."),
            (cast.carol, "needs one of the roles"),
            (cast.dave, "needs one of the roles"),
            (cast.alice, "You have no approval key yet."),
        ],
    )
    def test_a_decision_that_cannot_be_taken_says_why(self, who: object, words: str) -> None:
        _, request = ready()
        page = read(client_of(who()), "request", request.pk)  # type: ignore[operator]
        assert words in page
        assert "Approve and sign" not in page

    def test_tells_what_came_in_since_apart_from_what_is_signed(self) -> None:
        stage = make.set_stage(count=2)
        make.send_provenance(stage)
        request = make.ask()
        make.approve(request, cast.alice())
        make.send_tests(stage)
        page = read(client_of(cast.carol()), "request_live", request.pk)
        assert "1 newer verdict since, which changes no rule and no finding" in page
        make.send_lie(stage)
        page = read(client_of(cast.carol()), "request_live", request.pk)
        assert "nothing can be signed until then" in page
        assert "intern/fork" not in page

    def test_names_who_could_decide_instead(self) -> None:
        _, request = ready()
        cast.alice()
        assert "Who can: <bdi>Alice Chen</bdi>" in read(client_of(cast.bob()), "request_live", request.pk)

    def test_shows_the_answers_afterwards(self) -> None:
        _, request = ready()
        approval = make.approve(request, cast.alice())
        page = read(client_of(cast.carol()), "request", request.pk)
        assert reverse("approvals:record", args=[approval.record.digest]) in page
        assert reverse("reports:pack", args=[request.pk]) in page

    def test_other_teams_and_unknown_requests_are_not_shown(self) -> None:
        _, request = ready()
        other = cast.Team.objects.create(slug="other", name="Other")
        stranger = client_of(cast.person("zoe", "Zoe Park", "auditor", team=other))
        answer = stranger.get(reverse("approvals:request", args=[request.pk]))
        assert answer.status_code == 404
        assert "payments" not in answer.content.decode()
        assert client_of(cast.alice()).get(reverse("approvals:request", args=["req_none"])).status_code == 404


class TestSigningPages:
    def test_leads_from_the_review_page_to_a_record(self, tmp_path: Path) -> None:
        _, request = ready()
        passkey, key = make.enrol(cast.alice())
        client = client_of(cast.alice())
        snapshot = request.revisions.get().snapshot_id
        assert "Show me what I sign" in read(client, "sign", request.pk, snapshot=snapshot, decision="approve")
        posted = {
            "snapshot": snapshot,
            "decision": "approve",
            "reason": "Rollback tested.",
            "key": key.pk,
            "digest_tail": make.image()[-4:],
        }
        response = client.post(reverse("approvals:sign", args=[request.pk]), posted)
        ceremony = Ceremony.objects.get()
        assert response.headers["Location"] == reverse("approvals:ceremony", args=[ceremony.pk])
        page = client.get(response.headers["Location"]).content.decode()
        offer = json.loads(re.search(r'<script id="ceremony-offer" type="application/json">(.*?)</script>', page).group(1))  # type: ignore[union-attr]
        payload = b64_decode(offer["payload"], code="test", what="the payload")
        assert payload == bytes(ceremony.payload)
        assert b64url_decode(offer["challenge"], code="test", what="the challenge") == approval_challenge(payload)
        assert "Rollback tested." in page
        assert make.image() in page
        done = client.post(reverse("approvals:ceremony_complete", args=[ceremony.pk]), {"assertion": make.posted(passkey, payload)})
        record = Approval.objects.get().record
        assert done.headers["Location"] == reverse("approvals:record", args=[record.digest])
        publish_checkpoint(now=make.NOW)
        shown = read(client, "record", record.digest)
        assert "<bdi>Alice Chen</bdi> approved" in shown
        assert "The portal vouches for whose it is." in shown
        assert check_as_printed(shown, Approval.objects.get().revision.request, tmp_path).endswith(
            " no pack can show: ask the portal's gate."
        )
        assert "ssh-keygen -Y verify" in shown
        # going back to the ceremony leads to the record, not to a second signature
        again = client.get(reverse("approvals:ceremony", args=[ceremony.pk]))
        assert again.headers["Location"] == done.headers["Location"]

    def test_no_page_on_the_way_to_a_signature_makes_markup_of_text(self) -> None:
        _, request = ready()
        _, key = make.enrol(cast.alice())
        client, snapshot = client_of(cast.alice()), request.revisions.get().snapshot_id
        decide = client.get(reverse("approvals:sign", args=[request.pk]), {"snapshot": snapshot, "decision": "reject"})
        given = {"snapshot": snapshot, "decision": "reject", "reason": "no", "key": key.pk}
        offered = client.post(reverse("approvals:sign", args=[request.pk]), given, follow=True)
        for page in (decide, offered):
            said = page.headers["Content-Security-Policy"]
            assert page.status_code == 200
            assert "require-trusted-types-for 'script'" in said
            assert "trusted-types 'none'" in said

    def test_whoever_has_not_seen_the_newest_snapshot_is_sent_to_it(self) -> None:
        _, request = ready()
        make.enrol(cast.alice())
        client = client_of(cast.alice())
        for query in ({}, {"snapshot": "0" * 64}):
            assert client.get(reverse("approvals:sign", args=[request.pk]), query).headers["Location"] == reverse(
                "approvals:request", args=[request.pk]
            )
        stale = {"snapshot": "0" * 64, "decision": "approve", "key": cast.alice().signing_keys.get().pk}
        response = client.post(reverse("approvals:sign", args=[request.pk]), stale, headers={"accept": "application/json"})
        assert (response.status_code, response.json()["code"]) == (409, "request.stale_snapshot")

    def test_a_rejection_without_a_reason_comes_back_to_the_form(self) -> None:
        _, request = ready()
        _, key = make.enrol(cast.alice())
        posted = {"snapshot": request.revisions.get().snapshot_id, "decision": "reject", "key": key.pk}
        response = client_of(cast.alice()).post(reverse("approvals:sign", args=[request.pk]), posted)
        assert response.status_code == 400
        page = response.content.decode()
        assert "Say why in a sentence" in page
        assert "(optional)" not in page
        assert re.findall(r'<(?:textarea|input|select)[^>]* name="(\w+)"[^>]* autofocus', page) == ["reason"]

    def test_another_session_of_the_same_person_cannot_go_on(self) -> None:
        _, request = ready()
        passkey, key = make.enrol(cast.alice())
        posted = {"snapshot": request.revisions.get().snapshot_id, "decision": "approve", "key": key.pk, "digest_tail": make.image()[-4:]}
        client_of(cast.alice()).post(reverse("approvals:sign", args=[request.pk]), posted)
        ceremony = Ceremony.objects.get()
        other = client_of(cast.alice())
        answer = {"assertion": make.posted(passkey, bytes(ceremony.payload))}
        for response in (
            other.get(reverse("approvals:ceremony", args=[ceremony.pk]), headers={"accept": "application/json"}),
            other.post(reverse("approvals:ceremony_complete", args=[ceremony.pk]), answer, headers={"accept": "application/json"}),
        ):
            assert (response.status_code, response.json()["code"]) == (403, "ceremony.not_yours")
        assert not Approval.objects.exists()

    @pytest.mark.parametrize("name", ["sign", "ceremony", "ceremony_complete"])
    def test_a_token_is_told_that_a_person_is_needed(self, name: str) -> None:
        _, request = ready()
        headers = {"authorization": f"Bearer {cast.token_of(cast.runner())}", "accept": "application/json"}
        response = Client().post(reverse(f"approvals:{name}", args=[request.pk]), headers=headers)
        assert (response.status_code, response.json()["code"]) == (403, "approval.human_required")

    def test_a_refused_assertion_is_told_in_words(self) -> None:
        _, request = ready()
        _, key = make.enrol(cast.alice())
        client = client_of(cast.alice())
        posted = {"snapshot": request.revisions.get().snapshot_id, "decision": "approve", "key": key.pk, "digest_tail": make.image()[-4:]}
        client.post(reverse("approvals:sign", args=[request.pk]), posted)
        ceremony = Ceremony.objects.get()
        stranger = SoftPasskey()
        response = client.post(
            reverse("approvals:ceremony_complete", args=[ceremony.pk]), {"assertion": make.posted(stranger, bytes(ceremony.payload))}
        )
        assert response.status_code == 422
        assert "Another key answered" in response.content.decode()
        assert client.post(reverse("approvals:ceremony_complete", args=[ceremony.pk])).status_code == 400

    def test_the_signing_pages_carry_no_htmx_and_no_inline_script(self) -> None:
        _, request = ready()
        _, key = make.enrol(cast.alice())
        client = client_of(cast.alice())
        posted = {"snapshot": request.revisions.get().snapshot_id, "decision": "approve", "key": key.pk, "digest_tail": make.image()[-4:]}
        page = client.post(reverse("approvals:sign", args=[request.pk]), posted, follow=True).content.decode()
        assert "htmx" not in page
        for attributes in re.findall(r"<script([^>]*)>", page):
            assert "src=" in attributes or 'type="application/json"' in attributes


@pytest.mark.parametrize("field", ["snapshot", "key", "in_stead", "decision", "way", "digest_tail", "reason_codes", "agree_0", "why_0"])
def test_a_nul_in_a_decision_is_refused(field: str) -> None:
    _, request = ready()
    _, key = make.enrol(cast.alice())
    client = Client(raise_request_exception=False)
    client.force_login(cast.account_of(cast.alice()))
    newest = request.revisions.get()
    sent = {"snapshot": newest.snapshot_id, "decision": "approve", "key": key.pk, "digest_tail": make.tail_of(newest), field: "a\0b"}
    assert client.post(reverse("approvals:sign", args=[request.pk]), sent).status_code == 400
    assert not Ceremony.objects.exists()


class TestNewRequest:
    def test_opens_a_request(self) -> None:
        stage = make.set_stage()
        make.send_provenance(stage)
        client = client_of(cast.bob())
        assert make.image() in read(client, "request_new", artifact=make.image())
        posted = {
            "project": cast.payments_api().pk,
            "environment": cast.production().pk,
            "title": "payments/api 1.4.2",
            "artifacts": f"{make.image()} payments/api:1.4.2\n",
            "note": "",
        }
        response = client.post(reverse("approvals:request_new"), posted)
        assert response.headers["Location"] == reverse("approvals:request", args=[Request.objects.get().pk])

    @pytest.mark.parametrize(("artifacts", "words"), [("payments/api:latest", "Line 1: got"), ("", "required"), ("sha256:" + "a" * 64, "")])
    def test_says_what_is_wrong_with_the_form(self, artifacts: str, words: str) -> None:
        make.set_stage()
        title = "x" if words else "\u202edesrever"
        posted = {"project": cast.payments_api().pk, "environment": cast.production().pk, "title": title, "artifacts": artifacts}
        response = client_of(cast.bob()).post(reverse("approvals:request_new"), posted)
        assert response.status_code == 400
        assert (words or "invisible or control characters") in html.unescape(response.content.decode())
        assert not Request.objects.exists()

    def test_is_for_requesters(self) -> None:
        assert client_of(cast.alice()).get(reverse("approvals:request_new")).status_code == 403


class TestSignedTogether:
    def test_the_review_names_everybody_who_signed_one_envelope(self) -> None:
        make.set_stage()
        pair = [make_signer(), make_signer()]
        for number, signer in enumerate(pair):
            register_key(signer, name=f"scan service {number}")
        subject = [{"name": "payments/api", "digest": {"sha256": make.image().partition(":")[2]}}]
        statement = json.dumps({"_type": STATEMENT_V1, "subject": subject, "predicateType": "https://example.test/check/v1"}).encode()
        envelopes = [json.loads(signer.sign(statement)) for signer in pair]
        together = {**envelopes[0], "signatures": [envelope["signatures"][0] for envelope in envelopes]}
        receive_attestation(content=json.dumps(together).encode(), by=cast.runner(), now=make.NOW)
        drain(clock=lambda: make.NOW, limit=10)
        page = read(client_of(cast.carol()), "request", make.ask().pk)
        assert "scan service 0" in page
        assert "scan service 1" in page
        assert all(key_id_of(signer.spki) in page for signer in pair)


class TestPolicyPage:
    def test_shows_the_rules_and_that_one_person_put_it_into_force(self) -> None:
        stage = make.set_stage()
        page = read(client_of(cast.carol()), "policy", stage.policy.digest)
        assert "Built by the release workflow" in page
        assert "By one person" in page
        assert client_of(cast.carol()).get(reverse("approvals:policy", args=["0" * 64])).status_code == 404

    def test_says_how_many_signers_a_rule_wants_and_the_request_how_many_there_are(self) -> None:
        stage = make.set_stage(source=make.POLICY.replace("registeredSigner: true", "signers: 2"))
        make.send_provenance(stage)
        request = make.ask()
        assert "2 different registered signers of" in read(client_of(cast.carol()), "policy", stage.policy.digest)
        assert "is incomplete: 1 of 2 signers (" in read(client_of(cast.carol()), "request", request.pk)

    def test_is_for_those_it_binds(self) -> None:
        """Somebody of another team sees no policy of this one, nor one that is in force nowhere yet."""
        stage = make.set_stage()
        idle = store_policy(source=make.POLICY.format(version=2, count=1), by=make.erin(), now=make.NOW)
        other = cast.Team.objects.create(slug="other", name="Other")
        stranger = client_of(cast.person("zoe", "Zoe Park", "auditor", team=other))
        for digest in (stage.policy.digest, idle.digest):
            assert stranger.get(reverse("approvals:policy", args=[digest])).status_code == 404
        assert client_of(make.erin()).get(reverse("approvals:policy", args=[idle.digest])).status_code == 200
        owner = cast.person("paul", "Paul Ives", "policy-owner", team=other)
        assert client_of(owner).get(reverse("approvals:policy", args=[stage.policy.digest])).status_code == 404

    def test_names_only_the_readers_own_projects(self) -> None:
        stage = make.set_stage()
        other = cast.Team.objects.create(slug="other", name="Other")
        project = Project.objects.create(slug="ledger-app", name="Ledger App", team=other)
        place = Environment.objects.create(slug="elsewhere", name="Elsewhere", team=other)
        owner = cast.person("paul", "Paul Ives", "policy-owner", team=other)
        activate_policy(policy=stage.policy, project=project, environment=place, by=owner, now=make.NOW)
        assert "Ledger App" not in read(client_of(cast.carol()), "policy", stage.policy.digest)
        page = read(client_of(owner), "policy", stage.policy.digest)
        assert "Ledger App" in page
        assert "Payments API" not in page
