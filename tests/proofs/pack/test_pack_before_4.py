"""Packs with verdicts of verifiers before version 4: what is read differently since does not undo them, and nothing else is forgiven."""

from __future__ import annotations

import copy
import json
from collections.abc import Callable
from dataclasses import asdict
from typing import Any

import pytest

from proofs.assess import EARLIER_VERIFIERS, VERIFIER_VERSION, assess_evidence
from proofs.digest import sha256_hex
from proofs.pack.earlier_facts import facts_known_then
from tests.proofs.factory import NOON, STATEMENT, TRUST, bundle, changed
from tests.proofs.pack.lies import check, code_of
from tests.proofs.pack.world import POLICY, World

Verdict = dict[str, Any]
TEST_RESULT = "https://in-toto.io/attestation/test-result/v0.1"
VSA = "https://slsa.dev/verification_summary/"
GOOD_INPUT = {"uri": "pkg:generic/ok", "digest": {"sha256": "11" * 32, "blake3": "11" * 32}}
SUMMARY = {"verifier": {"id": "https://v.example"}, "resource_uri": "r", "verification_result": "PASSED", "policy_level": "SLSA_LEVEL_3"}


def stating(change: Callable[[dict[str, Any]], object]) -> bytes:
    statement = copy.deepcopy(STATEMENT)
    change(statement["predicate"])
    return bundle(statement=statement)


MANY = stating(lambda predicate: predicate["buildDefinition"].update(resolvedDependencies=[GOOD_INPUT] * 1030))


def summing_up(version: str) -> bytes:
    return bundle(statement=STATEMENT | {"predicateType": VSA + version, "predicate": SUMMARY})


def read_loosely(verdict: Verdict, **fields: object) -> None:
    verdict["facts"]["predicate"].pop("readBefore4")
    verdict["facts"]["predicate"].update(fields)


def drop_other_digests(verdict: Verdict) -> None:
    for item in verdict["facts"]["claims"]["dependencies"]:
        item.pop("otherDigests", None)


def cut(verdict: Verdict) -> None:
    """Make of the refusal of today what a verifier of then said: all inputs read, and the first 1,024 of them listed."""
    then = assess_evidence(MANY, trust=TRUST, received_at=NOON, as_before_4=True)
    assert then.facts is not None
    then.facts["claims"]["dependencies"] = [{"uri": "pkg:generic/ok", "digests": ["sha256:" + "11" * 32]}] * 1024
    findings = [asdict(finding) for finding in then.findings]
    verdict.update(result=then.result, code=then.code, reason=then.reason, facts=then.facts, findings=findings)


RESPELLED = stating(
    lambda predicate: (
        predicate["buildDefinition"].update(resolved_dependencies=[GOOD_INPUT]),
        predicate.update(run_details={"builder": {"id": "https://evil.example/builder"}}),
    )
)
TESTED = bundle(
    statement=STATEMENT
    | {"predicateType": "https://in-toto.io/attestation/test-result/v0.1", "predicate": {"result": "PASSED", "Result": "FAILED"}}
)


def ignore_spellings(verdict: Verdict) -> None:
    """Make of the rejection of today what a verifier of then said, which looked for no other spellings."""
    then = assess_evidence(RESPELLED, trust=TRUST, received_at=NOON, as_before_4=True)
    verdict.update(
        result=then.result, code=then.code, reason=then.reason, facts=then.facts, findings=[asdict(finding) for finding in then.findings]
    )


CHANGED: dict[str, tuple[bytes, Callable[[Verdict], object]]] = {
    "an input with other digests": (
        stating(lambda predicate: predicate["buildDefinition"].update(resolvedDependencies=[GOOD_INPUT])),
        drop_other_digests,
    ),
    "a list of parameters": (
        stating(lambda predicate: predicate.update(invocation={"parameters": ["x"]})),
        lambda verdict: verdict["facts"].update(parameters=[name for name in verdict["facts"]["parameters"] if name != "(no object)"]),
    ),
    "a list of parameters alone": (
        stating(
            lambda predicate: (predicate["buildDefinition"].pop("externalParameters"), predicate.update(invocation={"parameters": ["x"]}))
        ),
        lambda verdict: verdict["facts"].pop("parameters"),
    ),
    "a summary of version 0.2": (summing_up("v0.2"), lambda verdict: read_loosely(verdict, levels=[])),
    "a summary in the older spelling": (summing_up("v1"), lambda verdict: read_loosely(verdict, result="PASSED", resourceUri="r")),
    "claims in another spelling": (RESPELLED, ignore_spellings),
    "a test result in another spelling": (TESTED, lambda verdict: read_loosely(verdict, result="PASSED")),
    "a type that was not read": (
        bundle(statement=STATEMENT | {"predicateType": "https://cyclonedx.org/bom/v1.7"}),
        lambda verdict: verdict["facts"].pop("predicate"),
    ),
    "a field that is null": (
        changed(bundle(), lambda value: value["verificationMaterial"].update(publicKey=None)),
        lambda verdict: verdict.update(result="rejected", code="bundle.malformed", facts=None, findings=[]),
    ),
    "more inputs than are read today": (MANY, cut),
}


