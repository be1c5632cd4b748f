"""Policies: closed in what they accept, precise in what they ask, and plain about what is missing."""

from __future__ import annotations

import copy
import itertools
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest

from portal.demo.instance import claim_builder
from proofs.assess import BEFORE_GRANTS
from proofs.canonical import canonical_bytes
from proofs.digest import sha256_hex
from proofs.errors import Malformed, TooLarge
from proofs.policy.evaluate import (
    CountedApproval,
    Policy,
    build_policy_input,
    count_approvals,
    evaluate_policy,
    exclusions,
    parse_policy,
)
from tests.proofs.factory import KEY_TRUST, NOON, PUBLIC_KEY, STATEMENT, WORKFLOW, WORKLOAD, bundle, key_signed
from tests.proofs.pack.world import ARTIFACT, BOB, ORIGIN, POLICY, World, make_verdict

TRUST = World().trust
RAW = bundle()
GOOD = make_verdict(RAW, trust=TRUST)


def policy_with(change: Callable[[dict[str, Any]], object] = lambda document: None) -> Policy:
    document = copy.deepcopy(POLICY)
    change(document)
    return parse_policy(canonical_bytes(document))


def input_with(*verdicts: dict[str, Any], artifacts: tuple[str, ...] = (ARTIFACT,), **more: Any) -> dict[str, Any]:
    facts: dict[str, Any] = {
        "project": "payments-api",
        "team": "payments",
        "environment": "production",
        "artifacts": [{"digest": digest, "name": f"file{number}"} for number, digest in enumerate(artifacts)],
        "requester": BOB,
        "on_behalf_of": None,
        "owner": None,
        "evidence": [
            {"digest": f"{number:064x}", "verdictDigest": sha256_hex(canonical_bytes(verdict)), "verdict": verdict}
            for number, verdict in enumerate(verdicts)
        ],
    }
    return build_policy_input(**{**facts, **more})


def edited(**facts: Any) -> dict[str, Any]:
    """Return the good verdict with parts of its signer's facts changed (None takes a fact away)."""
    verdict = copy.deepcopy(GOOD)
    for name, value in facts.items():
        if value is None:
            del verdict["facts"]["signer"][name]
        else:
            verdict["facts"]["signer"][name] = value
    return verdict


def provenance_rule(result: dict[str, Any]) -> dict[str, Any]:
    rule: dict[str, Any] = result["rules"][0]
    return rule


