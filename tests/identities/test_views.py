"""The register's pages and one's own keys, through the real doors."""

from __future__ import annotations

import json
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse
from django.utils import timezone

from identities.keys.views import OFFER
from identities.models import ApiCredential, Identity, SigningKey
from identities.register import register_nonhuman
from identities.workload.exchange import exchange_token
from proofs.encoding import b64url_decode
from tests import cast, make_tokens
from tests.make_ledger import use_own_keys
from tests.passkey import Lie, SoftPasskey

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def keys(settings: Any, tmp_path: Path) -> None:
    use_own_keys(settings, tmp_path)


def signed_in(client: Client, username: str = "alice") -> Client:
    answer = client.post("/accounts/login/", {"login": username, "password": cast.PASSWORD})
    assert answer.status_code == 302, answer.content
    return client


def services(count: int, start: int = 0) -> None:
    for number in range(start, start + count):
        service = register_nonhuman(
            kind="service",
            name=f"service {number:03}",
            issuer="https://i.example",
            subject=str(number),
            owner=cast.bob(),
            team=cast.payments(),
            by=None,
            now=cast.NOW,
        )
        cast.token_of(service, "read")


class TestRegister:
    def test_lists_people_and_programs_with_their_owners(self, client: Client) -> None:
        cast.alice()
        cast.runner()
        page = signed_in(client).get("/identities").content.decode()
        for expected in ("Alice Chen", "payments-api release workflow", "answered for by", cast.WORKFLOW, "on any ref"):
            assert expected in page

    def test_never_shows_a_secret_or_an_address(self, client: Client) -> None:
        cast.alice()
        token = cast.token_of(cast.runner())
        signed_in(client)
        hashed = ApiCredential.objects.get().secret_sha256
        for path in ("/identities", f"/identities/{cast.runner().pk}", f"/identities/{cast.alice().pk}"):
            page = client.get(path).content.decode()
            assert not any(secret in page for secret in (token, token.split("_", 2)[2], hashed, "@payments.example", "pbkdf2", "md5$"))

    def test_credentials_are_shown_to_their_own_team(self, client: Client) -> None:
        token = cast.token_of(cast.runner())
        cast.alice()
        shown = f"crd_{token.split('_')[1]}"
        path = f"/identities/{cast.runner().pk}"
        assert shown in signed_in(client).get(path).content.decode()
        cast.person("zoe", "Zoe Park", "auditor", team=cast.Team.objects.create(slug="other", name="Other"))
        page = signed_in(Client(), "zoe").get(path).content.decode()
        assert shown not in page
        assert "Shown to people of its own team." in page

    def test_what_was_had_for_a_workload_token_is_listed_as_such_and_to_its_own_team(self, client: Client) -> None:
        cast.alice()
        make_tokens.binding()
        now = timezone.now()
        credential, secret = exchange_token(
            unverified_token=make_tokens.sign(make_tokens.claims(now)), audience=make_tokens.PORTAL, now=now
        )
        path = f"/identities/{cast.runner().pk}"
        page = signed_in(client).get(path).content.decode()
        stored, _, exchanged = page.partition("Exchanged lately")
        assert credential.pk in exchanged and make_tokens.SUBJECT in exchanged and "GitHub Actions" in exchanged
        assert credential.pk not in stored and f"sub={make_tokens.SUBJECT}" in stored and "None is stored." in stored
        assert secret not in page
        assert "by tokens of GitHub Actions" in client.get("/identities").content.decode()
        cast.person("zoe", "Zoe Park", "auditor", team=cast.Team.objects.create(slug="other", name="Other"))
        assert credential.pk not in signed_in(Client(), "zoe").get(path).content.decode()

    def test_filters_by_kind_and_words(self, client: Client) -> None:
        cast.alice()
        cast.runner()
        signed_in(client)
        assert "Alice Chen</a>" not in client.get("/identities?kind=workflow").content.decode()
        found = client.get("/identities?q=release.yml").content.decode()
        assert "release workflow</a>" in found
        assert "Nothing fits" in client.get("/identities?q=zzz").content.decode()
        assert client.get("/identities?kind=martian&page=minus").status_code == 200

    def test_takes_the_same_number_of_queries_for_any_number_of_rows(self, client: Client) -> None:
        cast.alice()
        services(2)
        signed_in(client).get("/identities")
        with CaptureQueriesContext(
            connection,
        ) as few:
            client.get("/identities?kind=service")
        services(30, start=2)
        with CaptureQueriesContext(connection) as many:
            page = client.get("/identities?kind=service").content.decode()
        assert "service 031" in page
        assert len(many) == len(few)

    def test_ten_thousand_are_listed_filtered_sorted_and_searched_in_as_many_queries_as_a_few(self, client: Client) -> None:
        cast.alice()
        services(2)
        signed_in(client).get("/identities")
        paths = [
            f"/identities?{asked}"
            for asked in (
                "",
                "kind=service",
                "view=orphaned",
                "view=secrets",
                "view=unused",
                "view=production",
                "view=overdue",
                "sort=team",
                "sort=owner",
                "sort=newest",
                "q=r",
                "page=7",
            )
        ]

        def queries() -> list[int]:
            counted = []
            for path in paths:
                with CaptureQueriesContext(connection) as captured:
                    assert client.get(path).status_code == 200
                counted.append(len(captured))
            return counted

        gone = cast.person("greta", "Greta Gone")
        Identity.objects.filter(pk=gone.pk).update(status="retired")
        Identity.objects.filter(name="service 000").update(owner=gone)
        cast.token_of(Identity.objects.get(name="service 001"), "read", days=100)
        few = queries()
        row = {"kind": "service", "issuer": "https://i.example", "team": cast.payments(), "created_at": cast.NOW}
        rows = [Identity(**row, name=f"row {at}", subject=f"row {at}", owner=gone if at % 2 else cast.bob()) for at in range(10_000)]
        Identity.objects.bulk_create(rows)
        ApiCredential.objects.bulk_create(
            ApiCredential(
                identity=row, secret_sha256=f"{at:064}", created_at=timezone.now(), expires_at=timezone.now() + timedelta(days=365)
            )
            for at, row in enumerate(rows[:200])
        )
        # A page without a person asks for one thing less.
        assert all(many <= as_few for many, as_few in zip(queries(), few, strict=True))
        page = client.get("/identities?view=orphaned&q=row").content.decode()
        assert "row 1</a>" in page and "row 2</a>" not in page and "Page 1 of 100" in page

    def test_saved_views_list_what_they_say(self, client: Client) -> None:
        cast.alice()
        services(2)
        gone = cast.person("greta", "Greta Gone")
        Identity.objects.filter(name="service 000").update(owner=gone)
        cast.token_of(Identity.objects.get(name="service 001"), "read", days=100)
        page = signed_in(client).get("/identities?view=orphaned").content.decode()
        assert "service 00" not in page and "Nothing fits" in page
        Identity.objects.filter(pk=gone.pk).update(status="suspended")
        page = client.get("/identities?view=orphaned").content.decode()
        assert "service 000</a>" in page and "service 001</a>" not in page
        page = client.get("/identities?view=secrets").content.decode()
        assert "service 001</a>" in page and "service 000</a>" not in page

    def test_turns_pages_and_keeps_the_filter(self, client: Client) -> None:
        cast.alice()
        services(51)
        page = signed_in(client).get("/identities?kind=service").content.decode()
        assert "Page 1 of 2" in page
        assert "?kind=service&amp;page=2" in page
        assert "service 050" in client.get("/identities?kind=service&page=2").content.decode()

    @pytest.mark.parametrize("path", ["/identities", "/settings/keys", "/settings/keys/add", "/identities/idn_x"])
    def test_anonymous_goes_to_sign_in(self, client: Client, path: str) -> None:
        answer = client.get(path)
        assert (answer.status_code, answer["Location"]) == (302, f"/accounts/login/?next={path}")

    def test_without_a_role_it_is_closed_and_says_why(self, client: Client) -> None:
        cast.mallory()
        answer = signed_in(client, "mallory").get("/identities")
        assert answer.status_code == 403
        assert "You are without a role; reading the register of identities needs any role." in answer.content.decode()

    def test_suspended_in_the_middle_of_a_session_it_is_closed(self, client: Client) -> None:
        alice = cast.alice()
        signed_in(client)
        Identity.objects.filter(pk=alice.pk).update(status="suspended")
        assert client.get("/identities").status_code == 403

    def test_an_unknown_identity_is_not_found(self, client: Client) -> None:
        cast.alice()
        answer = signed_in(client).get("/identities/idn_nobody")
        assert (answer.status_code, b"identity.unknown" in answer.content) == (404, True)


