"""A machine that drives one request through random histories by the real acts, with real signatures, and asks the real gate after each.

What should be so is told in `tests.histories.told`; nothing here looks into the portal's caches to know it. Only which revision is the
newest is read, because that is what a person sees.
"""

from __future__ import annotations

import tempfile
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from typing import Any

from django.db import transaction
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from approvals.exceptions.withdraw_waiver import withdraw_waiver
from approvals.models import Approval, Ceremony, Request, Waiver
from approvals.requests.withdraw import withdraw_request
from approvals.revocation.revoke_by_portal import revoke_compromised
from attestations.drain import drain
from attestations.reverify import spread_reverifications
from gates.decide import decide
from gates.models import Decision
from gates.revoke_invalid import revoke_invalid
from identities.keys.enrol import revoke_signing_key
from identities.lifecycle.change_status import resume_identity, suspend_identity
from identities.models import Identity, SigningKey
from identities.people.deactivate import deactivate_person
from ledger.publish import publish_checkpoint
from proofs.errors import Refusal
from tests import cast, make_changes, make_statements
from tests import make_approvals as make
from tests.histories.told import RELEASE, REQUESTER, SECURITY, Rules, Told, ToldAnswer
from tests.make_ledger import use_own_keys
from tests.passkey import SoftPasskey

PEOPLE = {REQUESTER: ("requester", RELEASE), "alice": (RELEASE,), "dana": (RELEASE,), "sam": (SECURITY, RELEASE)}
MORE = """\
  - {{id: security, kind: approvals, title: Security, role: "approver:security", count: 1}}
"""
TESTED = """\
  - id: tested
    kind: evidence
    title: Tested by the release workflow
    predicateTypes: ["https://in-toto.io/attestation/test-result/v0.1"]
    registeredSigner: true
    builders:
      - issuer: https://token.actions.githubusercontent.com
        workflow: https://github.com/payments/api/.github/workflows/release.yml
    sources:
      - repository: https://github.com/payments/api
"""
STAGING = """\
  - {{id: staging, kind: approved-in, title: A day in staging, environment: staging, minimumHours: 24}}
"""
SHUT = "Nobody could tell why it opened: "
people = st.sampled_from(sorted(PEOPLE))


class Undone(Exception):
    """Raised to undo what a question to the gate wrote."""


