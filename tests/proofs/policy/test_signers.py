"""Several signers: different registered identities count, each once; keys, items, copies and strangers do not."""

from __future__ import annotations

import copy
import itertools
import json
from typing import Any

import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ed25519

from proofs.assess import BEFORE_GRANTS, assess_evidence, build_verdict
from proofs.canonical import canonical_bytes
from proofs.digest import sha256_hex
from proofs.errors import Malformed
from proofs.evidence import TrustMaterial
from proofs.keys import PublicKey, RegisteredKey, load_spki
from proofs.moment import rfc3339
from proofs.policy.evaluate import evaluate_policy, parse_policy
from tests.proofs.factory import DAY, NOON, STATEMENT, changed, key_signed
from tests.proofs.pack.world import ARTIFACT, POLICY
from tests.proofs.policy.test_evaluate import input_with, policy_with, provenance_rule


def _public(key: ed25519.Ed25519PrivateKey) -> PublicKey:
    return load_spki(key.public_key().public_bytes(serialization.Encoding.DER, serialization.PublicFormat.SubjectPublicKeyInfo))


# Three keys in the order of their ids, so that the first is always the one a verdict names as the signer.
SECRETS = sorted((ed25519.Ed25519PrivateKey.generate() for _ in range(3)), key=lambda key: _public(key).key_id)
KEYS = [_public(key) for key in SECRETS]
TRUST = TrustMaterial(keys=tuple(RegisteredKey(key, NOON - DAY) for key in KEYS))
ANN, BEN, CAT = range(3)
HOLDERS: dict[int, str | None] = {ANN: "ann", BEN: "ben", CAT: "cat"}


def signed_by(*numbers: int, note: str = "") -> bytes:
    """Return one envelope over the honest statement, signed with each of these keys."""
    payload = json.dumps(STATEMENT | ({"note": note} if note else {})).encode()
    signatures = [json.loads(key_signed(payload, key=SECRETS[number]))["signatures"][0] for number in numbers]
    return changed(key_signed(payload), lambda value: value.update(signatures=signatures))


TEST_RESULT = "https://in-toto.io/attestation/test-result/v0.1"
EVERYWHERE = [{"project": None, "environment": None}]


def verdict_of(raw: bytes, holders: dict[int, str | None] = HOLDERS, *, trust: TrustMaterial = TRUST) -> dict[str, Any]:
    """Return the verdict the portal reaches when each key is registered for the identity of this name, or for none."""
    assessment = assess_evidence(raw, trust=trust, received_at=NOON)
    assert assessment.facts is not None, assessment.reason
    by_id = {KEYS[number].key_id: name for number, name in holders.items()}

    def named(key_id: str) -> dict[str, Any] | None:
        name = by_id[key_id]
        if name is None:
            return None
        named = {"id": f"idn_{name}", "kind": "service", "name": name, "issuer": "https://x.example", "subject": name}
        return {**named, "team": "payments", "grants": EVERYWHERE}

    return build_verdict(
        assessment,
        evidence_digest=sha256_hex(raw),
        identity=named(assessment.facts["signer"]["keyId"]),
        trust_digests=trust.digests,
        verified_at=rfc3339(NOON),
        as_of=rfc3339(NOON),
        co_identities=[{"keyId": other["keyId"], "identity": named(other["keyId"])} for other in assessment.facts.get("coSigners", ())],
    )


def weigh(*verdicts: dict[str, Any], signers: int = 2, builders: tuple[int, ...] = (ANN, BEN, CAT), **more: Any) -> dict[str, Any]:
    def change(document: dict[str, Any]) -> None:
        rule = document["rules"][0]
        rule.pop("sources")
        rule.update(builders=[{"keyId": KEYS[number].key_id} for number in builders], signers=signers, **more)

    return provenance_rule(evaluate_policy(policy_with(change), input_with(*verdicts)))


def outcome(*verdicts: dict[str, Any], **more: Any) -> tuple[str, str]:
    rule = weigh(*verdicts, **more)
    return rule["outcome"], rule["code"]


TOO_FEW = ("fail", "policy.signers_missing")


