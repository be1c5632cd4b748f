"""Completing a ceremony keeps a verified answer, or the refusal."""

from __future__ import annotations

import json
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

import pytest
from django.conf import settings
from django.db import DatabaseError, transaction

from approvals.models import Approval, Ceremony, Record, Request, RequestState
from approvals.requests.revise import revise_request
from approvals.signing.verify_signature import parse_assertion
from identities.keys.enrol import revoke_signing_key
from identities.models import RoleAssignment, SigningKey
from identities.people.roles import end_role
from ledger.models import Entry
from ledger.recorder import recorder_key
from proofs.approval.record import RECORD_TYPE, parse_record
from proofs.digest import sha256_hex
from proofs.dsse import parse_envelope, verify_envelope
from proofs.errors import Conflict, Malformed, NotAllowed, NotFound, Refusal
from proofs.keys import load_spki
from tests import cast
from tests import make_approvals as make
from tests.passkey import Lie, SoftPasskey

pytestmark = pytest.mark.django_db
USER_PRESENT = 0x01


@dataclass
class Scene:
    stage: make.Stage
    request: Request
    passkey: SoftPasskey
    key: SigningKey
    ceremony: Ceremony


def begun(**changes: Any) -> Scene:
    stage = make.set_stage()
    make.send_provenance(stage)
    request = make.ask()
    passkey, key = make.enrol(cast.alice())
    return Scene(stage, request, passkey, key, make.begin(request, cast.alice(), key, **changes))


def refused(scene: Scene, **changes: Any) -> Refusal:
    with pytest.raises(Refusal) as caught:
        make.complete(scene.ceremony, changes.pop("passkey", scene.passkey), **changes)
    assert not Approval.objects.exists()
    assert not Record.objects.exists()
    return caught.value


