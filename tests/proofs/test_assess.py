"""Assessments and verdict documents: an answer for every input, facts only for what verified."""

from __future__ import annotations

import json
from typing import Any

import pytest

from portal.demo.instance import Lie
from proofs.assess import VERIFIER_VERSION, build_verdict, claimed_subjects
from proofs.canonical import canonical_bytes, parse_canonical
from proofs.digest import sha256_hex
from tests.proofs.factory import DIGEST, KEY_TRUST, NOON, STATEMENT, TRUST, WORKLOAD, assess, bundle, key_signed
from tests.proofs.formats import as_pep740


def test_facts_keep_apart_what_the_certificate_and_what_the_predicate_says() -> None:
    facts = assess(bundle()).facts
    assert facts is not None
    assert facts["subjects"] == [{"name": "payments.tar.gz", "digests": [f"sha256:{DIGEST}"]}]
    assert facts["signer"] == {
        "kind": "certificate",
        "issuer": WORKLOAD.issuer,
        "identity": WORKLOAD.identity,
        "workflow": WORKLOAD.identity.partition("@")[0],
        "ref": "refs/tags/v1.2.0",
        "sourceRepository": WORKLOAD.repository,
        "sourceRepositoryId": "1001",
        "sourceOwnerId": "501",
        "sourceCommit": WORKLOAD.commit,
        "sourceRef": WORKLOAD.ref,
        "runnerEnvironment": "github-hosted",
        "buildConfig": WORKLOAD.identity,
        "trigger": "push",
        "runUrl": WORKLOAD.run_url,
        "notBefore": "2026-05-04T11:59:59Z",
        "notAfter": "2026-05-04T12:09:59Z",
    }
    assert facts["claims"]["builderId"] == WORKLOAD.identity
    assert facts["times"] == [{"source": "log", "at": "2026-05-04T12:00:00Z"}]
    assert facts["trustRoot"] == TRUST.trust_roots[0].digest


def test_a_rejection_has_no_facts_and_still_says_what_it_claimed_to_be_about() -> None:
    assessment = assess(bundle(lies=[Lie.SIGNED_BY_ANOTHER_KEY]))
    assert (assessment.result, assessment.code, assessment.facts) == ("rejected", "dsse.signature", None)
    assert assessment.claimed_subjects == (f"sha256:{DIGEST}",)


@pytest.mark.parametrize("changed", [{}, {"version": 2}, {"more": 1}])
def test_a_refused_attestation_of_pep_740_says_what_it_claimed_to_be_about(changed: dict[str, Any]) -> None:
    raw = json.dumps(as_pep740(bundle(lies=[Lie.SIGNED_BY_ANOTHER_KEY])) | changed).encode()
    assessment = assess(raw)
    assert (assessment.facts, assessment.claimed_subjects) == (None, (f"sha256:{DIGEST}",))
    assert claimed_subjects(raw) == (f"sha256:{DIGEST}",)


@pytest.mark.parametrize("other", ["dsseEnvelope", "messageSignature", "pep740"])
def test_an_envelope_hides_what_it_is_about_behind_nothing_that_stands_beside_it(other: str) -> None:
    elsewhere = {**STATEMENT, "subject": [{"name": "decoy", "digest": {"sha256": "cd" * 32}}]}
    decoys: dict[str, dict[str, Any]] = {
        "dsseEnvelope": {"dsseEnvelope": json.loads(key_signed(json.dumps(elsewhere).encode()))},
        "messageSignature": {
            "messageSignature": {"messageDigest": {"algorithm": "SHA2_256", "digest": "q" * 43 + "="}, "signature": "AA=="}
        },
        "pep740": as_pep740(bundle(statement=elsewhere)),
    }
    raw = json.dumps(json.loads(key_signed()) | decoys[other]).encode()
    assert assess(raw, trust=KEY_TRUST).result == "verified"
    assert claimed_subjects(raw) == (f"sha256:{DIGEST}",)


@pytest.mark.parametrize(
    "raw", [b"", b"{", b"null", b"[]", b"{}", b"\xff\xfe", b'{"dsseEnvelope":[]}', b'{"payload":"!","payloadType":"x","signatures":[{}]}']
)
def test_bytes_of_no_kind_are_rejected_and_claim_nothing(raw: bytes) -> None:
    assessment = assess(raw)
    assert (assessment.result, assessment.facts, assessment.claimed_subjects) == ("rejected", None, ())


@pytest.mark.parametrize(
    "raw",
    [
        pytest.param(bundle(), id="bundle"),
        pytest.param(bundle(lies=[Lie.SCT_MISSING]), id="lying bundle"),
        pytest.param(key_signed(), id="envelope"),
        pytest.param(b"{}", id="neither"),
    ],
)
def test_every_assessment_becomes_a_canonical_verdict(raw: bytes) -> None:
    trust = KEY_TRUST if raw.startswith(b'{"payload"') else TRUST
    assessment = assess(raw, trust=trust)
    verdict = build_verdict(
        assessment,
        evidence_digest=sha256_hex(raw),
        identity=None,
        trust_digests=trust.digests,
        verified_at="2026-05-04T12:00:00Z",
        as_of="2026-05-04T12:00:00Z",
    )
    assert parse_canonical(canonical_bytes(verdict)) == verdict
    assert verdict["schema"] == "countersign-verdict/v1"
    assert (verdict["result"], verdict["code"], verdict["evidence"]) == (assessment.result, assessment.code, {"sha256": sha256_hex(raw)})
    assert verdict["verifier"] == {"name": "countersign", "version": VERIFIER_VERSION}
    assert verdict["notChecked"]


def test_the_same_bytes_judged_again_give_the_same_assessment() -> None:
    raw = bundle()
    assert assess(raw) == assess(raw, received_at=NOON)
