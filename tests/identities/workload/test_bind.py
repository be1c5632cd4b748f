"""Bindings: what must be pinned, who binds, and the end of it."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from identities.models import Identity, Team
from identities.workload.bind import MOST_CLAIMS, revoke_workload
from identities.workload.issuers import remove_token_issuer
from ledger.models import Entry
from proofs.errors import Conflict
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


def overlapping(**arguments: Any) -> str:
    with pytest.raises(Conflict) as refusal:
        make.binding(**arguments)
    assert refusal.value.code == "binding.overlaps"
    return refusal.value.reason


def outsider() -> Identity:
    team = Team.objects.create(slug="other", name="Other")
    owner = cast.person("zoe", "Zoe Park", "requester", team=team, now=NOW)
    return cast.register_nonhuman(
        kind="workflow", name="their flow", issuer="https://ci.other.example", subject="flow", owner=owner, team=team, by=None, now=NOW
    )


@pytest.mark.parametrize(
    "claims",
    [
        {"sub": "S", "repository_id": "74"},
        {"sub": "S", "repository_id": "74", "workflow_ref": "x"},
        {"repository_id": "74", "workflow_ref": "x"},
        {"project_id": "5", "ci_config_ref_uri": "x"},
    ],
)
def test_no_claims_that_one_token_could_carry_for_two_identities(claims: dict[str, str]) -> None:
    make.binding(claims={"sub": "S"})
    theirs = outsider()
    words = overlapping(identity=theirs, claims=claims)
    assert "an identity of another team" in words and cast.runner().name not in words
    assert make.binding(identity=theirs, claims={**claims, "sub": "T"}).identity == theirs


def test_one_identity_may_have_bindings_that_overlap() -> None:
    make.binding(claims={"sub": "S"})
    assert make.binding(claims={"sub": "S", "repository_id": "74"}).identity == cast.runner()


def test_the_wider_of_two_overlaps_too_and_its_own_team_is_told_with_whom() -> None:
    make.binding(claims={"sub": "S", "repository_id": "74"})
    other = cast.register_nonhuman(
        kind="workflow",
        name="a second flow",
        issuer="https://ci.example",
        subject="2",
        owner=cast.bob(),
        team=cast.payments(),
        by=None,
        now=NOW,
    )
    assert cast.runner().name in overlapping(identity=other, claims={"sub": "S"})
    assert make.binding(identity=other, claims={"sub": "S", "repository_id": "75"}).identity == other


def test_what_was_revoked_or_is_of_another_issuer_overlaps_with_nothing() -> None:
    revoke_workload(binding=make.binding(claims={"sub": "S"}), by=None, now=NOW)
    theirs = outsider()
    assert make.binding(identity=theirs, claims={"sub": "S", "repository_id": "74"}).identity == theirs
    elsewhere = make.issuer(url="https://other.example")
    assert make.binding(claims={"sub": "S"}, issuer=elsewhere).identity == cast.runner()


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
