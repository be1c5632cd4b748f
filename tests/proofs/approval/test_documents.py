"""Enrolments, records, trust and proofs as files: they survive being written, and one spelling is all there is."""

from __future__ import annotations

import copy
import json
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from proofs.approval.cose import EDDSA, ES256, RS256
from proofs.approval.enrollment import build_enrollment, key_file_name, parse_enrollment
from proofs.approval.record import CHECKS, build_record, human_dsse, parse_record
from proofs.canonical import canonical_bytes
from proofs.dsse import pae, parse_envelope
from proofs.errors import Malformed, Refusal
from proofs.leaf import build_dsse_leaf, build_event_leaf
from proofs.moment import parse_moment, rfc3339
from proofs.pack.trust import build_trust, parse_trust, recorder_keys_at
from proofs.tlog_proof import (
    HeadProof,
    InclusionProof,
    build_head_file,
    build_inclusion_file,
    parse_head_file,
    parse_inclusion_file,
)
from tests.passkey import SoftPasskey
from tests.proofs.factory import KEY_TRUST
from tests.proofs.pack.lies import DAY, KEYS, WORLD, signed_payload
from tests.proofs.pack.world import NOON, ORIGIN

Change = Callable[[dict[str, Any]], object]


def enrollment_of(passkey: SoftPasskey, **more: Any) -> bytes:
    facts: dict[str, Any] = {
        "event": "enrolled",
        "at": NOON,
        "kind": "person",
        "issuer": ORIGIN,
        "subject": "01ALICE",
        "spki": passkey.spki,
        "credential_id": passkey.credential_id,
        "rp_id": "localhost",
        "backup_eligible": False,
    }
    return build_enrollment(**{**facts, **more})


class TestEnrollment:
    @pytest.mark.parametrize("algorithm", [ES256, EDDSA, RS256])
    def test_reads_back_what_was_written(self, algorithm: int) -> None:
        passkey = SoftPasskey(algorithm=algorithm)
        enrolled = parse_enrollment(enrollment_of(passkey))
        assert (enrolled.key_id, enrolled.subject, enrolled.at) == (passkey.public_key.key_id, "01ALICE", NOON)
        assert enrolled.credential_id == passkey.credential_id

    def test_a_revocation_says_why(self) -> None:
        revoked = parse_enrollment(enrollment_of(SoftPasskey(), event="revoked", reason="lost"))
        assert (revoked.event, revoked.reason) == ("revoked", "lost")
        with pytest.raises(Malformed) as refused:
            enrollment_of(SoftPasskey(), event="revoked")
        assert refused.value.code == "enrollment.malformed"

    @pytest.mark.parametrize(
        "change",
        [
            lambda value: value["predicate"].update(vouching="idp-signed"),
            lambda value: value["predicate"].update(event="renewed"),
            lambda value: value["predicate"].update(more=1),
            lambda value: value["predicate"]["identity"].update(kind="robot"),
            lambda value: value["predicate"]["key"].update(keyId="SHA256:other"),
            lambda value: value["predicate"]["key"].update(alg=EDDSA),
            lambda value: value["predicate"]["key"].update(type="password"),
            lambda value: value["predicate"]["key"].update(credentialId="a="),
            lambda value: value["subject"][0]["digest"].update(sha256="ab" * 32),
            lambda value: value["subject"][0].update(name="other"),
            lambda value: value["subject"].append(value["subject"][0]),
            lambda value: value.update(predicateType="urn:countersign:human-approval:v1"),
        ],
    )
    def test_refuses_another_form(self, change: Change) -> None:
        value = json.loads(enrollment_of(SoftPasskey()))
        change(value)
        with pytest.raises(Malformed) as refused:
            parse_enrollment(canonical_bytes(value))
        assert refused.value.code == "enrollment.malformed"

    def test_key_ids_become_safe_file_names(self) -> None:
        assert key_file_name("SHA256:a+b/c") == "a-b_c"


