"""Identities are compared letter by letter, patterns are matched whole, and certificates keep to few algorithms and forms of name."""

from __future__ import annotations

import copy
import json
from collections.abc import Collection
from dataclasses import replace
from datetime import datetime
from typing import Any

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import dsa, ec, ed448, ed25519, rsa, x25519
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from portal.demo.instance import Lie, Workload, build_provenance
from proofs.assess import Assessment
from proofs.errors import Malformed
from proofs.expectations import Expectations, accept, refuse_loose_pattern
from proofs.keys import load_spki
from proofs.policy.evaluate import evaluate_policy
from tests.proofs.advisories.asked import VERIFIED, code, make
from tests.proofs.factory import DIGEST, NOON, STATEMENT, TRUST, WORKFLOW, WORKLOAD, assess, bundle
from tests.proofs.formats import Formats
from tests.proofs.pack.world import World, make_verdict
from tests.proofs.policy.test_evaluate import input_with, policy_with

PORTAL = World().trust
HOST, PATH = "https://github.com", ".github/workflows/release.yml"

# Signers that read like the accepted one, each with a certificate of its own from the trusted authority.
LOOKALIKES = {
    "a repository that begins alike": {"identity": f"{HOST}/acme/payments.evil/{PATH}@refs/tags/v1.2.0"},
    "a way out of the repository": {"identity": f"{HOST}/acme/payments/../x/{PATH}@refs/tags/v1.2.0"},
    "a workflow that begins alike": {"identity": f"{WORKFLOW}.evil@refs/tags/v1.2.0"},
    "a dot that is any letter": {"identity": f"{HOST}/acme/payments/Xgithub/workflows/releaseXyml@refs/tags/v1.2.0"},
    "an owner that ends alike": {"identity": f"{HOST}/notacme/payments/{PATH}@refs/tags/v1.2.0"},
    "the accepted one as an argument": {"identity": f"https://evil.example/?{WORKFLOW}@refs/tags/v1.2.0"},
    "another case": {"identity": WORKFLOW.replace("acme", "Acme") + "@refs/tags/v1.2.0"},
    "a line break behind": {"identity": f"{WORKFLOW}%0a@refs/tags/v1.2.0"},
    "an issuer with a slash behind": {"issuer": f"{WORKLOAD.issuer}/"},
    "an issuer with a user in front": {"issuer": "https://x@token.actions.githubusercontent.com"},
    "an issuer of another case": {"issuer": "https://token.actions.GitHubUserContent.com"},
    "an issuer that begins alike": {"issuer": f"{WORKLOAD.issuer}.evil.example"},
    "an issuer without its scheme": {"issuer": "token.actions.githubusercontent.com"},
}


def signed_by(changes: dict[str, str]) -> bytes:
    workload = replace(WORKLOAD, **changes)
    return bundle(workload=workload, statement=build_provenance(workload, [("payments.tar.gz", DIGEST)]))


def provenance_code(raw: bytes, builder: dict[str, str]) -> str:
    policy = policy_with(lambda document: document["rules"][0].update(builders=[builder]))
    rule = evaluate_policy(policy, input_with(make_verdict(raw, trust=PORTAL)))["rules"][0]
    return rule["code"] or str(rule["outcome"])


def facts_of(raw: bytes) -> dict[str, Any]:
    assessment: Assessment = assess(raw)
    assert assessment.result == "verified", assessment.reason
    assert assessment.facts is not None
    return assessment.facts


