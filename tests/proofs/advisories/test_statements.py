"""DSSE and statements: the type is part of what is signed, lengths are bytes, subjects are found by digest, replays stay what they are."""

from __future__ import annotations

import copy
import json
from typing import Any

import pytest
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.utils import decode_dss_signature, encode_dss_signature
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from portal.demo.instance import build_provenance, claim_builder
from proofs.assess import assess_evidence
from proofs.digest import parse_digest
from proofs.dsse import IN_TOTO_PAYLOAD_TYPE, pae
from proofs.evidence import TrustMaterial
from proofs.expectations import Expectations, accept
from proofs.keys import RegisteredKey, load_spki
from proofs.policy.evaluate import evaluate_policy
from tests.proofs.advisories.asked import VERIFIED
from tests.proofs.factory import DAY, DIGEST, KEY_TRUST, NOON, STATEMENT, WORKLOAD, assess, bundle, changed, key_signed
from tests.proofs.formats import b64
from tests.proofs.pack.world import World, make_verdict
from tests.proofs.policy.test_evaluate import input_with, policy_with

PORTAL = World().trust
CURVE_ORDER = int("ffffffff00000000ffffffffffffffffbce6faada7179e84f3b9cac2fc632551", 16)


def by_key(raw: bytes) -> str:
    return assess(raw, trust=KEY_TRUST).code


def stating(**changes: Any) -> bytes:
    return key_signed(json.dumps(STATEMENT | changes).encode())


class TestPayloadType:
    """A verifier that looks at the type before the signature, or loosely, reads one kind of document as another."""

    @pytest.mark.parametrize(
        "payload_type",
        [
            "text/plain",
            IN_TOTO_PAYLOAD_TYPE.upper(),
            f"{IN_TOTO_PAYLOAD_TYPE} ",
            f"{IN_TOTO_PAYLOAD_TYPE}; v=1",
            f"{IN_TOTO_PAYLOAD_TYPE}é",
        ],
    )
    def test_another_type_is_not_taken_for_it_signed_or_not(self, payload_type: str) -> None:
        assert by_key(key_signed()) == VERIFIED
        assert by_key(key_signed(payload_type=payload_type)) == "evidence.unsupported_payload"
        assert by_key(changed(key_signed(), lambda value: value.update(payloadType=payload_type))) == "dsse.key_unknown"
        assert assess(bundle(payload_type=payload_type)).code == "evidence.unsupported_payload"

    def test_lengths_are_counted_in_bytes(self) -> None:
        assert pae("é", "é".encode()) == b"DSSEv1 2 \xc3\xa9 2 \xc3\xa9"
        assert pae("ab", b"c") != pae("a", b"bc")


class TestSignatures:
    def test_an_empty_list_of_signatures_is_nobodys(self) -> None:
        """CVE-2026-102946 (joserfc) told of another format: an empty list of signatures has none that fails."""
        assert by_key(key_signed()) == VERIFIED
        assert by_key(changed(key_signed(), lambda value: value.update(signatures=[]))) == "dsse.unsigned"

    def test_an_unknown_signature_more_changes_nothing(self) -> None:
        raw = changed(key_signed(), lambda value: value["signatures"].insert(0, {"keyid": "x", "sig": "AAAA"}))
        found = assess(raw, trust=KEY_TRUST)
        assert (found.code, found.facts) == (VERIFIED, assess(key_signed(), trust=KEY_TRUST).facts)

    def test_a_signature_in_its_other_form_is_the_same_evidence(self) -> None:
        """ECDSA has two signatures for each: whoever tells evidence apart, or bans it, by its signature is fooled by the other one."""
        key = ec.generate_private_key(ec.SECP256R1())
        registered = RegisteredKey(load_spki(_spki(key)), NOON - DAY)
        payload = json.dumps(STATEMENT).encode()
        signature = key.sign(pae(IN_TOTO_PAYLOAD_TYPE, payload), ec.ECDSA(hashes.SHA256()))
        r, s = decode_dss_signature(signature)
        answers = []
        for each in (signature, encode_dss_signature(r, CURVE_ORDER - s)):
            raw = json.dumps({"payload": b64(payload), "payloadType": IN_TOTO_PAYLOAD_TYPE, "signatures": [{"sig": b64(each)}]}).encode()
            answers.append(assess_evidence(raw, trust=TrustMaterial(keys=(registered,)), received_at=NOON))
        assert answers[0].code == VERIFIED
        assert answers[0] == answers[1]


def _spki(key: ec.EllipticCurvePrivateKey) -> bytes:
    return key.public_key().public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)


