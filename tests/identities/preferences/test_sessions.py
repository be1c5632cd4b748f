"""One's own sessions: shown, ended at once, and nobody else's."""

from __future__ import annotations

import pytest
from allauth.usersessions.models import UserSession
from django.test import Client

from identities.models import SignInEvent
from identities.preferences.sessions import name_browser
from tests import cast

pytestmark = pytest.mark.django_db
FIREFOX = "Mozilla/5.0 (X11; Linux x86_64; rv:128.0) Gecko/20100101 Firefox/128.0"


def come_in(username: str = "alice", browser: str = FIREFOX) -> Client:
    client = Client(HTTP_USER_AGENT=browser)
    assert client.post("/accounts/login/", {"login": username, "password": cast.PASSWORD}).status_code == 302
    return client


def is_in(client: Client) -> bool:
    return client.get("/settings/sessions").status_code == 200


def test_each_is_listed_with_browser_and_address_and_this_one_marked() -> None:
    cast.alice()
    here = come_in()
    come_in(browser="curl/8.5.0")
    page = here.get("/settings/sessions").content.decode()
    assert "Firefox on Linux" in page
    assert "curl" in page
    assert "127.0.0.1" in page
    assert page.count("This one") == 1


def test_an_ended_one_is_out_at_once_and_the_other_goes_on() -> None:
    cast.alice()
    here, there = come_in(), come_in()
    row = UserSession.objects.exclude(session_key=here.session.session_key).get()
    assert here.post(f"/settings/sessions/{row.pk}/end").status_code == 302
    assert not is_in(there)
    assert is_in(here)


def test_ending_this_one_signs_out() -> None:
    cast.alice()
    here = come_in()
    assert here.post(f"/settings/sessions/{UserSession.objects.get().pk}/end")["Location"].startswith("/accounts/login")
    assert not is_in(here)
    assert SignInEvent.objects.filter(outcome="signed_out", username="alice").exists()


def test_all_others_end_after_a_fresh_proof() -> None:
    cast.alice()
    here, there = come_in(), come_in()
    session = here.session
    proved = session["account_authentication_methods"]
    session["account_authentication_methods"] = [{**record, "at": record["at"] - 3600} for record in proved]
    session.save()
    assert here.post("/settings/sessions/end")["Location"].startswith("/accounts/reauthenticate/")
    assert is_in(there)
    session = here.session
    session["account_authentication_methods"] = proved
    session.save()
    assert here.post("/settings/sessions/end").status_code == 302
    assert not is_in(there)
    assert is_in(here)


def test_all_others_are_those_too_that_no_list_shows() -> None:
    cast.alice(), cast.bob()
    here, unlisted, bob = come_in(), come_in(), come_in("bob")
    UserSession.objects.filter(session_key=unlisted.session.session_key).delete()
    assert "1 other session ended" in here.post("/settings/sessions/end", follow=True).content.decode()
    assert not is_in(unlisted)
    assert is_in(here)
    assert is_in(bob)


def test_of_somebody_else_is_answered_as_absent() -> None:
    cast.alice(), cast.bob()
    alice, bob = come_in(), come_in("bob")
    row = UserSession.objects.get(session_key=bob.session.session_key)
    assert alice.post(f"/settings/sessions/{row.pk}/end").status_code == 404
    assert is_in(bob)


def test_the_librarys_own_list_leads_nowhere() -> None:
    cast.alice()
    assert come_in().post("/accounts/sessions/").status_code == 404


@pytest.mark.parametrize(
    ("said", "shown"),
    [
        (FIREFOX, "Firefox on Linux"),
        ("Mozilla/5.0 (Windows NT 10.0) AppleWebKit/537.36 Chrome/126.0 Safari/537.36 Edg/126.0", "Edge on Windows"),
        ("Mozilla/5.0 (iPhone; CPU iPhone OS 17_5 like Mac OS X) Version/17.5 Safari/604.1", "Safari on iOS"),
        ("", "Unknown browser"),
        ("<script>", "Unknown browser"),
    ],
)
def test_a_browser_is_called_what_it_says(said: str, shown: str) -> None:
    assert name_browser(said) == shown
