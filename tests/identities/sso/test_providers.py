"""Providers are added, changed and removed by those whose teams they touch; their secrets are sealed; rules and the switch lock nobody out."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from django.contrib.sessions.backends.db import SessionStore
from django.contrib.sessions.models import Session

from identities.models import GroupRules, Identity, IdentityProvider, LocalSignIn, RoleAssignment, SignInEvent, Team, User
from identities.providers import active_providers, find_provider, is_local_sign_in_allowed
from identities.seal import client_secret_of, seal, unseal
from identities.sso.add_provider import add_provider
from identities.sso.change_provider import change_provider
from identities.sso.described import Described, describe, read_certificates
from identities.sso.group_roles import apply_groups, read_rules
from identities.sso.remove_provider import remove_provider
from identities.sso.saml_metadata import read_metadata
from identities.sso.set_group_rules import set_group_rules
from identities.sso.switch_local_sign_in import switch_local_sign_in
from ledger.models import Entry
from proofs.errors import Refusal
from tests import cast, make_sso
from tests.identities.test_register import refused
from tests.make_sso import described, rule

pytestmark = pytest.mark.django_db
LATER = cast.NOW + timedelta(hours=1)


def add(by: Identity | None = None, slug: str = "corp", **more: Any) -> IdentityProvider:
    return add_provider(slug=slug, said=described(**more), by=by, now=cast.NOW)


def change(row: IdentityProvider, by: Identity | None = None, **more: Any) -> IdentityProvider:
    return change_provider(provider=row, said=described(**{"client_secret": None, **more}), by=by, now=LATER)


def other_administrator() -> Identity:
    return cast.person("sina", "Sina", "administrator", team=Team.objects.get_or_create(slug="search", defaults={"name": "Search"})[0])


def session_of(account: User, *records: dict[str, Any]) -> str:
    store = SessionStore()
    store["_auth_user_id"], store["account_authentication_methods"] = str(account.pk), list(records)
    store.create()
    return str(store.session_key)


class TestSeal:
    def test_only_the_same_key_and_the_same_row_open_it(self, settings: Any) -> None:
        sealed = seal("s3cret", owner="idp_1")
        assert b"s3cret" not in sealed
        assert seal("s3cret", owner="idp_1") != sealed
        assert unseal(sealed, owner="idp_1") == "s3cret"
        refused("sso.secret_unreadable", unseal, sealed=sealed, owner="idp_2")
        refused("sso.secret_unreadable", unseal, sealed=sealed[:20], owner="idp_1")
        refused("sso.secret_unreadable", unseal, sealed=b"\x02" + sealed[1:], owner="idp_1")
        settings.SECRET_KEY = "another one, " * 5
        refused("sso.secret_unreadable", unseal, sealed=sealed, owner="idp_1")


class TestAdd:
    def test_keeps_what_was_said_and_seals_the_secret(self) -> None:
        row = add(cast.dave(), scope=("openid", "groups"))
        assert client_secret_of(row) == "s3cret"
        assert b"s3cret" not in bytes(row.sealed_secret or b"")
        assert describe(row) == described(client_secret=None, scope=("openid", "groups"))
        assert active_providers() == [row] == [find_provider("corp")]
        assert Entry.objects.filter(event="identity_provider.added").count() == 1

    def test_a_saml_provider_by_its_metadata(self) -> None:
        read = read_metadata(make_sso.metadata(make_sso.certificate()))
        said = Described(name="S", protocol="saml", issuer=read.entity_id, sso_url=read.sso_url, certificates=read.certificates,
                         attributes={"username": "uid"}, name_id_format="emailAddress")  # fmt: skip
        row = add_provider(slug="saml", said=said, by=None, now=cast.NOW)
        assert row.config["sso_url"] == f"{make_sso.ISSUER}/sso"
        assert row.config["username_attribute"] == "uid"
        assert row.config["name_id_format"] == "urn:oasis:names:tc:SAML:1.1:nameid-format:emailAddress"
        assert describe(row) == said

    @pytest.mark.parametrize(
        ("code", "more"),
        [
            ("sso.slug", {"slug": "Corp"}), ("sso.slug", {"slug": "local"}), ("sso.slug", {"slug": "password"}), ("sso.provider", {"protocol": "ldap"}),
            ("sso.provider", {"name": ""}), ("sso.issuer", {"issuer": ""}), ("sso.issuer", {"issuer": "HTTP://localhost:8000/"}),
            ("issuer.url", {"issuer": "http://idp.example"}), ("sso.provider", {"client_id": ""}), ("sso.provider", {"scope": ("a b",)}),
            ("sso.provider", {"client_secret": "x" * 1001}), ("sso.operator_only", {"may_be_private": True}),
            ("sso.certificate", {"protocol": "saml", "sso_url": "https://a.example/"}),
            ("sso.provider", {"protocol": "saml", "sso_url": "http://a.example/"}),
            ("sso.certificate", {"protocol": "saml", "sso_url": "https://a.example/", "certificates": ("AAAA",)}),
        ],
    )  # fmt: skip
    def test_refuses_what_is_no_provider(self, code: str, more: dict[str, Any]) -> None:
        refused(code, add, by=cast.dave(), **more)

    def test_what_counts_as_two_factors_is_said_by_the_operator_alone(self) -> None:
        refused("sso.operator_only", add, by=cast.dave(), second_factor=("two",))
        row = add(second_factor=("two",))
        assert row.config["second_factor"] == ["two"]
        refused(
            "sso.operator_only", change_provider, provider=row, said=replace(describe(row), second_factor=()), by=cast.dave(), now=LATER
        )
        kept = change_provider(provider=row, said=replace(describe(row), name="Corp"), by=cast.dave(), now=LATER)
        assert kept.config["second_factor"] == ["two"]

    @pytest.mark.parametrize("who", ["alice", "bob", "carol", "olga"])
    def test_refuses_whoever_is_no_administrator(self, who: str) -> None:
        refused("permission.missing", add, by=getattr(cast, who)())

    def test_refuses_an_administrator_of_one_project(self) -> None:
        refused("permission.missing", add, by=cast.person("pat", "Pat", "administrator", project=cast.payments_api()))

    def test_refuses_an_issuer_or_a_short_name_twice(self) -> None:
        row = add()
        refused("sso.already_added", add, slug="again")
        remove_provider(provider=row, by=None, now=LATER)
        refused("sso.slug_taken", add)
        assert add(slug="again").issuer == row.issuer

    def test_refuses_the_issuer_of_other_teams_people(self) -> None:
        make_sso.rules(make_sso.rule("releasers", "approver:release"))
        make_sso.arrive("s-erin", "releasers")
        IdentityProvider.objects.update(removed_at=cast.NOW)
        refused("sso.reach", add, by=other_administrator(), slug="mine")

    @pytest.mark.parametrize("text", ["", "<a/>", "not xml", '<!DOCTYPE a [<!ENTITY b "c">]><a>&b;</a>', "<a>" * 3])
    def test_refuses_metadata_that_is_none(self, text: str) -> None:
        refused("sso.metadata", read_metadata, text=text)

    @pytest.mark.parametrize("part", ["<KeyDescriptor", "HTTP-Redirect", "<IDPSSODescriptor"])
    def test_refuses_metadata_that_lacks_something(self, part: str) -> None:
        whole = make_sso.metadata(make_sso.certificate())
        refused("sso.metadata", read_metadata, text=whole.replace(part, "<Other" if part[0] == "<" else "other"))

    def test_refuses_the_issuer_of_other_teams_people_who_have_no_role_yet(self) -> None:
        theirs = {"kind": "person", "issuer": make_sso.ISSUER, "subject": "s-erin", "name": "Erin", "created_at": cast.NOW}
        erin = Identity.objects.create(team=cast.payments(), **theirs)
        refused("sso.reach", add, by=other_administrator(), slug="mine")
        Identity.objects.filter(pk=erin.pk).update(status="retired")
        assert add(other_administrator(), "mine")

    def test_refuses_certificates_that_are_none(self) -> None:
        refused("sso.certificate", read_certificates, text="nothing")
        refused("sso.certificate", read_certificates, text="")


class TestChange:
    def test_changes_and_keeps_the_secret(self) -> None:
        row = change(add(), by=cast.dave(), name="Corp", groups_claim="roles")
        assert (row.name, row.groups_claim, row.changed_at, client_secret_of(row)) == ("Corp", "roles", LATER, "s3cret")

    def test_the_same_again_changes_nothing(self) -> None:
        assert change(add(), client_secret="s3cret").changed_at == cast.NOW
        assert not Entry.objects.filter(event="identity_provider.changed").exists()

    def test_a_secret_that_cannot_be_read_any_more_is_taken_anew(self, settings: Any) -> None:
        row = add()
        settings.SECRET_KEY = "another one, " * 5
        assert client_secret_of(change(row, client_secret="s3cret")) == "s3cret"

    def test_refuses_what_may_not_change(self) -> None:
        row = add(admits_unregistered=True)
        refused(
            "sso.protocol",
            change,
            row=row,
            protocol="saml",
            sso_url="https://a.example",
            certificates=read_certificates(make_sso.certificate()),
        )
        other = add(slug="other", issuer="https://other.example")
        refused("sso.already_added", change, row=other)
        make_sso.rules(make_sso.rule("releasers", "approver:release"))
        make_sso.arrive("s-erin", "releasers")
        refused("sso.issuer_in_use", change, row=row, issuer="https://new.example")
        refused("sso.reach", change, row=row, by=other_administrator(), name="Mine")
        IdentityProvider.objects.filter(pk=row.pk).update(removed_at=cast.NOW)
        refused("sso.provider_removed", change, row=row, name="Late")

    def test_a_private_address_is_not_moved_by_whoever_did_not_allow_it(self) -> None:
        there = {"issuer": "https://10.0.0.1/idp", "may_be_private": True}
        row = add(**there)
        refused("sso.operator_only", change, row=row, by=cast.dave(), **{**there, "issuer": "http://127.0.0.1:6379"})
        assert change(row, cast.dave(), **there, name="Ours").name == "Ours"
        assert change(row, None, **{**there, "issuer": "https://10.0.0.2"}).issuer == "https://10.0.0.2"

    def test_what_the_file_set_only_the_file_changes(self) -> None:
        row = add_provider(slug="corp", said=described(), by=None, now=cast.NOW, source="file")
        refused("sso.from_file", change, row=row, by=cast.dave(), name="Mine")
        refused("sso.from_file", remove_provider, provider=row, by=cast.dave(), now=LATER)
        refused("sso.from_file", set_group_rules, provider=row, rules=[], seen=0, by=cast.dave(), now=LATER)


class TestRemove:
    def test_ends_what_came_with_it(self) -> None:
        row = add(admits_unregistered=True)
        make_sso.rules(rule("releasers", "approver:release"))
        erin, dave = make_sso.arrive("s-erin", "releasers", provider=row), cast.dave()
        theirs = session_of(erin, {"method": "socialaccount", "provider": "corp", "at": 1})
        others = session_of(cast.account_of(dave), {"method": "password", "at": 1})
        done = remove_provider(provider=row, by=dave, now=LATER)
        assert (done.roles, done.sessions, done.stays) == (1, 1, ())
        assert not RoleAssignment.objects.held().filter(identity=erin.identity).exists()
        assert set(Session.objects.values_list("pk", flat=True)) == {others} != {theirs}
        row.refresh_from_db()
        assert (row.removed_at, row.sealed_secret) == (LATER, None)
        refused("sso.provider_removed", remove_provider, provider=row, by=dave, now=LATER)
        refused("sso.provider_unknown", find_provider, slug="corp")


class TestRules:
    def set(self, *wanted: dict[str, Any], seen: int = 0, by: Identity | None = None) -> GroupRules | None:
        cast.payments_api()
        return set_group_rules(provider=make_sso.provider(), rules=list(wanted), seen=seen, by=by, now=LATER)

    def test_writes_the_next_version_whole(self) -> None:
        made = self.set(rule("releasers", "approver:release"), by=cast.dave())
        assert made is not None
        assert (made.version, made.made_by, made.rules) == (1, cast.dave(), [rule("releasers", "approver:release")])
        assert self.set(rule("releasers", "approver:release"), seen=1, by=cast.dave()) is None
        assert self.set(seen=1) is not None
        assert read_rules(make_sso.provider()).version == 2
        assert Entry.objects.filter(event="group_rules.set").count() == 2

    def test_refuses_what_was_written_over_another_version(self) -> None:
        self.set(rule("a", "requester"))
        refused("sso.rules_changed", self.set, by=cast.dave())

    @pytest.mark.parametrize(
        "wanted", [rule("a", "king"), rule("a", "requester", team="nowhere"), rule("a", "requester", project="nothing")], ids=str
    )
    def test_refuses_what_there_is_not(self, wanted: dict[str, Any]) -> None:
        with pytest.raises(Refusal, match=r"sso\.rules_unknown"):
            self.set(wanted)

    def test_refuses_other_teams_rules_and_carries_them_over(self) -> None:
        sina = other_administrator()
        with pytest.raises(Refusal, match=r"sso\.other_team"):
            self.set(rule("a", "requester"), by=sina)
        self.set(rule("a", "requester"))
        with pytest.raises(Refusal, match=r"sso\.other_team"):
            self.set(seen=1, by=sina)
        assert self.set(rule("a", "requester"), rule("a", "requester", team="search"), seen=1, by=sina) is not None

    def test_refuses_a_rule_by_which_one_raises_oneself(self) -> None:
        dave = cast.dave()
        make_sso.rules()
        apply_groups(identity=dave, provider=make_sso.provider(), groups=["releasers", "admins"], source="scim", now=cast.NOW)
        with pytest.raises(Refusal, match=r"role\.self_grant"):
            self.set(rule("releasers", "approver:release"), seen=1, by=dave)
        assert self.set(rule("admins", "administrator"), seen=1, by=dave) is not None

    def test_refuses_whoever_is_no_administrator(self) -> None:
        with pytest.raises(Refusal, match=r"permission\.missing"):
            self.set(by=cast.alice())


class TestLocalSwitch:
    def switch(self, allowed: bool = False, by: Identity | None = None, now: Any = LATER, key: str = "") -> Any:
        return switch_local_sign_in(allowed=allowed, by=by, now=now, session_key=key)

    def test_goes_off_once_an_administrator_came_in_and_ends_local_sessions(self) -> None:
        erin, dave = make_sso.administrator_came_in(now=LATER), cast.dave()
        mine = session_of(cast.account_of(dave), {"method": "password", "at": 1})
        session_of(cast.account_of(cast.alice()), {"method": "mfa", "at": 1})
        theirs = session_of(cast.account_of(erin), {"method": "socialaccount", "provider": "corp", "at": 1}, {"method": "mfa", "at": 2})
        done = self.switch(by=dave, key=mine)
        assert (done.changed, done.sessions) == (True, 1)
        assert set(Session.objects.values_list("pk", flat=True)) == {mine, theirs}
        assert not is_local_sign_in_allowed()
        assert self.switch(by=dave).changed is False
        assert LocalSignIn.objects.count() == 1

    def test_refuses_without_a_provider(self) -> None:
        refused("sso.not_proved", self.switch, by=cast.dave())

    def test_refuses_what_nobody_has_tried(self) -> None:
        make_sso.provider()
        refused("sso.not_proved", self.switch, by=cast.dave())
        refused("sso.not_proved", self.switch)

    @pytest.mark.parametrize("fault", ["old", "changed since", "elsewhere", "failed", "suspended", "no administrator", "another person"])
    def test_refuses_what_proves_nothing(self, fault: str) -> None:
        erin = make_sso.administrator_came_in(now=LATER)
        cast.dave()
        now = LATER
        if fault == "old":
            now = LATER + timedelta(days=31)
        elif fault == "changed since":
            IdentityProvider.objects.update(changed_at=LATER + timedelta(seconds=1))
        elif fault == "suspended":
            Identity.objects.filter(pk=erin.pk).update(status="suspended")
        elif fault == "no administrator":
            RoleAssignment.objects.filter(identity=erin).update(ended_at=LATER)
        else:
            was = SignInEvent.objects.get()
            SignInEvent.objects.all().delete()
            told = {"elsewhere": {"via": "password"}, "failed": {"outcome": "failed"}, "another person": {"identity": cast.alice()}}[fault]
            fields = {"identity": erin, "outcome": "signed_in", "via": "corp", "username": was.username, "happened_at": LATER, **told}
            SignInEvent.objects.create(**fields)
        refused("sso.not_proved", self.switch, by=cast.dave(), now=now)

    def test_the_last_provider_that_works_stays_while_it_is_off(self) -> None:
        make_sso.administrator_came_in(now=LATER)
        self.switch()
        row = find_provider("corp")
        dave = cast.dave()
        refused("sso.last_provider", remove_provider, provider=row, by=dave, now=LATER)
        refused("sso.last_provider", change, row=row, by=dave, name="Other")
        refused("sso.last_provider", remove_provider, provider=row, by=None, now=LATER)
        assert self.switch(True).changed
        assert remove_provider(provider=row, by=dave, now=LATER).stays == ()

    def test_refuses_whoever_is_no_administrator(self) -> None:
        refused("permission.missing", self.switch, by=cast.olga())

    def test_refuses_an_administrator_whose_teams_are_not_all_that_have_such_accounts(self) -> None:
        make_sso.administrator_came_in(now=LATER)
        dave, search = cast.dave(), other_administrator()
        refused("sso.reach", self.switch, by=search)
        refused("sso.reach", self.switch, by=dave)
        assert self.switch().changed
        refused("sso.reach", self.switch, allowed=True, by=search)
        assert self.switch(True).changed
        Identity.objects.filter(pk=search.pk).update(status="retired")
        RoleAssignment.objects.filter(identity=search).update(ended_at=LATER)
        assert self.switch(by=dave).changed
