"""What the statement says, held against policy, evidence and duties: also what a person really signed may not count.

The numbers in the names are the steps of the argument in `proofs.pack.verify`.
"""

from __future__ import annotations

import copy
from collections.abc import Callable
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

import pytest

from proofs.assess import VERIFIER_VERSION
from proofs.canonical import canonical_bytes
from proofs.digest import sha256_hex
from proofs.pack import layout
from tests.forge import edited, repack
from tests.passkey import SoftPasskey
from tests.proofs.factory import bundle
from tests.proofs.pack.lies import (
    EVIDENCE,
    GENUINE,
    HOUR,
    MINUTE,
    VERDICT,
    WORLD,
    check,
    code_of,
    code_when_signed,
    policy_of,
)
from tests.proofs.pack.world import BOB, NOON, POLICY, Signing, World, alice


class TestStep12To15Scope:
    @pytest.mark.parametrize("decision", ["reject", "request_changes"])
    def test_12_refuses_any_decision_but_approve(self, decision: str) -> None:
        assert code_when_signed(alice(changes={"decision": decision, "justification": "Not yet."})) == "approval.decision"

    @pytest.mark.parametrize("environment", ["staging", "production-eu", "Production", "", "env_staging"])
    def test_13_refuses_another_environment(self, environment: str) -> None:
        assert code_of(GENUINE, environment=environment) == "scope.environment"

    @pytest.mark.parametrize("digest", ["sha256:" + "cd" * 32, "sha512:" + "ab" * 64])
    def test_14_refuses_another_artifact(self, digest: str) -> None:
        assert code_of(GENUINE, digest=digest) == "scope.artifact"

    @pytest.mark.parametrize("at", [NOON - timedelta(seconds=1), NOON + 72 * HOUR + timedelta(seconds=1)])
    def test_15_refuses_a_moment_outside_the_validity(self, at: datetime) -> None:
        assert code_of(GENUINE, at=at) == "validity.window"

    @pytest.mark.parametrize("at", [NOON + MINUTE, NOON + 72 * HOUR])
    def test_15_the_ends_of_the_validity_belong_to_it(self, at: datetime) -> None:
        assert check(GENUINE, at=at).at == at


class TestStep16Policy:
    def test_refuses_another_policy_document(self) -> None:
        weaker = canonical_bytes({**POLICY, "rules": POLICY["rules"][1:]})
        assert code_of(repack(edited(GENUINE, layout.POLICY_DOCUMENT, weaker))) == "policy.mismatch"

    def test_refuses_a_statement_that_names_the_policy_differently(self) -> None:
        policy = WORLD.approval(alice()).policy
        assert code_when_signed(alice(changes={"policy": replace(policy, version="2")})) == "policy.mismatch"

    def test_refuses_a_validity_longer_than_the_policy_allows(self) -> None:
        validity = WORLD.approval(alice()).validity
        longer = replace(validity, not_after=NOON + 72 * HOUR + MINUTE)
        assert code_when_signed(alice(changes={"validity": longer})) == "validity.too_long"


