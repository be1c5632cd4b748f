"""Granting and ending roles: nobody to themselves, never the last administrator, always in the ledger."""

from __future__ import annotations

from typing import Any

import pytest
from django.db import DatabaseError, IntegrityError, transaction

from identities.models import Identity, Project, RoleAssignment, Team
from identities.people.roles import end_role, grant_role
from identities.permissions import may
from identities.register import register_person
from ledger.models import Entry
from tests import cast
from tests.identities.test_register import refused

pytestmark = pytest.mark.django_db


def held(identity: Identity) -> RoleAssignment:
    return RoleAssignment.objects.get(identity=identity, ended_at__isnull=True)


def grant(identity: Identity, role: str, by: Identity | None, **more: Any) -> RoleAssignment:
    return grant_role(**{"identity": identity, "role": role, "team": cast.payments(), "by": by, "now": cast.NOW, **more})


class TestGrantRole:
    def test_gives_the_power_and_says_by_whom(self) -> None:
        assignment = grant(cast.mallory(), "approver:release", cast.dave())
        assert may(cast.mallory(), "requests.decide", project=cast.payments_api()).allowed
        assert assignment.granted_by == cast.dave()
        assert Entry.objects.filter(event="role.granted").count() == 2

    def test_refuses_oneself(self) -> None:
        refused("role.self_grant", grant, identity=cast.dave(), role="approver:release", by=cast.dave())

    def test_the_database_refuses_oneself_too(self) -> None:
        dave = cast.dave()
        with pytest.raises(IntegrityError), transaction.atomic():
            RoleAssignment.objects.create(identity=dave, role="requester", team=cast.payments(), granted_by=dave, granted_at=cast.NOW)

    @pytest.mark.parametrize("who", ["alice", "bob", "carol", "runner"])
    def test_refuses_whoever_is_no_steward(self, who: str) -> None:
        refused("permission.missing", grant, identity=cast.mallory(), role="requester", by=getattr(cast, who)())

    def test_refuses_an_administrator_of_another_team(self) -> None:
        team = Team.objects.create(slug="search", name="Search")
        other = cast.person("olga", "Olga", "administrator", team=team)
        refused("permission.missing", grant, identity=cast.mallory(), role="requester", by=other)

    def test_a_steward_makes_no_administrators(self) -> None:
        steward = cast.person("sam", "Sam", "identity-steward")
        assert grant(cast.mallory(), "requester", steward).role == "requester"
        refused("permission.missing", grant, identity=cast.mallory(), role="administrator", by=steward)

    @pytest.mark.parametrize("role", ["approver:release", "approver:security", "identity-steward", "administrator", "policy-owner"])
    def test_nobody_gives_power_to_a_person_they_registered(self, role: str) -> None:
        dave = cast.dave()
        made_up = register_person(name="Nobody", username="nobody", password=cast.PASSWORD, team=cast.payments(), by=dave, now=cast.NOW)
        refused("role.second_person", grant, identity=made_up, role=role, by=dave)
        assert not may(made_up, "requests.decide").allowed
        other = cast.person("olga", "Olga", "administrator")
        assert grant(made_up, role, other).granted_by == other

    def test_what_cannot_approve_needs_no_second_person(self) -> None:
        new = register_person(name="New", username="new", team=cast.payments(), by=cast.dave(), now=cast.NOW)
        assert grant(new, "requester", cast.dave()).role == "requester"
        assert grant(new, "approver:release", None).granted_by is None

    def test_who_registered_somebody_stays_written(self) -> None:
        new = register_person(name="New", username="new", team=cast.payments(), by=cast.dave(), now=cast.NOW)
        with pytest.raises(DatabaseError), transaction.atomic():
            Identity.objects.filter(pk=new.pk).update(registered_by=None)

    def test_refuses_twice(self) -> None:
        refused("role.already_held", grant, identity=cast.alice(), role="approver:release", by=None)

    def test_refuses_programs(self) -> None:
        refused("role.people_only", grant, identity=cast.runner(), role="approver:release", by=None)

    def test_refuses_suspended_people(self) -> None:
        mallory = cast.mallory()
        mallory.status = Identity.Status.SUSPENDED
        refused("identity.not_active", grant, identity=mallory, role="requester", by=None)

    def test_refuses_a_role_nobody_knows(self) -> None:
        refused("role.unknown", grant, identity=cast.mallory(), role="root", by=None)

    def test_refuses_a_project_of_another_team(self) -> None:
        team = Team.objects.create(slug="search", name="Search")
        project = Project.objects.create(slug="search-api", name="Search API", team=team)
        refused("role.project_of_other_team", grant, identity=cast.mallory(), role="requester", by=None, project=project)


class TestEndRole:
    def test_takes_the_power_and_keeps_the_row(self) -> None:
        assignment = end_role(assignment=held(cast.alice()), by=cast.dave(), now=cast.NOW)
        assert assignment.ended_at == cast.NOW
        assert not may(cast.alice(), "requests.decide").allowed
        assert Entry.objects.filter(event="role.ended").count() == 1
        assert grant(cast.alice(), "approver:release", cast.dave()).pk != assignment.pk

    def test_people_lay_down_their_own(self) -> None:
        assert end_role(assignment=held(cast.alice()), by=cast.alice(), now=cast.NOW).ended_at

    def test_refuses_to_take_from_others_without_the_role_for_it(self) -> None:
        refused("permission.missing", end_role, assignment=held(cast.alice()), by=cast.bob(), now=cast.NOW)

    @pytest.mark.parametrize("who", ["dave", "operator"])
    def test_refuses_the_last_administrator(self, who: str) -> None:
        by = cast.dave() if who == "dave" else None
        refused("role.last_administrator", end_role, assignment=held(cast.dave()), by=by, now=cast.NOW)

    def test_a_suspended_administrator_does_not_count(self) -> None:
        other = cast.person("olga", "Olga", "administrator")
        Identity.objects.filter(pk=other.pk).update(status="suspended")
        refused("role.last_administrator", end_role, assignment=held(cast.dave()), by=None, now=cast.NOW)

    def test_with_another_administrator_it_ends(self) -> None:
        other = cast.person("olga", "Olga", "administrator")
        assert end_role(assignment=held(cast.dave()), by=other, now=cast.NOW).ended_at

    def test_refuses_twice(self) -> None:
        assignment = held(cast.alice())
        end_role(assignment=assignment, by=None, now=cast.NOW)
        refused("role.ended", end_role, assignment=assignment, by=None, now=cast.NOW)
