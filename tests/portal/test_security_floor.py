"""What every page and every sign-in keeps to, whatever room it belongs to."""

from __future__ import annotations

import re
from typing import Any

import pytest
from django.test import Client, override_settings

from identities.models import SignInEvent
from tests import cast
from tests import make_approvals as make

pytestmark = pytest.mark.django_db
LOGIN = "/accounts/login/"
PAGES = ("/accounts/login/", "/queue", "/settings/keys", "/log")


def sign_in(client: Client, password: str = cast.PASSWORD, **more: str) -> Any:
    return client.post(LOGIN, {"login": "alice", "password": password, **more})


@pytest.mark.parametrize("path", PAGES)
def test_scripts_run_only_from_our_files_or_with_this_answers_nonce(client: Client, path: str) -> None:
    client.force_login(cast.account_of(cast.alice()))
    answer = client.get(path, follow=True)
    policy = dict(part.strip().split(" ", 1) for part in answer["Content-Security-Policy"].split(";") if part.strip())
    assert policy["default-src"] == policy["frame-ancestors"] == policy["base-uri"] == "'none'"
    assert not re.search("unsafe|https?:|\\*", " ".join(policy.values()))
    for script in re.findall(r"<script\b[^>]*>", answer.content.decode()):
        assert "src=" in script or "nonce=" in script or 'type="application/json"' in script, script
    assert not re.search(r"\son\w+=|\sstyle=", answer.content.decode())


def test_headers_that_every_answer_has(client: Client) -> None:
    answer = client.get(LOGIN)
    assert (answer["X-Frame-Options"], answer["X-Content-Type-Options"], answer["Referrer-Policy"]) == ("DENY", "nosniff", "same-origin")
    assert answer["Cross-Origin-Opener-Policy"] == "same-origin"
    assert "publickey-credentials-get=(self)" in answer["Permissions-Policy"]


@override_settings(SECURE_HSTS_SECONDS=31536000, SECURE_HSTS_INCLUDE_SUBDOMAINS=True)
def test_browsers_are_told_to_stay_on_https(client: Client) -> None:
    assert client.get(LOGIN, secure=True)["Strict-Transport-Security"] == "max-age=31536000; includeSubDomains"


@override_settings(SECURE_SSL_REDIRECT=True)
def test_what_came_unencrypted_is_sent_round_but_probes_are_answered(client: Client) -> None:
    assert client.get(LOGIN).status_code == 301
    assert client.get("/healthz").status_code == 200


def test_a_sign_in_gets_a_session_of_its_own(client: Client) -> None:
    cast.alice()
    client.get(LOGIN)
    session = client.session
    session["planted"] = "by somebody else"
    session.save()
    client.cookies["session"] = session.session_key or ""
    planted = session.session_key
    assert sign_in(client).status_code == 302
    assert client.session.session_key != planted


@override_settings(SESSION_COOKIE_SECURE=True)
def test_the_session_cookie_is_kept_from_scripts_other_sites_and_plain_connections(client: Client) -> None:
    cast.alice()
    cookie = sign_in(client).cookies["session"]
    assert cookie["httponly"]
    assert cookie["secure"]
    assert cookie["samesite"] == "Lax"


@pytest.mark.parametrize(
    "place",
    ["https://evil.example/", "//evil.example", "/\\evil.example", "http:///evil.example", "javascript:alert(1)", "\thttps://evil.example"],
)
def test_nobody_is_sent_elsewhere_after_signing_in(client: Client, place: str) -> None:
    cast.alice()
    assert sign_in(client, next=place)["Location"] == "/"


def test_passwords_are_not_guessed_for_long(client: Client) -> None:
    cast.alice()
    for _ in range(5):
        assert sign_in(client, "wrong").status_code == 200
    answer = sign_in(client)
    assert answer.status_code == 200
    assert "_auth_user_id" not in client.session
    assert SignInEvent.objects.filter(outcome="failed").count() >= 5