def pack_with(what: str, version: str, also: Callable[[Verdict], object] = lambda verdict: None) -> World:
    """Return a world whose second item got its verdict from a verifier of `version`."""
    raw, as_then = CHANGED[what]

    def tell(verdict: Verdict) -> None:
        if verdict["evidence"]["sha256"] == sha256_hex(raw):
            as_then(verdict)
            also(verdict)
            verdict["verifier"]["version"] = version

    return World(evidence=(bundle(), raw), verdict_lie=tell)


@pytest.mark.parametrize("version", EARLIER_VERIFIERS)
@pytest.mark.parametrize("what", CHANGED)
def test_a_verdict_of_then_stands(what: str, version: str) -> None:
    world = pack_with(what, version)
    assert check(world.pack(), trust=world.trust).approvals


@pytest.mark.parametrize("what", CHANGED)
def test_a_verdict_of_today_is_not_read_as_one_of_then(what: str) -> None:
    world = pack_with(what, VERIFIER_VERSION)
    assert code_of(world.pack(), trust=world.trust) == "evidence.verdict_mismatch"


@pytest.mark.parametrize("what", [what for what in CHANGED if what != "a field that is null"])
def test_nothing_else_in_it_is_forgiven(what: str) -> None:
    world = pack_with(what, "3", also=lambda verdict: verdict["facts"]["claims"].update(sourceRef="refs/heads/evil"))
    assert code_of(world.pack(), trust=world.trust) == "evidence.verdict_mismatch"


class TestAFailureWhoseSignerDidNotAnswer:
    """Verifiers before version 4 took it for contradicted evidence, which overrules nothing; since then such a no stands."""

    FAILED, PASSED = (
        bundle(statement=STATEMENT | {"predicateType": TEST_RESULT, "predicate": {"result": result}}) for result in ("FAILED", "PASSED")
    )

    def world(self, version: str) -> World:
        policy = copy.deepcopy(POLICY)
        policy["rules"][0]["predicateTypes"] = [TEST_RESULT]

        def tell(verdict: Verdict) -> None:
            verdict["verifier"]["version"] = version
            if verdict["evidence"]["sha256"] == sha256_hex(self.FAILED):
                finding = {"check": "signer", "outcome": "fail", "code": "signer.suspended", "sentence": "It is suspended."}
                verdict.update(identity=None, findings=[*verdict["findings"], finding])

        return World(evidence=(self.FAILED, self.PASSED), verdict_lie=tell, policy=policy)

    @pytest.mark.parametrize("version", EARLIER_VERIFIERS)
    def test_overrules_nothing_in_a_pack_of_then(self, version: str) -> None:
        world = self.world(version)
        assert (world.result["result"], world.result["rules"][0]["outcome"]) != ("fail", "fail")
        assert world.result["rules"][0]["evidence"] == [sha256_hex(self.PASSED)]
        assert check(world.pack(), trust=world.trust).approvals

    def test_stands_in_one_of_today(self) -> None:
        world = self.world(VERIFIER_VERSION)
        assert world.result["rules"][0]["outcome"] == "fail"
        assert code_of(world.pack(), trust=world.trust) == "policy.result"


class TestSigners:
    ANN, BEN, CAT = ({"kind": "key", "keyId": name} for name in ("ann", "ben", "cat"))

    def facts(self, signer: Any, *others: Any) -> dict[str, Any]:
        return {"signer": signer, **({"coSigners": list(others)} if others else {}), "claims": {"dependencies": []}}

    def test_fewer_were_named_then_and_nobody_else(self) -> None:
        today = self.facts(self.ANN, self.BEN, self.CAT)
        for then in (self.facts(self.ANN), self.facts(self.BEN, self.CAT), self.facts(self.CAT)):
            assert facts_known_then(today, then) == then
        for other in (self.facts({"kind": "key", "keyId": "eve"}), self.facts(self.ANN, {"kind": "key", "keyId": "eve"})):
            assert facts_known_then(today, other) != other

    @pytest.mark.parametrize("lie", [5, None, "x", {"keyId": "ann"}, [5]])
    def test_no_list_is_no_list_of_signers(self, lie: Any) -> None:
        then = json.loads(json.dumps(self.facts(self.ANN) | {"coSigners": lie}))
        assert facts_known_then(self.facts(self.ANN, self.BEN), then)["signer"] == self.ANN