class TestStep17And18Evidence:
    def test_17_refuses_evidence_altered_after_review(self) -> None:
        assert code_of(repack(edited(GENUINE, EVIDENCE, GENUINE[EVIDENCE] + b" "))) == "evidence.altered"
        assert code_of(repack(edited(GENUINE, VERDICT, GENUINE[VERDICT] + b" "))) == "evidence.altered"

    def test_17_refuses_evidence_withheld(self) -> None:
        assert code_of(repack(edited(GENUINE, EVIDENCE, None))) == "evidence.missing"
        assert code_of(repack(edited(GENUINE, VERDICT, None))) == "evidence.missing"

    def test_17_refuses_evidence_nobody_was_shown(self) -> None:
        more = bundle()
        assert code_of(repack(edited(GENUINE, layout.EVIDENCE + sha256_hex(more), more))) == "evidence.unlisted"
        assert code_of(repack(edited(GENUINE, layout.VERDICTS + "ab" * 32, b"{}"))) == "evidence.unlisted"

    @pytest.mark.parametrize(
        "change",
        [
            lambda verdict: verdict["facts"]["signer"].update(
                identity="https://github.com/trusted/x/.github/workflows/y.yml@refs/heads/main"
            ),
            lambda verdict: verdict["facts"]["subjects"][0].update(digests=["sha256:" + "cd" * 32]),
            lambda verdict: verdict["facts"]["claims"].update(builderId="https://trusted.example"),
            lambda verdict: verdict.update(result="rejected"),
            lambda verdict: verdict.update(code="evidence.better"),
            lambda verdict: verdict.update(findings=[]),
            lambda verdict: verdict["evidence"].update(sha256="ab" * 32),
            lambda verdict: verdict.update(verifiedAt="2026-05-04T12:00:01Z"),
        ],
    )
    def test_18_refuses_a_verdict_the_evidence_does_not_give(self, change: Callable[[dict[str, Any]], object]) -> None:
        """The portal showed the person a false verdict, and the person signed it."""
        world = World()
        references = world.approval(alice()).evidence
        change(world.verdicts[0])
        false = replace(references[0], verdict_digest=sha256_hex(canonical_bytes(world.verdicts[0])))
        assert code_when_signed(alice(changes={"evidence": (false,)}), world) == "evidence.verdict_mismatch"

    @pytest.mark.parametrize(("version", "holds"), [("0.1.0", True), (VERIFIER_VERSION, False), ("999", False)])
    def test_18_what_an_older_verifier_could_not_read_counted_for_nothing_and_may_be_read_today(self, version: str, holds: bool) -> None:
        first, second = bundle(), bundle()

        def unread(verdict: dict[str, Any]) -> None:
            if verdict["evidence"]["sha256"] == sha256_hex(second):
                verdict.update(result="unsupported", code="evidence.unsupported_bundle_version", facts=None, findings=[])
                verdict["verifier"]["version"] = version

        world = World(evidence=(first, second), verdict_lie=unread)
        if holds:
            assert check(world.pack(alice()), trust=world.trust, at=None) is not None
        else:
            assert code_when_signed(alice(), world) == "evidence.verdict_mismatch"

    def test_18_refuses_evidence_the_portal_made_up(self) -> None:
        """A stranger's bundle with a verdict that says verified: nothing outside the portal vouches for it."""
        world = World(evidence=(b'{"payload":"e30=","payloadType":"application/vnd.in-toto+json","signatures":[{"sig":"AAAA"}]}',))
        genuine = WORLD.verdicts[0]
        world.verdicts[0] = {**genuine, "evidence": {"sha256": sha256_hex(world.evidence[0])}}
        assert code_when_signed(alice(), world) == "evidence.verdict_mismatch"

    def test_18_refuses_evidence_under_a_root_that_is_not_trusted(self) -> None:
        assert code_of(GENUINE, trust=replace(WORLD.trust, evidence_roots=())) == "evidence.verdict_mismatch"

    def test_18_two_trust_roots_that_overlap_count_in_either_order_and_the_newer_one_alone(self) -> None:
        """The instance published its trust root again with another byte: same log, same authority, another digest."""
        old = WORLD.trust.evidence_roots[0]
        newer = replace(old, document=old.document + b"\n")
        assert newer.digest != old.digest
        for roots in ((old, newer), (newer, old), (newer,)):
            assert check(GENUINE, trust=replace(WORLD.trust, evidence_roots=roots)).approvals


class TestStep19Policy:
    def test_refuses_an_input_or_result_that_was_swapped(self) -> None:
        assert code_of(repack(edited(GENUINE, layout.POLICY_INPUT, b"{}"))) == "policy.input"
        assert code_of(repack(edited(GENUINE, layout.POLICY_RESULT, b"{}"))) == "policy.result"

    def test_refuses_a_policy_evaluated_on_something_else(self) -> None:
        """The portal evaluated the policy on facts that the statement does not hold, and the person signed the digest."""
        world = World()
        world.policy_input = {**world.policy_input, "environment": "staging"}
        world.result = {**world.result, "inputDigest": sha256_hex(canonical_bytes(world.policy_input))}
        assert code_when_signed(alice(), world) == "policy.input"

    @pytest.mark.parametrize("change", [{"more": 1}, {"project": ""}, {"schema": "x"}])
    def test_refuses_an_input_that_could_not_have_been_built(self, change: dict[str, Any]) -> None:
        world = World()
        world.policy_input = {**world.policy_input, **change}
        assert code_when_signed(alice(), world) == "policy.input"

    def test_refuses_a_result_the_policy_does_not_give(self) -> None:
        """No evidence at all, and a result that says pass."""
        world = World(evidence=())
        world.result = copy.deepcopy(world.result)
        world.result["result"] = world.result["rules"][0]["outcome"] = "pass"
        assert code_when_signed(alice(), world) == "policy.result"

    @pytest.mark.parametrize("result", [[], {"rules": 5}, {"rules": [1, None]}])
    def test_refuses_a_result_of_another_form(self, result: Any) -> None:
        world = World()
        policy = replace(world.approval(alice()).policy, result_digest=sha256_hex(canonical_bytes(result)))
        files = world.pack(alice(changes={"policy": policy}))
        assert code_of(repack(edited(files, layout.POLICY_RESULT, canonical_bytes(result))), trust=world.trust) == "policy.result"

    def test_refuses_an_approval_although_the_policy_was_not_met(self) -> None:
        assert code_when_signed(alice(), World(evidence=())) == "policy.result"


