"""Beyond signer and source: a signed failure stays a failure, the last word counts, and runner, parameters and inputs are the expected ones."""

from __future__ import annotations

import copy
from datetime import datetime, timedelta
from typing import Any

import pytest

from proofs.assess import BEFORE_GRANTS
from proofs.errors import Malformed
from proofs.moment import rfc3339
from proofs.policy.evaluate import evaluate_policy
from proofs.policy.expectation_rule import _verified_subjects as verified_subjects
from proofs.policy.word import missing_grant
from tests.proofs.factory import NOON, bundle
from tests.proofs.pack.world import make_verdict
from tests.proofs.policy.test_evaluate import GOOD, TRUST, edited, input_with, policy_with, provenance_rule

VSA = "https://slsa.dev/verification_summary/v1"
TEST_RESULT = "https://in-toto.io/attestation/test-result/v0.1"
MINUTE = timedelta(minutes=1)
KEY_ID = "SHA256:" + "a" * 43


def outcome(*verdicts: dict[str, Any], **expected: Any) -> tuple[str, str]:
    """Return outcome and code of the evidence rule with these fields, over these verdicts."""

    def change(document: dict[str, Any]) -> None:
        document["rules"][0].update(expected)

    rule = provenance_rule(evaluate_policy(policy_with(change), input_with(*verdicts)))
    return rule["outcome"], rule["code"]


def saying(result: object, at: datetime = NOON, *, issued: datetime | None = None, by_key: bool = False) -> dict[str, Any]:
    """Return a verdict about a test result by the accepted signer: proven to exist at `at`, by a certificate issued a minute before."""
    verdict = copy.deepcopy(GOOD)
    verdict["facts"]["predicateType"] = TEST_RESULT
    verdict["facts"]["predicate"] = {"kind": "test-result", "result": result}
    verdict["facts"]["times"] = [] if by_key else [{"source": "log", "at": rfc3339(at)}]
    verdict["facts"]["signer"]["notBefore"] = rfc3339(issued or at - MINUTE)
    verdict["verifiedAt"] = rfc3339(at)
    if by_key:
        verdict["facts"]["signer"] = {"kind": "key", "keyId": KEY_ID}
    return verdict


def results(*verdicts: dict[str, Any], **expected: Any) -> tuple[str, str]:
    return outcome(*verdicts, predicateTypes=[TEST_RESULT], **expected)


class TestResults:
    def test_a_pass_passes(self) -> None:
        assert results(saying("PASSED")) == ("pass", "")

    @pytest.mark.parametrize("result", ["FAILED", "WARNED", "passed", None, ""])
    def test_anything_else_is_a_no_however_well_it_is_signed(self, result: object) -> None:
        assert results(saying(result)) == ("fail", "policy.result_not_passed")

    def test_a_warning_counts_where_the_policy_says_so(self) -> None:
        assert results(saying("WARNED"), results=["PASSED", "WARNED"]) == ("pass", "")
        assert results(saying("FAILED"), results=["PASSED", "WARNED"]) == ("fail", "policy.result_not_passed")

    @pytest.mark.parametrize("wanted", [[], ["FAILED"], ["WARNED"], ["PASSED", "FAILED"], "PASSED"])
    def test_no_policy_can_ask_for_a_failure(self, wanted: object) -> None:
        with pytest.raises(Malformed) as refused:
            policy_with(lambda document: document["rules"][0].update(results=wanted))
        assert refused.value.code == "policy.malformed"

    @pytest.mark.parametrize(
        "change", [lambda facts: facts.pop("predicate"), lambda facts: facts["predicate"].update(kind=["test-result"])]
    )
    def test_a_result_that_was_not_read_is_no_pass(self, change: Any) -> None:
        verdict = saying("PASSED")
        change(verdict["facts"])
        assert results(verdict) == ("fail", "policy.result_not_passed")

    def test_real_evidence_that_says_failed(self) -> None:
        statement = {
            "_type": "https://in-toto.io/Statement/v1",
            "subject": [{"name": "payments.tar.gz", "digest": {"sha256": "ab" * 32}}],
            "predicateType": TEST_RESULT,
            "predicate": {"result": "FAILED", "configuration": []},
        }
        verdict = make_verdict(bundle(statement=statement), trust=TRUST)
        assert (verdict["result"], verdict["facts"]["predicate"]["result"]) == ("verified", "FAILED")
        assert results(verdict)[0] == "fail"