class TestReading:
    @pytest.mark.parametrize("signers", [0, 33, -1, True, "2", [], 1.5])
    def test_a_number_from_1_to_32_and_nothing_else(self, signers: object) -> None:
        assert policy_with(lambda document: document["rules"][0].update(signers=32)).rules[0].signers == 32
        with pytest.raises(Malformed) as refused:
            policy_with(lambda document: document["rules"][0].update(signers=signers))
        assert refused.value.code in ("policy.malformed", "json.float")

    def test_unregistered_signers_cannot_be_several(self) -> None:
        policy_with(lambda document: document["rules"][0].update(signers=1, registeredSigner=False))
        with pytest.raises(Malformed) as refused:
            policy_with(lambda document: document["rules"][0].update(signers=2, registeredSigner=False))
        assert refused.value.code == "policy.malformed"

    def test_a_policy_that_does_not_say_means_one_and_keeps_its_digest(self) -> None:
        policy = parse_policy(canonical_bytes(POLICY))
        assert (policy.rules[0].signers, policy.digest) == (1, sha256_hex(canonical_bytes(POLICY)))  # type: ignore[union-attr]


class TestItemsOfTheirOwn:
    def test_two_identities_with_an_item_each(self) -> None:
        ann, ben = verdict_of(signed_by(ANN)), verdict_of(signed_by(BEN))
        for verdicts in itertools.permutations([ann, ben]):
            rule = weigh(*verdicts)
            assert (rule["outcome"], len(rule["evidence"])) == ("pass", 2)
        assert outcome(ann, ben, signers=3) == TOO_FEW

    def test_says_how_many_of_how_many_and_who(self) -> None:
        rule = weigh(verdict_of(signed_by(ANN)))
        assert (rule["outcome"], rule["code"], rule["evidence"]) == ("fail", "policy.signers_missing", [])
        assert rule["sentence"].startswith("Build provenance for file0 is incomplete: 1 of 2 signers (ann). ")

    def test_two_items_or_two_keys_of_one_identity_are_one(self) -> None:
        assert outcome(verdict_of(signed_by(ANN)), verdict_of(signed_by(ANN, note="again"))) == TOO_FEW
        same = {**HOLDERS, BEN: "ann"}
        assert outcome(verdict_of(signed_by(ANN), same), verdict_of(signed_by(BEN), same)) == TOO_FEW
        assert outcome(verdict_of(signed_by(ANN), same), verdict_of(signed_by(CAT), same)) == ("pass", "")

    def test_one_that_nobody_registered_does_not_count(self) -> None:
        stranger = {**HOLDERS, BEN: None}
        assert outcome(verdict_of(signed_by(ANN)), verdict_of(signed_by(BEN), stranger)) == TOO_FEW
        assert outcome(verdict_of(signed_by(ANN)), verdict_of(signed_by(BEN))) == ("pass", "")

    def test_one_that_the_rule_does_not_accept_does_not_count(self) -> None:
        ann, ben, cat = (verdict_of(signed_by(number)) for number in (ANN, BEN, CAT))
        assert outcome(ann, cat, builders=(ANN, BEN)) == TOO_FEW
        assert outcome(ann, ben, builders=(ANN, BEN)) == ("pass", "")

    def test_every_artifact_needs_as_many(self) -> None:
        other = "sha256:" + "cd" * 32
        two = STATEMENT | {"subject": [*STATEMENT["subject"], {"name": "b", "digest": {"sha256": "cd" * 32}}]}
        both = verdict_of(changed(key_signed(json.dumps(two).encode(), key=SECRETS[ANN]), lambda value: None))

        def rule_for(*verdicts: dict[str, Any]) -> tuple[str, str]:
            def change(document: dict[str, Any]) -> None:
                document["rules"][0].pop("sources")
                document["rules"][0].update(builders=[{"keyId": key.key_id} for key in KEYS], signers=2)

            found = provenance_rule(evaluate_policy(policy_with(change), input_with(*verdicts, artifacts=(ARTIFACT, other))))
            return found["outcome"], found["code"]

        ben_both = verdict_of(key_signed(json.dumps(two).encode(), key=SECRETS[BEN]))
        assert rule_for(both, ben_both) == ("pass", "")
        assert rule_for(both, verdict_of(signed_by(BEN))) == TOO_FEW