class TestCompleteSigning:
    def test_keeps_the_approval_its_record_and_its_ledger_entry_together(self) -> None:
        scene = begun()
        approval = make.complete(scene.ceremony, scene.passkey)
        record = approval.record
        envelope = parse_envelope(bytes(record.envelope))
        verify_envelope(envelope, [load_spki(recorder_key().spki)])
        parsed = parse_record(envelope.payload)
        assert RECORD_TYPE.encode() in envelope.payload
        assert (parsed.payload, parsed.assurance) == (bytes(scene.ceremony.payload), "H2")
        assert record.digest == sha256_hex(envelope.payload)
        assert (record.entry.event, record.entry.ref_digest) == ("record", sha256_hex(bytes(record.envelope)))
        assert approval.sshsig is not None
        assert approval.sshsig.startswith("-----BEGIN SSH SIGNATURE-----")
        assert RequestState.objects.get().status == RequestState.Status.APPROVED

    def test_a_rejection_and_a_wish_for_changes_close_the_request(self) -> None:
        scene = begun(decision="reject", reason="The export job is not tested.")
        make.complete(scene.ceremony, scene.passkey)
        assert RequestState.objects.get().status == RequestState.Status.REJECTED

    def test_one_of_two_leaves_the_request_in_review(self) -> None:
        stage = make.set_stage(count=2)
        make.send_provenance(stage)
        request = make.ask()
        for person, status in ((cast.alice(), "in_review"), (cast.person("ivan", "Ivan Petrov", "approver:release"), "approved")):
            make.approve(request, person)
            assert RequestState.objects.get().status == status

    @pytest.mark.parametrize(
        ("lie", "code"),
        [
            (Lie(origin="https://elsewhere.example"), "webauthn.origin"),
            (Lie(rp_id="elsewhere.example"), "webauthn.rp_id"),
            (Lie(type="webauthn.create"), "webauthn.type"),
            (Lie(challenge=b"another challenge"), "webauthn.challenge"),
            (Lie(cross_origin=True), "webauthn.cross_origin"),
            (Lie(top_origin="https://elsewhere.example"), "webauthn.cross_origin"),
            (Lie(flags=0), "webauthn.no_user_presence"),
            (Lie(flags=USER_PRESENT), "webauthn.no_user_verification"),
            (Lie(tamper_signature=True), "webauthn.signature"),
            (Lie(client_data_json=b"{}"), "webauthn.type"),
        ],
    )
    def test_refuses_every_lie_of_the_browser_writes_it_down_and_uses_the_ceremony_up(self, lie: Lie, code: str) -> None:
        scene = begun()
        assert refused(scene, lie=lie).code == code
        scene.ceremony.refresh_from_db()
        assert (scene.ceremony.refused_code, scene.ceremony.consumed_at) == (code, make.NOW)
        assert Entry.objects.filter(event="approval.refused").count() == 1
        assert refused(scene).code == "ceremony.used"

    def test_refuses_an_assertion_over_a_statement_that_was_changed(self) -> None:
        scene = begun()
        changed = bytes(scene.ceremony.payload).replace(b'"decision":"approve"', b'"decision":"reject"')
        assert refused(scene, payload=changed).code == "webauthn.challenge"

    def test_refuses_the_assertion_of_another_ceremony(self) -> None:
        scene = begun()
        second = make.begin(scene.request, cast.alice(), scene.key)
        assert refused(scene, payload=bytes(second.payload)).code == "webauthn.challenge"

    def test_refuses_another_key_even_of_the_same_person(self) -> None:
        scene = begun()
        other, _ = make.enrol(cast.alice())
        assert refused(scene, passkey=other).code == "signer.key_mismatch"

    def test_a_used_ceremony_cannot_be_replayed(self) -> None:
        scene = begun()
        make.complete(scene.ceremony, scene.passkey)
        with pytest.raises(Conflict) as caught:
            make.complete(scene.ceremony, scene.passkey)
        assert caught.value.code == "ceremony.used"
        assert Approval.objects.count() == 1

    def test_two_ceremonies_give_one_answer(self) -> None:
        scene = begun()
        second = make.begin(scene.request, cast.alice(), scene.key)
        make.complete(scene.ceremony, scene.passkey)
        with pytest.raises(Conflict) as caught:
            make.complete(second, scene.passkey)
        assert caught.value.code == "approval.already_answered"

    def test_another_person_or_session_is_refused_and_leaves_the_ceremony_to_its_owner(self) -> None:
        scene = begun()
        assert refused(scene, session_key="another session").code == "ceremony.not_yours"
        assert refused(scene, by=cast.person("ivan", "Ivan Petrov", "approver:release")).code == "ceremony.not_yours"
        assert make.complete(scene.ceremony, scene.passkey).identity == cast.alice()

    def test_refuses_after_its_time(self, settings: Any) -> None:
        scene = begun()
        late = make.NOW + timedelta(seconds=settings.CEREMONY_SECONDS)
        assert refused(scene, now=late).code == "ceremony.expired"
        make.complete(scene.ceremony, scene.passkey, now=late - timedelta(seconds=1))

    def test_refuses_a_key_revoked_meanwhile(self) -> None:
        scene = begun()
        revoke_signing_key(key=scene.key, by=cast.alice(), reason="lost", now=make.NOW)
        assert refused(scene).code == "signer.revoked"

    def test_refuses_a_role_ended_meanwhile(self) -> None:
        scene = begun()
        end_role(assignment=RoleAssignment.objects.get(identity=cast.alice()), by=None, now=make.NOW)
        assert refused(scene).code == "permission.missing"

    def test_refuses_when_the_request_was_revised_meanwhile(self) -> None:
        scene = begun()
        make.send_tests(scene.stage)
        revise_request(request=scene.request, by=None, now=make.NOW)
        assert refused(scene).code == "request.stale_snapshot"

    def test_refuses_when_evidence_that_would_change_the_page_came_in_meanwhile(self) -> None:
        scene = begun()
        make.send_tests(scene.stage)
        assert refused(scene).code == "request.stale_snapshot"

    def test_refuses_to_approve_what_somebody_rejected_meanwhile(self) -> None:
        scene = begun()
        ivan = cast.person("ivan", "Ivan Petrov", "approver:release")
        passkey, key = make.enrol(ivan)
        make.complete(make.begin(scene.request, ivan, key, decision="reject", reason="The export job is not tested."), passkey)
        with pytest.raises(Conflict) as caught:
            make.complete(scene.ceremony, scene.passkey)
        assert caught.value.code == "request.closed"
        assert Approval.objects.get().identity == ivan

    def test_a_count_that_went_back_is_written_down_and_never_lowers_the_kept_one(self) -> None:
        stage = make.set_stage()
        make.send_provenance(stage)
        clone = SoftPasskey(rp_id=settings.RP_ID, origin=settings.ORIGIN, sign_count=3)
        request = make.ask()
        _, key = make.enrol(cast.alice(), passkey=clone)
        SigningKey.objects.filter(pk=key.pk).update(sign_count=40)
        approval = make.complete(make.begin(request, cast.alice(), key), clone)
        assert SigningKey.objects.get(pk=key.pk).sign_count == 40
        assert Entry.objects.get(event="signer.count_went_back").ref_digest == approval.payload_digest

    def test_a_count_that_grows_or_stays_at_nothing_is_quiet(self) -> None:
        scene = begun()
        make.complete(scene.ceremony, scene.passkey)
        assert not Entry.objects.filter(event="signer.count_went_back").exists()

    def test_refuses_below_the_level_the_policy_wants(self) -> None:
        stage = make.set_stage(source=make.POLICY.replace("minimumAssurance: H2", "minimumAssurance: H3"))
        make.send_provenance(stage)
        request = make.ask()
        passkey, key = make.enrol(cast.alice())
        with pytest.raises(Refusal) as caught:
            make.complete(make.begin(request, cast.alice(), key), passkey)
        assert caught.value.code == "assurance.too_low"

    def test_keeps_an_answer_that_openssh_has_no_form_for(self) -> None:
        stage = make.set_stage()
        make.send_provenance(stage)
        request = make.ask()
        passkey, key = make.enrol(cast.alice(), passkey=SoftPasskey(algorithm=-8))
        assert make.complete(make.begin(request, cast.alice(), key), passkey).sshsig is None

    def test_refuses_a_ceremony_that_never_was(self) -> None:
        scene = begun()
        scene.ceremony.pk = "cer_00000000000000000000000000"
        with pytest.raises(NotFound) as caught:
            make.complete(scene.ceremony, scene.passkey, by=cast.alice())
        assert caught.value.code == "ceremony.unknown"


class TestParseAssertion:
    @pytest.mark.parametrize(
        "posted",
        ["", "{}", "[]", json.dumps({"credentialId": "", "authenticatorData": "", "clientDataJSON": "", "signature": 3}), "x" * 40_000],
    )
    def test_refuses_what_no_browser_posts(self, posted: str) -> None:
        with pytest.raises(Malformed):
            parse_assertion(posted)


def test_nothing_else_than_the_kept_columns_of_a_ceremony_may_change() -> None:
    scene = begun()
    for column, value in (("payload", b"{}"), ("identity", cast.bob().pk)):
        with pytest.raises(DatabaseError), transaction.atomic():
            Ceremony.objects.filter(pk=scene.ceremony.pk).update(**{column: value})


def test_a_program_has_no_way_to_a_ceremony() -> None:
    scene = begun()
    with pytest.raises(NotAllowed) as caught:
        make.begin(scene.request, cast.runner(), scene.key)
    assert caught.value.code == "permission.missing"
