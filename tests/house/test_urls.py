"""Every address demands a permission or a scope, or stands on the short list of public ones with its reason."""

from __future__ import annotations

import re
from typing import Any

import pytest
from django.test import Client

from portal.public_urls import OWN_ACCOUNT_PREFIXES, PUBLIC, STAFF_NAMESPACE
from tests.house.url_map import Address, all_addresses

ADDRESSES = list(all_addresses())
OURS = [a for a in ADDRESSES if not a.name.startswith((*OWN_ACCOUNT_PREFIXES, f"{STAFF_NAMESPACE}:"))]
GUARDED = [a for a in ADDRESSES if a.name not in PUBLIC]
EXAMPLES = {"int": "1", "str": "x", "slug": "x", "uuid": "00000000-0000-0000-0000-000000000000", "path": "x"}


def label(address: Address) -> str:
    return address.name or address.route


def example_of(address: Address) -> str:
    """Fill a route with made-up values. Nothing they name exists; whoever may not look must not learn that."""
    filled = re.sub(r"<(?:(\w+):)?\w+>", lambda found: EXAMPLES.get(found.group(1) or "str", "a" * 64), address.route)
    filled = re.sub(r"\(\?P<\w+>[^)]*\)", "x", filled)
    return "/" + re.sub(r"[\^$\\]|\?$", "", filled).replace("?", "")


@pytest.mark.parametrize("address", OURS, ids=label)
def test_demands_something_or_is_public_with_a_reason(address: Address) -> None:
    assert address.name, f"{address.route} has no name"
    assert bool(address.demands) != (address.name in PUBLIC), f"{address.name} demands {address.demands or 'nothing'}"


def test_the_public_list_names_what_exists() -> None:
    assert set(PUBLIC) - {address.name for address in ADDRESSES} == set()
    assert all(PUBLIC.values())


@pytest.mark.django_db
@pytest.mark.parametrize("address", GUARDED, ids=label)
def test_a_stranger_gets_in_nowhere_else(address: Address, client: Client) -> None:
    for method in ("get", "post"):
        response: Any = getattr(client, method)(
            example_of(address), headers={"Accept": "application/json" if address.is_api else "text/html"}
        )
        if response.status_code == 302:
            # The admin sends strangers to its own front page first when they sign out.
            assert re.match(r"/accounts/(login|reauthenticate)/|/django-admin/(login/)?", response["Location"]), response["Location"]
        else:
            assert response.status_code in (401, 403, 404, 405), f"{method} {example_of(address)} answered {response.status_code}"
        if address.is_api:
            assert response.status_code in (401, 405), f"{method} {example_of(address)} answered {response.status_code}"
            kind = "scim+json" if address.route.startswith("scim/") else "problem+json"
            assert response["Content-Type"] == f"application/{kind}"


def test_the_api_has_no_trailing_slashes_and_one_version() -> None:
    api = [address.route for address in ADDRESSES if address.route.startswith("api/") and not address.name.startswith("portal:api_")]
    assert api
    assert all(route.startswith("api/v1/") and not route.endswith("/") for route in api)