class History(RuleBasedStateMachine):
    """One artifact, one environment, one request after the other, and everybody who can do something about it."""

    # Set by the test: pytest's way to change settings for a while, and a folder for the keys of each history's log.
    settings: Any
    folder: Path

    def __init__(self) -> None:
        super().__init__()
        # The log's state outlives a database that is rolled back.
        use_own_keys(self.settings, Path(tempfile.mkdtemp(dir=self.folder)))
        self.whole = transaction.atomic()
        self.whole.__enter__()
        self.told = Told(make.NOW, roles={name: set(roles) for name, roles in PEOPLE.items()})
        self.versions = 1
        self.request: Request | None = None
        self.begun: list[tuple[Ceremony, SoftPasskey, ToldAnswer]] = []
        self.approvals: list[tuple[Approval, ToldAnswer]] = []
        self.elsewhere: list[tuple[Approval, ToldAnswer]] = []

    def teardown(self) -> None:
        transaction.set_rollback(True)
        self.whole.__exit__(None, None, None)

    @initialize(count=st.integers(1, 2), security=st.booleans(), staging=st.booleans(), approved=st.booleans())
    def set_stage(self, count: int, security: bool, staging: bool, approved: bool) -> None:
        self.told.rules = Rules(count, security, staging=staging)
        for name, roles in PEOPLE.items():
            cast.person(name, name.title(), *roles)
        self.stage = make.set_stage(count=count, source=self._source(self.told.rules))
        self.first = make.ask(by=self._person(REQUESTER), environment=make.staging(), now=self.told.now)
        if approved:
            self.all_goes_well()

    # What may open the gate, or shut it.

    @rule()
    def all_goes_well(self) -> None:
        if self.told.rules.staging:
            self.somebody_answers_in_staging(name="sam", decision="approve")
            self.time_passes(hours=30)
        self.send_provenance()
        if self.told.rules.tests:
            self.send_tests()
        if not self.told.asked or self.told.withdrawn:
            self.ask()
        if self.request is not None:
            make.refresh(now=self.told.now)
            self.some_approve(sorted(PEOPLE), len(PEOPLE))
            self.the_worker_comes_by()

    @rule(hours=st.sampled_from([1, 30, 80]))
    def time_passes(self, hours: int) -> None:
        self.told.now += timedelta(hours=hours)
        publish_checkpoint(now=self.told.now)

    @rule()
    def send_provenance(self) -> None:
        self.told.provenance |= self._sent(lambda: make.send_provenance(self.stage, now=self.told.now))

    @rule()
    def send_tests(self) -> None:
        self.told.tests |= self._sent(lambda: make.send_tests(self.stage, now=self.told.now))

    @precondition(lambda self: not self.told.asked or self.told.withdrawn)
    @rule()
    def ask(self) -> None:
        if self._done(lambda: make.ask(by=self._person(REQUESTER), now=self.told.now)):
            self.request = Request.objects.latest("opened_at", "pk")
            self.told.asked, self.told.withdrawn, self.told.answers, self.approvals, self.begun = True, False, [], [], []

    @precondition(lambda self: self.request is not None)
    @rule(names=st.permutations(sorted(PEOPLE)), how_many=st.integers(1, 4))
    def some_approve(self, names: list[str], how_many: int) -> None:
        for name in names[:how_many]:
            self.begin(name, "approve")
            self.complete()

    @precondition(lambda self: self.request is not None)
    @rule(name=people)
    def somebody_rejects(self, name: str) -> None:
        self.begin(name, "reject")
        self.complete()

    @precondition(lambda self: self.request is not None)
    @rule(name=people, decision=st.just("approve"))
    def begin(self, name: str, decision: str) -> None:
        assert self.request is not None
        request, person = self.request, self._person(name)
        told = ToldAnswer(name, decision, self._newest(), self.told.rules, self.told.now, "")
        try:
            passkey, key = make_statements.passkey_of(person, now=self.told.now)
            told.key = key.pk
            ceremony = make.begin(request, person, key, decision=decision, reason="So it is." * (decision != "approve"), now=self.told.now)
        except Refusal:
            return
        self.begun.append((ceremony, passkey, told))

    @precondition(lambda self: self.begun)
    @rule()
    def complete(self) -> None:
        if not self.begun:
            return
        ceremony, passkey, told = self.begun.pop()
        try:
            approval = make.complete(ceremony, passkey, now=self.told.now)
        except Refusal:
            return
        told.signed_at = self.told.now
        self.told.answers.append(told)
        self.approvals.append((approval, told))
        publish_checkpoint(now=self.told.now)

    @rule(name=people, decision=st.sampled_from(["approve", "approve", "reject"]))
    def somebody_answers_in_staging(self, name: str, decision: str) -> None:
        person = self._person(name)
        told = ToldAnswer(name, decision, self._newest_elsewhere(), self.told.rules, self.told.now, "")
        try:
            passkey, key = make_statements.passkey_of(person, now=self.told.now)
            told.key = key.pk
            reason = "So it is." * (decision != "approve")
            ceremony = make.begin(self.first, person, key, decision=decision, reason=reason, now=self.told.now)
            approval = make.complete(ceremony, passkey, now=self.told.now)
        except Refusal:
            return
        self.told.elsewhere.append(told)
        self.elsewhere.append((approval, told))
        publish_checkpoint(now=self.told.now)

    @precondition(lambda self: self.request is not None and not self.told.provenance)
    @rule()
    def waive(self) -> None:
        request = self.request
        assert request is not None
        if self._done(lambda: make_changes.waive(request, days=4, now=self.told.now)):
            self.told.waived_until = Waiver.objects.latest("pk").until if Waiver.objects.count() == 1 else self._latest_waiver().until

    @rule()
    def a_policy_with_less(self) -> None:
        self._activate(Rules())

    @precondition(lambda self: self.told.signer_suspended)
    @rule()
    def the_signer_is_trusted_again(self) -> None:
        self.told.signer_suspended = not self._done(
            lambda: resume_identity(identity=cast.runner(), reason="It was nothing.", by=None, now=self.told.now)
        )

    @precondition(lambda self: self.request is not None)
    @rule()
    def the_worker_comes_by(self) -> None:
        while spread_reverifications(now=self.told.now) or drain(clock=lambda: self.told.now, limit=20):
            pass
        revoke_compromised(now=self.told.now)
        revoke_invalid(now=self.told.now)
        make.refresh(now=self.told.now)
        why = self._told_why()
        assert (self._gate() == Decision.Outcome.ALLOW) == (not why), f"told: {why}; the gate: {self._reasons()}"

    # What never opens it.

    @rule(more=st.sampled_from(["count", "security", "tests", "staging"]))
    def a_policy_with_one_rule_more(self, more: str) -> None:
        rules = self.told.rules.with_more(more)
        if rules != self.told.rules and rules.count <= 2:
            self._never_opens(lambda: self._activate(rules))

    @precondition(lambda self: self.approvals)
    @rule(which=st.integers(0, 5))
    def an_approver_revokes(self, which: int) -> None:
        approval, told = self.approvals[which % len(self.approvals)]
        self._never_opens(
            lambda: self._note(told, self._done(lambda: make_statements.revoke(approval, approval.identity, now=self.told.now)))
        )

    @precondition(lambda self: self.elsewhere)
    @rule(which=st.integers(0, 2))
    def an_approver_in_staging_revokes(self, which: int) -> None:
        approval, told = self.elsewhere[which % len(self.elsewhere)]
        self._never_opens(
            lambda: self._note(told, self._done(lambda: make_statements.revoke(approval, approval.identity, now=self.told.now)))
        )

    @precondition(lambda self: self.approvals or self.elsewhere)
    @rule(which=st.integers(0, 5))
    def a_key_was_lost(self, which: int) -> None:
        signed = [*self.approvals, *self.elsewhere]
        _, told = signed[which % len(signed)]
        key = SigningKey.objects.get(pk=told.key)

        def report() -> None:
            if self._done(
                lambda: revoke_signing_key(key=key, by=key.identity, reason="Stolen", compromised_from=key.enrolled_at, now=self.told.now)
            ):
                self.told.lost_keys[key.pk] = key.enrolled_at

        self._never_opens(report)

    @rule(name=people)
    def somebody_leaves(self, name: str) -> None:
        person = self._person(name)

        def leave() -> None:
            if self._done(lambda: deactivate_person(identity=person, reason="Left the company.", by=None, now=self.told.now)):
                self.told.leaves(name)

        self._never_opens(leave)

    @rule()
    def the_signer_is_suspended(self) -> None:
        def suspend() -> None:
            self.told.signer_suspended |= self._done(
                lambda: suspend_identity(identity=cast.runner(), reason="Looks odd.", by=None, now=self.told.now)
            )

        self._never_opens(suspend)

    @precondition(lambda self: self.told.waived_until is not None)
    @rule()
    def the_waiver_is_withdrawn(self) -> None:
        def withdraw() -> None:
            waiver = self._latest_waiver()
            if self._done(lambda: withdraw_waiver(waiver=waiver, reason="Enough.", by=make.erin(), now=self.told.now)):
                self.told.waived_until = None

        self._never_opens(withdraw)

    @precondition(lambda self: self.request is not None)
    @rule()
    def it_is_withdrawn(self) -> None:
        request = self.request
        assert request is not None

        def withdraw() -> None:
            self.told.withdrawn |= self._done(
                lambda: withdraw_request(request=request, reason="Not now.", by=self._person(REQUESTER), now=self.told.now)
            )

        self._never_opens(withdraw)

    @rule()
    def somebody_lies(self) -> None:
        self._never_opens(lambda: make.send_lie(self.stage, now=self.told.now))

    @invariant()
    def no_gate_opens_without_every_rule(self) -> None:
        if self.request is not None and self._gate() == Decision.Outcome.ALLOW:
            assert self._told_why() == [], f"{SHUT}{self._told_why()}"

    # How it is asked and done.

    def _gate(self) -> str:
        return str(self._ask_gate().outcome)

    def _reasons(self) -> list[str]:
        return [item["code"] for item in self._ask_gate().reasons]

    def _ask_gate(self) -> Decision:
        found: list[Decision] = []
        try:
            with transaction.atomic():
                found.append(decide(digest=make.image(), environment_slug="production", by=cast.runner(), now=self.told.now))
                raise Undone
        except Undone:
            return found[0]

    def _told_why(self) -> list[str]:
        self.told.revision, self.told.revision_elsewhere = self._newest(), self._newest_elsewhere()
        return self.told.why_shut()

    def _never_opens(self, act: Callable[[], Any]) -> None:
        before = self._gate() if self.request is not None else ""
        act()
        after = self._gate() if self.request is not None else ""
        assert after != Decision.Outcome.ALLOW or before == Decision.Outcome.ALLOW, "what takes something away opened a gate"

    def _done(self, act: Callable[[], Any]) -> bool:
        try:
            with transaction.atomic():
                act()
        except Refusal:
            return False
        return True

    def _sent(self, send: Callable[[], Any]) -> bool:
        return self._done(send) and not self.told.signer_suspended

    def _note(self, told: ToldAnswer, revoked: bool) -> None:
        told.revoked |= revoked

    def _activate(self, rules: Rules) -> None:
        self.versions += 1
        policy = make_changes.version(self.versions, source=self._source(rules), count=rules.count)
        make_changes.change(policy, now=self.told.now)
        self.told.rules = rules

    def _source(self, rules: Rules) -> str:
        more = TESTED * rules.tests + MORE * rules.security + STAGING * rules.staging
        return make_changes.WAIVABLE.replace("  - id: approval\n", more + "  - id: approval\n", 1)

    def _newest(self) -> int:
        assert self.request is not None
        return int(self.request.revisions.latest("number").number)

    def _newest_elsewhere(self) -> int:
        return int(self.first.revisions.latest("number").number)

    def _person(self, name: str) -> Identity:
        return cast.person(name, name.title(), *PEOPLE[name])

    def _latest_waiver(self) -> Waiver:
        return Waiver.objects.latest("until")
