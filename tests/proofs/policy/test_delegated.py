"""What a known delegator signed for another builder counts only where that builder is expected by name, from an accepted source."""

from __future__ import annotations

import copy
from typing import Any

import pytest

from portal.demo.instance import Workload, build_provenance, claim_builder
from proofs.assess import BEFORE_DELEGATION, VERIFIER_VERSION
from proofs.canonical import canonical_bytes
from proofs.errors import Malformed
from proofs.policy.evaluate import evaluate_policy
from proofs.policy.expectations_document import parse_expectations
from tests.proofs.factory import DIGEST, WORKLOAD, bundle
from tests.proofs.pack.lies import check, code_of
from tests.proofs.pack.world import World, make_verdict
from tests.proofs.policy.test_evaluate import TRUST, input_with, policy_with, provenance_rule
from tests.proofs.policy.test_expectations_document import DOCUMENT, judge, with_change

GITHUB = "https://token.actions.githubusercontent.com"
DELEGATOR = "https://github.com/slsa-framework/slsa-github-generator/.github/workflows/delegator_generic_slsa3.yml"
BUILDER = "https://github.com/acme/builders/.github/workflows/build.yml"
SOURCES = [{"repository": WORKLOAD.repository}]


def signed_for(builder: str, *, workflow: str = DELEGATOR, ref: str = "refs/tags/v2.1.0") -> bytes:
    """Return provenance that this delegator signed, of a build by `builder`."""
    workload = Workload(f"{workflow}@{ref}", WORKLOAD.repository, WORKLOAD.commit, WORKLOAD.ref, issuer=GITHUB)
    statement = claim_builder(build_provenance(workload, [("payments.tar.gz", DIGEST)]), builder)
    return bundle(statement=statement, workload=workload)


RAW = signed_for(f"{BUILDER}@refs/tags/v1.0.0")
VERDICT = make_verdict(RAW, trust=TRUST)


def by_rule(verdict: dict[str, Any], *builders: dict[str, str], sources: list[dict[str, Any]] = SOURCES) -> tuple[str, str]:
    policy = policy_with(lambda document: document["rules"][0].update(builders=list(builders), sources=sources))
    rule = provenance_rule(evaluate_policy(policy, input_with(verdict)))
    return rule["outcome"], rule["code"]


def test_it_is_verified_with_a_finding_to_look_at() -> None:
    assert VERDICT["result"] == "verified"
    found = [(finding["outcome"], finding["code"]) for finding in VERDICT["findings"] if finding["check"] == "builder"]
    assert found == [("review", "claims.delegated")]


@pytest.mark.parametrize("named", [BUILDER, f"{BUILDER}@refs/tags/v1.0.0"])
def test_who_names_the_builder_accepts_it(named: str) -> None:
    assert by_rule(VERDICT, {"delegated": named}) == ("pass", "")

    def change(document: dict[str, Any]) -> None:
        document["accept"][0].update(builders=[{"delegated": named}], sources=SOURCES)

    assert judge(VERDICT, document=with_change(change))["outcome"] == "pass"


@pytest.mark.parametrize(
    "builder",
    [
        {"issuer": GITHUB, "workflow": DELEGATOR},
        {"issuer": GITHUB, "identity": f"{DELEGATOR}@refs/tags/v2.1.0"},
        {"issuer": GITHUB, "workflow": BUILDER},
        {"delegated": DELEGATOR},
        {"delegated": BUILDER + "x"},
        {"delegated": f"{BUILDER}@refs/tags/v1.0.1"},
    ],
)
def test_nobody_else_does(builder: dict[str, str]) -> None:
    assert by_rule(VERDICT, builder) == ("fail", "policy.signer")


def test_another_source_is_another_build() -> None:
    assert by_rule(VERDICT, {"delegated": BUILDER}, sources=[{"repository": "https://github.com/evil/fork"}]) == ("fail", "policy.source")


@pytest.mark.parametrize("changed", [{"ref": "refs/heads/main"}, {"workflow": DELEGATOR.replace("delegator", "other")}])
def test_what_is_no_release_of_a_delegator_is_a_contradiction_as_ever(changed: dict[str, str]) -> None:
    verdict = make_verdict(signed_for(BUILDER, **changed), trust=TRUST)
    assert (verdict["result"], verdict["code"]) == ("rejected", "claims.builder")
    assert by_rule(verdict, {"delegated": BUILDER})[0] == "fail"


def test_a_delegator_that_builds_for_itself_is_no_other_builder() -> None:
    own = make_verdict(signed_for(f"{DELEGATOR}@refs/tags/v2.1.0"), trust=TRUST)
    assert by_rule(own, {"issuer": GITHUB, "workflow": DELEGATOR}) == ("pass", "")
    assert by_rule(own, {"delegated": BUILDER}) == ("fail", "policy.signer")


def test_it_vouches_for_no_input() -> None:
    taking_in = copy.deepcopy(make_verdict(bundle(), trust=TRUST))
    taking_in["facts"]["claims"]["dependencies"] = [{"uri": "pkg:x", "digests": [f"sha256:{DIGEST}"]}]

    def outcome(other: dict[str, Any]) -> str:
        policy = policy_with(lambda document: document["rules"][0].update(inputs={"verified": True}))
        return str(provenance_rule(evaluate_policy(policy, input_with(taking_in, other)))["outcome"])

    assert (outcome(make_verdict(bundle(), trust=TRUST)), outcome(VERDICT)) == ("pass", "fail")


def test_a_delegated_builder_needs_its_sources() -> None:
    lax = with_change(lambda document: document["accept"][0].update(builders=[{"delegated": BUILDER}], sources=[]))
    del lax["accept"][0]["sources"]
    for document in (lax, with_change(lambda d: d["accept"][0].update(builders=[{"delegated": BUILDER, "issuer": GITHUB}]))):
        with pytest.raises(Malformed) as refused:
            parse_expectations(canonical_bytes(document))
        assert refused.value.code == "expectations.malformed"
    assert parse_expectations(canonical_bytes(DOCUMENT))


class TestPacksOfBefore:
    def pack_of(self, version: str) -> World:
        def rejected_then(verdict: dict[str, Any]) -> None:
            if any(finding["code"] == "claims.delegated" for finding in verdict["findings"]):
                verdict.update(result="rejected", code="claims.builder")
                verdict["verifier"]["version"] = version

        return World(evidence=(bundle(), RAW), verdict_lie=rejected_then)

    @pytest.mark.parametrize("version", BEFORE_DELEGATION)
    def test_what_was_rejected_then_counted_for_nothing_and_the_pack_stands(self, version: str) -> None:
        world = self.pack_of(version)
        assert check(world.pack(), trust=world.trust).approvals

    def test_a_verifier_of_today_rejects_it_no_more(self) -> None:
        world = self.pack_of(VERIFIER_VERSION)
        assert code_of(world.pack(), trust=world.trust) == "evidence.verdict_mismatch"