class TestRecord:
    def test_reads_back_what_was_written(self) -> None:
        payload = signed_payload()
        assertion = SoftPasskey().sign(b"x")
        record = build_record(
            payload=payload,
            assertion=assertion,
            assurance="H2",
            checked_at=NOON,
            checks=CHECKS,
            verifier_version="0.1.0",
            portal=ORIGIN,
        )
        read = parse_record(record)
        assert (read.payload, read.assertion, read.checks, read.checked_at) == (payload, assertion, CHECKS, NOON)

    def test_refuses_to_wrap_what_is_no_statement(self) -> None:
        with pytest.raises(Refusal):
            build_record(
                payload=b"{}",
                assertion=SoftPasskey().sign(b"x"),
                assurance="H2",
                checked_at=NOON,
                checks=(),
                verifier_version="1",
                portal=ORIGIN,
            )

    def test_the_person_s_own_envelope_fails_closed_for_readers_that_do_not_know_the_extension(self) -> None:
        passkey = SoftPasskey()
        envelope = parse_envelope(human_dsse(signed_payload(), passkey.sign(b"x")))
        with pytest.raises(Refusal):
            passkey.public_key.verify(envelope.signatures[0].signature, pae(envelope.payload_type, envelope.payload), code="x", what="it")
        assert (envelope.signatures[0].extension or {})["kind"] == "urn:countersign:webauthn-assertion:v1"


class TestTrust:
    TRUST = replace(WORLD.trust, evidence_keys=KEY_TRUST.keys)
    DOCUMENT = build_trust(TRUST)

    def test_reads_back_what_was_written(self) -> None:
        assert build_trust(parse_trust(self.DOCUMENT)) == self.DOCUMENT
        assert [root.digest for root in parse_trust(self.DOCUMENT).material().trust_roots] == [self.TRUST.evidence_roots[0].digest]

    def test_may_be_spaced_for_people(self) -> None:
        assert build_trust(parse_trust(json.dumps(json.loads(self.DOCUMENT), indent=2).encode())) == self.DOCUMENT

    def test_a_recorder_key_counts_in_its_window_only(self) -> None:
        ended = replace(WORLD.trust, recorder_keys=(replace(WORLD.trust.recorder_keys[0], valid_until=NOON + DAY),))
        assert [len(recorder_keys_at(ended, at)) for at in (NOON - 31 * DAY, NOON, NOON + DAY)] == [0, 1, 0]

    @pytest.mark.parametrize(
        "change",
        [
            lambda value: value.update(schema="countersign-trust/v2"),
            lambda value: value.update(more=1),
            lambda value: value.update(recorderKeys=[]),
            lambda value: value["portal"].update(origins=[]),
            lambda value: value["portal"].pop("rpId"),
            lambda value: value["recorderKeys"][0].update(keyId="SHA256:other"),
            lambda value: value["recorderKeys"][0].update(spki="AAAA"),
            lambda value: value["recorderKeys"][0].pop("validFrom"),
            lambda value: value["log"].update(vkey="x"),
            lambda value: value["log"].update(vkey=value["log"]["vkey"][:-4] + "AAAA"),
            lambda value: value["trustRoots"][0].update(digest="ab" * 32),
            lambda value: value["trustRoots"][0].update(profile=[]),
            lambda value: value["evidenceKeys"][0].update(revokedAt="soon"),
            lambda value: value["evidenceKeys"][0].update(name="x"),
        ],
    )
    def test_refuses_anything_missing_unknown_or_contradicting(self, change: Change) -> None:
        value = copy.deepcopy(json.loads(self.DOCUMENT))
        change(value)
        with pytest.raises(Malformed) as refused:
            parse_trust(canonical_bytes(value))
        assert refused.value.code == "trust.malformed"

    @pytest.mark.parametrize("document", [b"", b"[]", b"\xff", b'{"schema":1,"schema":1}'])
    def test_refuses_what_is_no_document(self, document: bytes) -> None:
        with pytest.raises(Malformed) as refused:
            parse_trust(document)
        assert refused.value.code == "trust.malformed"