class TestTheLastWord:
    def test_a_later_failure_beats_an_earlier_pass(self) -> None:
        passed, failed = saying("PASSED"), saying("FAILED", NOON + 9 * MINUTE)
        assert results(passed, failed)[0] == "fail"
        assert results(failed, passed)[0] == "fail"

    def test_a_pass_by_a_certificate_issued_after_the_failure_was_seen_beats_it(self) -> None:
        assert results(saying("FAILED"), saying("PASSED", NOON + 9 * MINUTE)) == ("pass", "")
        assert results(saying("PASSED", NOON + 9 * MINUTE), saying("FAILED")) == ("pass", "")

    def test_at_the_same_moment_the_no_counts(self) -> None:
        assert results(saying("PASSED"), saying("FAILED"))[0] == "fail"

    def test_an_old_pass_that_is_logged_stamped_or_verified_again_is_no_newer(self) -> None:
        restamped = saying("PASSED", NOON + 60 * MINUTE, issued=NOON - 9 * MINUTE)
        restamped["facts"]["times"].append({"source": "rfc3161", "at": rfc3339(NOON + 90 * MINUTE)})
        assert results(saying("FAILED"), restamped)[0] == "fail"

    def test_what_a_key_signed_has_no_earliest_time_and_overrules_nothing(self) -> None:
        wanted = {"builders": [{"keyId": KEY_ID}]}

        def judged(*verdicts: dict[str, Any]) -> str:
            def change(document: dict[str, Any]) -> None:
                document["rules"][0].update(predicateTypes=[TEST_RESULT], **wanted)
                document["rules"][0].pop("sources", None)

            return str(provenance_rule(evaluate_policy(policy_with(change), input_with(*verdicts)))["outcome"])

        passed, failed = saying("PASSED", NOON + 9 * MINUTE, by_key=True), saying("FAILED", by_key=True)
        assert judged(passed) == "pass"
        assert judged(failed, passed) == "fail"

    def test_a_failure_of_a_time_nobody_can_read_counts(self) -> None:
        failed = saying("FAILED", NOON - 60 * MINUTE)
        failed["facts"]["times"] = [{"source": "log", "at": "yesterday"}]
        assert results(saying("PASSED"), failed)[0] == "fail"

    def test_nobody_but_an_accepted_signer_can_overrule(self) -> None:
        stranger = saying("FAILED", NOON + MINUTE)
        stranger["facts"]["signer"]["identity"] = stranger["facts"]["signer"]["workflow"] = "https://stranger.example/x"
        assert results(saying("PASSED"), stranger) == ("pass", "")
        unverified = saying("FAILED", NOON + MINUTE) | {"result": "rejected"}
        assert results(saying("PASSED"), unverified) == ("pass", "")

    def test_a_failure_about_another_artifact_overrules_nothing(self) -> None:
        other = saying("FAILED", NOON + MINUTE)
        other["facts"]["subjects"] = [{"name": "x", "digests": ["sha256:" + "cd" * 32]}]
        assert results(saying("PASSED"), other) == ("pass", "")


SUSPENDED = {"check": "signer", "outcome": "fail", "code": "signer.suspended", "sentence": "It is suspended."}


def by_nobody(verdict: dict[str, Any], **finding: str) -> dict[str, Any]:
    """Return the verdict as it comes out once its registered signer no longer answers."""
    return {**copy.deepcopy(verdict), "identity": None, "findings": [*verdict["findings"], {**SUSPENDED, **finding}]}