class TestParse:
    def test_reads_the_whole_document(self) -> None:
        policy = policy_with()
        assert (policy.id, policy.version, policy.minimum_assurance, policy.validity_hours) == ("release-production", "1", "H2", 72)
        assert policy.required_approvals == 1
        assert policy.digest == sha256_hex(canonical_bytes(POLICY))

    @pytest.mark.parametrize(
        ("change", "code"),
        [
            (lambda d: d.update(rules=[]), "policy.empty"),
            (lambda d: d.pop("rules"), "policy.malformed"),
            (lambda d: d.update(rules=[d["rules"][0]]), "policy.no_approvals"),
            (lambda d: d["rules"][0].update(kind="anything"), "policy.unknown_rule"),
            (lambda d: d["rules"][0].update(builders=[]), "policy.malformed"),
            (lambda d: d["rules"][0].update(predicateTypes=[]), "policy.malformed"),
            (lambda d: d["rules"][0].update(sources=[]), "policy.malformed"),
            (lambda d: d["rules"][0].update(source=[]), "policy.malformed"),
            (lambda d: d["rules"][0]["builders"][0].update(identity="x"), "policy.malformed"),
            (lambda d: d["rules"][0].update(builders=[{"issuer": "x"}]), "policy.malformed"),
            (lambda d: d["rules"][0].update(builders=[{"identity": "x"}]), "policy.malformed"),
            (lambda d: d["rules"][0].update(builders=[{"keyId": "SHA256:x", "issuer": "y"}]), "policy.malformed"),
            (lambda d: d["rules"][0].update(builders=[{}]), "policy.malformed"),
            (lambda d: d["rules"][0]["sources"][0].update(refs=["*"]), "policy.malformed"),
            (lambda d: d["rules"][0]["sources"][0].update(refs=["refs/*/main"]), "policy.malformed"),
            (lambda d: d["rules"][0]["sources"][0].update(refs=[]), "policy.malformed"),
            (lambda d: d["rules"][0].update(registeredSigner="yes"), "policy.malformed"),
            (lambda d: d["rules"][1].update(count=0), "policy.malformed"),
            (lambda d: d["rules"][1].update(count=True), "policy.malformed"),
            (lambda d: d["rules"][1].update(optional=True), "policy.malformed"),
            (lambda d: d["rules"][2].pop("requesterMayApprove"), "policy.malformed"),
            (lambda d: d["rules"][1].update(id="provenance"), "policy.malformed"),
            (lambda d: d.update(minimumAssurance="H9"), "policy.malformed"),
            (lambda d: d.update(minimumAssurance="H0"), "policy.malformed"),
            (lambda d: d.update(validityHours=0), "policy.malformed"),
            (lambda d: d.update(validityHours=24 * 31), "policy.malformed"),
            (lambda d: d.update(schema="countersign-policy/v2"), "policy.malformed"),
            (lambda d: d.update(comment="hello"), "policy.malformed"),
        ],
    )
    def test_refuses_what_could_mean_less_than_it_seems(self, change: Callable[[dict[str, Any]], object], code: str) -> None:
        with pytest.raises(Malformed) as refused:
            policy_with(change)
        assert refused.value.code == code

    def test_refuses_bytes_that_are_not_canonical_or_too_many(self) -> None:
        with pytest.raises(Malformed) as refused:
            parse_policy(b" " + canonical_bytes(POLICY))
        assert refused.value.code == "json.not_canonical"
        with pytest.raises(TooLarge):
            parse_policy(b" " * (256 * 1024 + 1))


class TestInput:
    def test_the_same_facts_give_the_same_bytes_in_any_order(self) -> None:
        other = make_verdict(bundle(), trust=TRUST)
        first = input_with(GOOD, other)
        turned = {**first, "evidence": first["evidence"][::-1]}
        again = build_policy_input(
            project="payments-api",
            team="payments",
            environment="production",
            artifacts=first["artifacts"],
            requester=BOB,
            on_behalf_of=None,
            owner=None,
            evidence=turned["evidence"],
        )
        assert canonical_bytes(first) == canonical_bytes(again)

    @pytest.mark.parametrize(
        "more",
        [
            {"project": ""},
            {"requester": {"kind": "person", "issuer": ORIGIN}},
            {"requester": {**BOB, "name": "bob"}},
            {"on_behalf_of": {"issuer": ORIGIN}},
            {"owner": {"issuer": ORIGIN}},
            {"team": ""},
            {"artifacts": [{"digest": ARTIFACT, "name": "a"}, {"digest": ARTIFACT, "name": "b"}]},
            {"evidence": [{"digest": "ab" * 32, "verdictDigest": "ab" * 32, "verdict": GOOD}]},
            {"evidence": [{"digest": "xy", "verdictDigest": sha256_hex(canonical_bytes(GOOD)), "verdict": GOOD}]},
            {"evidence": [{"digest": "ab" * 32, "verdictDigest": "ab" * 32, "verdict": []}]},
            {"evidence": [{"digest": "ab" * 32, "verdictDigest": sha256_hex(canonical_bytes(GOOD)), "verdict": GOOD}] * 2},
        ],
    )
    def test_refuses_incomplete_or_contradicting_facts(self, more: dict[str, Any]) -> None:
        good = {"digest": "ab" * 32, "verdictDigest": sha256_hex(canonical_bytes(GOOD)), "verdict": GOOD}
        facts: dict[str, Any] = {"project": "p", "team": "t", "environment": "e", "artifacts": [], "requester": BOB}
        facts.update(on_behalf_of=None, owner=None)
        with pytest.raises(Malformed) as refused:
            build_policy_input(**{**facts, "evidence": [good], **more})
        assert refused.value.code == "policy.input_malformed"

    def test_refuses_to_evaluate_another_kind_of_document(self) -> None:
        with pytest.raises(Malformed) as refused:
            evaluate_policy(policy_with(), {"schema": "other"})
        assert refused.value.code == "policy.input_malformed"


