"""Who comes in through a provider: the known, the provisioned and those a group gives a role to; never somebody under another's name."""

from __future__ import annotations

from typing import Any

import pytest

from identities.models import HeldGroups, Identity, IdentityProvider, ProvisionedGroup, ProvisionedPerson, RoleAssignment, Team, User
from identities.people.roles import grant_role
from identities.register import register_person
from identities.sso.told import told_by_claims
from ledger.models import Entry
from tests import cast, make_sso
from tests.identities.test_register import refused

pytestmark = [pytest.mark.django_db, pytest.mark.once]


def provisioned(identity: Identity, **more: Any) -> ProvisionedPerson:
    fields = {"user_name": "Alice@Payments.example", "external_id": "", "created_at": cast.NOW, "changed_at": cast.NOW, **more}
    return ProvisionedPerson.objects.create(provider=make_sso.provider(), identity=identity, **fields)


def test_registers_whom_a_group_gives_a_role() -> None:
    make_sso.rules(make_sso.rule("releasers", "approver:release"))
    account = make_sso.arrive("s-erin", "releasers", "tennis")
    erin = account.identity
    assert erin is not None
    assert (erin.issuer, erin.subject, erin.name, erin.team) == (make_sso.ISSUER, "s-erin", "Erin Malik", cast.payments())
    assert (account.username, account.email, account.has_usable_password()) == ("erin", "erin@payments.example", False)
    assert RoleAssignment.objects.get(identity=erin).provider == make_sso.provider()
    assert HeldGroups.objects.get(identity=erin).groups == ["releasers", "tennis"]
    assert set(Entry.objects.values_list("event", flat=True)) >= {"identity.registered", "role.granted"}


def test_finds_them_again_by_their_subject_whatever_they_are_called_now() -> None:
    make_sso.rules(make_sso.rule("releasers", "approver:release"))
    first = make_sso.arrive("s-erin", "releasers")
    again = make_sso.arrive("s-erin", "releasers", username="erin.malik", name="Erin M.")
    assert again == first
    assert User.objects.count() == 1
    assert Entry.objects.filter(event="role.granted").count() == 1


def test_lets_a_known_person_in_without_any_role() -> None:
    make_sso.rules(make_sso.rule("releasers", "approver:release"))
    first = make_sso.arrive("s-erin", "releasers")
    assert make_sso.arrive("s-erin") == first
    assert not RoleAssignment.objects.filter(identity=first.identity, ended_at__isnull=True).exists()


def test_the_same_name_is_not_the_same_person() -> None:
    alice = cast.alice()
    make_sso.rules(make_sso.rule("releasers", "approver:release"))
    account = make_sso.arrive("s-other", "releasers", username="alice", email="alice@payments.example")
    assert account.identity != alice
    assert account.username == "alice-2"


def test_a_name_that_hides_something_is_not_shown() -> None:
    make_sso.rules(make_sso.rule("releasers", "approver:release"))
    account = make_sso.arrive("s-erin", "releasers", name="Erin \u202eMalik", username="Érin X")
    assert account.identity is not None
    assert account.identity.name == account.username == "rin-x"


class TestProvisioned:
    def test_finds_whom_scim_provisioned_by_their_external_id(self) -> None:
        alice = cast.alice()
        row = provisioned(alice, external_id="s-alice")
        assert make_sso.arrive("s-alice", username="whoever").identity == alice
        row.refresh_from_db()
        assert row.subject == "s-alice"

    def test_finds_them_by_their_user_name_and_remembers_the_subject(self) -> None:
        alice = cast.alice()
        provisioned(alice)
        assert make_sso.arrive("s-alice", username="alice@payments.example").identity == alice
        assert make_sso.arrive("s-alice", username="alice@payments.example").identity == alice

    def test_refuses_another_subject_under_the_same_user_name(self) -> None:
        provisioned(cast.alice())
        make_sso.arrive("s-alice", username="alice@payments.example")
        refused("sso.other_subject", make_sso.arrive, subject="s-mallory", username="alice@payments.example")

    def test_does_not_find_those_of_another_provider_or_those_removed(self) -> None:
        other = make_sso.provider("other", issuer="https://other.example")
        provisioned(cast.alice(), removed_at=cast.NOW)
        refused("sso.unregistered", make_sso.arrive, subject="s-alice", username="alice@payments.example")
        refused("sso.unregistered", make_sso.arrive, subject="s-alice", username="alice@payments.example", provider=other)

    def test_without_a_word_of_groups_those_provisioned_count(self) -> None:
        make_sso.rules(make_sso.rule("releasers", "requester"))
        alice = cast.mallory()
        times = {"created_at": cast.NOW, "changed_at": cast.NOW}
        group = ProvisionedGroup.objects.create(provider=make_sso.provider(), display_name="releasers", **times)
        group.members.add(provisioned(alice, external_id="s-1"))
        make_sso.arrive("s-1", "tennis")
        assert not RoleAssignment.objects.filter(identity=alice, ended_at__isnull=True).exists()
        make_sso.arrive("s-1", groups=None)
        assert RoleAssignment.objects.get(identity=alice, ended_at__isnull=True).role == "requester"
        assert HeldGroups.objects.get(identity=alice).source == "scim"


