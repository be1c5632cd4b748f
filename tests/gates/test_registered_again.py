"""A signer that was revoked: whatever is registered under its name later, and by whom, what the revocation took away stays away."""

from __future__ import annotations

from datetime import datetime, timedelta

import pytest

from approvals.models import Request
from attestations.drain import drain
from attestations.models import Attestation
from attestations.reverify import spread_reverifications
from gates.decide import decide
from identities.models import EvidenceSigner, Identity
from identities.register import register_nonhuman, register_signer
from identities.revoke_signer import revoke_signer
from proofs.errors import Conflict
from tests import cast
from tests import make_approvals as make

pytestmark = pytest.mark.django_db
ONE_NAME = f"{cast.WORKFLOW}@refs/tags/v1.4.2"
WAYS = {
    "their one name": ("other", ONE_NAME, False),
    "their all names": ("other", cast.WORKFLOW, True),
    "our one name": ("payments", ONE_NAME, False),
    "our all names": ("payments", cast.WORKFLOW, True),
}


def minute(number: int) -> datetime:
    return make.NOW + timedelta(minutes=number)


def ask_gate(now: datetime) -> list[str]:
    caller = cast.person("olaf", "Olaf Lund", "auditor")
    return [reason["code"] for reason in decide(digest=make.image(), environment_slug="production", by=caller, now=now).reasons]


def settle(now: datetime) -> None:
    while spread_reverifications(now=now):
        pass
    while drain(clock=lambda: now, limit=50):
        pass
    make.refresh(now=now)


def newcomer(team: str) -> Identity:
    if team == "other":
        bot = make.other_teams_bot()
        cast.let_attest(bot)
        return bot
    again = register_nonhuman(
        kind="workflow", name="again", issuer="x", subject="again", owner=cast.bob(), team=cast.payments(), by=None, now=make.NOW
    )
    cast.let_attest(again)
    return again


@pytest.fixture
def stage() -> make.Stage:
    return make.set_stage()


@pytest.fixture
def approved(stage: make.Stage) -> Request:
    make.send_provenance(stage)
    request = make.ask()
    make.approve(request, cast.alice())
    assert ask_gate(minute(1)) == []
    return request


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize("since", [2, -60], ids=["revoked after it signed", "revoked from before it signed"])
def test_a_name_registered_again_opens_no_gate_for_what_was_signed_before(approved: Request, since: int, way: str) -> None:
    team, name, any_ref = WAYS[way]
    signer = EvidenceSigner.objects.get(identity=cast.runner())
    revoke_signer(signer=signer, revoked_from=minute(since), reason="stolen", by=None, now=minute(2))
    identity = newcomer(team)
    named = {"certificate_issuer": cast.GITHUB_ISSUER, "certificate_identity": name, "any_ref": any_ref}
    yesterday = make.NOW - timedelta(days=1)
    with pytest.raises(Conflict) as refused:
        register_signer(identity=identity, **named, by=None, now=minute(4), valid_from=yesterday)
    assert refused.value.code == "signer.revoked_before"
    # The same row as if it had been let in, which is what older portals hold.
    row = EvidenceSigner(identity=identity, method="certificate", registered_at=minute(4), valid_from=yesterday, **named)
    row.save()
    assert ask_gate(minute(5))[0] == "evidence.signer_revoked"
    settle(minute(6))
    assert ask_gate(minute(7)) != []
    verdict = Attestation.objects.get().verdicts.latest("number")
    assert verdict.signer == (cast.runner() if since > 0 else None)


def test_a_repaired_workflow_that_is_registered_again_counts_for_what_it_signs_from_then_on(stage: make.Stage) -> None:
    runner = cast.runner()
    signer = EvidenceSigner.objects.get(identity=runner)
    revoke_signer(signer=signer, revoked_from=minute(1), reason="token leaked", by=None, now=minute(1))
    named = {"certificate_issuer": cast.GITHUB_ISSUER, "certificate_identity": cast.WORKFLOW, "any_ref": True}
    register_signer(identity=runner, **named, by=None, now=minute(3))
    make.send_provenance(stage, now=minute(4))
    make.approve(make.ask(now=minute(4)), cast.alice(), now=minute(4))
    assert ask_gate(minute(5)) == []