class TestEvidenceRule:
    def test_passes_and_names_who_signed(self) -> None:
        result = evaluate_policy(policy_with(), input_with(GOOD))
        assert result["result"] == "pass"
        rule = provenance_rule(result)
        assert (rule["outcome"], rule["code"], rule["evidence"]) == ("pass", "", [f"{0:064x}"])
        assert WORKLOAD.identity in rule["sentence"]
        assert [rule["outcome"] for rule in result["rules"]] == ["pass", "awaiting", "pass"]

    def test_the_result_names_policy_and_input(self) -> None:
        policy, facts = policy_with(), input_with(GOOD)
        result = evaluate_policy(policy, facts)
        assert result["policy"] == {"id": "release-production", "version": "1", "digest": policy.digest}
        assert result["inputDigest"] == sha256_hex(canonical_bytes(facts))

    def test_says_what_is_missing_when_nothing_was_sent(self) -> None:
        rule = provenance_rule(evaluate_policy(policy_with(), input_with()))
        assert (rule["outcome"], rule["code"]) == ("fail", "policy.evidence_missing")
        assert rule["sentence"] == (
            "Build provenance for file0 is missing: got no verified https://slsa.dev/provenance/v1 from an accepted builder."
        )

    def test_says_who_signed_and_who_was_expected(self) -> None:
        stranger = "https://github.com/mallory/payments/.github/workflows/release.yml"
        rule = provenance_rule(evaluate_policy(policy_with(), input_with(edited(identity=f"{stranger}@refs/heads/x", workflow=stranger))))
        assert (rule["outcome"], rule["code"]) == ("fail", "policy.signer")
        assert f"It was signed by {stranger}@refs/heads/x (vouched for by {WORKLOAD.issuer})" in rule["sentence"]
        assert f"expected {WORKFLOW} (vouched for by {WORKLOAD.issuer})." in rule["sentence"]

    def test_a_predicate_that_names_the_accepted_builder_helps_nobody(self) -> None:
        lying = claim_builder(STATEMENT, "https://trusted.example/builder")
        verdict = make_verdict(bundle(statement=lying), trust=TRUST)
        assert verdict["result"] == "rejected"
        policy = policy_with(
            lambda d: d["rules"][0].update(builders=[{"issuer": WORKLOAD.issuer, "workflow": "https://trusted.example/builder"}])
        )
        rule = provenance_rule(evaluate_policy(policy, input_with(verdict)))
        assert (rule["outcome"], rule["code"]) == ("fail", "policy.evidence_not_verified")
        assert "https://trusted.example/builder" in rule["sentence"]
        assert WORKLOAD.identity in rule["sentence"]

    @pytest.mark.parametrize(
        ("change", "code"),
        [
            (lambda v: v.update(result="rejected"), "policy.evidence_not_verified"),
            (lambda v: v.update(result="unsupported"), "policy.evidence_not_verified"),
            (lambda v: v.update(result=True), "policy.evidence_not_verified"),
            (lambda v: v.update(facts=None), "policy.evidence_missing"),
            (lambda v: v.update(facts=[]), "policy.evidence_missing"),
            (lambda v: v["facts"].update(predicateType="https://spdx.dev/Document"), "policy.evidence_missing"),
            (lambda v: v["facts"].update(subjects=[]), "policy.evidence_missing"),
            (lambda v: v["facts"].update(subjects="all"), "policy.evidence_missing"),
            (lambda v: v["facts"]["subjects"][0].update(digests=["sha256:" + "cd" * 32]), "policy.evidence_missing"),
            (lambda v: v["facts"]["subjects"][0].update(digests=ARTIFACT), "policy.evidence_missing"),
            (lambda v: v["facts"].pop("signer"), "policy.signer"),
            (lambda v: v["facts"]["signer"].update(kind="key"), "policy.signer"),
            (lambda v: v["facts"]["signer"].update(issuer="https://evil.example"), "policy.signer"),
            (lambda v: v["facts"]["signer"].update(workflow=None), "policy.signer"),
            (lambda v: v["facts"]["signer"].pop("sourceRepository"), "policy.source"),
            (lambda v: v["facts"]["signer"].update(sourceRepositoryId="1002"), "policy.source"),
            (lambda v: v["facts"]["signer"].update(sourceRef="refs/heads/v1"), "policy.source"),
            (lambda v: v["facts"]["signer"].update(sourceRef=None), "policy.source"),
            (lambda v: v.update(identity=None), "policy.signer_unregistered"),
            (lambda v: v.update(identity={}), "policy.signer_unregistered"),
            (lambda v: v["identity"].update(grants=[]), "policy.signer_not_granted"),
            (lambda v: v["identity"].pop("grants"), "policy.signer_not_granted"),
            (lambda v: v["identity"].update(grants="*"), "policy.signer_not_granted"),
            (lambda v: v["identity"].update(grants=[{}]), "policy.signer_not_granted"),
            (lambda v: v["identity"].update(grants=[{"project": None}]), "policy.signer_not_granted"),
            (lambda v: v["identity"].update(grants=[{"project": "x", "environment": None}]), "policy.signer_not_granted"),
            (lambda v: v["identity"].update(grants=[{"project": None, "environment": "staging"}]), "policy.signer_not_granted"),
            (
                lambda v: v["findings"].append({"check": "x", "outcome": "fail", "code": "c", "sentence": "No."}),
                "policy.evidence_contradicted",
            ),
            (
                lambda v: v["findings"].append({"check": "x", "outcome": "error", "code": "c", "sentence": "No."}),
                "policy.evidence_contradicted",
            ),
        ],
    )
    def test_whatever_is_missing_or_different_fails(self, change: Callable[[dict[str, Any]], object], code: str) -> None:
        verdict = copy.deepcopy(GOOD)
        change(verdict)
        result = evaluate_policy(policy_with(), input_with(verdict))
        assert (result["result"], provenance_rule(result)["code"]) == ("fail", code)

    @pytest.mark.parametrize("grant", [(None, None), ("payments-api", None), (None, "production"), ("payments-api", "production")])
    def test_a_grant_that_covers_project_and_environment_is_enough(self, grant: tuple[str | None, str | None]) -> None:
        verdict = copy.deepcopy(GOOD)
        verdict["identity"]["grants"] = [{"project": "x", "environment": "y"}, dict(zip(("project", "environment"), grant, strict=True))]
        assert evaluate_policy(policy_with(), input_with(verdict))["result"] == "pass"

    @pytest.mark.parametrize("version", BEFORE_GRANTS)
    def test_verdicts_of_before_there_were_grants_need_none(self, version: str) -> None:
        verdict = copy.deepcopy(GOOD)
        del verdict["identity"]["grants"]
        verdict["verifier"]["version"] = version
        assert evaluate_policy(policy_with(), input_with(verdict))["result"] == "pass"

    def test_it_is_said_where_the_signer_may_attest_this(self) -> None:
        verdict = copy.deepcopy(GOOD)
        verdict["identity"]["grants"] = [{"project": "x", "environment": None}]
        sentence = provenance_rule(evaluate_policy(policy_with(), input_with(verdict)))["sentence"]
        assert sentence.endswith(
            "release workflow may attest this for x in every environment only; this is about payments-api in production."
        )

    def test_every_artifact_needs_its_own_item(self) -> None:
        other = "sha256:" + "cd" * 32
        rule = provenance_rule(evaluate_policy(policy_with(), input_with(GOOD, artifacts=(ARTIFACT, other))))
        assert (rule["outcome"], rule["code"]) == ("fail", "policy.evidence_missing")
        assert "for file1" in rule["sentence"]

    def test_no_artifact_at_all_fails(self) -> None:
        rule = provenance_rule(evaluate_policy(policy_with(), input_with(GOOD, artifacts=())))
        assert (rule["outcome"], rule["code"]) == ("fail", "policy.no_artifact")

    def test_the_nearest_item_explains_the_failure(self) -> None:
        far, near = edited(issuer="https://evil.example"), copy.deepcopy(GOOD) | {"identity": None}
        for verdicts in itertools.permutations([far, near]):
            assert provenance_rule(evaluate_policy(policy_with(), input_with(*verdicts)))["code"] == "policy.signer_unregistered"

    def test_one_good_item_among_bad_ones_is_enough(self) -> None:
        result = evaluate_policy(policy_with(), input_with(edited(issuer="https://evil.example"), GOOD))
        assert result["result"] == "pass"
        assert provenance_rule(result)["evidence"] == [f"{1:064x}"]

    def test_a_whole_identity_must_match_to_the_ref(self) -> None:
        exact = policy_with(lambda d: d["rules"][0].update(builders=[{"issuer": WORKLOAD.issuer, "identity": WORKLOAD.identity}]))
        assert evaluate_policy(exact, input_with(GOOD))["result"] == "pass"
        assert evaluate_policy(exact, input_with(edited(identity=f"{WORKFLOW}@refs/heads/evil")))["result"] == "fail"

    def test_a_beginning_of_a_workflow_is_not_the_workflow(self) -> None:
        assert evaluate_policy(policy_with(), input_with(edited(workflow=WORKFLOW + ".evil")))["result"] == "fail"
        assert evaluate_policy(policy_with(), input_with(edited(workflow=WORKFLOW[:-1])))["result"] == "fail"

    def test_refs_match_whole_or_by_their_beginning(self) -> None:
        whole = policy_with(lambda d: d["rules"][0]["sources"][0].update(refs=["refs/tags/v1.2.0"]))
        assert evaluate_policy(whole, input_with(GOOD))["result"] == "pass"
        assert evaluate_policy(whole, input_with(edited(sourceRef="refs/tags/v1.2.01")))["result"] == "fail"
        assert evaluate_policy(policy_with(), input_with(edited(sourceRef="refs/tags/v9")))["result"] == "pass"

    def test_a_registered_key_can_be_a_builder_but_names_no_source(self) -> None:
        verdict = make_verdict(key_signed(), trust=replace(TRUST, evidence_keys=KEY_TRUST.keys), at=NOON)
        assert verdict["result"] == "verified"
        by_key = policy_with(lambda d: (d["rules"][0].update(builders=[{"keyId": PUBLIC_KEY.key_id}]), d["rules"][0].pop("sources")))
        assert evaluate_policy(by_key, input_with(verdict))["result"] == "pass"
        with_source = policy_with(lambda d: d["rules"][0].update(builders=[{"keyId": PUBLIC_KEY.key_id}]))
        assert provenance_rule(evaluate_policy(with_source, input_with(verdict)))["code"] == "policy.source"

    def test_an_unregistered_signer_passes_only_where_the_policy_says_so(self) -> None:
        anonymous = copy.deepcopy(GOOD) | {"identity": None}
        lax = policy_with(lambda d: d["rules"][0].update(registeredSigner=False))
        assert evaluate_policy(lax, input_with(anonymous))["result"] == "pass"


