"""Bindings: what must be pinned, who binds, and the end of it."""

from __future__ import annotations

from datetime import timedelta

import pytest

from identities.models import Identity, Team
from identities.workload.bind import MOST_CLAIMS, revoke_workload
from identities.workload.issuers import remove_token_issuer
from ledger.models import Entry
from tests import cast
from tests import make_tokens as make
from tests.identities.test_register import refused

pytestmark = pytest.mark.django_db
NOW = cast.NOW


@pytest.fixture(autouse=True)
def there() -> None:
    make.issuer()
    cast.runner()
    cast.dave()


@pytest.mark.parametrize(
    "claims",
    [
        {"sub": "x"},
        {"repository_id": "74", "workflow_ref": "x"},
        {"repository_id": "74", "job_workflow_ref": "x", "environment": "production"},
        {"project_id": "5", "ci_config_ref_uri": "x"},
    ],
)
def test_claims_that_name_a_workload(claims: dict[str, str]) -> None:
    binding = make.binding(claims=claims)
    assert (binding.claims, binding.scopes, binding.valid_from) == (claims, ["gates:decide", "read"], NOW)
    assert Entry.objects.filter(event="workload.bound").count() == 1


@pytest.mark.parametrize(
    "claims",
    [
        {},
        {"ref": "refs/heads/main"},
        {"repository_id": "74"},
        {"repository": "payments/api", "workflow_ref": "x"},
        {"sub": ""},
        {"sub": "x", "": "y"},
        {"sub": "x" * 501},
        {"sub": "x", "iss": "y"},
        {"sub": "x", "aud": "y"},
        {"sub": "x", "jti": "y"},
        {"sub": "x", **{f"claim {number}": "y" for number in range(MOST_CLAIMS)}},
    ],
)
def test_claims_that_do_not(claims: dict[str, str]) -> None:
    refused("binding.claims", make.binding, claims=claims)


def test_the_same_claims_are_bound_once() -> None:
    binding = make.binding()
    other = make.binding(claims={"sub": "other"})
    refused("binding.already_bound", make.binding)
    revoke_workload(binding=binding, by=None, now=NOW)
    assert make.binding().pk not in (binding.pk, other.pk)


def test_refuses_people_and_whoever_is_not_active() -> None:
    refused("binding.people", make.binding, identity=cast.alice())
    Identity.objects.filter(pk=cast.runner().pk).update(status="suspended")
    refused("identity.not_active", make.binding)


def test_refuses_scopes_nobody_knows() -> None:
    for scopes in ([], ["requests:decide"], ["read", "x"]):
        refused("credential.scope", make.binding, scopes=scopes)


def test_a_steward_binds_and_nobody_else() -> None:
    cast.alice()
    for person in (cast.alice(), cast.bob(), cast.runner()):
        refused("permission.missing", make.binding, by=person)
    assert make.binding(by=cast.dave()).identity == cast.runner()


def test_not_to_the_issuer_of_another_team() -> None:
    other = make.issuer(url="https://other.example", team=Team.objects.create(slug="other", name="Other"))
    refused("binding.other_team", make.binding, issuer=other)
    own = make.issuer(url="https://own.example", team=cast.payments())
    assert make.binding(issuer=own).issuer == own


def test_not_to_a_removed_issuer() -> None:
    issuer = make.issuer()
    remove_token_issuer(issuer=issuer, by=None, now=NOW)
    refused("issuer.removed", make.binding, issuer=issuer)


def test_the_end_by_owner_or_steward_once() -> None:
    binding = make.binding()
    refused("permission.missing", revoke_workload, binding=binding, by=cast.carol(), now=NOW)
    ended = revoke_workload(binding=binding, by=cast.bob(), now=NOW + timedelta(hours=1))
    assert ended.revoked_at == NOW + timedelta(hours=1)
    refused("binding.revoked", revoke_workload, binding=binding, by=cast.dave(), now=NOW)
    assert Entry.objects.filter(event="workload.revoked").count() == 1
