"""What an identity provider's calls do here: people and groups come, change and go, each provider's for itself."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from django.test import Client

from identities.lifecycle.change_status import suspend_identity
from identities.models import HeldGroups, Identity, ProvisionedPerson, RoleAssignment, User
from identities.permissions import list_held_roles
from identities.scim.make_provisioning_token import make_provisioning_token
from identities.scim.revoke_provisioning_token import revoke_provisioning_token
from ledger.models import Entry
from proofs.errors import Conflict, Malformed, NotAllowed
from tests import cast, make_sso
from tests.make_scim import GROUP, PATCH, USER, Provisioning, token_of

pytestmark = pytest.mark.django_db


@pytest.fixture
def corp() -> Provisioning:
    return Provisioning()


def refused(answer: Any) -> tuple[int, str | None, str]:
    """The status, SCIM's word and our code of an error."""
    assert answer["Content-Type"] == "application/scim+json"
    body = answer.json()
    assert body["schemas"] == ["urn:ietf:params:scim:api:messages:2.0:Error"] and body["status"] == str(answer.status_code)
    return answer.status_code, body.get("scimType"), body["detail"].partition(": ")[0]


def row_of(user: dict[str, Any]) -> ProvisionedPerson:
    return ProvisionedPerson.objects.select_related("identity").get(pk=user["id"])


def roles_of(user: dict[str, Any]) -> set[str]:
    return {str(role.role) for role in list_held_roles(row_of(user).identity)}


