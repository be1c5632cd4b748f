"""The way of an artifact as the evidence tells it: only what verified is told as true, and "we cannot tell" is an answer."""

from __future__ import annotations

import pytest

from attestations.trace import Trace, trace_artifact
from portal.demo.instance import Lie, build_provenance, claim_builder
from tests import cast
from tests.make_attestations import (
    NOW,
    PROVENANCE,
    artifact_digest,
    make_attestation,
    make_signer,
    make_statement,
    register_key,
    runner_workload,
    trust_instance,
    verify_now,
)

pytestmark = pytest.mark.django_db
DIGEST = f"sha256:{artifact_digest('x')}"


def answers(trace: Trace) -> list[tuple[str, str]]:
    return [(question.answer, question.tone) for question in trace.questions]


def states(trace: Trace) -> list[tuple[str, str]]:
    return [(link.kind, link.state) for link in trace.chain]


class TestTrace:
    def test_of_a_digest_never_seen_knows_nothing_and_says_so(self) -> None:
        trace = trace_artifact(DIGEST)
        assert states(trace) == [("source", "missing"), ("build", "missing"), ("artifact", "missing")]
        assert answers(trace) == [("unknown", "unknown")] * 4

    def test_of_a_registered_build_proves_every_link(self) -> None:
        instance, workload = trust_instance(), runner_workload()
        cast.runner()
        statement = build_provenance(workload, [("payments-api.tar", artifact_digest("x"))])
        verify_now(make_attestation(instance.sign_as(workload, statement, at=NOW)))
        trace = trace_artifact(DIGEST)
        assert states(trace) == [("source", "proved"), ("build", "proved"), ("artifact", "proved")]
        assert [link.title for link in trace.chain] == [workload.repository, cast.WORKFLOW, "payments-api.tar"]
        assert trace.chain[0].digest == workload.commit
        assert answers(trace) == [("yes", "ok"), ("yes", "ok"), ("unknown", "unknown"), ("unknown", "unknown")]
        assert "owned by Bob Ruiz" in trace.questions[0].words
        assert "no part of a review" in trace.questions[2].words

    def test_of_an_unregistered_signer_cannot_tell_who_signed(self) -> None:
        instance, workload = trust_instance(), runner_workload()
        statement = build_provenance(workload, [("x", artifact_digest("x"))])
        verify_now(make_attestation(instance.sign_as(workload, statement, at=NOW), by=register_key(make_signer())))
        trace = trace_artifact(DIGEST)
        assert answers(trace)[0] == ("unknown", "unknown")
        assert workload.identity in trace.questions[0].words

    def test_of_a_key_signed_build_record_only_claims_source_and_build(self) -> None:
        signer, workload = make_signer(), runner_workload()
        register_key(signer)
        predicate = build_provenance(workload, [])["predicate"]
        verify_now(make_attestation(signer.sign(make_statement("x", predicate_type=PROVENANCE, predicate=predicate))))
        trace = trace_artifact(DIGEST)
        assert states(trace) == [("source", "claimed"), ("build", "claimed"), ("artifact", "proved")]
        assert answers(trace)[1] == ("unknown", "unknown")

    def test_of_contradicting_evidence_says_that_it_contradicts(self) -> None:
        instance, workload = trust_instance(), runner_workload()
        statement = claim_builder(build_provenance(workload, [("x", artifact_digest("x"))]), "https://builder.example/trusted")
        verdict = verify_now(make_attestation(instance.sign_as(workload, statement, at=NOW)))
        trace = trace_artifact(DIGEST)
        assert states(trace) == [("source", "missing"), ("build", "missing"), ("artifact", "claimed")]
        assert answers(trace)[:2] == [("no", "bad"), ("no", "bad")]
        assert trace.questions[1].reasons == (verdict.reason,)

    def test_of_forged_evidence_tells_nothing_from_it(self) -> None:
        instance, workload = trust_instance(), runner_workload()
        statement = build_provenance(workload, [("official", artifact_digest("x"))])
        verify_now(make_attestation(instance.sign_as(workload, statement, at=NOW, lies=[Lie.SIGNED_BY_ANOTHER_KEY])))
        trace = trace_artifact(DIGEST)
        assert states(trace) == [("source", "missing"), ("build", "missing"), ("artifact", "claimed")]
        assert "official" not in str(trace)
        assert workload.repository not in str(trace)

    def test_of_two_builds_from_different_commits_does_not_choose(self) -> None:
        instance = trust_instance()
        cast.runner()
        for commit in ("a" * 40, "b" * 40):
            workload = runner_workload(commit=commit)
            statement = build_provenance(workload, [("x", artifact_digest("x"))])
            verify_now(make_attestation(instance.sign_as(workload, statement, at=NOW)))
        question = trace_artifact(DIGEST).questions[1]
        assert (question.answer, question.tone) == ("unknown", "bad")
        assert len(question.reasons) == 2

    def test_a_test_result_is_no_build_record(self) -> None:
        signer = make_signer()
        register_key(signer)
        verify_now(make_attestation(signer.sign(make_statement("x"))))
        trace = trace_artifact(DIGEST)
        assert states(trace) == [("source", "missing"), ("build", "missing"), ("artifact", "proved")]
        assert answers(trace)[:2] == [("yes", "ok"), ("unknown", "unknown")]
