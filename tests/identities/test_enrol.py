"""Enrolling and revoking approval keys: the happy way with each algorithm, then every lie."""

from __future__ import annotations

import json
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from django.db import DatabaseError, transaction

from identities.keys.enrol import MAX_KEYS, Offer, begin_enrolment, enrol_new_key, rename_signing_key, revoke_signing_key, take_new_key
from identities.keys.introduce import enrollment_of
from identities.models import Identity, SigningKey
from ledger.models import Entry
from ledger.recorder import recorder_key
from proofs.approval.cose import EDDSA, ES256, RS256, load_cose_key
from proofs.approval.enrollment import parse_enrollment
from proofs.digest import sha256_hex
from proofs.dsse import parse_envelope, verify_envelope
from proofs.encoding import b64url_decode
from proofs.keys import load_spki
from tests import cast
from tests import make_approvals as make
from tests.identities.test_register import refused
from tests.make_ledger import use_own_keys
from tests.passkey import PRESENT, VERIFIED, Lie, SoftPasskey
from tests.proofs.approval import make_attestations

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def alice(settings: Any, tmp_path: Path) -> Identity:
    use_own_keys(settings, tmp_path)
    return cast.alice()


def challenge_of(offer: Offer) -> bytes:
    return b64url_decode(offer.state["challenge"], code="test", what="the challenge")


def enrol(passkey: SoftPasskey, *, lie: Lie | None = None, offer: Offer | None = None, **changes: Any) -> SigningKey:
    person = cast.alice()
    offer = offer or begin_enrolment(identity=person, now=cast.NOW)
    response = passkey.create(challenge_of(offer), lie or Lie())
    usual = {"identity": person, "state": offer.state, "response": response, "label": "Laptop", "by": person, "now": cast.NOW}
    given = {**usual, **changes}
    new = take_new_key(**given)
    return enrol_new_key(identity=given["identity"], new=new, by=given["by"], now=given["now"])


def attesting(passkey: SoftPasskey, challenge: bytes, *, signature: bytes | None = None) -> dict[str, Any]:
    """The browser's answer with a maker's attestation of the key, or with a signature that is none."""
    response = passkey.create(challenge)
    client = b64url_decode(response["response"]["clientDataJSON"], code="t", what="t")
    content = make_attestations.document(passkey, client=client, **({"sig": signature} if signature else {}))
    return {**response, "response": {**response["response"], "attestationObject": json.loads(content)["attestationObject"]}}


class TestAttestation:
    def test_is_named_by_the_enrolment_where_it_holds(self) -> None:
        passkey, offer = SoftPasskey(), begin_enrolment(identity=cast.alice(), now=cast.NOW)
        key = enrol(passkey, offer=offer, response=attesting(passkey, challenge_of(offer)))
        said = enrollment_of(key).attestation
        assert said is not None and said.aaguid == make_attestations.MODEL

    def test_is_left_out_where_it_does_not_so_that_the_key_signs_at_a_lower_level_and_not_never(self) -> None:
        passkey, offer = SoftPasskey(), begin_enrolment(identity=cast.alice(), now=cast.NOW)
        key = enrol(passkey, offer=offer, response=attesting(passkey, challenge_of(offer), signature=b"none"))
        assert enrollment_of(key).attestation is None