class TestPeople:
    def test_one_who_is_provisioned_is_registered_and_cannot_use_a_password(self, corp: Provisioning) -> None:
        user = corp.add_user(
            "Erin@Payments.example",
            externalId="00u1",
            name={"givenName": "Erin", "familyName": "Malik"},
            emails=[{"value": "old@payments.example"}, {"value": "erin@payments.example", "primary": True}],
            title="dropped",
            password="never kept",
        )
        identity = row_of(user).identity
        account = cast.account_of(identity)
        assert (identity.issuer, identity.subject, identity.name, identity.status) == (make_sso.ISSUER, "00u1", "Erin Malik", "active")
        assert (account.username, account.email, account.has_usable_password()) == ("erin@payments.example", "erin@payments.example", False)
        assert user["meta"]["version"] == 'W/"1"' and user["meta"]["location"].endswith(f"/scim/v2/Users/{user['id']}")
        assert "title" not in user and "password" not in user
        events = list(Entry.objects.order_by("index").values_list("event", flat=True))
        assert events[-2:] == ["identity.registered", "provisioned_person.added"]

    def test_one_who_came_in_by_sign_in_before_is_the_same_person(self, corp: Provisioning) -> None:
        make_sso.rules(make_sso.rule("developers", "requester"))
        account = make_sso.arrive("00u1", "developers")
        user = corp.add_user("erin", externalId="00u1")
        assert row_of(user).identity == account.identity

    def test_an_account_of_the_portals_own_is_taken_over_by_nobody(self, corp: Provisioning) -> None:
        alice = cast.alice()
        answer = corp.call("post", "Users", {"schemas": [USER], "userName": "ALICE", "externalId": alice.subject})
        assert refused(answer) == (409, "uniqueness", "scim.uniqueness")
        assert not ProvisionedPerson.objects.exists() and Identity.objects.filter(issuer=make_sso.ISSUER).count() == 0

    @pytest.mark.parametrize("again", [{"userName": "ERIN"}, {"userName": "other", "externalId": "00u1"}])
    def test_a_name_or_id_is_one_persons(self, corp: Provisioning, again: dict[str, str]) -> None:
        corp.add_user("erin", externalId="00u1")
        assert refused(corp.call("post", "Users", {"schemas": [USER], **again}))[:2] == (409, "uniqueness")
        other = corp.add_user("third", externalId="00u3")
        answer = corp.patch(f"Users/{other['id']}", {"op": "replace", "value": {"userName": "x", **again}})
        assert refused(answer)[:2] == (409, "uniqueness")

    @pytest.mark.parametrize(
        "operation",
        [
            {"op": "replace", "path": "active", "value": False},
            {"op": "Replace", "path": "active", "value": "False"},
            {"op": "replace", "value": {"active": False}},
            {"op": "Replace", "value": {"active": "False"}},
            {"op": "replace", "path": f"{USER}:active", "value": "false"},
        ],
    )
    def test_every_dialect_deactivates(self, corp: Provisioning, operation: dict[str, Any]) -> None:
        user = corp.add_user()
        answer = corp.patch(f"Users/{user['id']}", operation)
        assert (answer.status_code, answer.json()["active"], answer.json()["meta"]["version"]) == (200, False, 'W/"2"')
        identity = row_of(user).identity
        assert (identity.status, identity.deactivated_at is not None) == ("suspended", True)
        again = corp.patch(f"Users/{user['id']}", operation)
        assert again.json()["meta"]["version"] == 'W/"2"'
        corp.patch(f"Users/{user['id']}", {"op": "replace", "value": {"active": True}})
        assert row_of(user).identity.status == "active"

    def test_a_suspicion_is_lifted_by_no_provider(self, corp: Provisioning) -> None:
        user = corp.add_user()
        identity = row_of(user).identity
        suspend_identity(identity=identity, reason="odd", by=None, now=cast.NOW)
        told = {"schemas": [USER], "userName": "erin@payments.example", "displayName": "Erin", "active": True}
        assert corp.call("put", f"Users/{user['id']}", told).status_code == 200
        assert row_of(user).identity.status == "suspended"
        corp.patch(f"Users/{user['id']}", {"op": "replace", "path": "active", "value": False})
        answer = corp.patch(f"Users/{user['id']}", {"op": "replace", "path": "active", "value": True})
        assert refused(answer)[::2] == (409, "identity.under_suspicion")
        assert (row_of(user).active, row_of(user).identity.status) == (False, "suspended")

    def test_one_is_replaced_and_what_is_left_out_goes(self, corp: Provisioning) -> None:
        user = corp.add_user(displayName="Erin", emails=[{"value": "erin@payments.example"}], externalId="00u1")
        answer = corp.call(
            "put", f"Users/{user['id']}", {"schemas": [USER], "id": "ignored", "userName": "malik", "displayName": "E. Malik"}
        )
        body = answer.json()
        assert (body["userName"], body["displayName"], body["id"]) == ("malik", "E. Malik", user["id"])
        assert "emails" not in body and answer["ETag"] == body["meta"]["version"] == 'W/"2"'
        account = User.objects.get(identity=row_of(user).identity)
        assert (account.username, account.email, account.first_name) == ("malik", "", "E. Malik")

    def test_one_who_is_removed_is_deactivated_and_is_the_same_when_they_come_back(self, corp: Provisioning) -> None:
        user = corp.add_user(externalId="00u1")
        assert corp.call("delete", f"Users/{user['id']}").status_code == 204
        assert refused(corp.call("get", f"Users/{user['id']}"))[0] == 404
        assert refused(corp.call("delete", f"Users/{user['id']}"))[0] == 404
        identity = Identity.objects.get(issuer=make_sso.ISSUER)
        assert identity.deactivated_at is not None
        back = corp.add_user(externalId="00u1")
        assert (row_of(back).identity, back["id"] != user["id"]) == (identity, True)
        assert row_of(back).identity.status == "active"

    @pytest.mark.parametrize(
        ("body", "word"),
        [
            (b"{", "invalidSyntax"),
            (b'{"userName": "a", "userName": "b"}', "invalidSyntax"),
            ([], "invalidSyntax"),
            ({"schemas": [USER]}, "invalidValue"),
            ({"schemas": [USER], "userName": ""}, "invalidValue"),
            ({"schemas": [USER], "userName": "a b"}, "invalidValue"),
            ({"schemas": [USER], "userName": "a\u202eb"}, "invalidValue"),
            ({"schemas": [USER], "userName": "x" * 151}, "invalidValue"),
            ({"schemas": [USER], "userName": "x", "active": "perhaps"}, "invalidValue"),
            ({"schemas": [USER], "userName": "x", "emails": [{"value": "no address"}]}, "invalidValue"),
        ],
    )
    def test_what_cannot_be_taken_is_refused(self, corp: Provisioning, body: Any, word: str) -> None:
        assert refused(corp.call("post", "Users", body))[:2] == (400, word)
        assert not ProvisionedPerson.objects.exists()

    @pytest.mark.parametrize(
        ("operation", "word"),
        [
            ({"op": "remove"}, "noTarget"),
            ({"op": "remove", "path": "userName"}, "mutability"),
            ({"op": "replace", "path": "id", "value": "x"}, "mutability"),
            ({"op": "replace", "value": {"id": "another"}}, "mutability"),
            ({"op": "move", "path": "active"}, "invalidValue"),
            ({"op": "add", "path": "((", "value": "x"}, "invalidPath"),
            ({"op": "replace", "path": "active", "value": "perhaps"}, "invalidValue"),
            ("remove", "invalidSyntax"),
        ],
    )
    def test_a_patch_that_cannot_be_done_changes_nothing(self, corp: Provisioning, operation: Any, word: str) -> None:
        user = corp.add_user()
        answer = corp.patch(f"Users/{user['id']}", {"op": "replace", "path": "displayName", "value": "New"}, operation)
        assert refused(answer)[:2] == (400, word)
        assert row_of(user).version == 1

    def test_a_patch_of_too_many_operations_is_refused(self, corp: Provisioning) -> None:
        user = corp.add_user()
        answer = corp.patch(f"Users/{user['id']}", *[{"op": "replace", "path": "displayName", "value": "New"}] * 201)
        assert refused(answer)[::2] == (413, "scim.too_many")

    def test_addresses_are_patched_where_their_kind_is(self, corp: Provisioning) -> None:
        user = corp.add_user()
        path = 'emails[type eq "work"].value'
        corp.patch(f"Users/{user['id']}", {"op": "Add", "path": path, "value": "one@payments.example"})
        answer = corp.patch(f"Users/{user['id']}", {"op": "replace", "value": {path: "two@payments.example", "displayName": "Erin"}})
        assert answer.json()["emails"] == [{"value": "two@payments.example", "type": "work"}]
        assert User.objects.get(identity=row_of(user).identity).email == "two@payments.example"