class TestSubjects:
    """A statement about one artifact, taken for one about another."""

    def test_is_found_by_its_digest_and_never_by_its_name(self) -> None:
        namesake = make_verdict(bundle(statement=build_provenance(WORKLOAD, [("file0", "cd" * 32)])), trust=PORTAL)
        nameless = make_verdict(bundle(statement=build_provenance(WORKLOAD, [("", DIGEST)])), trust=PORTAL)
        assert namesake["result"] == nameless["result"] == "verified"
        assert evaluate_policy(policy_with(), input_with(nameless))["result"] == "pass"
        assert evaluate_policy(policy_with(), input_with(namesake))["rules"][0]["code"] == "policy.evidence_missing"

    def test_every_digest_expected_of_it_must_be_the_same(self) -> None:
        both = {"sha256": DIGEST, "sha512": "ef" * 64}
        facts = assess(stating(subject=[{"name": "x", "digest": both}]), trust=KEY_TRUST).facts
        assert facts is not None
        same = tuple(parse_digest(f"{name}:{value}") for name, value in both.items())
        assert accept(facts, (), Expectations(digests=same)).accepted
        assert accept(facts, (), Expectations(digests=same[:1])).accepted
        other = (same[0], parse_digest("sha512:" + "00" * 64))
        assert accept(facts, (), Expectations(digests=other)).code == "expectation.artifact"

    @pytest.mark.parametrize("digest", [{"sha1": "ab" * 20}, {"md5": "ab" * 16}, {"gitCommit": "ab" * 20}, {}])
    def test_one_that_only_a_broken_hash_names_is_none(self, digest: dict[str, str]) -> None:
        assert by_key(stating(subject=[{"name": "x", "digest": {"sha256": DIGEST} | digest}])) == VERIFIED
        assert by_key(stating(subject=[{"name": "x", "digest": digest}])) == "statement.no_digest"

    def test_the_same_one_twice_is_listed_and_counts_once(self) -> None:
        raw = bundle(statement=build_provenance(WORKLOAD, [("a", DIGEST), ("b", DIGEST)]))
        verdict = make_verdict(raw, trust=PORTAL)
        assert assess(raw).claimed_subjects == (f"sha256:{DIGEST}",)
        assert len(evaluate_policy(policy_with(), input_with(verdict))["rules"][0]["evidence"]) == 1

    @pytest.mark.parametrize("kind", ["https://in-toto.io/Statement/v2", "https://in-toto.io/Statement/v0.2", "", None, ["x"]])
    def test_two_versions_of_statements_and_no_other(self, kind: Any) -> None:
        assert by_key(stating(_type="https://in-toto.io/Statement/v1")) == VERIFIED
        assert by_key(stating(_type="https://in-toto.io/Statement/v0.1")) == VERIFIED
        assert by_key(stating(_type=kind)) == "statement.malformed"

    def test_a_predicate_may_be_absent_and_then_says_nothing(self) -> None:
        silent = {name: value for name, value in STATEMENT.items() if name != "predicate"}
        found = assess(key_signed(json.dumps(silent).encode()), trust=KEY_TRUST)
        assert found.code == VERIFIED
        assert found.facts is not None
        assert found.facts["claims"]["builderId"] is None


class TestReplay:
    """The same true evidence, shown again where or when it says nothing."""

    def test_for_another_artifact(self) -> None:
        verdict = make_verdict(bundle(), trust=PORTAL)
        assert evaluate_policy(policy_with(), input_with(verdict))["result"] == "pass"
        other = evaluate_policy(policy_with(), input_with(verdict, artifacts=("sha256:" + "cd" * 32,)))
        assert (other["result"], other["rules"][0]["code"]) == ("fail", "policy.evidence_missing")

    def test_a_predicate_that_names_another_builder_than_the_certificate(self) -> None:
        assert assess(bundle()).code == VERIFIED
        assert assess(bundle(statement=claim_builder(STATEMENT, "https://trusted.example/builder"))).code == "claims.builder"

    def test_a_later_failure_beats_an_earlier_pass_and_is_not_beaten_by_its_replay(self) -> None:
        kind = "https://in-toto.io/attestation/test-result/v0.1"

        def tested(result: str, at: Any) -> dict[str, Any]:
            statement = STATEMENT | {"predicateType": kind, "predicate": {"result": result, "configuration": []}}
            return make_verdict(bundle(statement=statement, at=at), trust=PORTAL, at=NOON)

        policy = policy_with(lambda document: document["rules"][0].update(predicateTypes=[kind]))
        passed, failed, mended = tested("PASSED", NOON - DAY), tested("FAILED", NOON - DAY / 2), tested("PASSED", NOON)
        assert evaluate_policy(policy, input_with(passed))["result"] == "pass"
        overruled = evaluate_policy(policy, input_with(passed, failed))
        assert (overruled["result"], overruled["rules"][0]["evidence"]) == ("fail", [])
        assert evaluate_policy(policy, input_with(passed, failed, mended))["result"] == "pass"
        again = copy.deepcopy(passed) | {"verifiedAt": mended["verifiedAt"], "notChecked": []}
        assert evaluate_policy(policy, input_with(passed, failed, again))["result"] == "fail"
