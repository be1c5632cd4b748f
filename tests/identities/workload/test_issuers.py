"""Token issuers: taken in, given other keys, removed; their keys fetched from a real server, rotated, and not to be had."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from identities.models import TokenIssuer
from identities.workload.exchange import exchange_token
from identities.workload.issuers import (
    ASKED_EVERY,
    BELIEVED_FOR,
    REFRESHED_AFTER,
    add_token_issuer,
    remove_token_issuer,
    replace_issuer_keys,
)
from ledger.models import Entry
from proofs.errors import Refusal
from proofs.tokens.key_set import normalise_keys
from tests import cast
from tests import make_tokens as make
from tests.identities.test_register import refused

pytestmark = pytest.mark.django_db
NOW = cast.NOW
SOON = ASKED_EVERY / 2


def add(**changes: Any) -> TokenIssuer:
    usual = {"url": make.ISSUER, "name": "GitHub Actions", "keys_document": make.key_set(), "by": None, "now": NOW}
    return add_token_issuer(**{**usual, **changes})


class TestAdd:
    def test_with_keys_given_by_hand(self) -> None:
        issuer = add()
        assert (issuer.source, issuer.team, issuer.algorithms) == ("stored", None, ["ES256", "RS256"])
        assert bytes(issuer.keys) == normalise_keys(make.key_set())
        assert Entry.objects.filter(event="token_issuer.added").count() == 1

    def test_one_url_is_one_issuer_until_it_is_removed(self) -> None:
        issuer = add()
        refused("issuer.already_added", add)
        remove_token_issuer(issuer=issuer, by=None, now=NOW)
        assert add().pk != issuer.pk

    @pytest.mark.parametrize(
        "url",
        [
            "http://issuer.example",
            "ftp://issuer.example",
            "issuer.example",
            "",
            "https://",
            "https://u:p@issuer.example",
            "https://issuer.example?x=1",
            "https://issuer.example?",
            "https://issuer.example#x",
            "https://issuer.example/ x",
            "https://issuer.example:99999",
            "https://[::1",
            "https://issuer.example/é",
            "https://issuer.example/" + "x" * 300,
        ],
    )
    def test_refuses_what_is_no_address_of_an_issuer(self, url: str) -> None:
        refused("issuer.url", add, url=url)

    def test_refuses_other_algorithms(self) -> None:
        for algorithms in ([], ["HS256"], ["RS256", "none"]):
            refused("issuer.algorithms", add, algorithms=algorithms)
        assert add(algorithms=["ES256"]).algorithms == ["ES256"]

    def test_refuses_no_name_and_bad_keys(self) -> None:
        refused("issuer.name", add, name=" ")
        refused("jwks.empty", add, keys_document=b'{"keys":[]}')

    def test_stewards_answer_for_their_teams_issuers_and_the_operator_for_the_portals(self) -> None:
        refused("issuer.operator_only", add, by=cast.dave())
        refused("permission.missing", add, by=cast.bob(), team=cast.payments())
        refused("issuer.operator_only", add, by=cast.dave(), team=cast.payments(), may_be_private=True)
        issuer = add(by=cast.dave(), team=cast.payments())
        for act in (remove_token_issuer, replace_issuer_keys):
            keys = {"keys_document": make.key_set()} if act is replace_issuer_keys else {}
            refused("permission.missing", act, issuer=issuer, by=cast.bob(), now=NOW, **keys)
        assert remove_token_issuer(issuer=issuer, by=cast.dave(), now=NOW).removed_at == NOW


class TestStoredKeys:
    def test_are_replaced_as_after_a_rotation(self) -> None:
        issuer = add()
        make.binding(issuer=issuer)
        later = make.key_set(make.jwk(make.rsa_key("second"), "second"))
        replace_issuer_keys(issuer=issuer, keys_document=later, by=None, now=NOW)
        assert exchange_code(make.sign(make.claims(NOW))) == "token.key_unknown"
        token = make.sign(make.claims(NOW), header={"alg": "RS256", "kid": "second"}, key=make.rsa_key("second"))
        assert exchange_code(token) == ""
        assert Entry.objects.filter(event="token_issuer.keys_replaced").count() == 1

    def test_the_same_again_changes_nothing(self) -> None:
        issuer = add()
        entries = Entry.objects.count()
        assert replace_issuer_keys(issuer=issuer, keys_document=make.key_set(), by=None, now=NOW).fetched_at == NOW
        assert Entry.objects.count() == entries

    def test_are_never_fetched_and_never_too_old(self) -> None:
        """The address leads nowhere: a network would be noticed."""
        issuer = add(url="https://nowhere.invalid")
        make.binding(issuer=issuer)
        year = NOW + timedelta(days=365)
        assert exchange_code(make.sign(make.claims(year, iss="https://nowhere.invalid")), now=year) == ""
        other = make.sign(make.claims(year, iss="https://nowhere.invalid"), header={"alg": "RS256", "kid": "x"})
        assert exchange_code(other, now=year) == "token.key_unknown"

    def test_refused_of_a_removed_issuer_and_of_one_that_is_fetched(self) -> None:
        issuer = add()
        remove_token_issuer(issuer=issuer, by=None, now=NOW)
        refused("issuer.removed", replace_issuer_keys, issuer=issuer, keys_document=make.key_set(), by=None, now=NOW)
        refused("issuer.removed", remove_token_issuer, issuer=issuer, by=None, now=NOW)
        with make.platform() as platform:
            fetched = add(url=platform.url, keys_document=None, may_be_private=True)
        refused("issuer.not_stored", replace_issuer_keys, issuer=fetched, keys_document=make.key_set(), by=None, now=NOW)


def exchange_code(token: str, *, now: Any = NOW) -> str:
    """The code a token is refused with; "" when it was exchanged."""
    try:
        exchange_token(unverified_token=token, audience=make.PORTAL, now=now)
    except Refusal as refusal:
        return refusal.code
    return ""


class TestFetchedKeys:
    def bound(self, platform: make.Platform) -> TokenIssuer:
        issuer = add(url=platform.url, keys_document=None, may_be_private=True)
        make.binding(issuer=issuer)
        platform.asked.clear()
        return issuer

    def token(self, platform: make.Platform, now: Any, *, kid: str = "rsa", **changes: Any) -> str:
        said = make.claims(now, iss=platform.url, jti=f"{kid} {now}", **changes)
        return make.sign(said, header={"alg": "RS256", "kid": kid}, key=make.rsa_key(kid))

    def test_are_fetched_when_it_is_taken_in_and_kept(self) -> None:
        with make.platform() as platform:
            self.bound(platform)
            assert exchange_code(self.token(platform, NOW)) == ""
            later = NOW + REFRESHED_AFTER - timedelta(seconds=1)
            assert exchange_code(self.token(platform, later), now=later) == ""
            assert platform.asked == []

    def test_rotation_drops_the_old_key_and_brings_the_new(self) -> None:
        with make.platform() as platform:
            self.bound(platform)
            platform.keys = [make.jwk(make.rsa_key("second"), "second")]
            later = NOW + ASKED_EVERY
            assert exchange_code(self.token(platform, later, kid="second"), now=later) == ""
            assert platform.asked == ["/.well-known/openid-configuration", "/keys"]
            assert exchange_code(self.token(platform, later), now=later) == "token.key_unknown"

    def test_a_dropped_key_is_not_good_after_the_next_refresh(self) -> None:
        with make.platform() as platform:
            self.bound(platform)
            platform.keys = [make.jwk(make.rsa_key("second"), "second")]
            later = NOW + REFRESHED_AFTER
            assert exchange_code(self.token(platform, later), now=later) == "token.key_unknown"

    def test_unknown_names_ask_once_in_a_while_however_many_come(self) -> None:
        with make.platform() as platform:
            self.bound(platform)
            assert exchange_code(self.token(platform, NOW + SOON, kid="x"), now=NOW + SOON) == "token.key_unknown"
            assert platform.asked == [], "it was asked a moment ago"
            later = NOW + ASKED_EVERY
            for number in range(5):
                assert exchange_code(self.token(platform, later, kid=f"x{number % 2}"), now=later) == "token.key_unknown"
            assert len(platform.asked) == 2

    def test_down_with_keys_that_are_fresh_enough(self) -> None:
        with make.platform() as platform:
            self.bound(platform)
        later = NOW + BELIEVED_FOR - timedelta(seconds=1)
        assert exchange_code(self.token(platform, later), now=later) == ""

    def test_down_with_keys_that_are_too_old(self) -> None:
        with make.platform() as platform:
            self.bound(platform)
        later = NOW + BELIEVED_FOR
        for _ in range(2):
            assert exchange_code(self.token(platform, later), now=later) == "token.issuer_unreachable"

    def test_down_and_a_key_nobody_knows(self) -> None:
        with make.platform() as platform:
            self.bound(platform)
        later = NOW + ASKED_EVERY
        assert exchange_code(self.token(platform, later, kid="x"), now=later) == "token.issuer_unreachable"
        assert exchange_code(self.token(platform, later + SOON, kid="x"), now=later + SOON) == "token.issuer_unreachable"
        assert exchange_code(self.token(platform, later + SOON), now=later + SOON) == "", "the key that is known is still good"

    def test_back_again(self) -> None:
        with make.platform() as platform:
            self.bound(platform)
            platform.documents["/keys"] = (503, b"", {})
            later = NOW + BELIEVED_FOR
            assert exchange_code(self.token(platform, later), now=later) == "token.issuer_unreachable"
            platform.documents.clear()
            assert exchange_code(self.token(platform, later), now=later) == "token.issuer_unreachable", "it was asked a moment ago"
            later += ASKED_EVERY
            assert exchange_code(self.token(platform, later), now=later) == ""

    @pytest.mark.parametrize("document", [b'{"keys":[]}', b"x", b'{"keys":[],"keys":[]}', b""])
    def test_nonsense_instead_of_keys_is_no_answer(self, document: bytes) -> None:
        with make.platform() as platform:
            issuer = self.bound(platform)
            platform.documents["/keys"] = (200, document, {})
            later = NOW + ASKED_EVERY
            assert exchange_code(self.token(platform, later, kid="x"), now=later) == "token.issuer_unreachable"
            assert bytes(TokenIssuer.objects.get(pk=issuer.pk).keys) == bytes(issuer.keys)
            assert exchange_code(self.token(platform, later), now=later) == ""

    def test_at_the_door_it_is_503(self, client: Any) -> None:
        from django.utils import timezone

        now = timezone.now()
        with make.platform() as platform:
            make.binding(issuer=add(url=platform.url, keys_document=None, may_be_private=True, now=now - BELIEVED_FOR))
        answer = client.post("/api/v1/token", {"token": self.token(platform, now)}, content_type="application/json")
        assert (answer.status_code, answer.json()["code"]) == (503, "token.issuer_unreachable")
        assert answer["Content-Type"] == "application/problem+json"