class TestVersions:
    def test_a_change_of_an_older_version_is_refused(self, corp: Provisioning) -> None:
        user = corp.add_user()
        rename = {"op": "replace", "path": "displayName", "value": "Erin"}
        assert corp.patch(f"Users/{user['id']}", rename, If_Match='W/"1"').status_code == 200
        assert refused(corp.patch(f"Users/{user['id']}", rename, If_Match='W/"1"'))[::2] == (412, "scim.version")
        assert refused(corp.call("delete", f"Users/{user['id']}", If_Match='W/"9"'))[0] == 412
        assert corp.call("get", f"Users/{user['id']}", If_None_Match='W/"2"').status_code == 304
        assert corp.call("delete", f"Users/{user['id']}", If_Match="*").status_code == 204


class TestGroups:
    def test_what_a_group_gives_comes_and_goes_with_membership_at_once(self, corp: Provisioning) -> None:
        make_sso.rules(make_sso.rule("developers", "requester"), make_sso.rule("release", "approver:release"))
        erin, kim = corp.add_user("erin"), corp.add_user("kim")
        group = corp.add_group("developers", erin["id"])
        assert (roles_of(erin), roles_of(kim)) == ({"requester"}, set())
        assert row_of(erin).identity.team == cast.payments()
        assert HeldGroups.objects.get(identity=row_of(erin).identity).source == "scim"
        at = f"Groups/{group['id']}"
        corp.patch(at, {"op": "Add", "path": "members", "value": [{"value": kim["id"]}]})
        assert roles_of(kim) == {"requester"}
        corp.patch(at, {"op": "remove", "path": f'members[value eq "{erin["id"]}"]'})
        assert (roles_of(erin), roles_of(kim)) == (set(), {"requester"})
        corp.patch(at, {"op": "Remove", "path": "members", "value": [{"value": kim["id"]}]})
        assert roles_of(kim) == set()
        corp.call("put", at, {"schemas": [GROUP], "displayName": "release", "members": [{"value": erin["id"]}]})
        assert roles_of(erin) == {"approver:release"}
        corp.patch(at, {"op": "replace", "value": {"id": group["id"], "displayName": "renamed"}})
        assert roles_of(erin) == set()
        corp.patch(at, {"op": "replace", "path": "displayName", "value": "developers"})
        assert corp.call("get", f"Users/{erin['id']}").json()["groups"][0]["display"] == "developers"
        assert corp.call("delete", at).status_code == 204
        assert roles_of(erin) == set() and refused(corp.call("get", at))[0] == 404

    def test_whoever_is_let_act_again_gets_back_what_their_groups_give(self, corp: Provisioning) -> None:
        make_sso.rules(make_sso.rule("developers", "requester"))
        erin = corp.add_user("erin")
        corp.add_group("developers", erin["id"])
        corp.patch(f"Users/{erin['id']}", {"op": "replace", "value": {"active": False}})
        assert roles_of(erin) == set()
        corp.patch(f"Users/{erin['id']}", {"op": "replace", "value": {"active": True}})
        assert roles_of(erin) == {"requester"}

    @pytest.mark.parametrize("members", [[{"value": "nobody"}], [{"value": ""}], [{"value": "x", "type": "Group"}]])
    def test_only_the_providers_own_users_are_members(self, corp: Provisioning, members: list[dict[str, str]]) -> None:
        answer = corp.call("post", "Groups", {"schemas": [GROUP], "displayName": "developers", "members": members})
        assert refused(answer)[:2] == (400, "invalidValue")

    def test_a_name_is_one_groups(self, corp: Provisioning) -> None:
        corp.add_group("developers")
        other = corp.add_group("others")
        assert refused(corp.call("post", "Groups", {"schemas": [GROUP], "displayName": "developers"}))[:2] == (409, "uniqueness")
        answer = corp.patch(f"Groups/{other['id']}", {"op": "replace", "path": "displayName", "value": "developers"})
        assert refused(answer)[:2] == (409, "uniqueness")