class TestASignerWhoDoesNotAnswer:
    CODES = ("signer.suspended", "signer.orphaned", "signer.not_granted", "signer.not_valid")

    @pytest.mark.parametrize("code", CODES)
    def test_says_no_yes_and_its_no_still_counts(self, code: str) -> None:
        assert results(by_nobody(saying("PASSED"), code=code)) == ("fail", "policy.evidence_contradicted")
        failed = by_nobody(saying("FAILED"), code=code)
        for verdicts in ((saying("PASSED"), failed), (failed, saying("PASSED"))):
            assert results(*verdicts)[0] == "fail"

    def test_is_overruled_by_a_pass_of_a_certificate_issued_later(self) -> None:
        assert results(by_nobody(saying("FAILED")), saying("PASSED", NOON + 9 * MINUTE)) == ("pass", "")

    @pytest.mark.parametrize(
        "finding",
        [
            {"code": "signer.revoked"},
            {"code": "signer.compromised"},
            {"code": "signer.retired"},
            {"code": "signer.blocked"},
            {"check": "source"},
            {"check": "second_opinion", "outcome": "error"},
        ],
    )
    def test_says_no_no_where_it_was_revoked_or_something_else_is_wrong(self, finding: dict[str, str]) -> None:
        assert results(saying("PASSED"), by_nobody(saying("FAILED"), **finding)) == ("pass", "")

    def test_says_no_no_where_the_rule_would_not_have_accepted_it(self) -> None:
        stranger = by_nobody(saying("FAILED"))
        stranger["facts"]["signer"]["workflow"] = stranger["facts"]["signer"]["identity"] = "https://stranger.example/x"
        assert results(saying("PASSED"), stranger) == ("pass", "")
        elsewhere = by_nobody(saying("FAILED"))
        elsewhere["facts"]["signer"]["sourceRepository"] = "https://github.com/intern/fork"
        assert results(saying("PASSED"), elsewhere) == ("pass", "")

    @pytest.mark.parametrize("version", BEFORE_GRANTS)
    @pytest.mark.parametrize("code", CODES)
    def test_says_no_no_in_verdicts_of_before_there_were_grants(self, code: str, version: str) -> None:
        failed = by_nobody(saying("FAILED"), code=code)
        failed["verifier"]["version"] = version
        for verdicts in ((saying("PASSED"), failed), (failed, saying("PASSED"))):
            assert results(*verdicts) == ("pass", "")
        assert results(failed) == ("fail", "policy.evidence_contradicted")

    def test_nobody_ever_registered_says_no_no(self) -> None:
        assert results(saying("PASSED"), saying("FAILED") | {"identity": None}) == ("pass", "")

    def test_that_may_attest_this_elsewhere_alone_still_says_no(self) -> None:
        failed = saying("FAILED")
        failed["identity"]["grants"] = [{"project": "another", "environment": None}]
        assert results(saying("PASSED"), failed)[0] == "fail"


class TestRunners:
    def test_the_class_of_machine(self) -> None:
        assert outcome(GOOD, runners=["github-hosted"]) == ("pass", "")
        assert outcome(GOOD, runners=["self-hosted"]) == ("fail", "policy.runner")
        assert outcome(edited(runnerEnvironment=None), runners=["github-hosted"]) == ("fail", "policy.runner")


class TestParameters:
    def stating(self, *names: str) -> dict[str, Any]:
        verdict = copy.deepcopy(GOOD)
        verdict["facts"]["parameters"] = list(names)
        return verdict

    def test_only_those_allowed(self) -> None:
        assert outcome(self.stating("workflow"), parameters=["workflow", "inputs"]) == ("pass", "")
        assert outcome(self.stating("workflow", "debug"), parameters=["workflow"]) == ("fail", "policy.parameter")
        assert outcome(self.stating(), parameters=[]) == ("pass", "")
        assert outcome(self.stating("(unreadable)"), parameters=["workflow"]) == ("fail", "policy.parameter")

    def test_a_list_that_is_not_there_is_a_no(self) -> None:
        verdict = copy.deepcopy(GOOD)
        verdict["facts"].pop("parameters", None)
        assert outcome(verdict, parameters=[]) == ("fail", "policy.parameter")

    def test_real_provenance_lists_them(self) -> None:
        assert GOOD["facts"]["parameters"] == ["workflow"]