class TestBeginEnrolment:
    def test_asks_for_what_we_verify_and_nothing_more(self, settings: Any) -> None:
        options = begin_enrolment(identity=cast.alice(), now=cast.NOW).options["publicKey"]
        assert [item["alg"] for item in options["pubKeyCredParams"]] == [-7, -8, -257]
        assert options["rp"]["id"] == settings.RP_ID
        assert options["attestation"] == "none"
        assert options["authenticatorSelection"]["userVerification"] == "required"
        assert options["authenticatorSelection"]["residentKey"] == "preferred"
        assert options["timeout"] == settings.CEREMONY_SECONDS * 1000

    def test_each_offer_has_a_challenge_of_its_own(self) -> None:
        offers = [begin_enrolment(identity=cast.alice(), now=cast.NOW) for _ in range(3)]
        assert len({challenge_of(offer) for offer in offers}) == 3
        assert min(len(challenge_of(offer)) for offer in offers) >= 32

    def test_names_the_keys_already_enrolled(self) -> None:
        passkey = SoftPasskey()
        enrol(passkey)
        excluded = begin_enrolment(identity=cast.alice(), now=cast.NOW).options["publicKey"]["excludeCredentials"]
        assert [b64url_decode(item["id"], code="t", what="t") for item in excluded] == [passkey.credential_id]

    def test_the_account_on_the_device_is_not_the_sign_in_account(self) -> None:
        handle = begin_enrolment(identity=cast.alice(), now=cast.NOW).options["publicKey"]["user"]["id"]
        assert len(b64url_decode(handle, code="t", what="t")) == 32

    def test_refuses_programs(self) -> None:
        refused("enrolment.people_only", begin_enrolment, identity=cast.runner(), now=cast.NOW)

    def test_refuses_whom_openssh_could_not_tell_from_somebody_with_a_live_key(self) -> None:
        passkey = SoftPasskey()
        key = enrol(passkey)
        other = f"{cast.alice().issuer}/realms/other"
        twin = Identity.objects.create(
            kind="person", name="Twin", issuer=other, subject=cast.alice().subject, team=cast.payments(), created_at=cast.NOW
        )
        cast.grant_role(identity=twin, role="requester", team=cast.payments(), project=None, by=None, now=cast.NOW)
        refused("enrolment.name_taken", begin_enrolment, identity=twin, now=cast.NOW)
        revoke_signing_key(key=key, by=cast.alice(), reason="Moved", now=cast.NOW)
        assert begin_enrolment(identity=twin, now=cast.NOW).options

    def test_refuses_whoever_holds_no_role(self) -> None:
        refused("permission.missing", begin_enrolment, identity=cast.mallory(), now=cast.NOW)

    def test_refuses_a_drawer_full_of_keys(self) -> None:
        for _ in range(MAX_KEYS):
            make.enrol(cast.alice())
        refused("enrolment.too_many_keys", begin_enrolment, identity=cast.alice(), now=cast.NOW)