class TestLists:
    def test_are_filtered_and_paged(self, corp: Provisioning) -> None:
        for number in range(5):
            corp.add_user(f"user{number}", externalId=f"X{number}", displayName=f"User {number}")

        def found(query: str) -> list[str]:
            return [each["userName"] for each in corp.call("get", f"Users?{query}").json()["Resources"]]

        assert found('filter=userName eq "USER1"') == ["user1"]
        assert found('filter=externalId eq "X2"') == ["user2"] and found('filter=externalId eq "x2"') == []
        assert found('filter=displayName eq "user 3" and userName eq "user3"') == ["user3"]
        assert found(f'filter={USER}:userName eq "user4"') == ["user4"]
        page = corp.call("get", "Users?startIndex=2&count=2").json()
        assert [page[name] for name in ("totalResults", "startIndex", "itemsPerPage")] == [5, 2, 2]
        assert [each["userName"] for each in page["Resources"]] == ["user1", "user2"]
        assert corp.call("get", "Users?count=0").json()["Resources"] == []
        shown = corp.call("get", "Users?attributes=userName&count=1").json()["Resources"][0]
        assert set(shown) == {"schemas", "id", "userName"}
        group = corp.add_group("developers", corp.call("get", "Users").json()["Resources"][0]["id"])
        assert (
            "members" not in corp.call("get", 'Groups?filter=displayName eq "developers"&excludedAttributes=members').json()["Resources"][0]
        )
        assert corp.call("get", f"Groups/{group['id']}").json()["members"][0]["type"] == "User"

    @pytest.mark.parametrize(
        "text",
        [
            'userName co "x"', 'userName eq "x" or userName eq "y"', "userName pr", 'not (userName eq "x")', "userName eq 5", 'nickName eq "x"',
            'emails[type eq "work"]', 'emails.value eq "x"', "userName eq", 'userName eq "x" and', 'urn:other:userName eq "x"', "(" * 300, "x" * 1001,
            " and ".join(['userName eq "x"'] * 11),
        ],
    )  # fmt: skip
    def test_any_other_filter_is_refused(self, corp: Provisioning, text: str) -> None:
        answer = corp.client.get("/scim/v2/Users", {"filter": text}, headers={"Authorization": f"Bearer {corp.secret}"})
        assert refused(answer)[:2] == (400, "invalidFilter")

    @pytest.mark.parametrize("query", ["count=x", "startIndex=1.5", "count=99999999999"])
    def test_a_page_that_is_no_number_is_refused(self, corp: Provisioning, query: str) -> None:
        assert refused(corp.call("get", f"Users?{query}"))[:2] == (400, "invalidValue")


