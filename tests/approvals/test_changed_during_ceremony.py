"""What happens between the offer of a statement and its signature: each case ends in one state, with one code, and opens no gate.

The order is set here, so that it is the same on every database; `test_concurrent_answers` lets the two meet.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta

import pytest

from approvals.models import Approval, Ceremony, Record, Request, RequestState
from approvals.requests.revise import revise_request
from approvals.requests.withdraw import withdraw_request
from attestations.drain import drain
from attestations.reverify import spread_reverifications
from gates.decide import decide
from identities.keys.enrol import revoke_signing_key
from identities.lifecycle.change_status import suspend_identity
from identities.models import RoleAssignment
from identities.people.deactivate import deactivate_person
from identities.people.roles import end_role
from ledger.models import Entry
from ledger.publish import publish_checkpoint
from proofs.errors import Refusal
from tests import cast, make_changes
from tests import make_approvals as make
from tests.passkey import SoftPasskey

pytestmark = pytest.mark.django_db
KEPT = "kept"
# While the statement may still be signed.
LATER = make.NOW + timedelta(minutes=1)


@dataclass
class Scene:
    """A statement offered to Alice, and what the others need to come between."""

    stage: make.Stage
    request: Request
    passkey: SoftPasskey
    ceremony: Ceremony

    def revise(self) -> None:
        make.send_tests(self.stage, now=LATER)
        revise_request(request=self.request, by=None, now=LATER)

    def change_policy(self, **changes: int) -> None:
        make_changes.change(make_changes.version(2, source=make_changes.WAIVABLE, **changes), now=LATER)

    def withdraw(self) -> None:
        withdraw_request(request=self.request, reason="Not needed.", by=cast.bob(), now=LATER)

    def supersede(self) -> None:
        make.ask(tag="1.5.0", now=LATER)

    def answer(self, decision: str) -> None:
        ivan = cast.person("ivan", "Ivan Petrov", "approver:release")
        passkey, key = make.enrol(ivan, now=LATER)
        reason = "" if decision == "approve" else "The export job is not tested."
        make.complete(make.begin(self.request, ivan, key, decision=decision, reason=reason, now=LATER), passkey, now=LATER)

    def lose_key(self) -> None:
        key = self.ceremony.signing_key
        assert key is not None
        revoke_signing_key(key=key, by=cast.alice(), reason="lost", now=LATER)

    def leave(self) -> None:
        deactivate_person(identity=cast.alice(), reason="Left the company.", by=None, now=LATER)

    def end_role(self) -> None:
        end_role(assignment=RoleAssignment.objects.get(identity=cast.alice()), by=None, now=LATER)

    def suspend_signer(self) -> None:
        suspend_identity(identity=cast.runner(), reason="Looks odd.", by=None, now=LATER)

    def verify_again(self) -> None:
        self.suspend_signer()
        while spread_reverifications(now=LATER):
            pass
        while drain(clock=lambda: LATER, limit=20):
            pass


@dataclass(frozen=True)
class Case:
    """What comes between, how the signature ends, where the request stands once the worker has come by, and the gate's first reason."""

    between: Callable[[Scene], None]
    ends: str
    status: str
    shut: str


MISSING, NO, STALE = "approval.missing", "approval.decision", "request.stale_snapshot"
CASES = {
    "nothing": Case(lambda scene: None, KEPT, "approved", ""),
    "another approves too": Case(lambda scene: scene.answer("approve"), KEPT, "approved", ""),
    "a revision": Case(Scene.revise, STALE, "ready", MISSING),
    "a policy comes into force": Case(Scene.change_policy, STALE, "ready", MISSING),
    "a stricter policy comes into force": Case(lambda scene: scene.change_policy(count=2), STALE, "ready", MISSING),
    "a withdrawal": Case(Scene.withdraw, "request.withdrawn", "withdrawn", "request.withdrawn"),
    "supersession": Case(Scene.supersede, "request.superseded", "superseded", "request.superseded"),
    "another rejects": Case(lambda scene: scene.answer("reject"), "request.closed", "rejected", NO),
    "another asks for changes": Case(lambda scene: scene.answer("request_changes"), "request.closed", "changes_requested", NO),
    "the key is lost": Case(Scene.lose_key, "signer.revoked", "ready", MISSING),
    "who signs leaves": Case(Scene.leave, "ceremony.used", "ready", MISSING),
    "who signs loses the role": Case(Scene.end_role, "permission.missing", "ready", MISSING),
    # The page showed this evidence, and its verdict is not another yet; the gate looks at the signer itself.
    "the evidence's signer is suspended": Case(Scene.suspend_signer, KEPT, "approved", "evidence.signer_suspended"),
    "the evidence is verified again to a no": Case(Scene.verify_again, STALE, "blocked", MISSING),
}


@pytest.fixture
def scene() -> Scene:
    stage = make.set_stage(source=make_changes.WAIVABLE)
    make.send_provenance(stage)
    request = make.ask()
    passkey, key = make.enrol(cast.alice())
    return Scene(stage, request, passkey, make.begin(request, cast.alice(), key, now=make.NOW))


def end(scene: Scene) -> str:
    """Sign what was offered; return that it was kept, or the code of its refusal."""
    try:
        make.complete(scene.ceremony, scene.passkey, now=LATER)
    except Refusal as refusal:
        return refusal.code
    return KEPT


@pytest.mark.parametrize("case", CASES)
def test_each_case_ends_in_one_state_with_one_code(scene: Scene, case: str) -> None:
    wanted = CASES[case]
    wanted.between(scene)
    given, kept = count(), wanted.ends == KEPT
    assert end(scene) == wanted.ends
    wrote = (int(kept), int(kept), int(not kept and wanted.ends != "ceremony.used"))
    assert count() == tuple(map(sum, zip(given, wrote, strict=True)))
    scene.ceremony.refresh_from_db()
    # Whoever leaves takes every offer along, and nothing is left to be refused.
    because = {KEPT: "", "ceremony.used": "approver.deactivated"}.get(wanted.ends, wanted.ends)
    assert (scene.ceremony.consumed_at, scene.ceremony.refused_code) == (LATER, because)
    # What was refused once is not there to be tried until it fits.
    assert end(scene) == "ceremony.used"
    make.refresh(now=LATER)
    publish_checkpoint(now=LATER)
    assert RequestState.objects.get(request=scene.request).status == wanted.status
    answer = decide(digest=make.image(), environment_slug="production", by=cast.runner(), now=LATER)
    assert [reason["code"] for reason in answer.reasons][:1] == [wanted.shut] * bool(wanted.shut)
    assert (answer.outcome == "allow") == (not wanted.shut)


def count() -> tuple[int, int, int]:
    """Return how many approvals, records and refusals are kept."""
    return Approval.objects.count(), Record.objects.count(), Entry.objects.filter(event="approval.refused").count()
