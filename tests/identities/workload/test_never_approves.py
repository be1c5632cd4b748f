"""No credential that was had for a token, with every scope there is, reaches a page or endpoint that approves."""

from __future__ import annotations

from typing import Any

import pytest
from django.test import Client
from django.utils import timezone

from identities.api_authentication import IsPerson
from identities.models import ApiCredential
from identities.permissions import HUMAN_ACTIONS
from identities.workload.exchange import exchange_token
from tests import make_tokens as make
from tests.house.test_urls import ADDRESSES, example_of, label
from tests.house.url_map import Address

pytestmark = pytest.mark.django_db


def only_people(address: Address) -> bool:
    view: Any = getattr(address.pattern.callback, "cls", None)
    return bool(set(address.demands) & HUMAN_ACTIONS) or IsPerson in getattr(view, "permission_classes", ())


FOR_PEOPLE = [address for address in ADDRESSES if only_people(address)]


def test_there_are_such_addresses() -> None:
    assert {address.name for address in FOR_PEOPLE} >= {"identities:add_key", "approvals:sign"}
    assert any(address.is_api for address in FOR_PEOPLE)


@pytest.mark.parametrize("address", FOR_PEOPLE, ids=label)
def test_403_human_required(address: Address) -> None:
    now = timezone.now()
    make.binding(scopes=ApiCredential.Scope.values)
    secret = exchange_token(unverified_token=make.sign(make.claims(now)), audience=make.PORTAL, now=now)[1]
    # The platform's own token is no way in either, whatever it would be exchanged for.
    unused = make.sign(make.claims(now, jti="unused"))
    answers = {method: ask(address, method, secret) for method in ("get", "post")}
    assert set(answers.values()) <= {(403, "approval.human_required"), (405, "")}
    assert (403, "approval.human_required") in answers.values()
    assert {ask(address, method, unused)[0] for method in answers} <= {401, 403, 405}


def ask(address: Address, method: str, token: str) -> tuple[int, str]:
    """Status and code of an answer; a method that nobody may use has none."""
    headers = {"Accept": "application/json", "Authorization": f"Bearer {token}"}
    answer: Any = getattr(Client(), method)(example_of(address), headers=headers)
    return answer.status_code, "" if answer.status_code == 405 else answer.json()["code"]