class TestWhoMayCall:
    def test_a_provider_finds_its_own_people_alone(self, corp: Provisioning) -> None:
        mine, group = corp.add_user("erin"), corp.add_group("developers")
        other = Provisioning(make_sso.provider("other", issuer="https://other.example"))
        for path in (f"Users/{mine['id']}", f"Groups/{group['id']}"):
            for method in ("get", "delete"):
                assert refused(other.call(method, path))[0] == 404
            assert refused(other.patch(path, {"op": "replace", "path": "displayName", "value": "x"}))[0] == 404
        assert other.call("get", "Users").json()["totalResults"] == 0
        answer = other.call("post", "Groups", {"schemas": [GROUP], "displayName": "developers", "members": [{"value": mine["id"]}]})
        assert refused(answer)[:2] == (400, "invalidValue")
        other.add_group("developers")

    @pytest.mark.parametrize("how", ["none", "wrong", "expired", "revoked", "removed provider", "program's", "session"])
    def test_nobody_else_gets_in(self, how: str, client: Client) -> None:
        token, secret = token_of()
        headers = {"Authorization": f"Bearer {secret}"}
        if how in ("none", "session"):
            headers = {}
        if how == "session":
            client.force_login(cast.account_of(cast.dave()))
        if how == "wrong":
            headers = {"Authorization": f"Bearer {secret}x"}
        if how == "program's":
            headers = {"Authorization": f"Bearer {cast.token_of(cast.runner())}"}
        if how == "expired":
            then = cast.NOW
            _, secret = make_provisioning_token(provider=token.provider, expires_at=then + timedelta(days=1), by=None, now=then)
            headers = {"Authorization": f"Bearer {secret}"}
        if how == "revoked":
            revoke_provisioning_token(token=token, by=None, now=cast.NOW)
        if how == "removed provider":
            type(token.provider).objects.update(removed_at=cast.NOW)
        for path in ("Users", "ServiceProviderConfig", "nothing", "Users/x"):
            answer = client.get(f"/scim/v2/{path}", headers=headers)
            assert (refused(answer)[0], answer["WWW-Authenticate"]) == (401, 'Bearer realm="countersign-scim"')

    def test_the_token_opens_nothing_else_and_its_use_is_noted(self, client: Client) -> None:
        token, secret = token_of()
        headers = {"Authorization": f"Bearer {secret}", "Accept": "application/json"}
        assert client.get("/api/v1/attestations", headers=headers).status_code == 401
        assert client.get("/scim/v2/Users", headers=headers).status_code == 200
        token.refresh_from_db()
        assert token.last_used_at is not None

    def test_one_token_calls_only_so_often(self, corp: Provisioning, settings: Any) -> None:
        settings.API_CALLS_PER_MINUTE = 1
        # Four calls stand in two minutes at most.
        late = next(answer for answer in [corp.call("get", "Users") for _ in range(4)] if answer.status_code != 200)
        assert refused(late)[::2] == (429, "rate.limited") and late["Retry-After"]

    def test_what_is_not_done_says_so(self, corp: Provisioning) -> None:
        assert refused(corp.call("post", "Bulk", {}))[::2] == (501, "scim.not_done")
        assert refused(corp.call("get", "Elsewhere"))[0] == 404
        assert refused(corp.call("delete", "Users"))[0] == 405
        assert refused(corp.call("post", "Users", "{}", kind="text/plain"))[0] == 415
        assert refused(corp.call("post", "Users", b"x" * (1024 * 1024 + 1)))[0] == 413
        assert refused(corp.call("get", "Schemas?filter=x"))[0] == 403
        assert corp.call("get", f"Schemas/{GROUP}").json()["id"] == GROUP
        assert corp.call("get", "ResourceTypes/User").json()["endpoint"] == "/Users"
        assert PATCH.endswith("PatchOp")


