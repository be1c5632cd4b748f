"""Projects and environments are added by administrators of the whole team, and by nobody else."""

from __future__ import annotations

from typing import Any

import pytest

from identities.models import Environment, Project
from identities.places.add_place import add_environment, add_project
from ledger.models import Entry
from proofs.errors import Refusal
from tests import cast
from tests.make_ledger import use_own_keys

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def keys(settings: Any, tmp_path: Any) -> None:
    use_own_keys(settings, tmp_path)


def add(**changes: Any) -> Environment:
    usual = {"slug": "staging", "name": "Staging", "tier": 1, "team": cast.payments(), "by": cast.dave(), "now": cast.NOW}
    return add_environment(**{**usual, **changes})


def test_adds_an_environment_and_writes_it_down() -> None:
    assert add().tier == 1
    assert Entry.objects.filter(event="environment.added").count() == 1


def test_adds_a_project_and_writes_it_down() -> None:
    project = add_project(slug="refunds", name="Refunds", team=cast.payments(), by=cast.dave(), now=cast.NOW)
    assert project.team == cast.payments()
    assert Entry.objects.filter(event="project.added").count() == 1


@pytest.mark.parametrize(
    ("changes", "code"),
    [
        ({"slug": "env_1"}, "place.slug"),
        ({"slug": "Prod"}, "place.slug"),
        ({"slug": "-prod"}, "place.slug"),
        ({"slug": ""}, "place.slug"),
        ({"slug": "x" * 65}, "place.slug"),
        ({"name": " "}, "place.name"),
        ({"name": "Pro\u202eduction"}, "place.name"),
        ({"tier": 4}, "place.tier"),
        ({"tier": 0}, "place.tier"),
    ],
)
def test_refuses_what_is_no_name_or_tier(changes: dict[str, Any], code: str) -> None:
    with pytest.raises(Refusal) as refused:
        add(**changes)
    assert refused.value.code == code
    assert not Environment.objects.exists()


def test_refuses_a_short_name_that_is_taken_also_by_another_team() -> None:
    cast.production()
    with pytest.raises(Refusal, match=r"place\.taken"):
        add(slug="production")
    cast.payments_api()
    with pytest.raises(Refusal, match=r"place\.taken"):
        add_project(slug="payments-api", name="Again", team=cast.payments(), by=None, now=cast.NOW)
    assert Project.objects.count() == Environment.objects.count() == 1


def test_refuses_everybody_but_an_administrator_of_the_whole_team() -> None:
    in_one_project = cast.person("pat", "Pat", "administrator", project=cast.payments_api())
    steward = cast.person("sam", "Sam", "identity-steward")
    for person in (cast.alice(), cast.carol(), steward, in_one_project, cast.runner()):
        with pytest.raises(Refusal, match=r"permission\.missing"):
            add(by=person)