class TestExclusions:
    def test_the_requester_and_whom_it_asks_for_are_excluded(self) -> None:
        runner = {"kind": "workflow", "issuer": "https://issuer.example", "subject": "repo:x"}
        facts = input_with(GOOD, requester=runner, on_behalf_of={"issuer": ORIGIN, "subject": "01CAROL"})
        assert exclusions(policy_with(), facts) == [
            {"issuer": ORIGIN, "subject": "01CAROL", "because": ["on-behalf-of"]},
            {"issuer": "https://issuer.example", "subject": "repo:x", "because": ["requester"]},
        ]

    def test_the_owner_of_the_program_that_asks_is_excluded_whomever_it_names(self) -> None:
        facts = input_with(GOOD, owner={"issuer": ORIGIN, "subject": "01CAROL"}, on_behalf_of={"issuer": ORIGIN, "subject": "01DAVE"})
        assert {"issuer": ORIGIN, "subject": "01CAROL", "because": ["owner"]} in exclusions(policy_with(), facts)

    def test_one_who_is_both_is_listed_once(self) -> None:
        facts = input_with(GOOD, on_behalf_of={"issuer": BOB["issuer"], "subject": BOB["subject"]})
        assert exclusions(policy_with(), facts) == [{"issuer": ORIGIN, "subject": "01BOB", "because": ["requester", "on-behalf-of"]}]

    def test_they_hold_without_a_rule_and_end_only_with_a_plain_yes(self) -> None:
        silent = policy_with(lambda d: d["rules"].pop())
        assert [party["subject"] for party in exclusions(silent, input_with(GOOD))] == ["01BOB"]
        yes = policy_with(lambda d: d["rules"][2].update(requesterMayApprove=True))
        assert exclusions(yes, input_with(GOOD)) == []
        assert exclusions(yes, input_with(GOOD, owner={"issuer": ORIGIN, "subject": "01CAROL"})) == []
        assert "lets the requester approve" in evaluate_policy(yes, input_with(GOOD))["rules"][2]["sentence"]


