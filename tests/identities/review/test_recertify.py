"""Programs are looked at again: who may, what is kept of it, what it ends, and when it is due next."""

from __future__ import annotations

from datetime import timedelta
from io import StringIO
from typing import Any

import pytest
from django.core.management import CommandError, call_command

from identities.grants.grant_right import end_grant, grant_right
from identities.lifecycle.change_review_interval import change_review_interval
from identities.lifecycle.change_status import retire_identity
from identities.models import Grant, Identity, Recertification
from identities.review.recertify import recertify_identity
from ledger.models import Entry
from proofs.errors import Refusal
from tests import cast

pytestmark = pytest.mark.django_db
NOW = cast.NOW
DAY = timedelta(days=1)


def current(identity: Identity) -> Identity:
    return Identity.objects.get(pk=identity.pk)


def give(what: str, **more: Any) -> Grant:
    asked = {"right": "attest", "object": what, "reason": "its job", "by": None, "now": NOW}
    return grant_right(**{"identity": cast.runner(), **asked, **more})


def recertify(identity: Identity | None = None, **more: Any) -> Recertification:
    return recertify_identity(**{"identity": identity or cast.runner(), "note": "looked", "by": cast.bob(), "now": NOW + DAY, **more})


def written() -> list[str]:
    return [
        event for event in Entry.objects.order_by("index").values_list("event", flat=True) if event.startswith(("grant.", "identity.rec"))
    ]


class TestRecertify:
    def test_keeps_what_was_held_then_in_words_and_moves_the_next_review(self) -> None:
        runner = cast.runner()
        narrow = give("https://example.test/a", project=cast.payments_api(), valid_until=NOW + 9 * DAY)
        end_grant(grant=give("https://example.test/gone"), reason="x", by=None, now=NOW)
        give("https://example.test/over", valid_until=NOW + DAY)
        assert runner.next_review_at == NOW + 90 * DAY
        made = recertify()
        assert {grant["id"]: grant["words"] for grant in made.grants} == {
            runner.grants.get(object="*").pk: "Attest *",
            narrow.pk: "Attest https://example.test/a for payments-api until 2026-03-11",
        }
        assert (made.by, made.note, made.reviewed_at) == (cast.bob(), "looked", NOW + DAY)
        assert current(runner).next_review_at == NOW + 91 * DAY
        assert written()[-1] == "identity.recertified"

    @pytest.mark.parametrize("by", ["owner", "steward", "operator"])
    def test_owner_steward_and_operator_may(self, by: str) -> None:
        recertify(by={"owner": cast.bob(), "steward": cast.dave(), "operator": None}[by])
        assert Recertification.objects.get().by == (None if by == "operator" else cast.bob() if by == "owner" else cast.dave())

    def test_nobody_else_may_and_nobody_for_themselves(self) -> None:
        runner, dave = cast.runner(), cast.dave()
        elsewhere = cast.person("eve", "Eve", "identity-steward", team=cast.Team.objects.create(slug="other", name="Other"))
        roleless = cast.mallory()
        Identity.objects.filter(pk=runner.pk).update(owner=roleless)
        runner = current(runner)
        for identity, by, code in (
            (runner, cast.alice(), "permission.missing"),
            (runner, cast.bob(), "permission.missing"),
            (runner, roleless, "permission.missing"),
            (runner, elsewhere, "permission.missing"),
            (runner, runner, "identity.oneself"),
            (dave, dave, "identity.oneself"),
            (cast.alice(), dave, "identity.person"),
        ):
            with pytest.raises(Refusal) as refused:
                recertify(identity, by=by)
            assert refused.value.code == code
        assert not Recertification.objects.exists()

    def test_ends_what_is_not_needed_in_the_same_breath(self) -> None:
        gone = give("https://example.test/a")
        made = recertify(by=cast.dave(), end_grants=[gone.pk])
        assert [grant["words"] for grant in made.grants] == ["Attest *"]
        assert Grant.objects.get(pk=gone.pk).ended_at == NOW + DAY
        assert written()[-2:] == ["grant.ended", "identity.recertified"]

    @pytest.mark.parametrize(
        ("change", "code"),
        [
            ({"note": ""}, "identity.reason"),
            ({"note": "x" * 201}, "identity.reason"),
            ({"looked_at": []}, "grant.changed"),
            ({"looked_at": ["grt_other"]}, "grant.changed"),
            ({"end_grants": ["grt_other"]}, "grant.unknown"),
        ],
    )
    def test_what_is_wrong_is_refused_and_nothing_changes(self, change: dict[str, Any], code: str) -> None:
        held = give("https://example.test/a")
        with pytest.raises(Refusal) as refused:
            recertify(**{"by": cast.dave(), "end_grants": [held.pk], **change})
        assert refused.value.code == code
        assert Grant.objects.get(pk=held.pk).ended_at is None and not Recertification.objects.exists()
        assert current(cast.runner()).reviewed_at is None

    def test_an_owner_who_is_no_steward_ends_nothing(self) -> None:
        held = give("https://example.test/a")
        with pytest.raises(Refusal) as refused:
            recertify(by=cast.bob(), end_grants=[held.pk])
        assert refused.value.code == "permission.missing"
        assert Grant.objects.get(pk=held.pk).ended_at is None and not Recertification.objects.exists()

    def test_the_retired_are_left_alone(self) -> None:
        retire_identity(identity=cast.runner(), reason="x", by=None, now=NOW)
        with pytest.raises(Refusal) as refused:
            recertify()
        assert refused.value.code == "identity.retired"


class TestInterval:
    def change(self, days: int, **more: Any) -> Identity:
        asked = {"identity": cast.runner(), "days": days, "reason": "acts in production", "by": cast.dave(), "now": NOW}
        return change_review_interval(**{**asked, **more})

    def test_moves_the_next_review_and_is_in_the_ledger_once(self) -> None:
        for _ in range(2):
            assert self.change(30).next_review_at == NOW + 30 * DAY
        assert Entry.objects.filter(event="identity.review_interval_changed").count() == 1
        assert current(cast.runner()).review_every_days == 30

    def test_stewards_alone_within_a_year_and_for_programs(self) -> None:
        for change, code in (
            ({"days": 0}, "identity.review_interval"),
            ({"days": 367}, "identity.review_interval"),
            ({"by": cast.bob()}, "permission.missing"),
            ({"reason": ""}, "identity.reason"),
            ({"identity": cast.alice()}, "identity.person"),
        ):
            with pytest.raises(Refusal) as refused:
                self.change(**{"days": 30, **change})
            assert refused.value.code == code
        retire_identity(identity=cast.runner(), reason="x", by=None, now=NOW)
        with pytest.raises(Refusal) as refused:
            self.change(30)
        assert refused.value.code == "identity.retired"


class TestCommands:
    def said(self, *words: str) -> str:
        out = StringIO()
        call_command(*words, stdout=out)
        return out.getvalue().strip()

    def test_do_what_the_pages_do(self) -> None:
        runner, gone = cast.runner(), give("https://example.test/a")
        assert "is looked at every 30 days, next on 2026-04-01" in self.said(
            "change_review_interval", runner.pk, "30", "--reason", "acts in production"
        )
        cast.dave()
        said = self.said("recertify_identity", runner.name, "--note", "looked", "--end-grant", gone.pk, "--by", "dave")
        assert "with 1 grants:" in said and said.endswith(": Attest *")
        with pytest.raises(CommandError, match=r"^grant\.unknown: "):
            self.said("recertify_identity", runner.name, "--note", "looked", "--end-grant", gone.pk)
