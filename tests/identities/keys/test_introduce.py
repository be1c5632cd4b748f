"""A second key: an older one of the same person signs for it, or nothing is enrolled."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from identities.keys.enrol import begin_enrolment, enrol_new_key, revoke_signing_key, take_new_key
from identities.keys.introduce import Introduced, begin_introduction, enrollment_of, read_introduction
from identities.keys.new_key import NewKey
from identities.models import Identity, SigningKey
from proofs.approval.introduction import verify_introduction
from proofs.encoding import b64url_decode
from tests import cast
from tests import make_approvals as make
from tests.identities.test_register import refused
from tests.make_ledger import use_own_keys
from tests.passkey import Lie, SoftPasskey

pytestmark = pytest.mark.django_db
NOW = cast.NOW


@pytest.fixture(autouse=True)
def keys(settings: Any, tmp_path: Path) -> None:
    use_own_keys(settings, tmp_path)


def new_key(person: Identity) -> NewKey:
    offer = begin_enrolment(identity=person, now=NOW)
    response = SoftPasskey().create(b64url_decode(offer.state["challenge"], code="t", what="t"))
    return take_new_key(identity=person, state=offer.state, response=response, label="Second", by=person, now=NOW)


def enrol_with(introduced: Introduced | None, new: NewKey) -> SigningKey:
    alice = cast.alice()
    return enrol_new_key(identity=alice, new=new, by=alice, now=NOW, introduced=introduced)


def test_anybody_can_check_what_the_older_key_signed(settings: Any) -> None:
    passkey, first = make.enrol(cast.alice())
    new = new_key(cast.alice())
    second = enrol_with(make.introduce(new, first, passkey), new)
    assert second.introduced_by == first
    said = verify_introduction(
        enrollment=enrollment_of(second),
        introduction=bytes(second.introduction or b""),
        introducer=enrollment_of(first),
        introducer_digest=first.enrollment_digest,
        rp_id=settings.RP_ID,
        origins=(settings.ORIGIN,),
    )
    assert said.user_verified


def test_the_first_key_needs_no_introduction_and_waits_for_tier_3(settings: Any) -> None:
    settings.KEY_COOLING_HOURS = 24
    _, key = make.enrol(cast.alice())
    assert key.introduced_by is None
    assert key.matures_at == NOW + timedelta(hours=24) == enrollment_of(key).matures_at


def test_refuses_a_second_key_that_nothing_introduces() -> None:
    make.enrol(cast.alice())
    refused("enrolment.not_introduced", enrol_with, introduced=None, new=new_key(cast.alice()))


@pytest.mark.parametrize(
    ("lie", "code"),
    [
        (Lie(tamper_signature=True), "webauthn.signature"),
        (Lie(origin="https://evil.example"), "webauthn.origin"),
        (Lie(flags=0x01), "webauthn.no_user_verification"),
        (Lie(challenge=b"another"), "webauthn.challenge"),
    ],
)
def test_refuses_each_lie_of_the_older_key(lie: Lie, code: str) -> None:
    passkey, first = make.enrol(cast.alice())
    new = new_key(cast.alice())
    refused(code, enrol_with, introduced=make.introduce(new, first, passkey, lie=lie), new=new)
    assert SigningKey.objects.count() == 1


def test_refuses_an_introduction_of_another_new_key() -> None:
    passkey, first = make.enrol(cast.alice())
    introduced = make.introduce(new_key(cast.alice()), first, passkey)
    refused("introduction.mismatch", enrol_with, introduced=introduced, new=new_key(cast.alice()))


def test_refuses_a_passkey_that_is_not_the_older_key() -> None:
    _, first = make.enrol(cast.alice())
    new = new_key(cast.alice())
    refused("introduction.other_key", enrol_with, introduced=make.introduce(new, first, SoftPasskey()), new=new)


def test_refuses_an_older_key_that_was_revoked_meanwhile() -> None:
    passkey, first = make.enrol(cast.alice())
    make.enrol(cast.alice())
    new = new_key(cast.alice())
    introduced = make.introduce(new, first, passkey)
    revoke_signing_key(key=first, by=cast.alice(), reason="Lost", now=NOW)
    refused("signer.revoked", enrol_with, introduced=introduced, new=new)


def test_refuses_somebody_elses_key() -> None:
    _, theirs = make.enrol(cast.bob())
    make.enrol(cast.alice())
    new = new_key(cast.alice())
    refused("signer.unknown", begin_introduction, identity=cast.alice(), introducer_id=theirs.pk, new=new, now=NOW)


def test_refuses_an_answer_without_a_question_or_too_late(settings: Any) -> None:
    _, first = make.enrol(cast.alice())
    asked = begin_introduction(identity=cast.alice(), introducer_id=first.pk, new=new_key(cast.alice()), now=NOW)
    late = NOW + timedelta(seconds=settings.CEREMONY_SECONDS)
    usual = {"identity": cast.alice(), "response": {}, "now": NOW}
    refused("enrolment.not_offered", read_introduction, state=None, **usual)
    refused("enrolment.expired", read_introduction, state=asked.state, **{**usual, "now": late})
    refused("enrolment.malformed", read_introduction, state=asked.state, **usual)


class TestIntroducedByAThief:
    """What was signed with a key since somebody else may have had it counts nowhere, and an introduction is something it signed."""

    @staticmethod
    def by(passkey: SoftPasskey, older: SigningKey, *, hours: int) -> tuple[SoftPasskey, SigningKey]:
        now, alice, mine = NOW + timedelta(hours=hours), cast.alice(), SoftPasskey()
        offer = begin_enrolment(identity=alice, now=now)
        response = mine.create(b64url_decode(offer.state["challenge"], code="t", what="t"))
        new = take_new_key(identity=alice, state=offer.state, response=response, label=f"After {hours}", by=alice, now=now)
        introduced = make.introduce(new, older, passkey, now=now)
        return mine, enrol_new_key(identity=alice, new=new, by=alice, now=now, introduced=introduced)

    def test_a_stolen_key_takes_those_it_brought_in_since_with_it(self) -> None:
        passkey, stolen = make.enrol(cast.alice())
        _, before = self.by(passkey, stolen, hours=1)
        thiefs, after = self.by(passkey, stolen, hours=3)
        _, over = self.by(thiefs, after, hours=4)
        since = NOW + timedelta(hours=2)
        revoke_signing_key(key=stolen, by=cast.alice(), reason="Bag stolen", now=NOW + timedelta(hours=5), compromised_from=since)
        for key, from_when in ((after, after.enrolled_at), (over, over.enrolled_at)):
            key.refresh_from_db()
            assert (key.revoked_at, key.compromised_from) == (NOW + timedelta(hours=5), from_when)
            assert "introduced by a key that was lost" in key.revoked_reason
        before.refresh_from_db()
        assert before.revoked_at is None

    def test_a_key_that_is_only_not_needed_takes_none_with_it(self) -> None:
        passkey, older = make.enrol(cast.alice())
        _, newer = self.by(passkey, older, hours=1)
        revoke_signing_key(key=older, by=cast.alice(), reason="Old laptop", now=NOW + timedelta(hours=2))
        newer.refresh_from_db()
        assert newer.revoked_at is None