class TestCompleteEnrolment:
    @pytest.mark.parametrize("algorithm", [ES256, EDDSA, RS256])
    @pytest.mark.parametrize("synced", [True, False])
    def test_stores_the_key_and_what_it_is(self, algorithm: int, synced: bool) -> None:
        passkey = SoftPasskey(algorithm=algorithm, synced=synced)
        key = enrol(passkey, label="  Blue key ")
        key.refresh_from_db()
        assert (bytes(key.spki), key.key_id, key.algorithm) == (passkey.spki, passkey.public_key.key_id, algorithm)
        assert (bytes(key.credential_id), key.backup_eligible, key.label) == (passkey.credential_id, synced, "Blue key")
        assert load_cose_key(bytes(key.cose_key)).spki == passkey.spki

    def test_the_portal_signs_that_it_is_hers_and_logs_it(self, settings: Any) -> None:
        passkey = SoftPasskey()
        key = enrol(passkey)
        envelope = parse_envelope(bytes(key.enrollment))
        verify_envelope(envelope, [load_spki(recorder_key().spki)])
        said = parse_enrollment(envelope.payload)
        assert (said.event, said.issuer, said.subject) == ("enrolled", settings.ORIGIN, cast.alice().subject)
        assert (said.vouching, said.purposes, said.key_id) == ("portal-vouched", ("human-approval",), key.key_id)
        assert key.enrollment_digest == sha256_hex(envelope.payload)
        assert Entry.objects.get(event="signer.enrolled").ref_digest == sha256_hex(bytes(key.enrollment))

    @pytest.mark.parametrize(
        ("lie", "code"),
        [
            (Lie(type="webauthn.create2"), "webauthn.type"),
            (Lie(challenge=b"\x01" * 32), "webauthn.challenge"),
            (Lie(challenge=b""), "webauthn.challenge"),
            (Lie(origin="https://evil.example"), "webauthn.origin"),
            (Lie(origin="http://localhost:8001"), "webauthn.origin"),
            (Lie(origin="http://sub.localhost:8000"), "webauthn.origin"),
            (Lie(cross_origin=True), "webauthn.cross_origin"),
            (Lie(cross_origin="false"), "webauthn.cross_origin"),
            (Lie(top_origin="http://localhost:8000"), "webauthn.cross_origin"),
            (Lie(rp_id="evil.example"), "webauthn.rp_id"),
            (Lie(flags=VERIFIED), "webauthn.no_user_presence"),
            (Lie(flags=PRESENT), "webauthn.no_user_verification"),
        ],
    )
    def test_refuses_each_lie_with_its_own_code(self, lie: Lie, code: str) -> None:
        refused(code, enrol, passkey=SoftPasskey(), lie=lie)
        assert not SigningKey.objects.exists()

    def test_refuses_without_an_offer(self) -> None:
        refused("enrolment.not_offered", enrol, passkey=SoftPasskey(), state=None)
        refused("enrolment.not_offered", enrol, passkey=SoftPasskey(), state={})

    def test_refuses_an_offer_made_to_somebody_else(self) -> None:
        offer = begin_enrolment(identity=cast.bob(), now=cast.NOW)
        refused("enrolment.not_offered", enrol, passkey=SoftPasskey(), offer=offer)

    def test_refuses_an_answer_to_an_earlier_offer(self) -> None:
        first = begin_enrolment(identity=cast.alice(), now=cast.NOW)
        second = begin_enrolment(identity=cast.alice(), now=cast.NOW)
        response = SoftPasskey().create(challenge_of(first))
        refused("webauthn.challenge", enrol, passkey=SoftPasskey(), offer=second, response=response)

    def test_refuses_an_offer_that_ran_out(self, settings: Any) -> None:
        late = cast.NOW + timedelta(seconds=settings.CEREMONY_SECONDS)
        refused("enrolment.expired", enrol, passkey=SoftPasskey(), now=late)

    def test_refuses_the_same_key_twice(self) -> None:
        passkey = SoftPasskey()
        enrol(passkey)
        refused("enrolment.already_enrolled", enrol, passkey=passkey)

    def test_refuses_somebody_elses_key(self) -> None:
        passkey, bob = SoftPasskey(), cast.bob()
        enrol(passkey)
        offer = begin_enrolment(identity=bob, now=cast.NOW)
        response = passkey.create(challenge_of(offer))
        changes = {"identity": bob, "by": bob, "state": offer.state, "response": response}
        refused("enrolment.already_enrolled", enrol, passkey=passkey, **changes)

    def test_refuses_a_revoked_key_for_ever(self) -> None:
        passkey = SoftPasskey()
        make.enrol(cast.alice())
        _, key = make.enrol(cast.alice(), passkey=passkey)
        revoke_signing_key(key=key, by=cast.alice(), reason="Lost", now=cast.NOW)
        refused("enrolment.already_enrolled", enrol, passkey=passkey)

    def test_refuses_an_administrator_who_enrols_for_her(self) -> None:
        dave = cast.dave()
        refused("enrolment.own_keys_only", enrol, passkey=SoftPasskey(), by=dave)

    @pytest.mark.parametrize("label", ["", "   ", "x" * 81])
    def test_refuses_a_nameless_key(self, label: str) -> None:
        refused("enrolment.label", enrol, passkey=SoftPasskey(), label=label)

    @pytest.mark.parametrize(
        "damage",
        [
            {},
            {"id": "AA"},
            {"response": {}},
            {"response": {"clientDataJSON": "AA", "attestationObject": "AA"}},
            {"response": {"clientDataJSON": "bnVsbA", "attestationObject": "oA"}},
            {"response": []},
            {"response": None},
        ],
    )
    def test_refuses_what_no_browser_says(self, damage: dict[str, Any]) -> None:
        offer = begin_enrolment(identity=cast.alice(), now=cast.NOW)
        response = {**SoftPasskey().create(challenge_of(offer)), **damage} if damage else {}
        refused("enrolment.malformed", enrol, passkey=SoftPasskey(), offer=offer, response=response)

    def test_transports_are_a_closed_list(self) -> None:
        offer = begin_enrolment(identity=cast.alice(), now=cast.NOW)
        response = SoftPasskey().create(challenge_of(offer))
        response["response"]["transports"] = ["usb", "telepathy", 7, "internal", "usb"]
        assert enrol(SoftPasskey(), offer=offer, response=response).transports == ["internal", "usb"]

    def test_the_key_itself_never_changes(self) -> None:
        key = enrol(SoftPasskey())
        with pytest.raises(DatabaseError), transaction.atomic():
            SigningKey.objects.filter(pk=key.pk).update(spki=SoftPasskey().spki)