class TestCount:
    TWO = [
        {"id": "release", "kind": "approvals", "title": "Release", "role": "approver:release", "count": 1},
        {"id": "security", "kind": "approvals", "title": "Security", "role": "approver:security", "count": 1},
    ]

    @staticmethod
    def counted(policy: Policy, *approvals: CountedApproval, excluded: list[dict[str, Any]] | None = None) -> list[str]:
        return [rule["outcome"] for rule in count_approvals(policy, approvals, excluded=excluded or [])]

    @staticmethod
    def by(subject: str, *roles: str, level: str = "H2") -> CountedApproval:
        return CountedApproval(ORIGIN, subject, roles or ("approver:release",), level)

    def test_enough_people_with_the_role(self) -> None:
        two = policy_with(lambda d: d["rules"][1].update(count=2))
        assert self.counted(two, self.by("a")) == ["awaiting"]
        assert self.counted(two, self.by("a"), self.by("a")) == ["awaiting"]
        assert self.counted(two, self.by("a"), self.by("b")) == ["pass"]

    def test_says_how_many_are_there_and_why_one_does_not_count(self) -> None:
        rules = count_approvals(policy_with(), [self.by("a", level="H1")], excluded=[])
        assert rules[0]["code"] == "approval.insufficient"
        assert rules[0]["sentence"] == (
            "Release approval: 0 of 1 approvals by approver:release. a signed at level H1, expected H2 or higher."
        )

    def test_the_excluded_and_those_without_the_role_do_not_count(self) -> None:
        out = [{"issuer": ORIGIN, "subject": "a", "because": ["requester"]}]
        assert self.counted(policy_with(), self.by("a"), excluded=out) == ["awaiting"]
        assert self.counted(policy_with(), self.by("a", "auditor")) == ["awaiting"]
        assert self.counted(policy_with(), self.by("a"), self.by("b"), excluded=out) == ["pass"]

    def test_the_same_subject_of_another_issuer_is_another_person(self) -> None:
        two = policy_with(lambda d: d["rules"][1].update(count=2))
        assert self.counted(two, self.by("a"), CountedApproval("https://idp.example", "a", ("approver:release",), "H2")) == ["pass"]

    def test_nobody_fills_two_rules_alone(self) -> None:
        both = policy_with(lambda d: d.update(rules=copy.deepcopy(self.TWO)))
        assert sorted(self.counted(both, self.by("a", "approver:release", "approver:security"))) == ["awaiting", "pass"]

    def test_people_are_seated_so_that_most_places_are_filled(self) -> None:
        both = policy_with(lambda d: d.update(rules=copy.deepcopy(self.TWO)))
        broad, narrow = self.by("a", "approver:release", "approver:security"), self.by("b", "approver:release")
        for order in itertools.permutations([broad, narrow]):
            assert self.counted(both, *order) == ["pass", "pass"]


def test_the_same_bytes_are_read_once() -> None:
    document = canonical_bytes(POLICY)
    assert parse_policy(document) is parse_policy(bytes(bytearray(document)))
