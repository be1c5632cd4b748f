"""Signers that nobody registered are listed from verified evidence, and adopted or blocked from there in one step."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from attestations.models import Attestation
from attestations.reverify import spread_reverifications
from identities.models import BlockedSigner, EvidenceSigner, Grant, Identity, Project, Team
from identities.signers.adopt_signer import NewProgram, SeenSigner, adopt_signer
from identities.signers.block_signer import block_signer
from ledger.models import Entry
from portal.demo.instance import Instance, Workload, build_provenance
from proofs.errors import Refusal
from proofs.keys import key_id_of
from tests import cast
from tests.make_attestations import (
    NOW,
    PROVENANCE,
    artifact_digest,
    make_attestation,
    make_signer,
    trust_instance,
    verify_now,
)
from tests.make_ledger import use_own_keys

pytestmark = pytest.mark.django_db
WORKFLOW = "https://github.com/stranger/tool/.github/workflows/build.yml"
NAME = f"{WORKFLOW}@refs/heads/main"


@pytest.fixture(autouse=True)
def keys(settings: Any, tmp_path: Path) -> None:
    use_own_keys(settings, tmp_path)


@pytest.fixture
def instance() -> Instance:
    return trust_instance()


def seen(instance: Instance, name: str = NAME, *, artifact: str = "tool", now: Any = None) -> Attestation:
    """Verified provenance that this workflow signed and the runner sent."""
    workload = Workload(name, "https://github.com/stranger/tool", "9" * 40, "refs/heads/main", issuer=cast.GITHUB_ISSUER)
    content = instance.sign_as(workload, build_provenance(workload, [(artifact, artifact_digest(artifact))]), at=NOW)
    sent = make_attestation(content, now=now or timezone.now())
    verify_now(sent)
    return sent


def signed_in(identity: Identity) -> Client:
    client = Client()
    cast.let_in(client, identity)
    return client


def address(page: str, name: str = NAME, issuer: str = cast.GITHUB_ISSUER) -> str:
    return f"/signers/{page}?{urlencode({'issuer': issuer, 'name': name})}"


def answers(**more: Any) -> dict[str, Any]:
    fields = {
        "kind": "workflow",
        "name": "tool builds",
        "issuer": cast.GITHUB_ISSUER,
        "subject": WORKFLOW,
        "covers": "exact",
        "owner": cast.bob().pk,
        "team": cast.payments().pk,
        "purpose": "Builds the tool",
        "predicate_types": [PROVENANCE],
        "reason": "Ours",
    }
    return {**fields, **more}


def settle(sent: Attestation) -> Any:
    while spread_reverifications(now=timezone.now()):
        pass
    return verify_now(sent)


class TestList:
    def test_names_each_stranger_once_with_what_it_signed_and_who_sent_it(self, instance: Instance) -> None:
        seen(instance)
        seen(instance, artifact="other")
        page = signed_in(cast.carol()).get("/signers/unknown").content.decode()
        assert page.count(f"<bdi>{NAME}</bdi>") == 1
        for expected in ("2 times", PROVENANCE, ">tool</a>", ">other</a>", "payments-api release workflow", cast.GITHUB_ISSUER):
            assert expected in page
        assert "/signers/adopt" not in page and "An identity steward adopts or blocks it." in page
        assert "/signers/adopt" in signed_in(cast.dave()).get("/signers/unknown").content.decode()

    def test_leaves_out_whoever_is_registered_and_what_is_older_than_a_week(self, instance: Instance) -> None:
        seen(instance, now=timezone.now() - timedelta(days=8))
        client = signed_in(cast.dave())
        assert "No stranger was seen this week" in client.get("/signers/unknown").content.decode()
        assert NAME in client.get("/signers/unknown?show=ever").content.decode()
        client.post(address("adopt"), answers())
        assert "Registered as" in client.get("/signers/unknown?show=ever").content.decode()
        while spread_reverifications(now=timezone.now()):
            pass
        verify_now(Attestation.objects.get())
        assert NAME not in client.get("/signers/unknown?show=ever").content.decode()

    def test_takes_as_many_queries_for_many_as_for_one(self, instance: Instance) -> None:
        client = signed_in(cast.dave())
        seen(instance)

        def queries(path: str) -> int:
            with CaptureQueriesContext(connection) as captured:
                assert client.get(path).status_code == 200
            return len(captured)

        queries("/signers/unknown")
        few = queries("/signers/unknown")
        for at in range(6):
            seen(instance, f"{WORKFLOW}@refs/heads/b{at}", artifact=f"a{at}")
        assert queries("/signers/unknown") == few

    def test_shows_a_strangers_words_as_words(self, instance: Instance) -> None:
        nasty = 'https://github.com/<script>alert(1)</script>/"x/.github/workflows/a.yml@refs/heads/main'
        seen(instance, nasty)
        client = signed_in(cast.dave())
        page = client.get("/signers/unknown").content.decode()
        assert "<script>alert" not in page and "&lt;script&gt;alert(1)" in page
        assert client.get(address("adopt", nasty)).status_code == 200

    def test_links_lead_here_from_the_evidence_and_the_artifact_for_stewards_alone(self, instance: Instance) -> None:
        sent = seen(instance)
        for path in (f"/attestations/{sent.pk}", f"/artifacts/sha256:{artifact_digest('tool')}"):
            assert "Adopt or block" not in signed_in(cast.carol()).get(path).content.decode()
            assert "Adopt or block" in signed_in(cast.dave()).get(path).content.decode()
        page = signed_in(cast.dave()).get(address("unknown")).content.decode()
        assert "A signer nobody answers for" in page and "/signers/block?" in page


class TestAdopt:
    def test_registers_the_signer_and_its_rights_in_one_step(self, instance: Instance) -> None:
        sent = seen(instance)
        client = signed_in(cast.dave())
        page = client.get(address("adopt")).content.decode()
        assert f"Any ref of {WORKFLOW}" in page and f'value="{PROVENANCE}"' in page and "checked" in page
        answer = client.post(address("adopt"), answers(project=cast.payments_api().pk))
        identity = Identity.objects.get(subject=WORKFLOW)
        if answer.status_code != 302:
            assert answer.content.decode() == ""
        assert answer["Location"] == f"/identities/{identity.pk}"
        grant = Grant.objects.get(identity=identity)
        assert (grant.object, grant.project, grant.reason) == (PROVENANCE, cast.payments_api(), "Ours")
        assert identity.evidence_signers.get().certificate_identity == NAME
        assert settle(sent).signer == identity
        assert set(Entry.objects.values_list("event", flat=True)) >= {"identity.registered", "evidence_signer.registered", "grant.given"}

    def test_any_ref_registers_the_workflow_and_no_tick_grants_nothing(self, instance: Instance) -> None:
        sent = seen(instance)
        signed_in(cast.dave()).post(address("adopt"), answers(covers="any_ref", predicate_types=[]))
        signer = EvidenceSigner.objects.get(identity__subject=WORKFLOW)
        assert (signer.certificate_identity, signer.any_ref) == (WORKFLOW, True)
        assert settle(sent).findings.get(check_name="signer").code == "signer.not_granted"

    def test_one_refused_part_takes_back_all_of_it(self, instance: Instance) -> None:
        seen(instance)
        other = Project.objects.create(slug="theirs", name="Theirs", team=Team.objects.create(slug="other", name="Other"))
        cast.grant_role(identity=cast.dave(), role="administrator", team=other.team, by=None, now=NOW)
        answer = signed_in(cast.dave()).post(address("adopt"), answers(project=other.pk))
        assert answer.status_code == 422 and "grant.other_team" in answer.content.decode()
        assert not Identity.objects.filter(subject=WORKFLOW).exists()

    @pytest.mark.parametrize("page", ["adopt", "block", "unknown"])
    def test_what_no_verified_evidence_shows_is_not_there(self, instance: Instance, page: str) -> None:
        seen(instance)
        client = signed_in(cast.dave())
        for path in (address(page, f"{NAME}x"), address(page, issuer="https://other.example"), address(page, issuer="")):
            assert client.get(path).status_code == 404
            if page != "unknown":
                assert client.post(path, answers()).status_code == 404
        assert not Identity.objects.filter(subject=WORKFLOW).exists() and not BlockedSigner.objects.exists()

    def test_nothing_is_granted_that_it_did_not_sign(self, instance: Instance) -> None:
        seen(instance)
        answer = signed_in(cast.dave()).post(address("adopt"), answers(predicate_types=["*"]))
        assert answer.status_code == 422 and not Grant.objects.filter(identity__subject=WORKFLOW).exists()

    @pytest.mark.parametrize("page", ["adopt", "block"])
    def test_only_stewards_come_in_and_only_for_their_own_teams(self, instance: Instance, page: str) -> None:
        seen(instance)
        assert signed_in(cast.alice()).post(address(page), answers()).status_code == 403
        other = Team.objects.create(slug="other", name="Other")
        steward = cast.person("stella", "Stella Berg", "identity-steward", team=other)
        assert signed_in(steward).post(address(page), answers()).status_code == 422
        narrow = cast.person("nora", "Nora Lind", "identity-steward", project=cast.payments_api())
        assert signed_in(narrow).get(address(page)).status_code == 403
        assert not Identity.objects.filter(subject=WORKFLOW).exists() and not BlockedSigner.objects.exists()

    def test_what_is_settled_is_not_offered_again(self, instance: Instance) -> None:
        seen(instance)
        client = signed_in(cast.dave())
        block_signer(issuer=cast.GITHUB_ISSUER, name=NAME, team=cast.payments(), reason="x", by=None, now=NOW)
        for page in ("adopt", "block"):
            assert client.post(address(page), answers()).status_code == 409
        assert "by Payments: x" in client.get(address("unknown")).content.decode()


class TestAdoptAct:
    def adopt(self, seen: SeenSigner, **more: Any) -> Identity:
        program = NewProgram("key", "key", "https://ci.example", "key", cast.bob(), cast.payments())
        fields = {
            "seen": seen,
            "program": program,
            "any_ref": False,
            "public_key_pem": None,
            "predicate_types": (),
            "project": None,
            "reason": "Ours",
            "by": cast.dave(),
            "now": NOW,
        }
        return adopt_signer(**{**fields, **more})

    def code_of(self, seen: SeenSigner, **more: Any) -> str:
        with pytest.raises(Refusal) as caught:
            self.adopt(seen, **more)
        assert not Identity.objects.filter(subject="key").exists()
        return caught.value.code

    def test_a_key_is_adopted_with_the_very_key_that_was_seen(self) -> None:
        signer, other = make_signer(), make_signer()
        seen = SeenSigner("", key_id_of(signer.spki))
        assert self.code_of(seen) == "signer.incomplete"
        assert self.code_of(seen, public_key_pem=other.pem) == "signer.key_differs"
        assert self.code_of(seen, public_key_pem=signer.pem, any_ref=True) == "signer.incomplete"
        assert self.adopt(seen, public_key_pem=signer.pem).evidence_signers.get().key_id == seen.name

    def test_what_a_registered_workflow_covers_is_no_stranger(self) -> None:
        cast.runner()
        assert self.code_of(SeenSigner(cast.GITHUB_ISSUER, f"{cast.WORKFLOW}@refs/heads/x")) == "signer.adopted"

    def test_without_a_reason_or_the_right_nothing_is_adopted(self) -> None:
        seen = SeenSigner(cast.GITHUB_ISSUER, NAME)
        assert self.code_of(seen, reason=" ") == "identity.reason"
        assert self.code_of(seen, by=cast.alice()) == "permission.missing"


class TestBlock:
    def test_blocks_from_where_it_was_seen_and_lifts_again(self, instance: Instance) -> None:
        sent = seen(instance)
        client = signed_in(cast.dave())
        assert "Block this signer?" in client.get(address("block")).content.decode()
        answer = client.post(address("block"), {"team": cast.payments().pk, "reason": "A fork"})
        assert answer["Location"] == "/signers/unknown"
        made = BlockedSigner.objects.get()
        assert settle(sent).findings.get(check_name="signer").code == "signer.blocked"
        assert NAME not in client.get("/signers/unknown").content.decode()
        page = client.get("/signers/unknown?show=blocked").content.decode()
        assert NAME in page and "A fork" in page and f"/signers/blocks/{made.pk}/lift" in page
        assert f"/signers/blocks/{made.pk}/lift" not in signed_in(cast.carol()).get("/signers/unknown?show=blocked").content.decode()
        assert client.post(f"/signers/blocks/{made.pk}/lift", {"reason": ""}).status_code == 422
        assert client.post(f"/signers/blocks/{made.pk}/lift", {"reason": "Ours"}).status_code == 302
        assert client.get(f"/signers/blocks/{made.pk}/lift").status_code == 404
        assert settle(sent).findings.get(check_name="signer").code == "signer.unknown"

    def test_another_teams_steward_does_not_lift_it(self) -> None:
        made = block_signer(issuer=cast.GITHUB_ISSUER, name=NAME, team=cast.payments(), reason="x", by=None, now=NOW)
        steward = cast.person("stella", "Stella Berg", "identity-steward", team=Team.objects.create(slug="other", name="Other"))
        assert signed_in(steward).post(f"/signers/blocks/{made.pk}/lift", {"reason": "x"}).status_code == 404
        made.refresh_from_db()
        assert made.lifted_at is None