class TestTokens:
    def test_are_made_by_whoever_may_change_the_provider(self) -> None:
        now = datetime.now(UTC)
        provider = make_sso.provider()
        make_sso.rules(make_sso.rule("developers", "requester"))
        token, secret = make_provisioning_token(provider=provider, expires_at=now + timedelta(days=1), by=cast.dave(), now=now)
        assert secret.startswith("csp_") and token.secret_sha256 not in secret
        for person in (cast.alice(), cast.person("ann", "Ann Roe", "administrator", team=None, project=cast.payments_api())):
            with pytest.raises(NotAllowed):
                make_provisioning_token(provider=provider, expires_at=now + timedelta(days=1), by=person, now=now)
            with pytest.raises(NotAllowed):
                revoke_provisioning_token(token=token, by=person, now=now)
        revoke_provisioning_token(token=token, by=cast.dave(), now=now)
        with pytest.raises(Conflict):
            revoke_provisioning_token(token=token, by=cast.dave(), now=now)
        assert list(Entry.objects.filter(event__startswith="provisioning_token").values_list("event", flat=True)) == [
            "provisioning_token.made",
            "provisioning_token.revoked",
        ]

    @pytest.mark.parametrize("days", [0, 367])
    def test_always_expire_and_are_few(self, days: int) -> None:
        now = datetime.now(UTC)
        with pytest.raises(Malformed):
            make_provisioning_token(provider=make_sso.provider(), expires_at=now + timedelta(days=days), by=None, now=now)
        if days:
            for _ in range(5):
                token_of()
            with pytest.raises(Conflict):
                token_of()


def test_a_deactivated_teams_last_administrator_is_written_down(corp: Provisioning) -> None:
    make_sso.rules(make_sso.rule("admins", "administrator"))
    erin = corp.add_user("erin")
    corp.add_group("admins", erin["id"])
    assert roles_of(erin) == {"administrator"}
    corp.patch(f"Users/{erin['id']}", {"op": "replace", "value": {"active": False}})
    assert not RoleAssignment.objects.filter(ended_at__isnull=True).exists()
    assert Entry.objects.filter(event="team.without_administrator").exists()


def test_whoever_made_the_token_gains_no_power_by_the_groups_it_brings() -> None:
    make_sso.rules(
        make_sso.rule("admins", "administrator"), make_sso.rule("release", "approver:release"), make_sso.rule("developers", "requester")
    )
    erin = make_sso.arrive("s-erin", "admins").identity
    now = datetime.now(UTC)
    _, secret = make_provisioning_token(provider=make_sso.provider(), expires_at=now + timedelta(days=1), by=erin, now=now)
    corp = Provisioning(secret=secret)
    herself, kim = corp.add_user("erin", externalId="s-erin"), corp.add_user("kim")
    for group in ("admins", "developers", "release"):
        corp.add_group(group, herself["id"], kim["id"])
    assert roles_of(herself) == {"administrator", "requester"}
    assert roles_of(kim) == {"administrator", "requester", "approver:release"}
    make_sso.arrive("s-erin", groups=None)
    assert roles_of(herself) == {"administrator", "requester"}
