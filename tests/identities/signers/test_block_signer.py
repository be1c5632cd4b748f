"""Blocks: who may block what and lift it, what blocked signatures are worth, and that gates do not wait for workers."""

from __future__ import annotations

from datetime import timedelta
from io import StringIO
from pathlib import Path
from typing import Any

import pytest
from django.core.management import CommandError, call_command
from django.utils import timezone

from approvals.models import Request, RequestState
from attestations.models import Attestation, Verdict
from attestations.reverify import spread_reverifications
from gates.decide import decide
from gates.models import Decision
from identities.models import BlockedSigner, EvidenceSigner, Identity, Team
from identities.register import register_nonhuman, register_signer
from identities.signers.block_signer import block_signer, lift_block
from ledger.models import Entry
from portal.demo.instance import Workload, build_provenance
from proofs.errors import Refusal
from proofs.keys import key_id_of
from tests import cast
from tests import make_approvals as make
from tests.make_attestations import (
    NOW,
    artifact_digest,
    make_attestation,
    make_signer,
    register_key,
    runner_workload,
    trust_instance,
    verify_now,
)
from tests.make_ledger import use_own_keys

pytestmark = pytest.mark.django_db
DAY = timedelta(days=1)
STRANGER = "https://github.com/stranger/tool/.github/workflows/build.yml"
NAME = f"{STRANGER}@refs/heads/main"
ANY_BUILDER = (
    make.POLICY.replace("registeredSigner: true", "registeredSigner: false")
    .replace(cast.WORKFLOW, STRANGER)
    .replace(make.REPOSITORY + "\n", "https://github.com/stranger/tool\n")
)


@pytest.fixture(autouse=True)
def keys(settings: Any, tmp_path: Path) -> None:
    use_own_keys(settings, tmp_path)


def block(**more: Any) -> BlockedSigner:
    fields = {
        "issuer": cast.GITHUB_ISSUER,
        "name": NAME,
        "team": cast.payments(),
        "reason": "Nobody knows it",
        "by": cast.dave(),
        "now": NOW,
    }
    return block_signer(**{**fields, **more})


def workload() -> Workload:
    commit = "c0ffee" + "0" * 34
    return Workload(NAME, "https://github.com/stranger/tool", commit, "refs/heads/main", issuer=cast.GITHUB_ISSUER)


def code_of(call: Any, **fields: Any) -> str:
    with pytest.raises(Refusal) as caught:
        call(**fields)
    return caught.value.code


def steward_of(slug: str) -> Identity:
    team = Team.objects.create(slug=slug, name=slug.title())
    return cast.person(f"steward-{slug}", f"Steward of {slug}", "identity-steward", team=team)


def register(name: str, *, any_ref: bool = False) -> EvidenceSigner:
    service = register_nonhuman(
        kind="workflow",
        name=name,
        issuer=cast.GITHUB_ISSUER,
        subject=str(Identity.objects.count()),
        owner=cast.bob(),
        team=cast.payments(),
        by=None,
        now=NOW,
    )
    return register_signer(
        identity=service, certificate_issuer=cast.GITHUB_ISSUER, certificate_identity=name, any_ref=any_ref, by=None, now=NOW
    )


def newest_verdict(attestation: Attestation) -> Verdict:
    while spread_reverifications(now=timezone.now()):
        pass
    return verify_now(attestation)


def signer_code(attestation: Attestation) -> tuple[str, str]:
    finding = newest_verdict(attestation).findings.get(check_name="signer")
    return str(finding.outcome), str(finding.code)


