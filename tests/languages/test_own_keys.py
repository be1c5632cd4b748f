"""The pages of one's own keys, their recovery and one's sessions: every word translated, also of what was just done and what was refused."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from django.test import Client
from django.utils import timezone

from identities.models import KeyRecovery, SigningKey
from identities.people.accounts.link_account import link_account
from portal.languages.pseudo import LEFT_TO_RIGHT
from portal.languages.retell import retell
from tests import cast, make_recoveries, make_sign_ins
from tests import make_approvals as make
from tests.identities.keys.test_pages import at_desk, make_key, touch
from tests.languages import stories
from tests.languages.untranslated import find_untranslated
from tests.make_ledger import use_own_keys
from tests.passkey import Lie

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("pseudo_locales")]
FIREFOX = "Mozilla/5.0 (X11; Linux x86_64; rv:128.0) Gecko/20100101 Firefox/128.0"
OWN = {"Taxi", "the key of Olga", "Second", "New"}


@pytest.fixture(autouse=True)
def portal_keys(settings: Any, tmp_path: Path) -> None:
    use_own_keys(settings, tmp_path)
    settings.KEY_COOLING_HOURS = 24


def alice() -> Client:
    client = at_desk(cast.alice())
    client.defaults["HTTP_ACCEPT_LANGUAGE"] = LEFT_TO_RIGHT
    return client


def untranslated(answer: Any) -> list[str]:
    page = answer.content.decode()
    assert '<html lang="en-XA"' in page and '<main id="main" tabindex="-1">' in page, "the page is not translated"
    return find_untranslated(page, stories.list_names() | OWN)


def test_a_key_is_introduced_renamed_lost_and_gone() -> None:
    older, first = make.enrol(cast.alice(), now=timezone.now() - timedelta(days=2))
    client = alice()
    assert untranslated(client.get("/settings/keys/add")) == []
    make_key(client)
    assert untranslated(touch(client, older, Lie(tamper_signature=True))) == []
    assert untranslated(client.get("/settings/keys/add/introduce")) == []
    touch(client, older)
    assert untranslated(client.get("/settings/keys")) == []
    second = SigningKey.objects.get(label="Second")
    path = f"/settings/keys/{second.pk}"
    assert untranslated(client.get(f"{path}/rename")) == []
    assert untranslated(client.post(f"{path}/rename", {"label": "Taxi"}, follow=True)) == []
    since = (timezone.now() - timedelta(days=1)).strftime("%Y-%m-%dT%H:%M")
    assert untranslated(client.post(f"{path}/revoke", {"cause": "unneeded", "since": since})) == []
    assert untranslated(client.post(f"{path}/revoke", {"cause": "lost", "since": "2020-01-01T00:00", "reason": "Lost"})) == []
    lost = client.post(f"/settings/keys/{first.pk}/revoke", {"cause": "lost", "since": since, "reason": "Taxi"}, follow=True)
    assert untranslated(lost) == []
    assert SigningKey.objects.filter(revoked_at=None).count() == 0, "the second went with the first that introduced it"
    assert untranslated(client.get(f"{path}/revoke")) == []


def test_somebody_without_a_key_and_somebody_with_an_old_offer() -> None:
    client = alice()
    assert untranslated(client.get("/settings/keys")) == []
    assert untranslated(client.get("/settings/keys/recovery")) == []
    assert untranslated(client.post("/settings/keys/add", {"label": "New", "credential": "{}"})) == []
    assert untranslated(client.get("/settings/keys/add/introduce")) == []
    assert untranslated(client.get("/settings/keys/add/confirm")) == []
    assert untranslated(at_officer().get("/settings/keys")) == []


def test_the_roles_by_which_one_may_approve_are_told_one_by_one() -> None:
    person = cast.person("zoe", "Zoe Park", "approver:release", "approver:security")
    client = at_desk(person)
    shown = client.get("/settings/keys", headers={"Accept-Language": "de"}).content.decode()
    assert "Sie sind Release-Freigeber in <bdi>payments</bdi> und Security-Freigeber in <bdi>payments</bdi>." in shown
    shown = client.get("/settings/keys", headers={"Accept-Language": "en"}).content.decode()
    assert "You are a release approver in payments and a security approver in payments." in shown


def at_officer() -> Client:
    client = at_desk(cast.olga())
    client.defaults["HTTP_ACCEPT_LANGUAGE"] = LEFT_TO_RIGHT
    return client


def test_a_recovery_from_the_first_question_to_the_new_key() -> None:
    make_recoveries.lose_every_key(now=timezone.now())
    client = alice()
    for path in ("/settings/keys", "/settings/keys/recovery"):
        assert untranslated(client.get(path)) == []
    assert untranslated(client.post("/settings/keys/recovery", {"reason": ""})) == []
    assert untranslated(client.post("/settings/keys/recovery", {"reason": "Taxi"}, follow=True)) == []
    assert untranslated(client.post("/settings/keys/recovery/end", follow=True)) == []
    make_recoveries.open_recovery(reason="Taxi", by=cast.alice(), now=timezone.now())
    row = KeyRecovery.objects.get(ended_at=None)
    for officer in (cast.olga(), cast.omar()):
        assert untranslated(client.get("/settings/keys/recovery")) == []
        assert untranslated(client.get("/settings/keys")) == []
        make_recoveries.consent_to_recovery(recovery=row, by=officer, now=timezone.now())
    for path in ("/settings/keys", "/settings/keys/recovery", "/settings/keys/add"):
        assert untranslated(client.get(path)) == []
    make_key(client, "New")
    assert untranslated(client.get("/settings/keys")) == []


def test_what_officers_read_and_answer() -> None:
    client = at_officer()
    assert untranslated(client.get("/officers/recoveries")) == []
    row = make_recoveries.opened(now=timezone.now())
    path = f"/officers/recoveries/{row.pk}"
    assert untranslated(client.get("/officers/recoveries")) == []
    assert untranslated(client.post(path, {"answer": "consent"}, follow=True)) == []
    assert untranslated(client.post(path, {"answer": "refuse"}, follow=True)) == []
    assert untranslated(client.post(path, {"answer": "consent"})) == []
    make_recoveries.open_recovery(reason="Taxi", by=cast.alice(), now=timezone.now())
    row = KeyRecovery.objects.get(ended_at=None)
    make_recoveries.consent_to_recovery(recovery=row, by=cast.omar(), now=timezone.now())
    assert untranslated(client.post(f"/officers/recoveries/{row.pk}", {"answer": "consent"}, follow=True)) == []
    make.enrol(cast.alice(), now=timezone.now())
    assert untranslated(client.get("/officers/recoveries")) == []
    assert untranslated(client.post(f"/officers/recoveries/{row.pk}", {"answer": "refuse"})) == []
    lost = make.enrol(cast.olga(), now=timezone.now())[1]
    make_recoveries.revoke_signing_key(key=lost, by=cast.olga(), reason="Taxi", now=timezone.now())
    make_recoveries.open_recovery(reason="Taxi", by=cast.olga(), now=timezone.now())
    assert untranslated(client.get("/officers/recoveries")) == []


def test_what_was_signed_with_a_key(settings: Any) -> None:
    settings.KEY_COOLING_HOURS = 0
    make.send_provenance(make.set_stage())
    approval = make.approve(make.ask(), cast.alice())
    client = alice()
    assert untranslated(client.get(f"/settings/keys/{approval.signing_key_id}/signatures")) == []
    _, other = make.enrol(cast.alice(), now=timezone.now())
    assert untranslated(client.get(f"/settings/keys/{other.pk}/signatures")) == []
    assert untranslated(client.get("/settings/keys/key_none/signatures")) == []


def test_accounts_elsewhere() -> None:
    client = alice()
    assert untranslated(client.get("/settings/accounts")) == []
    for account, by in (("12345", cast.dave()), ("67890", None)):
        row = link_account(identity=cast.alice(), provider="github", account=account, label="Taxi", by=by, now=timezone.now())
    assert untranslated(client.get("/settings/accounts")) == []
    row.ended_at = timezone.now()
    row.save(update_fields=["ended_at"])
    assert untranslated(client.get("/settings/accounts")) == []


def test_activity() -> None:
    client = alice()
    assert untranslated(client.get("/settings/activity")) == []
    for password in ("wrong", cast.PASSWORD):
        client.post("/accounts/login/", {"login": "alice", "password": password})
    Client().post("/accounts/login/", {"login": "alice", "password": "wrong"})
    client.post("/settings/away", {"back": "yes"})
    client.post("/settings/sessions/999999/end")
    page = client.get("/settings/activity")
    assert page.content.decode().count("<tr>") > 3
    assert untranslated(page) == []


def test_a_key_that_the_provider_confirms() -> None:
    with make_sign_ins.liar() as liar:
        row = make_sign_ins.provider_at(liar.url)
        erin = make_sign_ins.known_at(row)
        cast.grant_role(identity=erin, role="requester", team=cast.payments(), by=None, now=timezone.now())
        client = at_desk(erin)
        client.defaults["HTTP_ACCEPT_LANGUAGE"] = LEFT_TO_RIGHT
        make_key(client, "New")
        assert untranslated(client.get("/settings/keys/add/confirm")) == []
        leaving = client.post("/settings/keys/add/confirm")
        client.get(client.get("/sign-in/bound", liar.authorize(leaving.context["url"]))["Location"])
    assert untranslated(client.get("/settings/keys")) == []


def test_sessions() -> None:
    cast.alice()
    here = Client(HTTP_USER_AGENT=FIREFOX, HTTP_ACCEPT_LANGUAGE=LEFT_TO_RIGHT)
    others = [Client(HTTP_USER_AGENT=named) for named in ("curl/8.5.0", "", FIREFOX)]
    for client in (here, *others):
        client.post("/accounts/login/", {"login": "alice", "password": cast.PASSWORD})
    assert untranslated(here.get("/settings/sessions")) == []
    assert untranslated(here.get("/settings/sessions/end")) == []
    assert untranslated(here.post("/settings/sessions/999999/end")) == []
    there = cast.account_of(cast.alice()).usersession_set.exclude(session_key=here.session.session_key).first()
    assert there is not None
    assert untranslated(here.post(f"/settings/sessions/{there.pk}/end", follow=True)) == []
    assert untranslated(here.post("/settings/sessions/end", follow=True)) == []
    assert untranslated(here.get("/settings/sessions/end")) == []


@pytest.mark.parametrize(
    "said",
    [
        "“Blue” is revoked. Nothing can be approved with it any more. So is “Red”, which it introduced since.",
        "“Blue” is revoked. Nothing can be approved with it any more. So are “Red” and “Green”, which it introduced since.",
        "“Blue” is enrolled. It counts everywhere but in environments of tier 3 until it has waited.",
        "“Blue” is enrolled. You can approve with it from now on.",
        "You have 10 approval keys; revoke one before you add another.",
        "Got a time before the key was enrolled, 2026-03-02T12:00:00Z.",
    ],
)
def test_what_varies_is_told(said: str) -> None:
    assert retell(said)
