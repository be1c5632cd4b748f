"""The page of provisioning tokens: made once, shown once, ended; for whoever may change the provider."""

from __future__ import annotations

import re

import pytest
from django.core.management import CommandError, call_command
from django.test import Client

from identities.models import ProvisioningToken
from tests import cast, make_sso

pytestmark = [pytest.mark.django_db, pytest.mark.once]
PAGE = "/settings/sign-in-providers/corp/provisioning"


def sign_in(client: Client, username: str) -> None:
    # By the form, because the page asks for a recent proof.
    client.post("/accounts/login/", {"login": username, "password": cast.PASSWORD})


def test_a_token_is_made_shown_once_and_revoked(client: Client) -> None:
    make_sso.provider()
    cast.dave()
    sign_in(client, "dave")
    assert "No token yet" in client.get(PAGE).content.decode()
    made = client.post(PAGE, {"days": "30"}).content.decode()
    secret = re.search(r"csp_\w{26}_[\w-]{43}", made)
    assert secret is not None
    assert secret.group() not in client.get(PAGE).content.decode()
    token = ProvisioningToken.objects.get()
    assert client.get("/scim/v2/Users", headers={"Authorization": f"Bearer {secret.group()}"}).status_code == 200
    client.post(f"{PAGE}/{token.pk}/revoke")
    assert client.get("/scim/v2/Users", headers={"Authorization": f"Bearer {secret.group()}"}).status_code == 401
    assert client.post(f"{PAGE}/{token.pk}/revoke").status_code == 409
    assert client.post(f"{PAGE}/pvt_none/revoke").status_code == 404
    assert client.post(PAGE, {"days": "900"}).status_code == 422


@pytest.mark.parametrize("who", ["alice", "carol", "olga"])
def test_is_for_whoever_may_change_where_people_sign_in(client: Client, who: str) -> None:
    make_sso.provider()
    getattr(cast, who)()
    sign_in(client, who)
    assert client.get(PAGE).status_code == 403
    assert client.post(PAGE, {"days": "30"}).status_code == 403
    assert not ProvisioningToken.objects.exists()


def test_the_console_does_the_same(capsys: pytest.CaptureFixture[str]) -> None:
    make_sso.provider()
    call_command("make_provisioning_token", "corp", "--days", "10")
    assert re.fullmatch(r"csp_\w{26}_[\w-]{43}\n", capsys.readouterr().out)
    call_command("revoke_provisioning_token", ProvisioningToken.objects.get().pk)
    with pytest.raises(CommandError):
        call_command("revoke_provisioning_token", "pvt_none")