class TestStep20SeparationOfDuties:
    def test_refuses_the_requester_s_own_approval(self) -> None:
        asked_by_alice = World(requester={**BOB, "subject": "01ALICE"})
        assert code_when_signed(alice(), asked_by_alice) == "sod.violation"

    def test_refuses_it_also_when_the_portal_forgot_to_exclude_them(self) -> None:
        asked_by_alice = World(requester={**BOB, "subject": "01ALICE"})
        duties = replace(asked_by_alice.approval(alice()).separation_of_duties, excluded=())
        assert code_when_signed(alice(changes={"separation_of_duties": duties}), asked_by_alice) == "sod.violation"

    def test_refuses_somebody_the_statement_itself_excludes(self) -> None:
        duties = WORLD.approval(alice()).separation_of_duties
        excluded = (replace(duties.excluded[0], subject="01ALICE"),)
        assert code_when_signed(alice(changes={"separation_of_duties": replace(duties, excluded=excluded)})) == "sod.violation"

    @pytest.mark.parametrize("change", [{"excluded": ()}, {"result": "fail"}, {"required": 2}, {"rule_id": "another"}])
    def test_refuses_duties_shown_differently_than_they_are(self, change: dict[str, Any]) -> None:
        duties = replace(WORLD.approval(alice()).separation_of_duties, **change)
        assert code_when_signed(alice(changes={"separation_of_duties": duties})) == "sod.mismatch"

    def test_allows_the_requester_where_the_policy_says_so(self) -> None:
        world = World(policy=policy_of(requester_may=True), requester={**BOB, "subject": "01ALICE"})
        assert check(world.pack(), trust=world.trust).approvals[0].username == "alice"


class TestStep21Documents:
    def test_refuses_another_snapshot_or_request(self) -> None:
        assert code_of(repack(edited(GENUINE, layout.SNAPSHOT, b"{}"))) == "review.snapshot_mismatch"
        assert code_of(repack(edited(GENUINE, layout.REQUEST, b"{}"))) == "request.mismatch"


class TestStep22Count:
    def test_refuses_too_few(self) -> None:
        assert code_when_signed(alice(), World(policy=policy_of(count=2))) == "approval.insufficient"

    def test_refuses_one_person_twice(self) -> None:
        passkey = SoftPasskey()
        world = World(policy=policy_of(count=2))
        files = world.pack(alice(passkey=passkey), alice(passkey=passkey))
        assert code_of(files, trust=world.trust) == "approval.insufficient"

    def test_refuses_one_person_with_two_keys(self) -> None:
        world = World(policy=policy_of(count=2))
        assert code_of(world.pack(alice(), alice()), trust=world.trust) == "approval.insufficient"

    def test_refuses_a_person_without_the_role(self) -> None:
        assert code_when_signed(alice(role="auditor")) == "approval.insufficient"

    def test_refuses_a_level_below_the_policy_s(self) -> None:
        assert code_when_signed(alice(), World(policy={**POLICY, "minimumAssurance": "H3"})) == "assurance.too_low"

    def test_refuses_an_approval_of_another_revision_beside_one_of_this(self) -> None:
        world = World(policy=policy_of(count=2))
        request = replace(world.approval(alice()).request, revision=2)
        carol = Signing(SoftPasskey(), subject="01CAROL", username="carol", changes={"request": request})
        assert code_of(world.pack(alice(), carol), trust=world.trust) == "request.mismatch"
