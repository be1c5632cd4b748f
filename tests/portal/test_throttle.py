"""One program that runs wild is told to wait; the others go on."""

from __future__ import annotations

from typing import Any

import pytest
from django.test import Client

from portal.throttle import count_call
from tests import cast

pytestmark = pytest.mark.django_db
QUESTION = '{"digest": "sha256:' + "0" * 64 + '", "environment": "production"}'


@pytest.fixture(autouse=True)
def two_calls_a_minute(settings: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    settings.API_CALLS_PER_MINUTE = 2
    # A minute that ends between two calls would begin to count anew.
    monkeypatch.setattr("portal.throttle.time.time", lambda: 1_800_000_015.0)


def ask(token: str) -> Any:
    return Client().post("/api/v1/gate/decisions", QUESTION, content_type="application/json", headers={"Authorization": f"Bearer {token}"})


def test_a_credential_that_calls_too_often_waits() -> None:
    token = cast.token_of(cast.runner())
    assert [ask(token).status_code for _ in range(2)] == [200, 200]
    refused = ask(token)
    assert (refused.status_code, refused.json()["code"]) == (429, "rate.limited")
    assert refused["Content-Type"] == "application/problem+json"
    assert refused["Retry-After"] == "45"


def test_the_next_minute_is_another(monkeypatch: pytest.MonkeyPatch) -> None:
    token = cast.token_of(cast.runner())
    assert [ask(token).status_code for _ in range(3)] == [200, 200, 429]
    monkeypatch.setattr("portal.throttle.time.time", lambda: 1_800_000_060.0)
    assert ask(token).status_code == 200


def test_another_credential_goes_on() -> None:
    wild, calm = cast.token_of(cast.runner()), cast.token_of(cast.runner())
    assert [ask(wild).status_code for _ in range(3)] == [200, 200, 429]
    assert ask(calm).status_code == 200


@pytest.mark.parametrize(
    ("method", "address"),
    [("post", "/api/v1/attestations"), ("post", "/api/v1/requests"), ("get", "/api/v1/requests/x"), ("get", "/api/v1/artifacts/x")],
)
def test_every_door_counts(method: str, address: str) -> None:
    headers = {"Authorization": f"Bearer {cast.token_of(cast.runner())}"}
    answers = [getattr(Client(), method)(address, headers=headers).status_code for _ in range(3)]
    assert 429 not in answers[:2]
    assert answers[2] == 429


def test_people_who_read_the_api_count_too(client: Client) -> None:
    client.force_login(cast.account_of(cast.carol()))
    assert [client.get("/api/v1/attestations/x").status_code for _ in range(3)] == [404, 404, 429]


def test_pages_do_not_count(client: Client) -> None:
    client.force_login(cast.account_of(cast.carol()))
    assert [client.get("/artifacts").status_code for _ in range(4)] == [200] * 4


def test_a_counter_out_of_reach_stops_nobody(settings: Any) -> None:
    settings.CACHES = {"default": {"BACKEND": "django.core.cache.backends.redis.RedisCache", "LOCATION": "redis://127.0.0.1:1/0"}}
    assert count_call("x") == 0
    token = cast.token_of(cast.runner())
    assert [ask(token).status_code for _ in range(3)] == [200] * 3