# Who may, and where: keys, roles, rights, providers, tokens, recoveries, sessions, and what evidence is verified under.
SENSITIVE = [
    ("alice", "/settings/keys/add"),
    ("alice", "/settings/keys/sgk_x/revoke"),
    ("alice", "/settings/keys/recovery"),
    ("alice", "/settings/sessions/end"),
    ("alice", "/settings/sessions/1/end"),
    ("alice", "/accounts/2fa/webauthn/add/"),
    ("alice", "/accounts/2fa/totp/activate/"),
    ("dave", "/people/add"),
    ("dave", "/people/idn_x/deactivate"),
    ("dave", "/people/idn_x/roles/add"),
    ("dave", "/people/idn_x/roles/1/end"),
    ("dave", "/identities/import"),
    ("dave", "/identities/idn_x/suspend"),
    ("dave", "/identities/idn_x/compromised"),
    ("dave", "/identities/idn_x/grants/add"),
    ("dave", "/identities/idn_x/grants/grn_x/end"),
    ("dave", "/identities/idn_x/signers/1/rotate"),
    ("dave", "/identities/idn_x/accounts/add"),
    ("dave", "/identities/idn_x/accounts/lac_x/end"),
    ("dave", "/signers/adopt"),
    ("dave", "/signers/block"),
    ("dave", "/signers/blocks/blk_x/lift"),
    ("dave", "/settings/sign-in-providers/add/oidc"),
    ("dave", "/settings/sign-in-providers/local"),
    ("dave", "/settings/sign-in-providers/corp/change"),
    ("dave", "/settings/sign-in-providers/corp/remove"),
    ("dave", "/settings/sign-in-providers/corp/groups/change"),
    ("dave", "/settings/sign-in-providers/corp/provisioning"),
    ("dave", "/settings/sign-in-providers/corp/provisioning/pvt_x/revoke"),
    ("dave", "/set-up/environment"),
    ("dave", "/settings/webhooks/add"),
    ("dave", "/settings/webhooks/whk_x/remove"),
    ("dave", "/settings/webhooks/whk_x/rotate"),
    ("alice", "/exceptions/00/withdraw"),
    ("alice", "/break-glass/new/sha256:00"),
    ("alice", "/break-glass/sta_x/withdraw"),
    ("alice", "/delegations/new"),
    ("alice", "/delegations/sta_x/end"),
    ("erin", "/policies/00/propose"),
    ("erin", "/policies/expectations/prj_x/propose"),
    ("olga", "/officers/recoveries/rec_x"),
    ("olga", "/trust/propose"),
    ("olga", "/trust/roots/sha256:00/remove"),
    ("olga", "/trust/proposals/trp_x/answer"),
]


@pytest.mark.parametrize(("username", "path"), SENSITIVE)
def test_an_unlocked_screen_is_not_enough(client: Client, username: str, path: str) -> None:
    person = make.erin() if username == "erin" else getattr(cast, username)()
    client.force_login(cast.account_of(person), backend="allauth.account.auth_backends.AuthenticationBackend")
    answer = client.post(path)
    assert answer.status_code == 302
    assert answer["Location"].startswith("/accounts/reauthenticate/")


def test_no_secret_waits_in_a_session_while_somebody_is_asked(client: Client) -> None:
    client.force_login(cast.account_of(cast.dave()), backend="allauth.account.auth_backends.AuthenticationBackend")
    path = "/settings/sign-in-providers/add/oidc"
    answer = client.post(path, {"slug": "corp", "client_secret": "se-cret"})
    assert answer["Location"] == "/accounts/reauthenticate/?next=%2Fsettings%2Fsign-in-providers%2Fadd%2Foidc"
    assert "se-cret" not in str(dict(client.session.items()))
    assert client.post("/accounts/reauthenticate/", {"password": cast.PASSWORD, "next": path})["Location"] == path
