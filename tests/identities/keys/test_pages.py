"""The pages of approval keys and of recovery: a second key, a lost one, a sign-in that confirms, and what belongs to somebody else."""

from __future__ import annotations

import json
import time
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from allauth.account.internal.flows.login import _AUTHENTICATION_METHODS_USER_SESSION_KEY, AUTHENTICATION_METHODS_SESSION_KEY
from allauth.account.internal.userkit import user_id_to_str
from django.test import Client
from django.utils import timezone

from identities.keys.introduce import enrollment_of
from identities.keys.views import OFFER, QUESTION
from identities.models import Identity, KeyRecovery, SigningKey
from identities.people.recovery.open_recovery import open_recovery
from proofs.approval.key_binding import verify_key_binding
from proofs.encoding import b64url_decode
from tests import cast, make_recoveries, make_sign_ins
from tests import make_approvals as make
from tests.make_ledger import use_own_keys
from tests.passkey import Lie, SoftPasskey

pytestmark = [pytest.mark.django_db, pytest.mark.once]


@pytest.fixture(autouse=True)
def keys(settings: Any, tmp_path: Path) -> None:
    use_own_keys(settings, tmp_path)


def at_desk(identity: Identity, *, proved: bool = True) -> Client:
    """A browser where this person signed in, a moment ago or long ago."""
    client = Client()
    client.force_login(cast.account_of(identity))
    session = client.session
    session[AUTHENTICATION_METHODS_SESSION_KEY] = [{"method": "password", "at": time.time() - (0 if proved else 100_000)}]
    session[_AUTHENTICATION_METHODS_USER_SESSION_KEY] = user_id_to_str(cast.account_of(identity))
    session.save()
    return client


def make_key(client: Client, label: str = "Second") -> tuple[SoftPasskey, Any]:
    assert client.get("/settings/keys/add").status_code == 200
    passkey = SoftPasskey()
    answer = passkey.create(b64url_decode(client.session[OFFER]["challenge"], code="t", what="t"))
    return passkey, client.post("/settings/keys/add", {"label": label, "credential": json.dumps(answer)})


def touch(client: Client, older: SoftPasskey, lie: Lie | None = None) -> Any:
    page = client.get("/settings/keys/add/introduce")
    assert page.status_code == 200
    assert client.session[QUESTION]
    challenge = b64url_decode(page.context["options"]["publicKey"]["challenge"], code="t", what="t")
    return client.post("/settings/keys/add/introduce", {"credential": json.dumps(older.get(challenge, lie or Lie()))})


def test_a_second_key_is_enrolled_when_the_first_was_touched() -> None:
    older, first = make.enrol(cast.alice(), now=timezone.now())
    client = at_desk(cast.alice())
    _, answer = make_key(client)
    assert answer["Location"] == "/settings/keys/add/introduce"
    assert SigningKey.objects.count() == 1
    assert touch(client, older)["Location"] == "/settings/keys"
    assert SigningKey.objects.get(label="Second").introduced_by == first
    assert "introduced by “<bdi>Security key</bdi>”" in client.get("/settings/keys").content.decode()
    assert client.get("/settings/keys/add/introduce").status_code == 409, "it waits no longer"


def test_a_lie_of_the_older_key_is_shown_and_it_can_be_touched_again() -> None:
    older, _ = make.enrol(cast.alice(), now=timezone.now())
    client = at_desk(cast.alice())
    make_key(client)
    wrong = touch(client, older, Lie(tamper_signature=True))
    assert (wrong.status_code, b"webauthn.signature" in wrong.content) == (422, True)
    assert SigningKey.objects.count() == 1
    assert touch(client, older)["Location"] == "/settings/keys"


def test_the_page_says_who_vouches_and_from_when_a_key_counts(settings: Any) -> None:
    settings.KEY_COOLING_HOURS = 24
    client = at_desk(cast.alice())
    make_key(client, "First")
    page = client.get("/settings/keys").content.decode()
    assert "The portal alone vouches; approvals reach H2." in page
    assert "Counts in environments of tier 3 from" in page
    assert "enrolled, entry" in page


def test_a_sign_in_at_the_provider_confirms_exactly_this_key() -> None:
    with make_sign_ins.liar() as liar:
        row = make_sign_ins.provider_at(liar.url)
        erin = make_sign_ins.known_at(row)
        cast.grant_role(identity=erin, role="requester", team=cast.payments(), by=None, now=timezone.now())
        client = at_desk(erin)
        _, answer = make_key(client, "First")
        assert answer["Location"] == "/settings/keys/add/confirm"
        assert row.name in client.get("/settings/keys/add/confirm").content.decode()
        leaving = client.post("/settings/keys/add/confirm")
        back = client.get("/sign-in/bound", liar.authorize(leaving.context["url"]))
        assert not SigningKey.objects.exists()
        assert client.get(back["Location"])["Location"] == "/settings/keys"
        assert client.get(back["Location"]).status_code == 409, "once"
    key = SigningKey.objects.get()
    bound = key.bound_by
    assert bound is not None
    said = enrollment_of(key)
    assert said.vouching == "oidc-nonce"
    verified = verify_key_binding(enrollment=said, id_token=bound.id_token, issuer_keys=bytes(bound.issuer_keys or b""), at=key.enrolled_at)
    assert verified.subject == erin.subject
    assert f"Bound to your sign-in at {row.name}" in client.get("/settings/keys").content.decode()


