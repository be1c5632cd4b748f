"""What groups give and take: roles that carry their provider, never over a grant, never the last administrator, never by one's own hand."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from identities.models import HeldGroups, Identity, IdentityProvider, RoleAssignment
from identities.people.roles import grant_role
from identities.sso.compare_roles import GroupRule, Place, authors_of, compare_roles, parse_rules, places_given
from identities.sso.group_roles import AppliedGroups, apply_groups, end_group_roles
from ledger.models import Entry
from proofs.errors import Refusal
from tests import cast, make_sso
from tests.identities.test_register import refused
from tests.make_sso import rule, rules

RELEASES, REQUESTS = Place("payments", "", "approver:release"), Place("payments", "payments-api", "requester")


def apply(identity: Identity, *groups: str, **more: Any) -> AppliedGroups:
    said = {"provider": make_sso.provider(), "source": "sign_in", "now": cast.NOW, **more}
    return apply_groups(identity=identity, groups=groups, **said)


def held(identity: Identity) -> set[tuple[str, str]]:
    rows = RoleAssignment.objects.held().filter(identity=identity).select_related("provider")
    return {(str(row.role), row.provider.slug if row.provider else "by hand") for row in rows}


class TestPure:
    def test_compares_what_is_given_with_what_is_held(self) -> None:
        found = compare_roles(given=[RELEASES, REQUESTS], by_groups=[REQUESTS, Place("a", "", "auditor")], directly=[RELEASES])
        assert (found.gained, found.lost, found.kept, found.held_directly) == ((), (Place("a", "", "auditor"),), (REQUESTS,), (RELEASES,))

    def test_names_count_letter_for_letter(self) -> None:
        written = [GroupRule("Releasers", RELEASES), GroupRule("reqs", REQUESTS), GroupRule("more", REQUESTS)]
        assert places_given(written, ["releasers", "reqs", "more"]) == {REQUESTS: ("more", "reqs")}

    def test_a_rule_that_is_carried_over_keeps_its_author(self) -> None:
        one, two = GroupRule("a", RELEASES), GroupRule("b", RELEASES)
        assert authors_of([("dave", [one]), ("erin", [one, two])]) == {one: "dave", two: "erin"}
        assert authors_of([("dave", [one]), ("erin", []), ("olga", [one])]) == {one: "olga"}

    @pytest.mark.parametrize(
        "document",
        [None, {}, [7], [{"group": "a", "team": "b"}], [{**rule("a", "b"), "more": 1}], [rule("", "b")], [rule("a\u202e", "b")], [rule("a", "b")] * 1001],
    )  # fmt: skip
    def test_refuses_rules_that_are_none(self, document: object) -> None:
        with pytest.raises(Refusal) as refusal:
            parse_rules(document)
        assert refusal.value.code == "sso.rules"


@pytest.mark.django_db
class TestApplyGroups:
    def test_gives_and_takes_and_writes_both_down(self) -> None:
        mallory = cast.mallory()
        rules(rule("releasers", "approver:release"), rule("reqs", "requester", project="payments-api"))
        applied = apply(mallory, "releasers", "reqs", "reqs")
        assert applied.changes.gained == (RELEASES, REQUESTS)
        assert held(mallory) == {("approver:release", "corp"), ("requester", "corp")}
        assert apply(mallory, "reqs").changes.lost == (RELEASES,)
        assert held(mallory) == {("requester", "corp")}
        assert list(Entry.objects.order_by("index").values_list("event", flat=True))[-3:] == ["role.granted", "role.granted", "role.ended"]
        assert HeldGroups.objects.get().groups == ["reqs"]

    def test_twice_is_once(self) -> None:
        rules(rule("releasers", "approver:release"))
        apply(cast.mallory(), "releasers")
        entries = Entry.objects.count()
        assert apply(cast.mallory(), "releasers").changes.kept == (RELEASES,)
        assert Entry.objects.count() == entries

    def test_the_newest_version_decides(self) -> None:
        rules(rule("releasers", "approver:release"))
        apply(cast.mallory(), "releasers")
        rules(rule("releasers", "requester"))
        apply(cast.mallory(), "releasers")
        assert held(cast.mallory()) == {("requester", "corp")}

    def test_leaves_what_was_granted_by_hand(self) -> None:
        rules(rule("releasers", "approver:release"))
        assert apply(cast.alice(), "releasers").changes.held_directly == (RELEASES,)
        apply(cast.alice())
        assert held(cast.alice()) == {("approver:release", "by hand")}

    def test_leaves_what_another_provider_gave(self) -> None:
        other = make_sso.provider("other", issuer="https://other.example")
        rules(rule("releasers", "approver:release"))
        apply(cast.mallory(), "releasers")
        apply(cast.mallory(), provider=other)
        assert held(cast.mallory()) == {("approver:release", "corp")}

    def test_a_role_that_ran_out_stands_in_nobodys_way(self) -> None:
        carol = cast.mallory()
        ended = cast.NOW + timedelta(days=1)
        grant_role(identity=carol, role="auditor", team=cast.payments(), by=None, now=cast.NOW, valid_until=ended)
        rules(rule("auditors", "auditor"))
        apply(carol, "auditors", now=cast.NOW + timedelta(days=2))
        assert held(carol) == {("auditor", "corp")}
        assert Entry.objects.filter(event="role.lapsed").count() == 1

    def test_an_auditor_by_a_group_looks_in_for_a_time_and_again_while_they_are_in_it(self) -> None:
        mallory = cast.mallory()
        rules(rule("auditors", "auditor"), rule("auditors", "requester"), by=cast.dave())
        long_ago = cast.NOW - timedelta(days=400)
        apply(mallory, "auditors", now=long_ago)
        ends = set(RoleAssignment.objects.filter(identity=mallory).values_list("role", "valid_until"))
        assert ends == {("auditor", long_ago + timedelta(days=366)), ("requester", None)}
        assert held(mallory) == {("requester", "corp")}
        apply(mallory, "auditors")
        assert held(mallory) == {("auditor", "corp"), ("requester", "corp")}

    def test_the_suspended_gain_nothing_and_lose_what_is_over(self) -> None:
        mallory = cast.mallory()
        rules(rule("releasers", "approver:release"), rule("reqs", "requester"))
        apply(mallory, "reqs")
        Identity.objects.filter(pk=mallory.pk).update(status="suspended")
        applied = apply(mallory, "releasers")
        assert applied.withheld == (RELEASES,)
        assert held(mallory) == set()

    def test_what_is_not_there_gives_nothing(self) -> None:
        rules(rule("g", "requester", team="nowhere"), rule("g", "requester", project="nothing"), rule("g", "king"))
        assert apply(cast.mallory(), "g").changes.gained == ()

    def test_refuses_a_provider_that_was_removed(self) -> None:
        gone = make_sso.provider(removed_at=cast.NOW)
        refused("sso.provider_removed", apply, identity=cast.mallory(), provider=gone)


@pytest.mark.django_db
class TestLastAdministrator:
    def test_stays_and_it_is_written_down(self) -> None:
        mallory = cast.mallory()
        rules(rule("admins", "administrator"))
        apply(mallory, "admins")
        applied = apply(mallory)
        assert [str(place) for place in applied.stays] == ["administrator in payments"]
        assert held(mallory) == {("administrator", "corp")}
        assert Entry.objects.filter(event="group_role.kept").count() == 1

    def test_ends_at_the_next_sign_in_once_there_is_another(self) -> None:
        mallory = cast.mallory()
        rules(rule("admins", "administrator"))
        apply(mallory, "admins")
        apply(mallory)
        cast.dave()
        assert apply(mallory).stays == ()
        assert held(mallory) == set()

    def test_stays_when_the_provider_goes(self) -> None:
        rules(rule("admins", "administrator"), rule("reqs", "requester"))
        apply(cast.mallory(), "admins", "reqs")
        ended, stays = end_group_roles(provider=IdentityProvider.objects.get(), now=cast.NOW)
        assert (ended, [str(role.role) for role in stays]) == (1, ["administrator"])


@pytest.mark.django_db
class TestNobodyRaisesThemselves:
    def test_one_gains_nothing_by_a_rule_of_ones_own_whenever_one_joins_the_group(self) -> None:
        dave = cast.dave()
        rules(rule("releasers", "approver:release"), by=dave)
        assert apply(dave, "releasers").withheld == (RELEASES,)
        assert apply(cast.mallory(), "releasers").changes.gained == (RELEASES,)

    def test_one_gains_by_anothers_rule_that_one_carried_over(self) -> None:
        dave = cast.dave()
        rules(rule("releasers", "approver:release"))
        rules(rule("releasers", "approver:release"), rule("reqs", "requester"), by=dave)
        assert apply(dave, "releasers", "reqs").changes.gained == (RELEASES,)

    def test_whoever_registered_somebody_gives_them_no_power_by_a_rule(self) -> None:
        dave, mallory = cast.dave(), Identity.objects.create(
            kind="person", issuer=make_sso.ISSUER, subject="s", name="Made up", registered_by=cast.dave(), created_at=cast.NOW
        )  # fmt: skip
        rules(rule("releasers", "approver:release"), rule("reqs", "requester", project="payments-api"), by=dave)
        applied = apply(mallory, "releasers", "reqs")
        assert (applied.withheld, applied.changes.gained) == ((RELEASES,), (REQUESTS,))
