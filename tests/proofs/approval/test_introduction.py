"""An older key signs for a new one: what holds, what is refused, and that it is no approval."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from proofs.approval.enrollment import Enrollment, parse_enrollment
from proofs.approval.enrollment_parts import Introducer
from proofs.approval.human_approval import approval_challenge
from proofs.approval.introduction import (
    build_introduction,
    introduction_challenge,
    introduction_envelope,
    parse_introduction,
    verify_introduction,
)
from proofs.digest import sha256_hex
from proofs.errors import Refusal
from tests.passkey import TRUTH, Lie, SoftPasskey
from tests.proofs.approval.test_documents import enrollment_of
from tests.proofs.pack.lies import signed_payload
from tests.proofs.pack.world import NOON, ORIGIN

OLDER, NEWER = SoftPasskey(), SoftPasskey()
LAST_YEAR = NOON - timedelta(days=300)
OLDER_ENROLLED = enrollment_of(OLDER, at=LAST_YEAR)


def statement(**changes: Any) -> bytes:
    usual: dict[str, Any] = {
        "at": NOON - timedelta(minutes=1),
        "issuer": ORIGIN,
        "subject": "01ALICE",
        "key": NEWER.public_key,
        "credential_id": NEWER.credential_id,
        "rp_id": "localhost",
        "introducer": OLDER.public_key.key_id,
        "introducer_enrollment": sha256_hex(OLDER_ENROLLED),
    }
    return build_introduction(**{**usual, **changes})


def introduced(envelope: bytes, *, by: str = OLDER.public_key.key_id, enrollment: bytes = OLDER_ENROLLED, **more: Any) -> Enrollment:
    named = Introducer(by, sha256_hex(enrollment), sha256_hex(envelope))
    return parse_enrollment(enrollment_of(NEWER, introduced_by=named, **more))


def verify(envelope: bytes, enrollment: Enrollment | None = None, older: bytes = OLDER_ENROLLED) -> None:
    verify_introduction(
        enrollment=enrollment or introduced(envelope, enrollment=older),
        introduction=envelope,
        introducer=parse_enrollment(older),
        introducer_digest=sha256_hex(older),
        rp_id="localhost",
        origins=(ORIGIN,),
    )


def envelope_of(payload: bytes, passkey: SoftPasskey = OLDER, lie: Lie = TRUTH, challenge: bytes | None = None) -> bytes:
    return introduction_envelope(payload, passkey.sign(challenge or introduction_challenge(payload), lie))


def code(envelope: bytes, enrollment: Enrollment | None = None, older: bytes = OLDER_ENROLLED) -> str:
    with pytest.raises(Refusal) as refused:
        verify(envelope, enrollment, older)
    return refused.value.code


def test_the_older_key_signed_for_the_newer() -> None:
    verify(envelope_of(statement()))


class TestWhatTheEnrolmentNames:
    def test_no_older_key(self) -> None:
        assert code(envelope_of(statement()), parse_enrollment(enrollment_of(NEWER))) == "introduction.missing"

    def test_another_introduction(self) -> None:
        first, second = envelope_of(statement()), envelope_of(statement(at=NOON))
        assert code(first, introduced(second)) == "introduction.digest"

    def test_another_older_key(self) -> None:
        envelope = envelope_of(statement())
        assert code(envelope, introduced(envelope, by=SoftPasskey().public_key.key_id)) == "introduction.digest"


class TestWhatWasSigned:
    @pytest.mark.parametrize("content", [b"{}", b"nothing", b'{"payload":"","payloadType":"x","signatures":[]}'])
    def test_nothing_that_can_be_read(self, content: bytes) -> None:
        assert code(content) == "introduction.malformed"

    def test_by_a_third_key(self) -> None:
        assert code(envelope_of(statement(), SoftPasskey())) == "introduction.other_key"

    @pytest.mark.parametrize(
        "changes",
        [
            {"subject": "01BOB"},
            {"key": SoftPasskey().public_key},
            {"credential_id": b"other"},
            {"rp_id": "elsewhere.example"},
            {"introducer": "SHA256:other"},
            {"introducer_enrollment": "ab" * 32},
        ],
    )
    def test_for_something_else(self, changes: dict[str, Any]) -> None:
        assert code(envelope_of(statement(**changes))) == "introduction.mismatch"

    @pytest.mark.parametrize("change", [{"subject": "01BOB"}, {"rp_id": "elsewhere.example"}, {"kind": "service"}])
    def test_by_a_key_of_another_person_or_place(self, change: dict[str, Any]) -> None:
        older = enrollment_of(OLDER, at=LAST_YEAR, **change)
        assert code(envelope_of(statement(introducer_enrollment=sha256_hex(older))), older=older) == "introduction.other_person"

    def test_before_the_older_key_was_enrolled_or_after_the_new_one_was(self) -> None:
        assert code(envelope_of(statement(at=LAST_YEAR - timedelta(days=1)))) == "introduction.too_early"
        assert code(envelope_of(statement(at=NOON + timedelta(days=1)))) == "introduction.too_early"

    def test_without_the_person_being_verified_or_elsewhere(self) -> None:
        assert code(envelope_of(statement(), lie=Lie(flags=0x01))) == "webauthn.no_user_verification"
        assert code(envelope_of(statement(), lie=Lie(origin="https://phish.example"))) == "webauthn.origin"
        assert code(envelope_of(statement(), lie=Lie(tamper_signature=True))) == "webauthn.signature"


class TestItIsNoApproval:
    def test_an_assertion_over_the_approval_challenge_of_the_same_bytes_introduces_nobody(self) -> None:
        payload = statement()
        assert code(envelope_of(payload, challenge=approval_challenge(payload))) == "webauthn.challenge"

    def test_an_approval_reads_as_no_introduction(self) -> None:
        payload = signed_payload()
        assert code(envelope_of(payload)) == "introduction.malformed"
        assert introduction_challenge(payload) != approval_challenge(payload)

    def test_an_introduction_reads_as_no_enrolment(self) -> None:
        with pytest.raises(Refusal) as refused:
            parse_enrollment(statement())
        assert refused.value.code == "enrollment.malformed"

    def test_what_is_written_reads_back(self) -> None:
        said = parse_introduction(statement())
        assert (said.key_id, said.credential_id) == (NEWER.public_key.key_id, NEWER.credential_id)
        assert replace(said) == said