class TestIdentity:
    def test_says_what_it_is_and_how_it_proves_itself(self, client: Client) -> None:
        cast.alice()
        cast.token_of(cast.runner(), "gates:decide")
        page = signed_in(client).get(f"/identities/{cast.runner().pk}").content.decode()
        for expected in ("A CI workflow of Payments", cast.GITHUB_ISSUER, "gates:decide", "on any branch or tag", "What it can never do"):
            assert expected in page

    def test_a_person_shows_roles_and_what_they_answer_for(self, client: Client) -> None:
        cast.alice()
        cast.runner()
        page = signed_in(client).get(f"/identities/{cast.bob().pk}").content.decode()
        for expected in ("Requester", "all of Payments", "payments-api release workflow", "No approval key is enrolled"):
            assert expected in page


def enrol(client: Client, passkey: SoftPasskey, lie: Lie | None = None, **data: str) -> Any:
    page = client.get("/settings/keys/add")
    assert page.status_code == 200
    challenge = b64url_decode(client.session[OFFER]["challenge"], code="t", what="t")
    response = json.dumps(passkey.create(challenge, lie or Lie()))
    return client.post("/settings/keys/add", {"label": "Laptop", "credential": response, **data})


class TestKeys:
    def test_none_yet_says_what_to_do(self, client: Client) -> None:
        cast.alice()
        page = signed_in(client).get("/settings/keys").content.decode()
        assert "No approval key yet" in page
        assert "The portal alone vouches; approvals reach H2." in page

    def test_add_list_and_revoke(self, client: Client) -> None:
        cast.alice()
        signed_in(client)
        assert enrol(client, SoftPasskey())["Location"] == "/settings/keys"
        key = SigningKey.objects.get()
        assert key.key_id in client.get("/settings/keys").content.decode()
        path = reverse("identities:revoke_key", args=[key.pk])
        assert "can never be enrolled again" in client.get(path).content.decode()
        assert client.post(path, {"cause": "unneeded", "reason": ""}).status_code == 200
        assert client.post(path, {"cause": "unneeded", "reason": "Lost"})["Location"] == "/settings/keys"
        assert "Lost" in client.get("/settings/keys").content.decode()
        assert client.post(path, {"cause": "unneeded", "reason": "Again"}).status_code == 409

    def test_a_lie_is_refused_on_the_page_with_its_code(self, client: Client) -> None:
        cast.alice()
        answer = enrol(signed_in(client), SoftPasskey(), Lie(origin="https://evil.example"))
        assert (answer.status_code, b"webauthn.origin" in answer.content) == (422, True)
        assert not SigningKey.objects.exists()

    def test_an_offer_is_good_for_one_answer(self, client: Client) -> None:
        cast.alice()
        signed_in(client).get("/settings/keys/add")
        offered = client.session[OFFER]
        challenge = b64url_decode(offered["challenge"], code="t", what="t")
        client.post("/settings/keys/add", {"label": "Laptop", "credential": "{}"})
        replayed = json.dumps(SoftPasskey().create(challenge))
        answer = client.post("/settings/keys/add", {"label": "Laptop", "credential": replayed})
        assert (answer.status_code, b"webauthn.challenge" in answer.content) == (422, True)
        assert not SigningKey.objects.exists()

    def test_a_form_without_a_name_or_answer_enrols_nothing(self, client: Client) -> None:
        cast.alice()
        signed_in(client)
        assert enrol(client, SoftPasskey(), label="").status_code == 200
        assert client.post("/settings/keys/add", {"label": "x", "credential": "not json"}).status_code == 200
        assert not SigningKey.objects.exists()

    def test_somebody_elses_key_is_not_found(self, client: Client) -> None:
        cast.alice()
        enrol(signed_in(client), SoftPasskey())
        path = reverse("identities:revoke_key", args=[SigningKey.objects.get().pk])
        cast.bob()
        other = signed_in(Client(), "bob")
        assert other.post(path, {"cause": "lost", "reason": "mine now"}).status_code == 404
        assert SigningKey.objects.get().revoked_at is None

    def test_a_stale_sign_in_must_be_proved_again(self, client: Client, settings: Any) -> None:
        cast.alice()
        signed_in(client)
        session = client.session
        for record in session["account_authentication_methods"]:
            record["at"] = (timezone.now() - timedelta(seconds=settings.ACCOUNT_REAUTHENTICATION_TIMEOUT + 1)).timestamp()
        session.save()
        answer = client.get("/settings/keys/add")
        assert answer["Location"] == "/accounts/reauthenticate/?next=%2Fsettings%2Fkeys%2Fadd"
        assert client.get("/settings/keys").status_code == 200
        wrong = client.post("/accounts/reauthenticate/", {"password": "wrong", "next": "/settings/keys/add"})
        assert wrong.status_code == 200
        right = client.post("/accounts/reauthenticate/", {"password": cast.PASSWORD, "next": "/settings/keys/add"})
        assert right["Location"] == "/settings/keys/add"
        assert client.get("/settings/keys/add").status_code == 200

    def test_a_credential_is_refused_there(self, client: Client) -> None:
        answer = client.get("/settings/keys/add", headers={"Authorization": f"Bearer {cast.token_of(cast.runner())}"})
        assert (answer.status_code, b"approval.human_required" in answer.content) == (403, True)