class TestIdentityThatOnlyLooksAlike:
    """CVE-2025-29778 (Kyverno), CVE-2026-22772 and CVE-2026-49478 (Fulcio): an identity pattern that was ignored, or not anchored."""

    @pytest.mark.parametrize("lookalike", LOOKALIKES)
    @pytest.mark.parametrize(
        "builder",
        [{"issuer": WORKLOAD.issuer, "workflow": WORKFLOW}, {"issuer": WORKLOAD.issuer, "identity": WORKLOAD.identity}],
        ids=["by workflow", "by identity"],
    )
    def test_is_verified_as_what_it_is_and_not_accepted_by_a_policy(self, lookalike: str, builder: dict[str, str]) -> None:
        raw = signed_by(LOOKALIKES[lookalike])
        assert make_verdict(raw, trust=PORTAL)["result"] == "verified"
        assert provenance_code(bundle(), builder) == "pass"
        assert provenance_code(raw, builder) == "policy.signer"

    @pytest.mark.parametrize("lookalike", LOOKALIKES)
    def test_is_not_accepted_as_the_expected_one_either(self, lookalike: str) -> None:
        expected = Expectations(issuer=WORKLOAD.issuer, workflow=WORKFLOW)
        assert accept(facts_of(bundle()), (), expected).accepted
        answer = accept(facts_of(signed_by(LOOKALIKES[lookalike])), (), expected)
        assert not answer.accepted
        assert answer.code in ("expectation.issuer", "expectation.identity")

    @pytest.mark.parametrize("ref", ["refs/heads/main-evil", "refs/heads/main/x", "refs/heads/mai", "refs/heads/Main", "refs/tags/main"])
    def test_a_branch_that_begins_alike_is_another_branch(self, ref: str) -> None:
        def judged(at_ref: str) -> str:
            raw = signed_by({"identity": f"{WORKFLOW}@{at_ref}", "ref": at_ref})
            policy = policy_with(lambda document: document["rules"][0]["sources"][0].update(refs=["refs/heads/main"]))
            rule = evaluate_policy(policy, input_with(make_verdict(raw, trust=PORTAL)))["rules"][0]
            return rule["code"] or str(rule["outcome"])

        assert judged("refs/heads/main") == "pass"
        assert judged(ref) == "policy.source"

    @pytest.mark.parametrize("pattern", ["main", "^main", "main$", "^.*$", "^main|evil$", "^(main|evil)$", "^$", "^[$", "^main\\$"])
    def test_a_pattern_that_is_not_anchored_or_says_nothing_is_refused(self, pattern: str) -> None:
        refuse_loose_pattern(r"^refs/heads/release-[0-9]+$")
        with pytest.raises(Malformed) as refused:
            refuse_loose_pattern(pattern)
        assert refused.value.code == "expectation.pattern"

    @pytest.mark.parametrize("ref", ["refs/heads/release-1\n", "refs/heads/release-1x", "xrefs/heads/release-1", "refs/heads/release-1\nx"])
    def test_a_pattern_is_matched_whole(self, ref: str) -> None:
        expected = Expectations(issuer=WORKLOAD.issuer, ref_pattern=r"^refs/heads/release-[0-9]+$")
        facts = copy.deepcopy(facts_of(bundle()))
        facts["signer"]["sourceRef"] = "refs/heads/release-1"
        assert accept(facts, (), expected).accepted
        facts["signer"]["sourceRef"] = ref
        assert not accept(facts, (), expected).accepted


class TestGlobsThatDiffer:
    """GHSA-pmwq-pjrm-6p5r (in-toto): implementations disagreed about globs and their negation, so policies know neither."""

    @pytest.mark.parametrize("spelling", ["https://github.com/acme/*", "*", "https://github.com/*/payments/**", "!https://evil.example"])
    def test_a_star_or_an_exclamation_mark_is_a_letter_like_others(self, spelling: str) -> None:
        assert provenance_code(bundle(), {"issuer": WORKLOAD.issuer, "identity": WORKLOAD.identity}) == "pass"
        assert provenance_code(bundle(), {"issuer": WORKLOAD.issuer, "identity": spelling}) == "policy.signer"
        assert provenance_code(bundle(), {"issuer": "*", "identity": WORKLOAD.identity}) == "policy.signer"

    @pytest.mark.parametrize("ref", ["*", "refs/*/main", "*main", "refs/heads/**"])
    def test_a_ref_may_end_in_one_star_and_have_none_elsewhere(self, ref: str) -> None:
        policy_with(lambda document: document["rules"][0]["sources"][0].update(refs=["refs/tags/v*"]))
        with pytest.raises(Malformed) as refused:
            policy_with(lambda document: document["rules"][0]["sources"][0].update(refs=[ref]))
        assert refused.value.code == "policy.malformed"


def _rsa(bits: int) -> Any:
    return rsa.generate_private_key(public_exponent=65537, key_size=bits)


def _spki(key: Any) -> bytes:
    encoded: bytes = key.public_key().public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
    return encoded


class Keyed(Formats):
    """An instance whose authority certifies `key`, whatever it is."""

    def __init__(self, key: Any) -> None:
        super().__init__(NOON)
        self._certified = key

    def _issue_certificate(self, public_key: Any, workload: Workload, issued_at: datetime, lies: Collection[Lie]) -> x509.Certificate:
        return super()._issue_certificate(self._certified.public_key(), workload, issued_at, lies)


class Constrained(Formats):
    """An instance whose authority may certify only some URIs."""

    def __init__(self, permitted: list[str] | None = None, excluded: list[str] | None = None) -> None:
        super().__init__(NOON)
        names = [[x509.UniformResourceIdentifier(name) for name in each] if each else None for each in (permitted, excluded)]
        builder = x509.CertificateBuilder().subject_name(self._ca.subject).issuer_name(self._root.subject)
        builder = builder.public_key(self._ca_key.public_key()).serial_number(x509.random_serial_number())
        builder = builder.not_valid_before(self.born_at).not_valid_after(self._ends_at)
        for extension in self._ca.extensions:
            builder = builder.add_extension(extension.value, critical=extension.critical)
        if permitted or excluded:
            builder = builder.add_extension(x509.NameConstraints(*names), critical=True)
        self._ca = builder.sign(self._root_key, hashes.SHA256())