class TestActs:
    def test_blocking_and_lifting_are_each_in_the_log_once(self) -> None:
        first, again = block(), block()
        assert first == again
        for _ in range(2):
            lift_block(block=first, reason="Ours after all", by=cast.dave(), now=NOW + DAY)
        events = list(Entry.objects.filter(event__startswith="signer.").order_by("index").values_list("event", flat=True))
        assert events == ["signer.blocked", "signer.block_lifted"]
        assert block(now=NOW + 2 * DAY) != first

    @pytest.mark.parametrize(
        ("change", "code"),
        [
            ({"name": ""}, "signer.incomplete"),
            ({"name": f" {NAME}"}, "signer.incomplete"),
            ({"name": "a\u202eb"}, "signer.incomplete"),
            ({"name": "x" * 500}, "signer.incomplete"),
            ({"issuer": "x" * 301}, "signer.incomplete"),
            ({"issuer": ""}, "signer.incomplete"),
            ({"reason": " "}, "identity.reason"),
        ],
    )
    def test_what_is_incomplete_is_not_blocked(self, change: dict[str, Any], code: str) -> None:
        assert code_of(block, **change) == code
        assert not BlockedSigner.objects.exists()

    def test_only_a_steward_of_the_team_blocks_for_it_and_lifts(self) -> None:
        other = steward_of("other")
        assert code_of(block, by=other) == "permission.missing"
        assert code_of(block, by=cast.alice()) == "permission.missing"
        made = block()
        assert code_of(lift_block, block=made, reason="x", by=other, now=NOW) == "permission.missing"
        assert code_of(block, by=other, team=other.team) == "signer.blocked"
        assert lift_block(block=made, reason="x", by=None, now=NOW).lifted_at == NOW

    @pytest.mark.parametrize("any_ref", [True, False])
    def test_what_is_registered_is_not_blocked(self, any_ref: bool) -> None:
        register(STRANGER if any_ref else NAME, any_ref=any_ref)
        assert code_of(block) == "signer.registered"

    @pytest.mark.parametrize("any_ref", [True, False])
    def test_what_is_blocked_is_not_registered_nor_covered_by_any_ref(self, any_ref: bool) -> None:
        made = block()
        name = STRANGER if any_ref else NAME
        assert code_of(register, name=name, any_ref=any_ref) == "signer.blocked"
        register(f"{STRANGER}@refs/tags/v1")
        EvidenceSigner.objects.update(revoked_at=NOW)
        lift_block(block=made, reason="Ours", by=None, now=NOW)
        assert register(name, any_ref=any_ref).pk

    def test_a_key_is_blocked_by_its_id(self) -> None:
        signer = make_signer()
        registered = make_signer()
        register_key(registered)
        assert code_of(block, issuer="", name=registered_id(registered)) == "signer.registered"
        block(issuer="", name=registered_id(signer))
        assert code_of(register_key, signer=signer, name="other") == "signer.blocked"


def registered_id(signer: Any) -> str:
    return key_id_of(signer.spki)


class TestEvidence:
    def test_what_it_signed_fails_from_then_on_and_is_unknown_again_once_lifted(self) -> None:
        instance = trust_instance()
        statement = build_provenance(workload(), [("tool", artifact_digest("tool"))])
        row = make_attestation(instance.sign_as(workload(), statement, at=NOW))
        ours = make_attestation(
            instance.sign_as(runner_workload(), build_provenance(runner_workload(), [("a", artifact_digest("a"))]), at=NOW)
        )
        assert signer_code(row) == ("review", "signer.unknown")
        assert signer_code(ours)[1] == "signer.registered"
        made = block(now=timezone.now())
        assert signer_code(row) == ("fail", "signer.blocked")
        assert "Nobody knows it" in newest_verdict(row).findings.get(check_name="signer").sentence
        assert ours.verdicts.count() == 1
        lift_block(block=made, reason="Ours", by=None, now=timezone.now())
        assert signer_code(row) == ("review", "signer.unknown")
        assert row.verdicts.count() == 3


class TestGates:
    def ask_gate(self) -> Decision:
        return decide(
            digest=make.image(), environment_slug="production", project_slug="", by=cast.runner(), now=make.NOW + timedelta(minutes=1)
        )

    def approved(self) -> Request:
        stage = make.set_stage(source=ANY_BUILDER)
        statement = build_provenance(workload(), [("payments/api:1.4.2", make.image().partition(":")[2])])
        make.send(stage.instance.sign_as(workload(), statement, at=make.NOW), by=cast.runner())
        request = make.ask()
        make.approve(request, cast.alice())
        return request

    def test_a_block_shuts_them_before_anything_is_verified_again(self) -> None:
        self.approved()
        assert self.ask_gate().outcome == "allow"
        made = block(now=make.NOW + timedelta(seconds=30))
        decision = self.ask_gate()
        assert [reason["code"] for reason in decision.reasons] == ["evidence.signer_blocked", "evidence.pending"]
        assert "Nobody knows it" in decision.reasons[0]["sentence"]
        lift_block(block=made, reason="Ours", by=None, now=make.NOW + timedelta(seconds=40))
        while spread_reverifications(now=make.NOW + timedelta(seconds=50)):
            pass
        verify_now(Attestation.objects.get())
        assert self.ask_gate().outcome == "allow"

    def test_no_policy_is_fulfilled_by_it_even_one_that_asks_for_no_registered_signer(self) -> None:
        request = self.approved()
        block(now=make.NOW + timedelta(seconds=30))
        while spread_reverifications(now=timezone.now()):
            pass
        verify_now(request.revisions.get().evidence.get().attestation)
        fresh = make.ask(now=make.NOW + timedelta(minutes=2))
        assert RequestState.objects.get(request=fresh).status == "blocked"


class TestCommands:
    def test_block_and_lift(self) -> None:
        cast.payments()
        out = StringIO()
        call_command("block_signer", NAME, issuer=cast.GITHUB_ISSUER, team="payments", reason="Nobody knows it", stdout=out)
        made = BlockedSigner.objects.get()
        assert f"{made.pk}: {NAME} is blocked" in out.getvalue()
        call_command("lift_block", made.pk, reason="Ours", stdout=out)
        made.refresh_from_db()
        assert made.lifted_at is not None
        with pytest.raises(CommandError, match="block.unknown"):
            call_command("lift_block", "blk_x", reason="Ours", stdout=out)