class TestRevokeSigningKey:
    def test_is_signed_and_logged(self) -> None:
        key = revoke_signing_key(key=enrol(SoftPasskey()), by=cast.alice(), reason=" Left in a taxi ", now=cast.NOW)
        envelope = parse_envelope(bytes(key.revocation or b""))
        verify_envelope(envelope, [load_spki(recorder_key().spki)])
        said = parse_enrollment(envelope.payload)
        assert (said.event, said.reason, said.key_id) == ("revoked", "Left in a taxi", key.key_id)
        assert (key.revoked_at, key.revoked_reason) == (cast.NOW, "Left in a taxi")
        assert Entry.objects.filter(event="signer.revoked").count() == 1

    @pytest.mark.parametrize("who", ["bob", "dave"])
    def test_refuses_anybody_else(self, who: str) -> None:
        key, by = enrol(SoftPasskey()), getattr(cast, who)()
        refused("signer.not_yours", revoke_signing_key, key=key, by=by, reason="Because", now=cast.NOW)

    @pytest.mark.parametrize("reason", ["", "  ", "x" * 201])
    def test_refuses_without_a_short_reason(self, reason: str) -> None:
        refused("signer.reason", revoke_signing_key, key=enrol(SoftPasskey()), by=cast.alice(), reason=reason, now=cast.NOW)

    def test_a_lost_key_is_said_to_be_lost_in_the_signed_statement(self) -> None:
        since = cast.NOW - timedelta(minutes=5)
        key = enrol(SoftPasskey())
        refused("signer.compromised_too_early", revoke_signing_key, **self.lost(key, since))
        refused("signer.compromised_in_future", revoke_signing_key, **self.lost(key, cast.NOW + timedelta(days=2)))
        lost = revoke_signing_key(**self.lost(key, cast.NOW + timedelta(minutes=5)))
        said = parse_enrollment(parse_envelope(bytes(lost.revocation or b"")).payload)
        assert said.compromised_from == lost.compromised_from == cast.NOW + timedelta(minutes=5)

    @staticmethod
    def lost(key: SigningKey, since: datetime) -> dict[str, Any]:
        return {"key": key, "by": cast.alice(), "reason": "Lost", "now": cast.NOW + timedelta(days=1), "compromised_from": since}

    def test_refuses_twice(self) -> None:
        key = revoke_signing_key(key=enrol(SoftPasskey()), by=cast.alice(), reason="Lost", now=cast.NOW)
        refused("signer.revoked", revoke_signing_key, key=key, by=cast.alice(), reason="Again", now=cast.NOW)


class TestRenameSigningKey:
    def test_changes_the_name_and_nothing_signed(self) -> None:
        key = enrol(SoftPasskey())
        for _ in range(2):
            renamed = rename_signing_key(key=key, label=" Blue key ", by=cast.alice(), now=cast.NOW)
        assert (renamed.label, bytes(renamed.enrollment)) == ("Blue key", bytes(key.enrollment))
        assert Entry.objects.filter(event="signer.renamed").count() == 1

    def test_refuses_anybody_else_and_no_name(self) -> None:
        key = enrol(SoftPasskey())
        refused("signer.not_yours", rename_signing_key, key=key, label="Mine", by=cast.dave(), now=cast.NOW)
        refused("enrolment.label", rename_signing_key, key=key, label=" ", by=cast.alice(), now=cast.NOW)
