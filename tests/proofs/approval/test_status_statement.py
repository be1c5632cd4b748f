"""The portal's word that approvals still count: fresh, its own, and about these approvals, or nothing."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec

from proofs.approval.status_statement import (
    CODES,
    STATES,
    VALID,
    ApprovalStatus,
    RequestStatus,
    build_status,
    check_record_status,
    check_status,
    parse_status,
)
from proofs.dsse import IN_TOTO_PAYLOAD_TYPE, build_envelope, pae
from proofs.errors import Refusal
from proofs.keys import PublicKey, load_spki

AT = datetime(2026, 11, 1, 12, 0, tzinfo=UTC)
ALICE, KIM = "a" * 64, "b" * 64
STATUS = RequestStatus(
    "req_1", ("c" * 64,), (ApprovalStatus(ALICE, VALID), ApprovalStatus(KIM, "expired")), VALID, AT, AT + timedelta(minutes=10)
)
PORTAL, STRANGER = ec.generate_private_key(ec.SECP256R1()), ec.generate_private_key(ec.SECP256R1())


def public(key: ec.EllipticCurvePrivateKey) -> PublicKey:
    form = serialization.PublicFormat.SubjectPublicKeyInfo
    return load_spki(key.public_key().public_bytes(serialization.Encoding.DER, form))


def signed(status: RequestStatus = STATUS, *, by: ec.EllipticCurvePrivateKey = PORTAL) -> dict[str, Any]:
    payload = build_status(status)
    signature = by.sign(pae(IN_TOTO_PAYLOAD_TYPE, payload), ec.ECDSA(hashes.SHA256()))
    return build_envelope(payload, signature, key_hint=public(by).key_id)


def check(envelope: dict[str, Any] | None, **changes: Any) -> RequestStatus:
    asked = {"keys": [public(PORTAL)], "request": "req_1", "payloads": {ALICE}, "now": AT + timedelta(minutes=1)}
    return check_status(envelope, **{**asked, **changes})


def code_of(envelope: dict[str, Any] | None, **changes: Any) -> str:
    with pytest.raises(Refusal) as refused:
        check(envelope, **changes)
    return refused.value.code


class TestCheckStatus:
    def test_accepts_a_fresh_one(self) -> None:
        assert check(signed()) == STATUS == parse_status(build_status(STATUS))

    def test_refuses_none(self) -> None:
        assert code_of(None) == "status.missing"

    def test_refuses_another_key(self) -> None:
        assert code_of(signed(by=STRANGER)) == "status.signature"

    def test_refuses_other_bytes_under_a_true_signature(self) -> None:
        forged = {**signed(), "payload": signed(replace(STATUS, state="revoked"))["payload"]}
        assert code_of(forged) == "status.signature"

    def test_refuses_another_request(self) -> None:
        assert code_of(signed(), request="req_2") == "status.mismatch"

    @pytest.mark.parametrize("payloads", [{"d" * 64}, {ALICE, "d" * 64}, set()])
    def test_refuses_where_it_does_not_name_the_approvals(self, payloads: set[str]) -> None:
        assert code_of(signed(), payloads=payloads) == "status.mismatch"

    def test_refuses_from_the_future(self) -> None:
        assert code_of(signed(), now=AT - timedelta(seconds=31)) == "status.future"
        assert check(signed(), now=AT - timedelta(seconds=30)) == STATUS

    def test_refuses_at_its_end_and_after(self) -> None:
        assert code_of(signed(), now=STATUS.not_after) == "status.stale"

    def test_refuses_beyond_the_readers_own_limit(self) -> None:
        assert code_of(signed(), max_age=timedelta(seconds=59)) == "status.stale"
        assert check(signed(), max_age=timedelta(seconds=60)) == STATUS

    def test_refuses_an_approval_that_counts_no_more_though_others_do(self) -> None:
        assert code_of(signed(), payloads={ALICE, KIM}) == "validity.window"

    @pytest.mark.parametrize("state", [state for state in STATES if state != VALID])
    def test_refuses_every_state_but_valid(self, state: str) -> None:
        assert code_of(signed(replace(STATUS, state=state))) == CODES[state]


def test_a_status_that_is_never_valid_is_not_made() -> None:
    with pytest.raises(Refusal, match="notAfter"):
        build_status(replace(STATUS, not_after=AT))


def test_a_state_nobody_knows_is_not_made() -> None:
    with pytest.raises(Refusal, match="state"):
        build_status(replace(STATUS, state="fine"))


class TestOfOneRecord:
    RECORD = "e" * 64
    ONE = replace(STATUS, approvals=(ApprovalStatus(ALICE, VALID, RECORD),))

    def check(self, envelope: dict[str, Any] | None, **changes: Any) -> RequestStatus:
        return check_record_status(envelope, **{"keys": [public(PORTAL)], "record": self.RECORD, "now": AT, **changes})

    def test_each_way_to_be_wrong_has_a_code_of_its_own(self) -> None:
        assert self.check(signed(self.ONE)) == self.ONE
        ended = (ApprovalStatus(ALICE, "revoked", self.RECORD),)
        wrong: list[tuple[dict[str, Any] | None, dict[str, Any], str]] = [
            (None, {}, "status.missing"),
            (signed(self.ONE, by=STRANGER), {}, "status.signature"),
            (signed(self.ONE), {"record": "f" * 64}, "status.mismatch"),
            (signed(STATUS), {}, "status.mismatch"),
            (signed(replace(self.ONE, approvals=self.ONE.approvals * 2)), {}, "status.mismatch"),
            (signed(replace(self.ONE, approvals=())), {}, "status.mismatch"),
            (signed(self.ONE), {"now": AT - timedelta(seconds=31)}, "status.future"),
            (signed(self.ONE), {"now": STATUS.not_after}, "status.stale"),
            (signed(self.ONE), {"now": AT + timedelta(seconds=61), "max_age": timedelta(minutes=1)}, "status.stale"),
            (signed(replace(self.ONE, approvals=ended)), {}, "approval.revoked"),
            (signed(replace(self.ONE, state="unknown")), {}, "status.unknown"),
        ]
        found = []
        for envelope, changes, _ in wrong:
            with pytest.raises(Refusal) as refused:
                self.check(envelope, **changes)
            found.append(refused.value.code)
        assert found == [code for _, _, code in wrong]