HASHES = st.lists(st.binary(min_size=32, max_size=32), max_size=20).map(tuple)


class TestProofFiles:
    @given(index=st.integers(0, 2**60), path=HASHES)
    def test_inclusion_reads_back(self, index: int, path: tuple[bytes, ...]) -> None:
        proof = InclusionProof(index, path, KEYS.checkpoint())
        assert parse_inclusion_file(build_inclusion_file(proof)) == proof

    @given(old_size=st.integers(0, 2**60), path=HASHES)
    def test_consistency_reads_back(self, old_size: int, path: tuple[bytes, ...]) -> None:
        proof = HeadProof(old_size, path, KEYS.checkpoint())
        assert parse_head_file(build_head_file(proof)) == proof

    def test_inclusion_is_the_standard_s_text(self) -> None:
        lines = build_inclusion_file(InclusionProof(7, (b"\x00" * 32,), "note\n")).decode().split("\n")
        assert lines == ["c2sp.org/tlog-proof@v1", "index 7", "A" * 43 + "=", "", "note", ""]

    @pytest.mark.parametrize(
        "content",
        [
            b"",
            b"\xff",
            b"c2sp.org/tlog-proof@v2\nindex 1\n\nx",
            b"c2sp.org/tlog-proof@v1\nindex 01\n\nx",
            b"c2sp.org/tlog-proof@v1\nindex -1\n\nx",
        ]
        + [b"c2sp.org/tlog-proof@v1\nindex 1\n!\n\nx", b"c2sp.org/tlog-proof@v1\nextra AAAA\nindex 1\n\nx", b"a\n" * 200 + b"\nx"],
    )
    def test_refuses_every_other_text(self, content: bytes) -> None:
        for parse in (parse_inclusion_file, parse_head_file):
            with pytest.raises(Malformed) as refused:
                parse(content)
            assert refused.value.code == "log.proof_malformed"


def test_a_leaf_holds_no_more_than_digests_and_signatures() -> None:
    payload = signed_payload()
    leaf = build_dsse_leaf(KEYS.sign(payload), KEYS.recorder_public.pem)
    event = build_event_leaf(event="signer.enrolled", at=rfc3339(NOON), ref_digest="ab" * 32, actor="h:00")
    for word in (b"alice", b"payments", b"production", b"01ALICE"):
        assert word in payload
        assert word not in leaf + event


def test_a_leaf_is_of_one_signature() -> None:
    envelope = KEYS.sign(b"{}")
    with pytest.raises(Malformed) as refused:
        build_dsse_leaf({**envelope, "signatures": envelope["signatures"] * 2}, KEYS.recorder_public.pem)
    assert refused.value.code == "ledger.leaf_signatures"


@given(st.integers(0, 253_402_300_799))
def test_a_moment_has_one_spelling(seconds: int) -> None:
    moment = datetime.fromtimestamp(seconds, UTC)
    assert parse_moment(rfc3339(moment), code="x", what="it") == moment


@pytest.mark.parametrize(
    "text",
    ["2026-01-01T00:00:00", "2026-01-01T00:00:00+00:00", "2026-01-01T00:00:00.0Z", "2026-01-01t00:00:00z", "2026-13-01T00:00:00Z"]
    + ["2026-01-01T24:00:00Z", "２026-01-01T00:00:00Z", " 2026-01-01T00:00:00Z", "2026-01-01T00:00:00Z\n", None, 5],
)
def test_refuses_every_other_spelling_of_a_moment(text: object) -> None:
    with pytest.raises(Malformed) as refused:
        parse_moment(text, code="x", what="it")
    assert refused.value.code == "x"