def test_without_a_word_of_groups_and_none_provisioned_the_roles_end() -> None:
    make_sso.rules(make_sso.rule("releasers", "requester"))
    account = make_sso.arrive("s-erin", "releasers")
    make_sso.arrive("s-erin", groups=None)
    assert not RoleAssignment.objects.filter(identity=account.identity, ended_at__isnull=True).exists()


class TestRefusals:
    def test_refuses_whom_no_group_gives_a_role(self) -> None:
        make_sso.rules(make_sso.rule("releasers", "approver:release"))
        refused("sso.unregistered", make_sso.arrive, subject="s-erin")
        assert not Identity.objects.filter(subject="s-erin").exists()

    def test_refuses_where_the_provider_admits_nobody_unregistered(self) -> None:
        IdentityProvider.objects.filter(pk=make_sso.provider().pk).update(admits_unregistered=False)
        make_sso.rules(make_sso.rule("releasers", "approver:release"))
        fresh = IdentityProvider.objects.get()
        with_group = {"subject": "s-erin", "groups": ["releasers"], "provider": fresh}
        refused("sso.unregistered", make_sso.arrive, **with_group)

    def test_refuses_a_rule_of_a_team_that_is_gone(self) -> None:
        make_sso.rules(make_sso.rule("releasers", "approver:release", team="nowhere"))
        refused("sso.unregistered", make_sso.arrive, subject="s-erin", groups=["releasers"])

    def test_refuses_the_suspended_and_changes_nothing(self) -> None:
        make_sso.rules(make_sso.rule("releasers", "requester"))
        account = make_sso.arrive("s-erin", "releasers")
        Identity.objects.filter(pk=account.identity_id).update(status="suspended")
        refused("sso.inactive", make_sso.arrive, subject="s-erin")
        assert HeldGroups.objects.get().groups == ["releasers"]

    def test_refuses_a_closed_account(self) -> None:
        make_sso.rules(make_sso.rule("releasers", "requester"))
        account = make_sso.arrive("s-erin", "releasers")
        User.objects.filter(pk=account.pk).update(is_active=False)
        refused("sso.inactive", make_sso.arrive, subject="s-erin", groups=["releasers"])

    def test_refuses_programs(self) -> None:
        program = cast.runner()
        of_theirs = make_sso.provider("ci", issuer=program.issuer)
        refused("sso.not_a_person", make_sso.arrive, subject=program.subject, provider=of_theirs)

    @pytest.mark.parametrize("subject", ["", " padded", "x" * 301])
    def test_refuses_nobody(self, subject: str) -> None:
        refused("sso.subject", make_sso.arrive, subject=subject)

    @pytest.mark.parametrize("groups", [[""], [7], ["x" * 301], ["g"] * 2001])
    def test_refuses_groups_that_are_none(self, groups: list[object]) -> None:
        refused("sso.groups", make_sso.arrive, subject="s-erin", groups=groups)

    def test_refuses_a_provider_that_was_removed(self) -> None:
        gone = make_sso.provider(removed_at=cast.NOW)
        refused("sso.provider_removed", make_sso.arrive, subject="s-erin", provider=gone)


@pytest.mark.parametrize(("verified", "username"), [(None, "s-1"), (False, "s-1"), (True, "alice@payments.example")])
def test_an_address_that_nobody_proved_is_not_what_they_are_called(verified: bool | None, username: str) -> None:
    claims = {"sub": "s-1", "email": "alice@payments.example", "email_verified": verified}
    assert told_by_claims(claims, groups_claim="groups", told_at=None).username == username


def test_a_local_person_is_never_found_through_a_provider() -> None:
    local = register_person(name="Lea", username="lea", team=cast.payments(), by=None, now=cast.NOW)
    team = Team.objects.get(slug="payments")
    grant_role(identity=local, role="administrator", team=team, by=None, now=cast.NOW)
    refused("sso.unregistered", make_sso.arrive, subject=local.subject, username="lea")
