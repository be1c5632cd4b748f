"""Whoever says who a provider's people are does not also give those people power: they could have made them up."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from identities.models import Identity, IdentityProvider, RoleAssignment
from identities.people.explain_may import explain_may
from identities.people.roles import grant_role
from identities.scim.make_provisioning_token import make_provisioning_token
from identities.sso.add_provider import add_provider
from identities.sso.change_provider import change_provider
from identities.sso.set_group_rules import set_group_rules
from tests import cast, make_sso
from tests.identities.test_register import refused
from tests.make_sso import described, rule

pytestmark = pytest.mark.django_db
ISSUER = "https://people.example"


def ines() -> Identity:
    return cast.person("ines", "Ines", "administrator")


def add(by: Identity | None) -> IdentityProvider:
    cast.payments_api()
    said = described(issuer=ISSUER, admits_unregistered=True)
    return add_provider(slug="people", said=said, by=by, now=cast.NOW)


def change(row: IdentityProvider, by: Identity, **more: Any) -> None:
    said = described(**{"issuer": ISSUER, "admits_unregistered": True, "client_secret": None, **more})
    change_provider(provider=row, said=said, by=by, now=cast.NOW)


def give(row: IdentityProvider, role: str, by: Identity | None) -> None:
    set_group_rules(provider=row, rules=[rule("g", role)], seen=0, by=by, now=cast.NOW)


def roles_of(account: Any) -> list[str]:
    return list(RoleAssignment.objects.held().filter(identity=account.identity).values_list("role", flat=True))


@pytest.mark.parametrize("role", ["approver:release", "administrator", "identity-steward", "policy-owner", "officer"])
def test_by_a_rule_of_whoever_added_the_provider(role: str) -> None:
    row = add(cast.dave())
    refused("role.second_person", give, row=row, role=role, by=cast.dave())
    give(row, role, ines())
    assert roles_of(make_sso.arrive("s-1", "g", provider=row)) == [role]


def test_what_gives_no_power_they_may_write() -> None:
    row = add(cast.dave())
    give(row, "requester", cast.dave())
    assert roles_of(make_sso.arrive("s-1", "g", provider=row)) == ["requester"]


def test_by_a_provider_that_the_author_changed_afterwards() -> None:
    row = add(None)
    give(row, "approver:release", cast.dave())
    assert roles_of(make_sso.arrive("s-1", "g", provider=row)) == ["approver:release"]
    change(row, cast.dave(), name="Other words", client_id="another", client_secret="another")
    assert roles_of(make_sso.arrive("s-2", "g", provider=row)) == ["approver:release"]
    change(row, cast.dave(), name="Other words", client_id="another", groups_claim="what-people-say-of-themselves")
    assert roles_of(make_sso.arrive("s-3", "g", provider=row)) == []
    assert roles_of(make_sso.arrive("s-1", "g", provider=row)) == ["approver:release"]


def test_by_people_whom_the_author_provisions() -> None:
    row = add(None)
    give(row, "approver:release", cast.dave())
    make_provisioning_token(provider=row, expires_at=cast.NOW + timedelta(days=9), by=cast.dave(), now=cast.NOW)
    assert roles_of(make_sso.arrive("s-1", "g", provider=row)) == []


def test_by_hand() -> None:
    row = add(cast.dave())
    give(row, "requester", cast.dave())
    made_up = make_sso.arrive("s-1", "g", provider=row).identity
    assert made_up is not None
    grant: dict[str, Any] = {"identity": made_up, "role": "approver:release", "team": cast.payments(), "now": cast.NOW}
    refused("role.second_person", grant_role, **grant, by=cast.dave())
    other = ines()
    assert explain_may(made_up, "requests.decide", reader=other, project=cast.payments_api()).givers == ("Ines",)
    assert grant_role(**grant, by=other)


def test_the_operator_sets_up_and_gives() -> None:
    row = add(None)
    give(row, "approver:release", None)
    assert roles_of(make_sso.arrive("s-1", "g", provider=row)) == ["approver:release"]
