"""Sign-in at a certified OpenID provider (npm `oidc-provider`), over its real pages: what others build fits what the portal asks."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from django.test import Client
from django.utils import timezone

from identities.models import BoundSignIn, Identity, SignInEvent
from identities.oidc.bound_sign_in import begin_bound_sign_in, use_bound_sign_in
from identities.oidc.discovery import keys_of_provider
from proofs.digest import sha256_hex
from proofs.tokens.id_token import verify_id_token
from tests import make_sign_ins as make
from tests.oidc_provider import Browser, Certified, certified

pytestmark = [pytest.mark.django_db, pytest.mark.once]
CALLBACK = "/accounts/oidc/corp/login/callback/"
ERIN: dict[str, Any] = {
    "name": "Erin Malik", "preferred_username": "erin", "email": "erin@payments.example", "email_verified": True, "groups": ["releases"],
}  # fmt: skip


@pytest.fixture(scope="module")
def corp() -> Iterator[Certified]:
    with certified() as running:
        yield running


def roles(erin: Identity) -> list[str]:
    return [role.role for role in erin.roles.filter(ended_at__isnull=True)]


def test_in_with_groups_and_out_of_the_role_with_the_group(client: Client, corp: Certified) -> None:
    make.provider_at(corp.url)
    corp.steer(**ERIN)
    answer = client.get(CALLBACK, corp.authorize(make.way_out(client, next="/log")))
    assert (answer.status_code, answer["Location"]) == (302, "/log")
    erin = Identity.objects.get(issuer=corp.url)
    assert (erin.subject, erin.name, erin.user.username, erin.user.email) == ("s-erin", "Erin Malik", "erin", "erin@payments.example")
    assert roles(erin) == ["approver:release"]
    corp.steer(**{**ERIN, "groups": []})
    again = Client()
    assert again.get(CALLBACK, corp.authorize(make.way_out(again))).status_code == 302
    assert roles(erin) == []
    assert list(SignInEvent.objects.values_list("outcome", "via")) == [("signed_in", "corp")] * 2


def test_claims_in_userinfo_and_the_secret_in_the_form(client: Client) -> None:
    with certified(auth_method="client_secret_post", claims_in_token=False) as running:
        make.provider_at(running.url, config={"token_auth_method": "client_secret_post"})
        running.steer(**ERIN)
        assert client.get(CALLBACK, running.authorize(make.way_out(client))).status_code == 302
        assert roles(Identity.objects.get(issuer=running.url)) == ["approver:release"]


def test_who_says_no_at_the_provider_is_not_signed_in(client: Client, corp: Certified) -> None:
    make.provider_at(corp.url)
    corp.steer(refuses=True)
    answer = client.get(CALLBACK, corp.authorize(make.way_out(client)))
    assert answer.status_code == 403 and "access_denied" in answer.content.decode()
    assert "_auth_user_id" not in client.session


def test_a_bound_sign_in_asks_again_although_there_is_a_session(client: Client, corp: Certified) -> None:
    row = make.provider_at(corp.url)
    corp.steer(amr=("hwk", "mfa"), **ERIN)
    browser = Browser()
    client.get(CALLBACK, corp.authorize(make.way_out(client), browser=browser))
    erin, session, nonce = Identity.objects.get(issuer=corp.url), sha256_hex((client.session.session_key or "").encode()), "n" * 43
    bound, url = begin_bound_sign_in(identity=erin, provider=row, purpose="approval", nonce=nonce, session_hash=session, now=timezone.now())
    answer = client.get("/sign-in/bound", corp.authorize(url, browser=browser))
    assert (answer.status_code, answer["Location"]) == (302, f"/approvals/bound/{bound.pk}")
    kept = BoundSignIn.objects.get()
    said = verify_id_token(
        kept.id_token, issuer_keys=bytes(kept.issuer_keys or b""), expected_issuer=corp.url, expected_audience=make.CLIENT,
        expected_nonce=nonce, at=timezone.now(), authenticated_after=kept.begun_at,
    )  # fmt: skip
    assert said.methods == ("hwk", "mfa")
    assert bytes(kept.issuer_keys or b"") == keys_of_provider(row)
    use_bound_sign_in(bound=kept, identity=erin, purpose="approval", nonce=nonce, session_hash=session, now=timezone.now())


def test_a_bound_sign_in_of_somebody_else(client: Client, corp: Certified) -> None:
    row = make.provider_at(corp.url)
    erin = make.known_at(row)
    client.force_login(erin.user)
    session = sha256_hex((client.session.session_key or "").encode())
    corp.steer("s-omar", **ERIN)
    _, url = begin_bound_sign_in(identity=erin, provider=row, purpose="enrolment", nonce="m" * 43, session_hash=session, now=timezone.now())
    answer = client.get("/sign-in/bound", corp.authorize(url))
    assert answer.status_code == 422 and "<code>bound.other_person</code>" in answer.content.decode()
    assert BoundSignIn.objects.get().refused_code == "bound.other_person"