class TestX509:
    """CVE-2026-26007 (binary curves), CVE-2026-34073 and CVE-2026-69248 (name constraints, wildcards) of the library below ours.

    Keys are of a short list whatever the library can read, and names have one of two forms.
    """

    @pytest.mark.parametrize(
        "key",
        [
            ec.generate_private_key(ec.SECP256R1()),
            ec.generate_private_key(ec.SECP384R1()),
            ec.generate_private_key(ec.SECP521R1()),
            ed25519.Ed25519PrivateKey.generate(),
            _rsa(2048),
        ],
        ids=["P-256", "P-384", "P-521", "Ed25519", "RSA 2048"],
    )
    def test_the_algorithms_that_count(self, key: Any) -> None:
        assert load_spki(_spki(key)).spki == _spki(key)

    @pytest.mark.parametrize(
        "make_key",
        [
            lambda: ec.generate_private_key(ec.SECP256K1()),
            lambda: ec.generate_private_key(ec.BrainpoolP256R1()),
            lambda: ec.generate_private_key(ec.SECP224R1()),
            lambda: ed448.Ed448PrivateKey.generate(),
            lambda: x25519.X25519PrivateKey.generate(),
            lambda: dsa.generate_private_key(2048),
            lambda: _rsa(1024),
        ],
        ids=["secp256k1", "brainpool", "P-224", "Ed448", "X25519", "DSA", "RSA 1024"],
    )
    def test_every_other_is_refused_as_a_key_and_in_a_certificate(self, make_key: Any) -> None:
        key = make_key()
        with pytest.raises(Malformed) as refused:
            load_spki(_spki(key))
        assert refused.value.code == "key.unsupported"
        honest = Formats(NOON)
        assert code(make("private-envelope", by=honest), "private-envelope", trust=honest.trust("private")) == VERIFIED
        keyed = Keyed(key)
        found = code(make("private-envelope", by=keyed), "private-envelope", trust=keyed.trust("private"))
        assert found in ("certificate.untrusted", "certificate.malformed")

    @pytest.mark.parametrize("curve", ["1.3.132.0.1", "1.3.132.0.26", "1.3.132.0.37"], ids=["sect163k1", "sect233k1", "sect409r1"])
    def test_a_binary_curve_is_refused(self, curve: str) -> None:
        honest = _spki(ec.generate_private_key(ec.SECP256R1()))
        assert load_spki(honest).algorithm == "ecdsa-secp256r1-sha256"
        named = x509.ObjectIdentifier(curve)
        arcs = [int(arc) for arc in named.dotted_string.split(".")]
        encoded = bytes([0x06, 5, arcs[0] * 40 + arcs[1], 0x81, 0x04, arcs[3], arcs[4]])
        prime = bytes.fromhex("06082a8648ce3d030107")
        assert prime in honest
        body = honest[2:].replace(prime, encoded)
        # The algorithm's own length shrinks with the curve's name, and so does the whole.
        spoiled = bytes([0x30, len(body), 0x30, body[1] - len(prime) + len(encoded)]) + body[2:]
        with pytest.raises(Malformed) as refused:
            load_spki(spoiled)
        assert refused.value.code in ("key.malformed", "key.unsupported")

    @pytest.mark.parametrize(
        ("permitted", "excluded"),
        [(None, ["github.com"]), (["gitlab.com"], None), (["github.com"], None)],
        ids=["excluded", "another permitted", "permitted"],
    )
    def test_a_name_constraint_that_the_library_cannot_weigh_is_no_constraint_met(
        self, permitted: list[str] | None, excluded: list[str] | None
    ) -> None:
        free, bound = Constrained(), Constrained(permitted, excluded)
        assert code(make("file-v1", by=free), "file-v1", trust=free.trust()) == VERIFIED
        assert code(make("file-v1", by=bound), "file-v1", trust=bound.trust()) == "certificate.untrusted"

    @pytest.mark.parametrize("lie", [Lie.CERTIFICATE_FOR_NOBODY, Lie.CERTIFICATE_FOR_TWO])
    def test_a_name_of_another_form_or_a_second_one(self, lie: Lie) -> None:
        assert code(bundle(), trust=TRUST) == VERIFIED
        assert code(bundle(lies=[lie]), trust=TRUST) == "certificate.identity"


class TestIdentityProofsWithoutSignature:
    """CVE-2025-62375 (go-witness): a cloud's identity document was believed though nobody had checked its signature.

    There is no room for one: material beside certificate, log entry and timestamps is refused, and what a payload claims is a claim.
    """

    @pytest.mark.parametrize("added", ["identityDocument", "awsInstanceIdentity", "publicKeys", "spiffe"])
    def test_further_material_is_refused(self, added: str) -> None:
        raw = json.loads(bundle())
        assert assess(json.dumps(raw).encode()).code == VERIFIED
        raw["verificationMaterial"][added] = {"accountId": "123"}
        assert assess(json.dumps(raw).encode()).code == "bundle.malformed"

    def test_an_identity_inside_the_statement_is_nobodys(self) -> None:
        statement = STATEMENT | {
            "predicate": STATEMENT["predicate"] | {"identity": {"issuer": "https://accounts.example", "subject": "root"}}
        }
        assert facts_of(bundle(statement=statement))["signer"] == facts_of(bundle())["signer"] | _times_of(bundle(statement=statement))


def _times_of(raw: bytes) -> dict[str, Any]:
    signer = facts_of(raw)["signer"]
    return {name: signer[name] for name in ("notBefore", "notAfter")}