class TestOneEnvelopeTogether:
    def test_two_identities_on_one_envelope(self) -> None:
        for numbers in itertools.permutations([ANN, BEN]):
            rule = weigh(verdict_of(signed_by(*numbers)))
            assert (rule["outcome"], len(rule["evidence"])) == ("pass", 1)
            assert all(KEYS[number].key_id in rule["sentence"] for number in numbers)
        assert outcome(verdict_of(signed_by(ANN, BEN)), signers=3) == TOO_FEW
        assert outcome(verdict_of(signed_by(ANN, BEN, CAT)), signers=3) == ("pass", "")
        assert outcome(verdict_of(signed_by(ANN, BEN)), verdict_of(signed_by(CAT)), signers=3) == ("pass", "")

    def test_copies_of_a_signature_are_one(self) -> None:
        verdict = verdict_of(signed_by(ANN, ANN, ANN))
        assert "coSigners" not in verdict["facts"]
        assert outcome(verdict) == TOO_FEW

    @pytest.mark.parametrize("holders", [{**HOLDERS, BEN: "ann"}, {**HOLDERS, BEN: None}], ids=["the same identity", "nobody"])
    def test_two_keys_of_one_identity_or_of_nobody_are_not_two(self, holders: dict[int, str | None]) -> None:
        assert outcome(verdict_of(signed_by(ANN, BEN))) == ("pass", "")
        assert outcome(verdict_of(signed_by(ANN, BEN), holders)) == TOO_FEW

    def test_a_co_signer_that_nobody_answers_for_counts_nowhere_also_where_no_registration_is_asked_for(self) -> None:
        holders = {**HOLDERS, BEN: None}
        unregistered = {"signers": 1, "builders": (BEN,), "registeredSigner": False}
        assert outcome(verdict_of(signed_by(ANN, BEN)), **unregistered) == ("pass", "")
        assert outcome(verdict_of(signed_by(ANN, BEN), holders), **unregistered) == ("fail", "policy.signer_unregistered")
        old = verdict_of(signed_by(ANN, BEN), holders)
        old["verifier"]["version"] = "3"
        assert outcome(old, **unregistered) == ("pass", "")

    @pytest.mark.parametrize(("because", "stands"), [("signer.suspended", True), ("signer.compromised", False), ("signer.revoked", False)])
    def test_the_no_of_a_co_signer_is_its_word_only_where_it_was(self, because: str, stands: bool) -> None:
        said = verdict_of(signed_by(ANN, BEN), {**HOLDERS, BEN: None})
        said["coIdentities"][0]["because"] = because
        said["facts"]["predicateType"] = "https://in-toto.io/attestation/test-result/v0.1"
        said["facts"]["predicate"] = {"kind": "test-result", "result": "FAILED"}
        rule = weigh(said, signers=1, builders=(BEN,), predicateTypes=[said["facts"]["predicateType"]], results=["PASSED"])
        assert (rule["code"] == "policy.result_not_passed") == stands

    def test_one_accepted_signer_is_enough_where_one_is_asked_for_whichever_is_named_first(self) -> None:
        together = verdict_of(signed_by(ANN, BEN))
        assert together["facts"]["signer"]["keyId"] == KEYS[ANN].key_id
        assert outcome(together, signers=1, builders=(BEN,)) == ("pass", "")
        assert outcome(together, signers=2, builders=(BEN,)) == TOO_FEW
        assert outcome(together, signers=1, builders=(CAT,)) == ("fail", "policy.signer")
        assert outcome(verdict_of(signed_by(ANN, BEN), {**HOLDERS, ANN: None}), signers=1) == ("pass", "")

    @pytest.mark.parametrize(
        "lie",
        [
            lambda verdict: verdict.pop("coIdentities"),
            lambda verdict: verdict.update(coIdentities="ben"),
            lambda verdict: verdict.update(
                coIdentities=[None, 1, {"keyId": KEYS[CAT].key_id, "identity": {"id": "idn_cat", "grants": EVERYWHERE}}]
            ),
            lambda verdict: verdict["coIdentities"][0].update(identity="ben"),
            lambda verdict: verdict["coIdentities"][0].update(identity={"id": ["ben"]}),
            lambda verdict: verdict["coIdentities"][0].update(identity={"id": ""}),
            lambda verdict: verdict["facts"].pop("coSigners"),
            lambda verdict: verdict["facts"].update(coSigners=[1, "x", {}]),
        ],
    )
    def test_a_co_signer_counts_only_as_proven_and_registered(self, lie: Any) -> None:
        verdict = verdict_of(signed_by(ANN, BEN))
        assert outcome(copy.deepcopy(verdict)) == ("pass", "")
        lie(verdict)
        assert outcome(verdict) == TOO_FEW

    @pytest.mark.parametrize("which", [ANN, BEN])
    def test_a_failure_counts_whichever_of_its_signers_does_not_answer(self, which: int) -> None:
        """`which` is suspended: ANN comes first by her key's id, so that it is her that the finding is about."""

        def judged(*verdicts: dict[str, Any]) -> tuple[str, str]:
            tests = {"signers": 1, "predicateTypes": [TEST_RESULT]}
            return outcome(*verdicts, **tests, builders=(BEN,))

        failed = verdict_of(signed_by(ANN, BEN), {**HOLDERS, which: None})
        failed["facts"].update(predicateType=TEST_RESULT, predicate={"kind": "test-result", "result": "FAILED"})
        passed = verdict_of(signed_by(BEN))
        passed["facts"].update(predicateType=TEST_RESULT, predicate={"kind": "test-result", "result": "PASSED"})
        assert judged(passed) == ("pass", "")
        if which == ANN:
            failed["findings"].append({"check": "signer", "outcome": "fail", "code": "signer.suspended", "sentence": "It is suspended."})
        assert judged(passed, failed)[0] == "fail"

    def test_what_is_found_about_the_first_signer_says_nothing_about_the_others(self) -> None:
        found = {"check": "signer", "outcome": "fail", "code": "signer.revoked", "sentence": "It was revoked."}
        together = verdict_of(signed_by(ANN, BEN), {**HOLDERS, ANN: None})
        together["findings"].append(found)
        assert outcome(together, signers=1, builders=(BEN,)) == ("pass", "")
        assert outcome(together, signers=1, builders=(ANN,)) == ("fail", "policy.evidence_contradicted")
        assert outcome(together) == TOO_FEW
        other = copy.deepcopy(together)
        other["findings"].append(found | {"check": "source", "code": "claim.source", "sentence": "It lies."})
        assert weigh(other, signers=1, builders=(BEN,))["outcome"] == "fail"

    @pytest.mark.parametrize("version", BEFORE_GRANTS)
    def test_before_there_were_grants_it_says_so_about_all_of_them(self, version: str) -> None:
        together = verdict_of(signed_by(ANN, BEN))
        together["verifier"]["version"] = version
        assert outcome(together, signers=1, builders=(BEN,)) == ("pass", "")
        together["findings"].append({"check": "signer", "outcome": "fail", "code": "signer.suspended", "sentence": "It is suspended."})
        assert outcome(together, signers=1, builders=(BEN,)) == ("fail", "policy.evidence_contradicted")

    def test_it_does_not_vouch_for_its_own_inputs_as_somebody_else(self) -> None:
        verdict = verdict_of(signed_by(ANN, BEN))
        verdict["facts"]["claims"]["dependencies"] = [{"uri": "pkg:x", "digests": [ARTIFACT]}]
        wanted = {"inputs": {"digests": [ARTIFACT], "verified": False}}
        assert outcome(verdict, signers=1, **wanted) == ("pass", "")
        assert outcome(verdict, signers=1, inputs={"verified": True}) == ("fail", "policy.input")