def test_without_that_sign_in_nothing_is_enrolled() -> None:
    with make_sign_ins.liar() as liar:
        row = make_sign_ins.provider_at(liar.url)
        erin = make_sign_ins.known_at(row)
        cast.grant_role(identity=erin, role="requester", team=cast.payments(), by=None, now=timezone.now())
        client = at_desk(erin)
        make_key(client, "First")
        leaving = client.post("/settings/keys/add/confirm")
        back = client.get("/sign-in/bound", liar.authorize(leaving.context["url"]))
        make_key(client, "Another")
        assert client.get(back["Location"]).status_code == 404, "the sign-in names the first key, and another one waits"
    with pytest.raises(Exception, match="enrolment.not_bound"):
        make.enrol(erin, now=timezone.now())
    assert not SigningKey.objects.exists()


def test_a_key_is_renamed_and_reported_lost() -> None:
    _, key = make.enrol(cast.alice(), now=timezone.now() - timedelta(days=2))
    client = at_desk(cast.alice())
    assert client.post(f"/settings/keys/{key.pk}/rename", {"label": "Blue key"})["Location"] == "/settings/keys"
    path = f"/settings/keys/{key.pk}/revoke"
    assert "It is your only live key" in client.get(path).content.decode()
    since = (timezone.now() - timedelta(days=1)).strftime("%Y-%m-%dT%H:%M")
    unclear = client.post(path, {"cause": "unneeded", "since": since, "reason": "Lost"})
    assert "say above that the key is lost" in unclear.content.decode()
    early = client.post(path, {"cause": "lost", "since": "2020-01-01T00:00", "reason": "Lost"})
    assert (early.status_code, b"signer.compromised_too_early" in early.content) == (422, True)
    assert client.post(path, {"cause": "lost", "since": since, "reason": "Left in a taxi"})["Location"] == "/settings/keys"
    key.refresh_from_db()
    assert (key.label, key.compromised_from and key.compromised_from.strftime("%Y-%m-%dT%H:%M")) == ("Blue key", since)
    page = client.get("/settings/keys").content.decode()
    assert "You hold no live approval key" in page and "Left in a taxi" in page
    assert client.get("/settings/keys/add")["Location"] == "/settings/keys/recovery"


def test_she_asks_two_officers_agree_and_she_alone_adds_the_key() -> None:
    make_recoveries.lose_every_key(now=timezone.now())
    client = at_desk(cast.alice())
    cast.olga(), cast.omar()
    assert "Olga Petrova" not in client.get("/settings/keys/recovery").content.decode()
    assert client.post("/settings/keys/recovery", {"reason": "Bag stolen"})["Location"] == "/settings/keys/recovery"
    assert "<bdi>Olga Petrova</bdi>, <bdi>Omar Haddad</bdi>" in client.get("/settings/keys/recovery").content.decode()
    recovery = KeyRecovery.objects.get()
    path = f"/officers/recoveries/{recovery.pk}"
    for officer in (cast.olga(), cast.omar()):
        assert "Bag stolen" in at_desk(officer).get("/officers/recoveries").content.decode()
        assert at_desk(officer).post(path, {"answer": "consent"})["Location"] == "/officers/recoveries"
    _, answer = make_key(client, "New")
    assert answer["Location"] == "/settings/keys"
    assert SigningKey.objects.get(label="New").recovery == recovery
    assert at_desk(cast.olga()).post(path, {"answer": "refuse"}).status_code == 409


def test_an_officer_refuses_and_she_can_take_it_back() -> None:
    make_recoveries.lose_every_key(now=timezone.now())
    for by_officer in (True, False):
        row = open_recovery(reason="Lost", by=cast.alice(), now=timezone.now())
        if by_officer:
            at_desk(cast.olga()).post(f"/officers/recoveries/{row.pk}", {"answer": "refuse"})
        else:
            at_desk(cast.alice()).post("/settings/keys/recovery/end")
        row.refresh_from_db()
        assert row.ended_at is not None


def test_whoever_is_no_officer_or_proved_themselves_long_ago_gets_nowhere() -> None:
    recovery = make_recoveries.opened(now=timezone.now())
    path = f"/officers/recoveries/{recovery.pk}"
    assert at_desk(cast.dave()).post(path, {"answer": "consent"}).status_code == 403
    assert at_desk(cast.dave()).get("/officers/recoveries").status_code == 403
    stale = at_desk(cast.olga(), proved=False).post(path, {"answer": "consent"})
    assert stale["Location"].startswith("/accounts/reauthenticate/")
    assert not recovery.consents.exists()
    assert at_desk(cast.olga()).post("/officers/recoveries/rec_none", {"answer": "consent"}).status_code == 404


def test_what_was_signed_with_a_key_is_listed_for_its_holder_alone() -> None:
    stage = make.set_stage()
    make.send_provenance(stage)
    approval = make.approve(make.ask(), cast.alice())
    path = f"/settings/keys/{approval.signing_key_id}/signatures"
    assert "payments/api 1.4.2" in at_desk(cast.alice()).get(path).content.decode()
    assert at_desk(cast.bob()).get(path).status_code == 404