class TestInputs:
    BASE, TOOL = "sha256:" + "11" * 32, "sha256:" + "22" * 32

    def taking(self, *dependencies: dict[str, Any]) -> dict[str, Any]:
        verdict = copy.deepcopy(GOOD)
        verdict["facts"]["claims"]["dependencies"] = list(dependencies)
        return verdict

    def test_by_digest(self) -> None:
        verdict = self.taking({"uri": "pkg:oci/base", "digests": [self.BASE]})
        assert outcome(verdict, inputs={"digests": [self.BASE]}) == ("pass", "")
        assert outcome(verdict, inputs={"digests": [self.TOOL]}) == ("fail", "policy.input")

    def test_every_one_counts(self) -> None:
        verdict = self.taking({"uri": "pkg:oci/base", "digests": [self.BASE]}, {"uri": "pkg:oci/tool", "digests": [self.TOOL]})
        assert outcome(verdict, inputs={"digests": [self.BASE]}) == ("fail", "policy.input")
        assert outcome(verdict, inputs={"digests": [self.BASE, self.TOOL]}) == ("pass", "")

    def test_by_verdict(self) -> None:
        verdict = self.taking({"uri": "pkg:oci/base", "digests": [self.BASE]})
        about_base = copy.deepcopy(GOOD)
        about_base["facts"]["subjects"] = [{"name": "base", "digests": [self.BASE]}]
        assert outcome(verdict, about_base, inputs={"verified": True}) == ("pass", "")
        assert outcome(verdict, inputs={"verified": True}) == ("fail", "policy.input")
        elsewhere = about_base["identity"] | {"team": "other"}
        for change in ({"result": "rejected"}, {"identity": None}, {"identity": elsewhere}, {"identity": elsewhere | {"team": None}}):
            assert outcome(verdict, about_base | change, inputs={"verified": True}) == ("fail", "policy.input")

    @pytest.mark.parametrize("missing", ["team", "project", "environment"])
    def test_an_input_that_does_not_say_for_whom_lets_nobody_vouch(self, missing: str) -> None:
        policy_input = {"project": "payments-api", "team": "payments", "environment": "production", "evidence": [{"verdict": GOOD}]}
        assert verified_subjects(policy_input, {})
        assert missing_grant(GOOD, policy_input) == ""
        del policy_input[missing]
        assert not verified_subjects(policy_input, {})
        assert (missing_grant(GOOD, policy_input) == "") == (missing == "team")

    @pytest.mark.parametrize("version", BEFORE_GRANTS)
    def test_verdicts_of_before_signers_had_a_team_in_them_vouch_as_they_did(self, version: str) -> None:
        verdict = self.taking({"uri": "pkg:oci/base", "digests": [self.BASE]})
        about_base = copy.deepcopy(GOOD)
        about_base["facts"]["subjects"] = [{"name": "base", "digests": [self.BASE]}]
        del about_base["identity"]["team"]
        assert outcome(verdict, about_base, inputs={"verified": True}) == ("fail", "policy.input")
        about_base["verifier"]["version"] = version
        assert outcome(verdict, about_base, inputs={"verified": True}) == ("pass", "")

    def test_the_source_itself_needs_no_approval(self) -> None:
        source, commit = (GOOD["facts"]["signer"][name] for name in ("sourceRepository", "sourceCommit"))
        base = {"uri": "pkg:oci/base", "digests": [self.BASE]}
        for digests in ([], [f"gitCommit:{commit}"], [f"sha1:{commit}"]):
            verdict = self.taking({"uri": f"git+{source}@refs/heads/main", "digests": digests}, base)
            assert outcome(verdict, inputs={"digests": [self.BASE]}) == ("pass", "")
        for digests in ([self.TOOL], ["gitCommit:" + "0" * 40], [f"gitCommit:{commit}", self.TOOL]):
            verdict = self.taking({"uri": f"git+{source}@refs/heads/main", "digests": digests}, base)
            assert outcome(verdict, inputs={"digests": [self.BASE]}) == ("fail", "policy.input")

    def test_a_statement_vouches_for_no_input_of_its_own(self) -> None:
        verdict = self.taking({"uri": "pkg:oci/base", "digests": [self.BASE]})
        verdict["facts"]["subjects"].append({"name": "base", "digests": [self.BASE]})
        assert outcome(verdict, inputs={"verified": True}) == ("fail", "policy.input")

    @pytest.mark.parametrize(
        ("predicate_type", "result", "holds"),
        [(TEST_RESULT, "PASSED", False), (VSA, "FAILED", False), (VSA, "PASSED", True), ("https://example.com/x", None, False)],
    )
    def test_only_build_records_and_passed_summaries_vouch(self, predicate_type: str, result: str | None, holds: bool) -> None:
        other = copy.deepcopy(GOOD)
        other["facts"]["predicateType"] = predicate_type
        other["facts"]["predicate"] = {"kind": "any", "result": result}
        other["facts"]["subjects"] = [{"name": "base", "digests": [self.BASE]}]
        verdict = self.taking({"uri": "pkg:oci/base", "digests": [self.BASE]})
        assert outcome(verdict, other, inputs={"verified": True})[0] == ("pass" if holds else "fail")

    def test_what_lists_nothing_shows_nothing(self) -> None:
        assert outcome(self.taking(), inputs={"digests": [self.BASE]}) == ("fail", "policy.input")
        assert outcome(self.taking({"uri": None, "digests": []}), inputs={"digests": [self.BASE]}) == ("fail", "policy.input")

    @pytest.mark.parametrize(
        "wanted", [{}, {"digests": []}, {"verified": False}, {"digests": ["sha256:x"]}, {"digests": "x"}, {"other": 1}]
    )
    def test_a_rule_that_nothing_could_meet_is_refused(self, wanted: object) -> None:
        with pytest.raises(Malformed):
            policy_with(lambda document: document["rules"][0].update(inputs=wanted))