class TestFacts:
    def test_name_all_who_signed_in_one_order_whatever_the_order_of_signatures_and_trust(self) -> None:
        expected = [{"kind": "key", "keyId": key.key_id} for key in KEYS]
        for numbers in itertools.permutations([ANN, BEN, CAT]):
            trust = TrustMaterial(keys=tuple(TRUST.keys[number] for number in numbers))
            facts = assess_evidence(signed_by(*numbers), trust=trust, received_at=NOON).facts
            assert facts is not None
            assert [facts["signer"], *facts["coSigners"]] == expected

    def test_of_one_signer_are_what_they_always_were(self) -> None:
        verdict = verdict_of(signed_by(BEN))
        assert "coSigners" not in verdict["facts"]
        assert "coIdentities" not in verdict

    def test_leave_out_whoever_did_not_count_then(self) -> None:
        known = {ANN: RegisteredKey(KEYS[ANN], NOON - DAY), BEN: RegisteredKey(KEYS[BEN], NOON - DAY, revoked_at=NOON)}
        facts = assess_evidence(signed_by(ANN, BEN, CAT), trust=TrustMaterial(keys=tuple(known.values())), received_at=NOON).facts
        assert facts is not None
        assert facts["signer"]["keyId"] == KEYS[ANN].key_id
        assert "coSigners" not in facts
        earlier = assess_evidence(signed_by(ANN, BEN), trust=TrustMaterial(keys=tuple(known.values())), received_at=NOON - DAY / 2).facts
        assert earlier is not None
        assert [other["keyId"] for other in earlier["coSigners"]] == [KEYS[BEN].key_id]
